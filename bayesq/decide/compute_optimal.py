"""The size and the tokens of least loss at a budget of compute."""

from __future__ import annotations

from typing import Any

import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.optimum import best_sizes, cost_per_pair
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import (
    ask,
    interval,
    needs,
    number,
    share_in_words,
    short,
)
from bayesq.decide.solve import log10, near
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior

_REACH = 12.0  # decades of N searched to either side of the optimum
_STEP = 0.05  # decades of compute to either side, for the exponents


@over_laws
def compute_optimal(
    fit: Posterior,
    *,
    compute: float | str,
    base: Posterior | None = None,
    tolerance: float = 0.005,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find N* and D* of least loss under compute = 6 N D, and how they grow with compute.

    Where bits are to be chosen too, ask :func:`bayesq.decide.optimal_precision`.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a base law, or of a quantization law at one format; or a paper's constants.
    compute : float or str
        Floating-point operations.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float
        Nats per token above the least loss that count as near.
    closed_form : bool
        Whether to use the law's closed form, where it has one.
    **scenario
        The format, for a quantization law: ``w_bits=4, a_bits=4``.

    Returns
    -------
    Decision
        A dataset of ``N`` (parameters), ``D`` (tokens), and the exponents ``a`` and ``b`` with
        which they grow with compute around the budget; NaN where there is no optimum.
        ``near_optimal`` has the ends of the range of N within `tolerance`.

    Raises
    ------
    BayesqError
        If the law lacks N or D, or the setting lacks an input.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("chinchilla")
    >>> answer = bayesq.decide.compute_optimal(paper, compute=5.76e23)
    >>> round(answer.draws["a"].item(), 3)
    0.513
    """
    budget = number("compute", compute)
    tolerance = number("tolerance", tolerance)
    fit = joined(fit, base)
    needs(fit, "loss", "N", "D")
    question = ask(fit, scenario, "loss", free=("N", "D"), name="compute_optimal")

    def sizes(compute: float) -> tuple[xr.DataArray, xr.DataArray]:
        found = question.closed("compute_optimal", compute=compute) if closed_form else None
        if found is not None:
            return found["N"], found["D"]
        pairs = compute / cost_per_pair()
        size, _ = best_sizes(lambda **at: question.evaluate("loss", **at), pairs, 121)
        return size, pairs / size

    size, tokens = sizes(budget)
    ends = [sizes(budget * 10.0**step)[0] for step in (-_STEP, _STEP)]
    a = (log10(ends[1]) - log10(ends[0])) / (2 * _STEP)
    draws = xr.Dataset(
        {
            "N": size.assign_attrs(units="parameters"),
            "D": tokens.assign_attrs(units="tokens"),
            "a": a.assign_attrs(units="1"),
            "b": (1 - a).assign_attrs(units="1"),
        }
    )
    without = float(size.isnull().mean())
    where = question.where()
    if without == 1:
        text = f"{where}no size is best: there is no optimum."
        return Decision(draws, text, question.notes({}))
    text = (
        f"{where}{interval(size, unit='parameters')} and {interval(tokens, unit='tokens')} give "
        f"the least loss for {budget:.3g} FLOP; the size grows with compute to the power "
        f"{interval(a, short)}."
    )
    if without:
        text += f" In {share_in_words(without)} of the draws there is no optimum."
    at = {"N": float(size.median()), "D": float(tokens.median())}
    best, pairs = log10(size), budget / cost_per_pair()

    def loss(log_n: xr.DataArray) -> xr.DataArray:
        return question.evaluate("loss", N=10.0**log_n, D=pairs / 10.0**log_n)

    around = near(loss, best, best - _REACH, best + _REACH, tolerance, "N")
    return Decision(draws, text, question.notes(at), around)
