"""The bits of least loss under a budget of compute or of memory."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.evidence import evidence
from bayesq.decide.kinds import ask_kinds, numbered, weight_bits
from bayesq.decide.least_loss import Budget, LeastLoss
from bayesq.decide.nats import Nats, read_nats
from bayesq.decide.optimum import FEWEST, MOST, digits_of, formats_of_bits, open_bits
from bayesq.decide.options import over_list, over_options
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Setting, read_risk
from bayesq.decide.room import Room, kinds_in_words
from bayesq.decide.words import as_bits, interval, share_in_words
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior


@over_laws
def optimal_precision(
    fit: Posterior,
    /,
    *,
    compute: float | str | None = None,
    memory: float | str | None = None,
    N: float | str | None = None,
    D: float | str | None = None,
    embeddings: float | str = 0.0,
    scale_bits: float | None = None,
    zero_bits: float = 0.0,
    base: Posterior | None = None,
    tolerance: float | str = 0.005,
    risk: float | None = None,
    discrepancy: bool = True,
    closed_form: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the bits P* of least loss under compute = (6/16) N D P, or in a memory.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or one efficiency a compression; or a paper's
        constants.
    compute : float or str, optional
        Floating-point operations of training, where one in P bits costs P/16. With it N, or D, or
        neither is given; what is not given is free.
    memory : float or str, optional
        What all weights take as they are stored, scales included, in place of `compute`:
        ``"24GB"``, ``"24GiB"``, or a number of bits. Then D is given and N is free.
    embeddings : float or str
        With `memory`: parameters that stay in 16 bits beside the N, ``"262M"``.
    scale_bits, zero_bits : float
        With `memory`: bits of the scale and of the zero point that each group stores; by default
        scales of 16 bits, of 8 for MXFP and NVFP formats, and no zero points. They count where the
        question tells the group, as ``group=128`` or ``w_group=128``.
    N, D : float or str, optional
        Parameters or tokens that are fixed.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float or str
        How far above the least loss counts as near: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the whole bits, or the compression, that cost least
        above the best with all but that probability.
    discrepancy : bool
        False for the law's own formula, as papers work it out.
    closed_form : bool
        Whether to use the law's closed form, where it has one and its formula is asked.
    **scenario
        What else is fixed, such as ``kv_bits=16`` or ``group=128``. Where the law knows bits of
        several operands, those that are not given share the answer.

    Returns
    -------
    Decision
        Bits for each draw, between 1 and 16 and not rounded; NaN where the loss is least at 1 or
        16. For a law with one efficiency a compression, the bits of the best one. ``choices``
        lists whole bits, or compressions, by what they cost above the best, ``near_optimal`` those
        within `tolerance`.

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
    within, risk = read_nats("tolerance", tolerance), read_risk(risk)
    fit = joined(fit, base)
    fit.law.check_formula()
    budget = Budget.read(compute, Room.read(memory, embeddings, scale_bits, zero_bits), N, D)
    held = {k: v for k, v in (("N", budget.size), ("D", budget.tokens)) if v is not None}
    setting = Setting(fit, {**scenario, **held}, "optimal_precision", discrepancy)
    if fit.law.base is None:
        raise BayesqError(f"Law {fit.law.name} knows no quantization; ask a law that does.")
    if budget.compute is not None and fit.law.stages == ("post",):
        raise BayesqError(
            f"Law {fit.law.name} is about quantization after training, whose bits do not change "
            "the compute of training; give memory= and D=."
        )
    if fit.law.levels_of("loss"):
        if budget.room is None:
            raise BayesqError(
                f"Law {fit.law.name} has one efficiency a compression; give memory= and D=, or ask "
                "optimal_format."
            )
        return _among_kinds(setting, budget, budget.room, within, risk)
    inputs = open_bits(fit, scenario)
    if not inputs:
        raise BayesqError(
            f"Law {fit.law.name} leaves no bits to choose; ask a law with bits among its inputs, "
            "and do not give them."
        )
    _check_open(fit, budget, inputs)
    question = setting.ask("loss", {*inputs, "N", "D"} - set(held))
    formats = formats_of_bits(question, inputs)
    loss = LeastLoss.of(question, budget, formats, knots.bits(question, inputs))
    answer = loss.best_bits(closed_form).rename("bits").assign_attrs(units="bits")
    without = float(answer.isnull().mean())
    where = question.where(*inputs)
    if without == 1:
        ends = [loss(xr.DataArray(end)) for end in (FEWEST, MOST)]
        text = f"{where}{budget}, no number of bits between 1 and 16 is best: there is no optimum."
        if np.isfinite(ends[0]).any() and np.isfinite(ends[1]).any():
            least = share_in_words(float((ends[0] < ends[1]).mean()))
            text += f" The loss is less at 1 bit than at 16 in {least} of the draws."
        return Decision(answer, text, question.notes({}))
    bits = xr.DataArray(np.arange(2.0, MOST + 1), dims="bits")
    options = over_options(loss(bits).assign_coords(bits=bits.values.astype(int)), "bits", within)
    text = f"{where}{budget}, {interval(answer, as_bits, 'bits')} give the least loss"
    text += f"; {options.words('bits')}."
    if without:
        text += f" In {share_in_words(without)} of the draws there is no optimum from 1 to 16 bits."
    text += options.safe(risk)
    if budget.room is not None:
        text += f" The weights are counted as stored, {budget.room.stored.words(question)}."
    size, tokens = loss.sizes(answer)
    chosen = {"N": size, "D": tokens} | formats(answer)
    at = {k: float(v.median()) for k, v in chosen.items() if isinstance(v, xr.DataArray)}
    seen = evidence(replace(question, inputs=question.inputs | at), "loss", tuple(inputs))
    return options.decision(answer, text, question.notes(at, seen.apart()), seen.table)


def _check_open(fit: Posterior, budget: Budget, free: list[str]) -> None:
    """Refuse a question in which the bits that the budget pays for are not the ones to choose."""
    known = fit.law.inputs_of("loss")
    post = [i for i in of_role(known, "post_bits") if i.symbol in free]
    if post and budget.compute is not None:
        raise BayesqError(
            "Bits after training do not change the compute of training; give memory= and D=."
        )
    if post or digits_of(fit.law):
        return
    paid = ("w_bits",) if budget.room is not None else ("w_bits", "a_bits")
    for i in of_role(known, "bits"):
        column = (i.accounts_for or i.columns)[0]
        if column in paid and i.symbol not in free:
            what = "memory" if budget.room is not None else "compute"
            raise BayesqError(
                f"The {what} is counted in the bits that are to be chosen, and {column} is given; "
                "leave it out, or ask predict for the loss at given bits."
            )


def _among_kinds(
    setting: Setting, budget: Budget, room: Room, tolerance: Nats, risk: float | None
) -> Decision:
    fit = setting.fit
    question, symbol, kinds = ask_kinds(setting, ["N"])
    kinds = [kind for kind in kinds if kind.name or kind.w_bits < MOST]
    if not kinds:
        raise BayesqError(f"{fit.title} has no such compression that quantizes the weights.")
    numbers = numbered(fit, symbol, {kind.label: kind for kind in kinds}, symbol)
    sizes = room.sizes(room.stored.width_of_kinds(kinds, symbol))
    loss = over_list(question, {symbol: numbers, "N": sizes}, symbol)
    options = over_options(loss, symbol, tolerance)
    best = loss.argmin(symbol)
    answer = weight_bits(kinds, symbol).isel({symbol: best}).rename("bits")
    answer = answer.assign_attrs(units="bits")
    text = f"{question.where()}{budget}, {options.words('compression')}."
    text += options.safe(risk)
    text += f" The weights are counted as stored, {kinds_in_words(kinds)}."
    at = {"N": float(sizes.isel({symbol: best}).median())}
    seen = evidence(replace(question, inputs=question.inputs | at), "loss", (symbol,))
    return options.decision(answer, text, question.notes(at), seen.table)
