"""Best bits and formats, read off what was measured side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesq.errors import BayesqError
from bayesq.proving.case import Case
from bayesq.proving.cells import Cells
from bayesq.proving.turning import Bound, chains
from bayesq.runs.schema import FULL_PRECISION_BITS

# Cells of different width seldom have the same memory to the bit.
SAME_MEMORY = 1.15


def fewest_bits(cells: Cells, asked: Mapping[str, Any]) -> Iterator[Case]:
    """Read off the fewest whole bits whose measured degradation is within a level.

    Where no width keeps to the level, the answer is more than the most bits measured; where all do,
    at most the fewest.

    Parameters
    ----------
    cells : Cells
        The settings.
    asked : mapping
        ``level``: nats per token, one or several.

    Yields
    ------
    Case
        One a level and setting that was measured at two widths or more. Its losses are
        degradations.

    Raises
    ------
    BayesqError
        If no level is given.
    """
    levels = np.atleast_1d(asked.get("level", ()))
    if not levels.size:
        raise BayesqError(
            "fewest_bits needs the degradation that is allowed; say level=, in nats per token, one "
            "or a list."
        )
    for setting, part in _whole(cells).by("w_bits"):
        part = part[part["degradation"].notna()].sort_values("w_bits")
        if len(part) < 2:
            continue
        bits, lost = part["w_bits"].to_numpy(), part["degradation"].to_numpy()
        for level in levels:
            good = lost <= level
            bound: Bound = "less" if good.all() else "" if good.any() else "more"
            measured = float(bits[good.argmax()] if good.any() else bits[-1])
            at = {"level": float(level)}
            yield cells.case(
                part,
                setting=setting | at,
                question=cells.question(setting, ("w_bits",)) | at,
                options=bits.tolist(),
                losses=lost,
                measured=measured,
                rounding="up",
                bound=bound,
                edge=measured if bound else np.nan,
                rise=float(np.abs(lost - level).min()),
                spread=cells.spread["degradation"],
                level=float(level),
            )


def optimal_precision(cells: Cells, asked: Mapping[str, Any]) -> Iterator[Case]:
    """Read off the bits of least loss among cells of one memory, N times bits, and one D.

    Parameters
    ----------
    cells : Cells
        The settings.
    asked : mapping
        ``memory``: bits of all weights, one or several. By default cells whose memory is within
        15 % of the next one's make a budget, whose memory is their geometric mean.

    Yields
    ------
    Case
        One a memory with two widths or more. Of each width the size nearest to the memory counts,
        if it is within 15 % of it. Where the best is the narrowest or widest there, the answer is
        known as a bound: more, or less, than the bits next to it.
    """
    for setting, part in _whole(cells).by("N", "w_bits"):
        memory = (part["N"] * part["w_bits"]).to_numpy()
        group = chains(memory, SAME_MEMORY)
        found = [float(np.exp(np.log(memory[group == i]).mean())) for i in range(group.max() + 1)]
        for budget in np.atleast_1d(asked.get("memory", found)):
            away = np.abs(np.log(memory / budget))
            near = part.assign(away=away)[away <= np.log(SAME_MEMORY)].sort_values("away")
            near = near.drop_duplicates("w_bits").sort_values("w_bits")
            if len(near) >= 2:
                yield _best_bits(cells, setting, float(budget), near)


def _best_bits(cells: Cells, setting: dict[str, Any], memory: float, near: pd.DataFrame) -> Case:
    bits, loss = near["w_bits"].to_numpy(), near["loss"].to_numpy()
    least, last = int(loss.argmin()), len(bits) - 1
    bound: Bound = "less" if least == 0 else "more" if least == last else ""
    # That the loss turns once in bits is all that is known of the curve.
    edge = bits[1] if bound == "less" else bits[last - 1]
    at = {"memory": memory}
    return cells.case(
        near,
        setting=setting | at,
        question=cells.question(setting, ("N", "w_bits")) | at,
        options=bits.tolist(),
        losses=loss,
        measured=float(bits[least]),
        rounding="out",
        bound=bound,
        edge=float(edge) if bound else np.nan,
        rise=_ahead(loss),
    )


def optimal_format(cells: Cells, asked: Mapping[str, Any]) -> Iterator[Case]:
    """Read off the best of the formats that were measured at one N and D.

    Only formats that the fit has seen are options.

    Yields
    ------
    Case
        One an (N, D) with two formats or more.

    Raises
    ------
    BayesqError
        If the law has no parameter a format.
    """
    kinds = [*cells.law.levels_of("loss")]
    if not kinds:
        raise BayesqError(
            f"Law {cells.law.name} has no parameter of its own for each format; prove "
            "optimal_format with one that has, such as frantar2025."
        )
    symbol, *further = kinds
    bits = {kind.label: kind.w_bits for kind in cells.kinds[symbol]}
    frame = cells.frame[cells.frame["known"] & (cells.frame[symbol] != "")]
    for at, part in frame.groupby(["study", "corpus", "N", "D", *further], dropna=False):
        if part[symbol].nunique() < 2:
            continue
        loss = part.groupby(symbol)["loss"].mean()
        loss = loss.iloc[np.argsort([bits[label] for label in loss.index], kind="stable")]
        setting = dict(zip(("study", "corpus", "N", "D", *further), at, strict=True))
        given = {k: v for k, v in setting.items() if k in ("N", "D") or (k in further and v)}
        names, losses = loss.index.tolist(), loss.to_numpy()
        yield cells.case(
            part,
            setting=setting,
            question=given | {"formats": names},
            options=names,
            losses=losses,
            measured=str(loss.idxmin()),
            rise=_ahead(losses),
        )


def _ahead(losses: np.ndarray) -> float:
    """By how much the best is ahead of the next."""
    return float(np.sort(losses)[1] - losses.min())


def _whole(cells: Cells) -> Cells:
    """Take quantized settings of whole bits."""
    frame = cells.frame
    bits = frame["w_bits"]
    rows = frame["quantized"] & (bits < FULL_PRECISION_BITS) & (bits % 1 == 0)
    return replace(cells, frame=frame[rows])
