"""The split of exponent and mantissa bits, and the best of a list of formats."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision, answers
from bayesq.decide.evidence import evidence, measured_otherwise
from bayesq.decide.kinds import ask_kinds, numbered
from bayesq.decide.nats import read_nats
from bayesq.decide.optimum import digits_of
from bayesq.decide.options import OverOptions, over_list, over_options
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting, number, read_risk
from bayesq.decide.room import Room, kinds_in_words
from bayesq.decide.words import short
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.notes import Note
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

_MINIFLOAT = re.compile(r"E(\d+)M(\d+)", re.IGNORECASE)
_INTEGER = re.compile(r"INT(\d+)", re.IGNORECASE)


@over_laws
def optimal_format(
    fit: Posterior,
    /,
    *,
    bits: float | None = None,
    formats: Sequence[str] | str | None = None,
    N: float | str,
    D: float | str,
    memory: float | str | None = None,
    embeddings: float | str = 0.0,
    scale_bits: float | None = None,
    zero_bits: float = 0.0,
    base: Posterior | None = None,
    tolerance: float | str = 0.005,
    risk: float | None = None,
    discrepancy: bool = True,
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
        What all weights take as they are stored: ``"24GB"``, ``"24GiB"``, or a number of bits.
        Formats of fewer bits then have more parameters, and `N` only says where the law is asked.
    embeddings : float or str
        With `memory`: parameters that stay in 16 bits beside the N, ``"262M"``.
    scale_bits, zero_bits : float
        With `memory`: bits of the scale and of the zero point that each group stores; by default
        scales of 16 bits, of 8 for MXFP and NVFP formats, and no zero points.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    tolerance : float or str
        How far above the best counts as near: nats per token, or ``"1%"`` of perplexity.
    risk : float, optional
        Probability, such as 0.05: tell also the format that costs least above the best with all but
        that probability.
    discrepancy : bool
        False for the law's own formula.
    **scenario
        What else is fixed, such as ``group=32``.

    Returns
    -------
    Decision
        A dataset of ``loss`` and ``regret`` (above the best of the same draw) for each draw and
        format; ``choices`` lists all formats with the probability of being best and the expected
        regret, ``near_optimal`` those within `tolerance` of the best.

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
    within, risk = read_nats("tolerance", tolerance), read_risk(risk)
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
    budget = Room.read(memory, embeddings, scale_bits, zero_bits)
    given = {**scenario, "N": size, "D": tokens}
    setting = Setting(fit, given, "optimal_format", discrepancy)
    kinds: list[Kind] = []
    if fit.law.levels_of("loss"):
        question, choice, kinds = _kinds(setting, bits, wanted)
    elif digits_of(fit.law):
        question, choice = _splits(setting, bits, wanted)
    else:
        raise BayesqError(
            f"Law {fit.law.name} does not tell formats apart; fit sun2025 or frantar2025."
        )
    stored = ""
    if budget is not None:
        (first, *_) = choice.values()
        if kinds:
            width = budget.stored.width_of_kinds(kinds, "format")
            how = kinds_in_words(kinds)
        else:
            width = budget.stored.width(1 + sum(choice.values()), question)
            how = budget.stored.words(question)
        choice["N"] = budget.sizes(width).assign_coords(format=first["format"])
        stored = f" The weights take {budget.memory} as stored, {how}."
    loss = over_list(question, choice, "format")
    options = over_options(loss, "format", within)
    draws = answers(loss=(loss, "nats/token"), regret=(options.regret, "nats/token"))
    leave_out = ("N",) if budget is not None else ()
    text = f"{question.where(*digits_of(fit.law), *leave_out)}{options.words('format')}.{stored}"
    text += options.safe(risk)
    if bits is not None and (split := question.by_formula("optimal_format", bits=bits)):
        ends = ", ".join(f"{s} {short(float(v.median()))}" for s, v in split.items())
        text += f" Without rounding, the best split of {short(bits)} bits is {ends}."
    best = {
        s: float(v.sel(format=options.table.index[0]).median())
        for s, v in choice.items()
        if s not in fit.levels and isinstance(v, xr.DataArray)
    }
    seen = evidence(question, "loss", tuple(choice))
    apart = seen.apart() if budget is None else None
    otherwise = None
    if budget is None and len(here := seen.here()):
        otherwise = _otherwise(here, options, choice, question.fit.levels)
    notes = question.notes(best, _integers(options.table.index, fit), otherwise, apart)
    return options.decision(draws, text, notes, seen.table)


def _otherwise(
    here: pd.DataFrame,
    options: OverOptions,
    choice: Mapping[str, xr.DataArray],
    kinds: Mapping[str, list[str]],
) -> Note | None:
    """Say that the format that was measured best here is not thought to be near the best."""
    told = {}
    for name in options.table.index:
        at = {s: v.sel(format=name).item() for s, v in choice.items()}
        # Evidence shows kinds by their names.
        alike = [here[s] == (kinds[s][int(v)] if s in kinds else v) for s, v in at.items()]
        rows = here[np.all(alike, axis=0)]
        if len(rows):
            told[name] = float(rows["measured"].mean())
    if len(told) < 2:
        return None
    best = min(told, key=told.__getitem__)
    regret = options.regret.sel(format=list(told))
    ahead = (regret - regret.min("format")).sel(format=best)
    if float((ahead <= options.tolerance.value).mean()) >= 0.05:
        return None
    return measured_otherwise(
        f"{best} was measured best, and is thought to be within {options.tolerance} of the best in "
        "less than 5% of the draws."
    )


def _splits(
    setting: Setting, bits: float | None, formats: list[str]
) -> tuple[Question, dict[str, Any]]:
    fit, digits = setting.fit, digits_of(setting.fit.law)
    question = setting.ask("loss", digits)
    if bits is not None:
        if bits != int(bits) or bits < 2:
            raise BayesqError(f"bits is {bits:g}; write a whole number of 2 or more.")
        formats = [f"E{e}M{int(bits) - 1 - e}" for e in range(int(bits))]
    split = [_digits(name, fit) for name in formats]
    each = (xr.DataArray([*of], {"format": formats}) for of in zip(*split, strict=True))
    return question, dict(zip(digits, each, strict=True))


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
    setting: Setting, bits: float | None, formats: list[str]
) -> tuple[Question, dict[str, Any], list[Kind]]:
    fit = setting.fit
    question, symbol, kinds = ask_kinds(setting, ())
    if bits is not None:
        # Weights and activations alike, or the weights alone where nothing else was fitted.
        both, alone = {"w_bits": bits, "a_bits": bits}, {"w_bits": bits}
        found = [k for k in kinds if k.widths == both] or [k for k in kinds if k.widths == alone]
        chosen = {kind.label: kind for kind in found}
    else:
        levels = fit.law.levels_of("loss")[symbol]
        chosen = {name: levels.find(_words(name), kinds) for name in formats}
    if not chosen:
        labels = "; ".join(kind.label for kind in kinds)
        raise BayesqError(f"{fit.title} has no compression of {bits:g} bits; it has {labels}.")
    numbers = numbered(fit, symbol, chosen, "format")
    return question, {symbol: numbers}, list(chosen.values())


def _words(name: str) -> str:
    """Turn a format into words of the labels of kinds: INT4 into "W4A4 int"."""
    if found := _INTEGER.fullmatch(name):
        return f"W{found[1]}A{found[1]} int"
    if found := _MINIFLOAT.fullmatch(name):
        width = 1 + int(found[1]) + int(found[2])
        return f"W{width}A{width} {name.upper()}"
    return name
