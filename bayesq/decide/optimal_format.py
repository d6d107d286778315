"""The split of exponent and mantissa bits, and the best of a list of formats."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.decide.kinds import ask_kinds, numbered
from bayesq.decide.options import over_options
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, ask, number, short
from bayesq.errors import BayesqError
from bayesq.fitting.joined import joined
from bayesq.fitting.posterior import Posterior
from bayesq.notes import Note

_MINIFLOAT = re.compile(r"E(\d+)M(\d+)", re.IGNORECASE)
_INTEGER = re.compile(r"INT(\d+)", re.IGNORECASE)


@over_laws
def optimal_format(
    fit: Posterior,
    *,
    bits: float | None = None,
    formats: Sequence[str] | str | None = None,
    N: float | str,
    D: float | str,
    memory: float | str | None = None,
    base: Posterior | None = None,
    tolerance: float = 0.005,
    **scenario: Any,
) -> Decision:
    """Find the number format of least loss.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law of exponent and mantissa bits (sun2025), or of one efficiency a compression
        (frantar2025); or a paper's constants.
    bits : float, optional
        Total of bits, one of them for the sign: all splits are compared. For a law with one
        efficiency a compression, all compressions of that width that were fitted.
    formats : list of str, optional
        Formats to compare: ``["E2M1", "E3M0", "INT4"]``. For a law with one efficiency a
        compression, words of their names.
    N, D : float or str
        Parameters and tokens.
    memory : float or str, optional
        Bits of all weights together: formats of fewer bits then have more parameters, N = memory /
        bits, and `N` only says where the law is asked.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float
        Nats per token above the best that count as near.
    **scenario
        What else is fixed, such as ``group=32``.

    Returns
    -------
    Decision
        A dataset of ``loss`` and ``regret`` (above the best of the same draw) for each draw and
        format; ``near_optimal`` lists the formats within `tolerance` of the best, with the
        probability of being best.

    Raises
    ------
    BayesqError
        If the law does not tell formats apart, or a format is unknown to it.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("sun2025")
    >>> answer = bayesq.decide.optimal_format(paper, bits=8, N="1B", D="100B", group=128)
    >>> answer.near_optimal.index[0]
    'E4M3'
    """
    tolerance = number("tolerance", tolerance)
    size, tokens = number("N", N), number("D", D)
    fit = joined(fit, base)
    fit.law.check_formula()
    if (bits is None) == (formats is None):
        raise BayesqError("optimal_format needs either bits= or formats=.")
    if formats is not None and (
        (not np.ndim(formats) and not isinstance(formats, str)) or not formats
    ):
        raise BayesqError(f'formats is {formats!r}; name some, such as ["E2M1", "INT4"].')
    wanted = [formats] if isinstance(formats, str) else list(formats or [])
    # Each format once, without the blanks of a list that was typed.
    wanted = list(dict.fromkeys(str(name).strip() for name in wanted))
    if bits is not None:
        bits = number("bits", bits)
    budget = None if memory is None else number("memory", memory)
    at = {**scenario, "N": size, "D": tokens}
    if fit.law.levels_of("loss"):
        question, choice, widths = _kinds(fit, at, bits, wanted)
    elif {"E", "M"} <= {i.symbol for i in fit.law.own_inputs}:
        question, choice, widths = _splits(fit, at, bits, wanted)
    else:
        raise BayesqError(
            f"Law {fit.law.name} does not tell formats apart; fit sun2025 or frantar2025."
        )
    if budget is not None:
        choice["N"] = budget / widths
    loss = question.evaluate("loss", **choice)
    options = over_options(loss, "format", tolerance)
    draws = xr.Dataset({"loss": loss, "regret": options.regret}).transpose("chain", "draw", ...)
    leave_out = ("N",) if budget is not None else ()
    text = f"{question.where('E', 'M', *leave_out)}{options.words('format')}."
    if bits is not None and (split := question.closed("optimal_format", bits=bits)):
        ends = ", ".join(f"{s} {short(float(v.median()))}" for s, v in split.items())
        text += f" Without rounding, the best split of {short(bits)} bits is {ends}."
    best = {
        s: float(v.sel(format=options.table.index[0]).median())
        for s, v in choice.items()
        if s not in fit.levels and isinstance(v, xr.DataArray)
    }
    notes = question.notes(best, _integers(options.table.index, fit))
    return Decision(draws, text, notes, options.near)


def _splits(
    fit: Posterior, at: dict[str, Any], bits: float | None, formats: list[str]
) -> tuple[Question, dict[str, Any], xr.DataArray]:
    question = ask(fit, at, "loss", free=("E", "M"), name="optimal_format")
    if bits is not None:
        if bits != int(bits) or bits < 2:
            raise BayesqError(f"bits is {bits:g}; write a whole number of 2 or more.")
        formats = [f"E{e}M{int(bits) - 1 - e}" for e in range(int(bits))]
    split = [_digits(name, fit) for name in formats]
    coords = {"format": formats}
    e, m = (xr.DataArray([s[i] for s in split], dims="format", coords=coords) for i in (0, 1))
    return question, {"E": e, "M": m}, 1 + e + m


def _digits(name: str, fit: Posterior) -> tuple[float, float]:
    if found := _MINIFLOAT.fullmatch(name):
        return float(found[1]), float(found[2])
    if (found := _INTEGER.fullmatch(name)) and int(found[1]) >= 2:
        # With one exponent bit all steps are equal: the values are those of the integers.
        return 1.0, float(found[1]) - 2
    raise BayesqError(
        f"Format {name!r} is none that law {fit.law.name} knows; write it like E4M3 or INT4."
    )


def _integers(formats: Any, fit: Posterior) -> Note | None:
    named = [f for f in formats if _INTEGER.fullmatch(str(f))]
    if not named or fit.law.levels_of("loss"):
        return None
    shown = ", ".join(f"{f} as E1M{int(f[3:]) - 2}" for f in named)
    return Note(
        "integers-as-minifloats",
        "info",
        f"Law {fit.law.name} is about minifloats; integers are taken as those of the same values "
        f"({shown}).",
        "Fit frantar2025 to runs in integers for an answer of their own.",
    )


def _kinds(
    fit: Posterior, at: dict[str, Any], bits: float | None, formats: list[str]
) -> tuple[Question, dict[str, Any], xr.DataArray]:
    question, kind, labels = ask_kinds(fit, at, (), "optimal_format")
    if bits is not None:
        # Weights and activations alike, or the weights alone where nothing else was fitted.
        both, alone = f"W{bits:g}A{bits:g}", f"W{bits:g}"
        firsts = {label.split()[0] for label in labels}
        wanted = both if both in firsts else alone
        chosen = {label: label for label in labels if label.split()[0] == wanted}
    else:
        found = fit.law.levels_of("loss")[kind]
        chosen = {name: found.find(_words(name), labels) for name in formats}
    if not chosen:
        raise BayesqError(
            f"{fit.title} has no compression of {bits:g} bits; it has {'; '.join(labels)}."
        )
    numbers, widths = numbered(fit, kind, chosen, "format")
    return question, {kind: numbers}, widths


def _words(name: str) -> str:
    """Turn a format into words of the names of kinds: INT4 into "W4A4 int"."""
    if found := _INTEGER.fullmatch(name):
        return f"W{found[1]}A{found[1]} int"
    if found := _MINIFLOAT.fullmatch(name):
        width = 1 + int(found[1]) + int(found[2])
        return f"W{width}A{width} {name.upper()}"
    return name
