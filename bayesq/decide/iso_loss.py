"""Sizes that reach one and the same loss, by the bits of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision, answers, median
from bayesq.decide.evidence import evidence
from bayesq.decide.options import over_costs
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Setting, needs, number
from bayesq.decide.room import Stored, kinds_in_words
from bayesq.decide.same_loss import sizes_of_one_loss
from bayesq.decide.solve import log10
from bayesq.decide.widths import Widths, ask_widths, read_bits
from bayesq.decide.words import capital, interval, share_in_words
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.notes import worst_of_each
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_NAME = "iso_loss"
_GB = 8e9


@over_laws
def iso_loss(
    fit: Posterior,
    /,
    *,
    bits: float | str | Sequence[float] | None = None,
    loss: float | str | None = None,
    N: float | str | None = None,
    base: Posterior | None = None,
    scale_bits: float | str | None = None,
    zero_bits: float | str = 0.0,
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
    scale_bits, zero_bits : float or str, optional
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
        memory, that of reaching the loss, the expected regret in per cent of the least memory,
        which is infinite where that of reaching is below 1, and the medians. A size that is less
        than was searched is compared as the least that was.

    Raises
    ------
    BayesqError
        If there is not one target, or the law knows no widths or no N.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("kumar2024-qat")
    >>> answer = bayesq.decide.iso_loss(paper, N="1B", D="20B", bits=[4, 16])
    >>> round(answer.draws["N"].sel(bits=4).item() / 1e9, 2)
    1.57
    """
    if (loss is None) is (N is None):
        raise BayesqError(
            f"{_NAME} needs one target: loss= in nats per token, or N= of a network whose loss is "
            "to be reached."
        )
    stored = Stored.read(scale_bits, zero_bits)
    fit = joined(fit, base)
    needs(fit, "loss", "N")
    rest, reference = _reference(fit, scenario)
    if reference is not None and N is None:
        raise BayesqError(
            f"With loss= there is no reference network of {reference:g} bits; give the widths to "
            "compare as bits=."
        )
    asked = None if bits is None else read_bits("bits", bits)
    setting = Setting(fit, rest, _NAME, discrepancy)
    widths = ask_widths(setting, asked, ["N"])
    if N is None:
        target = number("loss", loss)
        size, _, ends = sizes_of_one_loss(widths, target)
        goal = f"a loss of {target:g}"
    else:
        wide = float(FULL_PRECISION_BITS) if reference is None else reference
        model = ask_widths(setting, [wide], ["N"])
        if len(model.names) > 1:
            raise BayesqError(
                f"Several formats of {fit.title} have {wide:g} bits: "
                f"{'; '.join(map(str, model.names))}; give the loss= of the one that is meant."
            )
        like = number("N", N)
        size, reached, ends = sizes_of_one_loss(widths, (model, like))
        goal = f"the loss of {format_count(like)} at {model.called(0)}"
        goal += f", {interval(reached, lambda v: f'{v:.4g}', among=size)},"
    told = _tell(widths, size, ends, goal, stored)
    return told if N is not None else replace(told, level=target)


def _reference(fit: Posterior, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Take the bits of the reference's weights out of a setting."""
    bits = of_role(fit.law.inputs_of("loss"), "bits", "post_bits")
    own = {i.symbol for i in bits if i.columns[0] == "w_bits"}
    given = [k for k in scenario if k in {"w_bits", *own}]
    if len(given) > 1:
        raise BayesqError(f"{' and '.join(given)} say the same; leave one of them out.")
    rest = {k: v for k, v in scenario.items() if k not in given}
    return rest, number(given[0], scenario[given[0]]) if given else None


def _tell(
    widths: Widths, size: xr.DataArray, ends: tuple[float, float], goal: str, stored: Stored
) -> Decision:
    """Put together what is told of sizes that reach one loss.

    Parameters
    ----------
    widths : Widths
        What is compared.
    size : xarray.DataArray
        Parameters, dimensions chain, draw and width; infinite where no size that was searched
        reaches the loss, 0 where the least does.
    ends : (float, float)
        The least and the largest size that were searched.
    goal : str
        The loss, in words.
    stored : Stored
        What is stored beside the weights.
    """
    dim, kinds, question = widths.dim, widths.kinds, widths.question
    if kinds:
        each = stored.width_of_kinds(kinds, "width") / _GB
        take, how = "takes", kinds_in_words(kinds)
    else:
        each = stored.width(xr.DataArray(widths.bits, dims="width"), question) / _GB
        take, how = "take", stored.words(question)
    draws = widths.named(answers(N=(size, "parameters"), memory=(size * each, "GB")))
    draws["N"].attrs["searched"] = ends
    middles = {
        name: [median(of.sel({dim: width})) for width in widths.names]
        for name, of in draws.data_vars.items()
    }
    choices = pd.DataFrame(middles, index=pd.Index(widths.names, name=dim))
    symbols = (*widths.symbols, "N")
    where = question.where(*symbols)
    beyond, enough = draws["N"] == np.inf, draws["N"] == 0
    goal_alone = goal.rstrip(",")
    seen = evidence(question, "loss", symbols)
    told = [widths.at(i).notes({"N": at}) for i, at in enumerate(choices["N"].clip(*ends))]
    notes = [*chain.from_iterable(told), *filter(None, [seen.apart()])]
    if beyond.all():
        text = f"{where}no size up to {format_count(ends[1])} reaches {goal_alone}, at any width."
    elif enough.all():
        least = f"the least size that was searched, {format_count(ends[0])} parameters,"
        text = f"{where}{least} reaches {goal_alone} already, at any width."
    else:
        said = [
            f"{widths.called(i)}, by {_count(size.isel(width=i), size, float(each[i]), ends)}"
            for i in range(len(widths.names))
        ]
        text = f"{where}{goal} is reached at {'; at '.join(said)}."
        text += _shares(beyond.any(dim), enough.any(dim), ends[0])
        # What is less than the least that was searched counts as that.
        table = over_costs(widths.named(size.clip(min=ends[0]) * each), dim, "its memory").table
        if len(table) > 1:
            best = capital(widths.called(widths.names.index(table.index[0])))
            text += f" {best} {take} the least memory"
            if draws.sizes["chain"] * draws.sizes["draw"] > 1:
                sure = share_in_words(float(table["probability_best"].iloc[0]))
                text += f" in {sure} of the draws"
            text += f", {how}."
        choices = table.join(choices).loc[widths.names]
    return Decision(draws, text, worst_of_each(notes), choices=choices, evidence=seen.table)


def _count(size: xr.DataArray, all_: xr.DataArray, each: float, ends: tuple[float, float]) -> str:
    """Word sizes of one width, and what they take: both of all draws, those beyond an end too."""
    if (size == np.inf).all():
        return f"no size up to {format_count(ends[1])}"
    # A size that is the reference's own differs from it by round-off.
    rounded = (10.0 ** log10(size.where(size > 0)).round(6)).where(size > 0, size)
    count = interval(rounded, format_count, "parameters", searched=ends, among=all_)
    room = median(size * each)
    if room < ends[0] * each * (1 - 1e-6):
        return f"{count}, less than {_in_bytes(ends[0] * each)}"
    most = f"more than {_in_bytes(ends[1] * each)}"
    return f"{count}, {most if room == np.inf else _in_bytes(room)}"


def _shares(beyond: xr.DataArray, enough: xr.DataArray, least: float) -> str:
    """Say in which share of the draws sizes lie beyond what was searched."""
    text = ""
    if 0 < (short := float(beyond.mean())) < 1:
        text += f" In {share_in_words(short)} of the draws not every width reaches it."
    if (short := float(enough.mean())) > 0:
        text += f" In {share_in_words(short)} of the draws the least size that was searched, "
        text += f"{format_count(least)} parameters, is more than enough at some widths, and counts "
        text += "there."
    return text


def _in_bytes(gigabytes: float) -> str:
    unit, size = ("GB", 1.0) if gigabytes >= 1 else ("MB", 1e-3)
    return f"{gigabytes / size:.3g} {unit}"
