"""What share of its size a quantized network keeps, and what size buys the loss back."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision, answers
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting
from bayesq.decide.solve import crossing
from bayesq.decide.words import interval, share_in_words, short
from bayesq.errors import BayesqError
from bayesq.law.formulas import arguments_of, call
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

# A network that keeps less than a billionth of its size, or must grow as much, has no equal.
_FORMULA = np.linspace(-9.0, 9.0, 3)
_REACH, _KNOTS = 3.0, 61  # decades of a bent curve, to either side


@over_laws
def effective_parameters(
    fit: Posterior,
    /,
    *,
    base: Posterior | None = None,
    discrepancy: bool = True,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the size in full precision that a quantized network is worth, and its inverse.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a quantization law, or a paper's constants.
    base : Posterior, optional
        A fit of its base law, where `fit` is of the degradation alone.
    discrepancy : bool
        False for the law's own formula.
    closed_form : bool
        Whether to take the law's own effective size, where it has one and its formula is asked.
    **scenario
        One setting: ``N="1B", D="100B", w_bits=4``. For a law with one efficiency a compression,
        all compressions are answered for where none is named, and N and D are not needed: without
        them the answer is the law's own parameter.

    Returns
    -------
    Decision
        A dataset of ``eff``, the share of N that a full-precision network of equal loss has, and
        ``multiplier``, the factor by which N must grow for the quantized network to reach the loss
        of full precision. NaN where no size does.

    Raises
    ------
    BayesqError
        If the law has no base, or the setting lacks an input.
    """
    fit = joined(fit, base)
    if fit.law.base is None:
        raise BayesqError(
            f"Law {fit.law.name} knows no quantization, so its parameters are all effective; ask a "
            "law that does."
        )
    kinds = fit.law.levels_of("loss")
    columns = {c for found in kinds.values() for c in found.columns} | set(kinds)
    names = {} if columns & set(scenario) else fit.levels
    # An efficiency that is a parameter is the answer of the formula, whatever N and D are.
    known = closed_form and "effective_parameters" in fit.law.closed
    if known and not {"N", "D"} <= set(scenario):
        discrepancy = False
    free = [*names, *(s for s in ("N", "D") if known and s not in scenario)]
    setting = Setting(fit, scenario, "effective_parameters", discrepancy)
    question = setting.ask("loss", free, whole=not known)
    at: dict[str, Any] = {
        s: xr.DataArray(np.arange(len(labels)), dims=s, coords={s: labels})
        for s, labels in names.items()
    }
    own = _own(question, at) if closed_form else None
    eff, multiplier = _searched(question, at) if own is None else (own, 1 / own)
    draws = answers(eff=(eff, "1"), multiplier=(multiplier, "1"))
    notes = question.notes({}, along=["N"] if own is None else [])
    return Decision(draws, _text(question, draws, names), notes)


def _own(question: Question, at: dict[str, Any]) -> xr.DataArray | None:
    """Take the share that the law itself says is kept, where N alone is what it changes."""
    fit = question.fit
    if question.bent:
        return None
    found: xr.DataArray | None = question.closed("effective_parameters", **at)
    if found is not None or set(fit.law.effective) != {"N"}:
        return found
    formula = fit.law.effective["N"]
    values = fit.values_at({**question.inputs, **at})
    if any(a not in values for a in arguments_of(formula)):
        return None
    kept: xr.DataArray = call(formula, values) / question.inputs["N"]
    return kept


def _searched(question: Question, at: dict[str, Any]) -> tuple[xr.DataArray, xr.DataArray]:
    size = question.inputs["N"]
    decades = np.linspace(-_REACH, _REACH, _KNOTS) if question.bent else _FORMULA
    options = {s: np.arange(float(v.size)) for s, v in at.items()}
    knots = {"quantized": np.array([0.0, 1.0]), **options, "decades": decades}

    def inputs(quantized: Any, decades: Any, **kinds: Any) -> dict[str, Any]:
        return {**kinds, "quantized": quantized, "N": size * 10.0**decades}

    curve = question.curve("loss", knots, inputs)

    def full(decades: Any) -> xr.DataArray:
        # Without quantization a kind changes nothing: any one will do.
        return curve(quantized=0.0, decades=decades, **dict.fromkeys(at, 0.0))

    def quantized(decades: Any) -> xr.DataArray:
        return curve(quantized=1.0, decades=decades, **at)

    target, wanted = quantized(0.0), full(0.0)
    low, high = decades[0], decades[-1]
    grid = decades if question.bent else None
    kept = crossing(lambda back: full(-back) - target, low, high, grid)
    if grid is not None:
        # Decades above the data a misfit can raise the loss of larger networks over the target; the
        # size that is asked for lies below this one all the same.
        smaller = grid[grid >= -1e-9]
        kept = kept.fillna(crossing(lambda back: full(-back) - target, smaller[0], high, smaller))
    grown = crossing(lambda on: wanted - quantized(on), low, high, grid)
    # Beyond what was searched it keeps less, or must grow more.
    kept = kept.fillna(xr.where(full(-high) < target, np.inf, np.nan))
    grown = grown.fillna(xr.where(quantized(high) > wanted, np.inf, np.nan))
    return 10.0**-kept, 10.0**grown


def _text(question: Question, draws: xr.Dataset, names: dict[str, list[str]]) -> str:
    where = question.where()
    if names:
        (kind, labels), *_ = names.items()
        middle = draws["eff"].median(("chain", "draw"))
        middle = middle.median([d for d in middle.dims if d != kind])
        order = np.argsort(middle.values)
        best, worst = labels[int(order[-1])], labels[int(order[0])]
        return (
            f"{where}{len(labels)} compressions keep between {short(float(middle.min()))} "
            f"({worst}) and {short(float(middle.max()))} ({best}) of the size."
        )
    eff, multiplier = draws["eff"], draws["multiplier"]
    if eff.isnull().all():
        return f"{where}no network in full precision has that loss."
    reach = _REACH if question.bent else _FORMULA[-1]
    ends = (float(10.0**-reach), float(10.0**reach))
    text = f"{where}{interval(eff, short, searched=ends, among=draws)} of the size counts"
    if none := float(eff.isnull().mean()):
        text += f" (in {share_in_words(none)} of the draws no size that was searched has that loss)"
    if not np.isfinite(multiplier).any():
        return f"{text}; no size that was searched buys the loss back."
    back = interval(multiplier, short, searched=ends, among=draws)
    text += f"; {back} times the size buys the loss back."
    without = float((~np.isfinite(multiplier)).mean())
    more = f" In {share_in_words(without)} of the draws no size that was searched does."
    return text + (more if without else "")
