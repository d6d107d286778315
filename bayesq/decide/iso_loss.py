"""Sizes that reach one and the same loss, by the bits of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.evidence import evidence
from bayesq.decide.nats import Nats
from bayesq.decide.options import over_options
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import interval, needs, number, share_in_words
from bayesq.decide.room import width_in_words, width_of_bits, width_of_kinds
from bayesq.decide.same_loss import sizes_of_one_loss
from bayesq.decide.solve import log10
from bayesq.decide.widths import Widths, ask_widths, read_bits
from bayesq.errors import BayesqError
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior
from bayesq.notes import Note, by_severity
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_NAME = "iso_loss"
_NEAR = Nats(float(np.log(1.02)), "2% of its memory")
_GB = 8e9


@over_laws
def iso_loss(
    fit: Posterior,
    *,
    bits: float | str | Sequence[float] | None = None,
    loss: float | str | None = None,
    N: float | str | None = None,
    base: Posterior | None = None,
    scale_bits: float | None = None,
    zero_bits: float = 0.0,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the size that reaches a loss at each of several widths, and what it takes as stored.

    Where bits act as a smaller effective size (Kumar et al. 2024, arXiv:2411.04330, equation 3),
    these are the sizes of equal effective parameters. Of any law it is asked of the loss itself, at
    the given tokens; one of exponent and mantissa bits has the best split of each width, whole or
    not.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or one efficiency a compression; or a paper's
        constants.
    bits : float, str or sequence of float, optional
        Widths of the weights, ``[3, 4, 8, 16]``; 16 is full precision. By default those that were
        measured and 16, or 3, 4, 5, 6, 8 and 16; of a law of compressions, all of them.
    loss : float or str, optional
        Nats per token that are to be reached.
    N : float or str, optional
        In place of `loss`: parameters of a network whose loss is to be reached, in full precision
        unless the setting gives its ``w_bits``.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    scale_bits, zero_bits : float
        Bits of the scale and of the zero point that each group stores; by default scales of 16
        bits, of 8 for MXFP and NVFP formats, and no zero points. They count where the question
        tells the group, as ``group=128`` or ``w_group=128``.
    discrepancy : bool
        False for the law's own formula.
    **scenario
        What else is held: ``D="100B", group=128``. Where the law knows bits of several operands,
        those that are not given share the width.

    Returns
    -------
    Decision
        A dataset of ``N`` (parameters) and ``memory`` (GB of 10^9 bytes, embeddings not counted),
        along ``bits`` or the kinds of the law; infinite where no size that was searched reaches the
        loss, 0 where the least does. ``choices`` has for each the probability of taking the least
        memory, and the expected regret in per cent of it.

    Raises
    ------
    BayesqError
        If there is not one target, or the law knows no widths or no N.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("kumar2024-qat")
    >>> answer = bayesq.decide.iso_loss(paper, N="1B", D="20B", bits=[4, 16])
    >>> round(float(answer.draws["N"].sel(bits=4)) / 1e9, 2)
    1.9
    """
    if (loss is None) is (N is None):
        raise BayesqError(
            f"{_NAME} needs one target: loss= in nats per token, or N= of a network whose loss is "
            "to be reached."
        )
    fit = joined(fit, base)
    needs(fit, "loss", "N")
    rest, reference = _reference(fit, scenario)
    if reference is not None and N is None:
        raise BayesqError(
            f"With loss= there is no reference network of {reference:g} bits; give the widths to "
            "compare as bits=."
        )
    asked = None if bits is None else read_bits("bits", bits)
    known: dict[str, Any] = {"free": ("N",), "name": _NAME, "discrepancy": discrepancy}
    widths = ask_widths(fit, asked, rest, **known)
    if N is None:
        target = number("loss", loss)
        size, _, ends = sizes_of_one_loss(widths, target)
        goal = f"a loss of {target:g}"
    else:
        model = ask_widths(fit, [reference or float(FULL_PRECISION_BITS)], rest, **known)
        if len(model.names) > 1:
            raise BayesqError(
                f"Several formats of {fit.title} have {reference:g} bits: "
                f"{'; '.join(map(str, model.names))}; give the loss= of the one that is meant."
            )
        like = number("N", N)
        size, reached, ends = sizes_of_one_loss(widths, (model, like))
        goal = f"the loss of {format_count(like)} at {model.called(0)}"
        goal += f", {interval(reached, lambda v: f'{v:.4g}')},"
    draws = _draws(widths, size, scale_bits, zero_bits)
    return _decision(widths, draws, ends, goal, (scale_bits, zero_bits))


def _reference(fit: Posterior, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Take the bits of the reference's weights out of a setting."""
    own = {i.symbol for i in fit.law.inputs_of("loss") if i.columns[0] == "w_bits" and i.alias}
    given = [k for k in scenario if k in {"w_bits", *own}]
    if len(given) > 1:
        raise BayesqError(f"{' and '.join(given)} say the same; leave one of them out.")
    rest = {k: v for k, v in scenario.items() if k not in given}
    return rest, number(given[0], scenario[given[0]]) if given else None


def _draws(
    widths: Widths, size: xr.DataArray, scale_bits: float | None, zero_bits: float
) -> xr.Dataset:
    bits = xr.DataArray(widths.bits, dims="width")
    if widths.dim == "bits":
        stored = width_of_bits(bits, widths.question, scale_bits, zero_bits)
    else:
        stored = width_of_kinds(bits, [str(n) for n in widths.names], scale_bits, zero_bits)
    memory = size * stored / _GB
    found = {"N": size.assign_attrs(units="parameters"), "memory": memory.assign_attrs(units="GB")}
    return widths.named(xr.Dataset(found)).transpose("chain", "draw", ...)


def _decision(
    widths: Widths,
    draws: xr.Dataset,
    ends: tuple[float, float],
    goal: str,
    stored: tuple[float | None, float],
) -> Decision:
    dim, memory = widths.dim, draws["memory"]
    options = over_options(log10(memory.where(memory > 0)) * np.log(10.0), dim, _NEAR)
    said: list[str] = []
    notes: list[Note] = []
    for i, name in enumerate(widths.names):
        size, room = draws["N"].sel({dim: name}), memory.sel({dim: name})
        found = np.isfinite(size) & (size > 0)
        notes += widths.at(i).notes({"N": float(size.where(found).median())})
        if found.any():
            # A size that is the reference's own differs from it by round-off.
            count = interval(10.0 ** log10(size).round(6), unit="parameters", searched=ends)
            count += f", {_in_bytes(float(room.where(found).median()))}"
        else:
            count = f"no size up to {format_count(ends[1])}"
        said.append(f"{widths.called(i)}, by {count}")
    symbols = (*widths.symbols, "N")
    where = widths.question.where(*symbols)
    table, beyond = options.table, draws["N"] == np.inf
    if beyond.all():
        text = f"{where}no size up to {format_count(ends[1])} reaches {goal.rstrip(',')}, at any width."
    else:
        text = f"{where}{goal} is reached at {'; at '.join(said)}."
        short = float(beyond.any(dim).mean())
        if 0 < short < 1:
            text += f" In {share_in_words(short)} of the draws not every width reaches it."
        if len(table) > 1:
            text += _least_memory(widths, draws, table, stored)
    choices = pd.DataFrame(
        {name: draws[name].median(("chain", "draw")).to_series() for name in ("N", "memory")}
    ).join(table[["probability_best", "probability_near", "expected_regret_percent"]])
    seen = evidence(widths.question, "loss", symbols)
    return Decision(
        draws,
        text,
        by_severity(_one_a_code(notes)),
        choices=choices,
        evidence=None if seen is None else seen.table,
    )


def _least_memory(
    widths: Widths, draws: xr.Dataset, table: pd.DataFrame, stored: tuple[float | None, float]
) -> str:
    best = widths.called(widths.names.index(table.index[0]))
    of_bits = widths.dim == "bits"
    text = f" {best[0].upper()}{best[1:]} {'take' if of_bits else 'takes'} the least memory"
    if draws.sizes["chain"] * draws.sizes["draw"] > 1:
        text += f" in {share_in_words(float(table['probability_best'].iloc[0]))} of the draws"
    how = width_in_words(widths.question, *stored) if of_bits else "with the scales of each"
    return f"{text}, {how}."


def _in_bytes(gigabytes: float) -> str:
    unit, size = ("GB", 1.0) if gigabytes >= 1 else ("MB", 1e-3)
    return f"{gigabytes / size:.3g} {unit}"


def _one_a_code(notes: Sequence[Note]) -> list[Note]:
    """Keep of each code the note of the most severe width."""
    found: dict[str, Note] = {}
    for note in by_severity(notes):
        found.setdefault(note.code, note)
    return list(found.values())
