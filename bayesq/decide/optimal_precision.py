"""The bits of least loss under a budget of compute or of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.kinds import ask_kinds, numbered
from bayesq.decide.optimum import (
    FEWEST,
    MOST,
    best_sizes,
    cost_per_pair,
    formats_of_bits,
)
from bayesq.decide.options import OverOptions, over_options
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import (
    Question,
    as_bits,
    ask,
    bits_inputs,
    interval,
    number,
    share_in_words,
)
from bayesq.decide.solve import minimise
from bayesq.errors import BayesqError
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior
from bayesq.law.levels import bits_of
from bayesq.runs.counts import format_count

_ENDS = (xr.DataArray(FEWEST), xr.DataArray(MOST))
_COARSE = 46  # points of N inside a search over bits


@over_laws
def optimal_precision(
    fit: Posterior,
    *,
    compute: float | str | None = None,
    memory: float | str | None = None,
    N: float | str | None = None,
    D: float | str | None = None,
    base: Posterior | None = None,
    tolerance: float = 0.005,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the bits P* of least loss under compute = (6/16) N D P, or under memory = N P.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or one efficiency a compression; or a paper's
        constants.
    compute : float or str, optional
        Floating-point operations of training, where one in P bits costs P/16. With it N, or D, or
        neither is given; what is not given is free.
    memory : float or str, optional
        Bits of all weights together, N * P, in place of `compute`; then D is given and N is free.
    N, D : float or str, optional
        Parameters or tokens that are fixed.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float
        Nats per token above the least loss that count as near.
    closed_form : bool
        Whether to use the law's closed form, where it has one.
    **scenario
        What else is fixed, such as ``kv_bits=16`` or ``group=128``. Where the law knows bits of
        several operands, those that are not given share the answer.

    Returns
    -------
    Decision
        Bits for each draw, between 1 and 16 and not rounded; NaN where the loss is least at 1 or
        16. For a law with one efficiency a compression, the bits of the best one. ``near_optimal``
        lists whole bits, or compressions, by what they cost above the best.

    Raises
    ------
    BayesqError
        If the budget is not one of these, or the law has no bits to choose.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("sun2025")
    >>> answer = bayesq.decide.optimal_precision(paper, compute=1e21, D="100B", group=128)
    >>> round(float(answer.draws.median()), 2)
    4.27
    """
    tolerance = number("tolerance", tolerance)
    fit = joined(fit, base)
    fit.law.check_formula()
    budget = _Budget.read(compute, memory, N, D)
    if fit.law.base is None:
        raise BayesqError(f"Law {fit.law.name} knows no quantization; ask a law that does.")
    if budget.compute is not None and fit.law.stages == ("post",):
        raise BayesqError(
            f"Law {fit.law.name} is about quantization after training, whose bits do not change "
            "the compute of training; give memory= and D=."
        )
    if fit.law.levels_of("loss"):
        if budget.memory is None:
            raise BayesqError(
                f"Law {fit.law.name} has one efficiency a compression; give memory= and D=, or ask "
                "optimal_format."
            )
        return _among_kinds(fit, budget, scenario, tolerance)
    inputs = [i.symbol for i in bits_inputs(fit, scenario)]
    if {"E", "M"} <= {i.symbol for i in fit.law.own_inputs}:
        inputs = ["E", "M"]
    if not inputs:
        raise BayesqError(
            f"Law {fit.law.name} leaves no bits to choose; ask a law with bits among its inputs, "
            "and do not give them."
        )
    _check_open(fit, budget, inputs)
    held = {k: v for k, v in (("N", budget.size), ("D", budget.tokens)) if v is not None}
    free = {*inputs, "N", "D"} - set(held)
    question = ask(fit, {**scenario, **held}, "loss", free=free, name="optimal_precision")
    formats = formats_of_bits(question, inputs)
    found = _bits(question, budget, formats, closed_form)
    answer = found.rename("bits").assign_attrs(units="bits")
    without = float(answer.isnull().mean())
    where = question.where(*inputs)
    if without == 1:
        ends = [budget.sizes(_loss(question, formats, b), b)[2] for b in _ENDS]
        text = f"{where}{budget}, no number of bits between 1 and 16 is best: there is no optimum."
        if np.isfinite(ends[0]).any() and np.isfinite(ends[1]).any():
            least = share_in_words(float((ends[0] < ends[1]).mean()))
            text += f" The loss is less at 1 bit than at 16 in {least} of the draws."
        return Decision(answer, text, question.notes({}))
    options = _whole_bits(question, budget, formats, tolerance)
    text = f"{where}{budget}, {interval(answer, as_bits, 'bits')} give the least loss"
    text += f"; {options.words('bits')}."
    if without:
        text += f" In {share_in_words(without)} of the draws there is no optimum from 1 to 16 bits."
    size, tokens, _ = budget.sizes(_loss(question, formats, answer), answer)
    chosen = {"N": size, "D": tokens} | formats(answer)
    at = {k: float(v.median()) for k, v in chosen.items() if isinstance(v, xr.DataArray)}
    return Decision(answer, text, question.notes(at), options.near)


def _check_open(fit: Posterior, budget: _Budget, free: list[str]) -> None:
    """Refuse a question in which the bits that the budget pays for are not the ones to choose."""
    if "E" in free or "P_post" in free:
        if "P_post" in free and budget.compute is not None:
            raise BayesqError(
                "Bits after training do not change the compute of training; give memory= and D=."
            )
        return
    paid = ("w_bits",) if budget.memory is not None else ("w_bits", "a_bits")
    for i in fit.law.inputs_of("loss"):
        column = (i.accounts_for or i.columns)[0]
        if i.alias == "bits" and column in paid and i.symbol not in free:
            what = "memory" if budget.memory is not None else "compute"
            raise BayesqError(
                f"The {what} is counted in the bits that are to be chosen, and {column} is given; "
                "leave it out, or ask predict for the loss at given bits."
            )


@dataclass(frozen=True)
class _Budget:
    """What binds N, D and bits together; None is not given."""

    compute: float | None
    memory: float | None
    size: float | None
    tokens: float | None

    @staticmethod
    def read(compute: Any, memory: Any, N: Any, D: Any) -> _Budget:
        given = {"compute": compute, "memory": memory, "N": N, "D": D}
        read = {k: number(k, v) if v is not None else None for k, v in given.items()}
        if (read["compute"] is None) == (read["memory"] is None):
            raise BayesqError("optimal_precision needs one budget: compute= or memory=.")
        if read["compute"] is not None and None not in (read["N"], read["D"]):
            raise BayesqError(
                "With compute= either N= or D= may be given; with both of them, nothing is left "
                "to choose."
            )
        if read["memory"] is not None and (read["N"] is not None or read["D"] is None):
            raise BayesqError("With memory= give D= and leave N= out: it follows from the bits.")
        return _Budget(read["compute"], read["memory"], read["N"], read["D"])

    def __str__(self) -> str:
        if self.memory is not None:
            return f"with {format_count(self.memory)} bits of weights"
        return f"with {self.compute:.3g} FLOP"

    def sizes(self, loss: Callable[..., xr.DataArray], bits: Any) -> tuple[Any, Any, xr.DataArray]:
        """Work out N, D and the loss at a number of bits."""
        if self.memory is not None:
            n, d = self.memory / bits, self.tokens
            return n, d, loss(N=n)
        assert self.compute is not None
        pairs = self.compute / cost_per_pair(bits)
        if self.size is not None:
            return self.size, pairs / self.size, loss(D=pairs / self.size)
        if self.tokens is not None:
            return pairs / self.tokens, self.tokens, loss(N=pairs / self.tokens)
        n, least = best_sizes(loss, pairs, _COARSE)
        return n, pairs / n, least


def _bits(
    question: Question, budget: _Budget, formats: Callable[..., Any], closed_form: bool
) -> xr.DataArray:
    # The closed form of the papers is for a fixed D.
    if closed_form and budget.compute is not None and budget.tokens is not None:
        found: xr.DataArray | None = question.closed("optimal_precision")
        if found is not None:
            return found.where((found > FEWEST) & (found < MOST))

    def loss(bits: xr.DataArray) -> xr.DataArray:
        return budget.sizes(_loss(question, formats, bits), bits)[2]

    return minimise(loss, FEWEST, MOST, points=31)[0]


def _loss(
    question: Question, formats: Callable[..., Any], bits: xr.DataArray
) -> Callable[..., xr.DataArray]:
    at = formats(bits)
    return lambda **more: question.evaluate("loss", **at, **more)


def _whole_bits(
    question: Question, budget: _Budget, formats: Callable[..., Any], tolerance: float
) -> OverOptions:
    bits = xr.DataArray(np.arange(2.0, MOST + 1), dims="bits")
    bits = bits.assign_coords(bits=bits.values.astype(int))
    loss = budget.sizes(_loss(question, formats, bits), bits)[2]
    return over_options(loss, "bits", tolerance)


def _among_kinds(
    fit: Posterior, budget: _Budget, scenario: dict[str, Any], tolerance: float
) -> Decision:
    asked = {**scenario, "D": budget.tokens}
    question, kind, labels = ask_kinds(fit, asked, ("N",), "optimal_precision")
    labels = [label for label in labels if bits_of(label) < MOST]
    if not labels:
        raise BayesqError(f"{fit.title} has no such compression that quantizes the weights.")
    numbers, bits = numbered(fit, kind, {label: label for label in labels}, kind)
    at = {kind: numbers}
    loss = budget.sizes(lambda **more: question.evaluate("loss", **at, **more), bits)[2]
    options = over_options(loss, kind, tolerance)
    answer = bits.isel({kind: loss.argmin(kind)}).drop_vars(kind).rename("bits")
    text = f"{question.where()}{budget}, {options.words('compression')}."
    size = {"N": float(budget.memory / answer.median()) if budget.memory else np.nan}
    return Decision(answer.assign_attrs(units="bits"), text, question.notes(size), options.near)
