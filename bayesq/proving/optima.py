"""Best sizes and lengths of training, read off measured curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from bayesq.proving.case import Case
from bayesq.proving.cells import Cells
from bayesq.proving.turning import Turn, chains, turn

# Budgets are planned with other counts than 6 N D, by which those of one budget drift apart.
SAME_BUDGET = 1.12
NEAR_BUDGET = 1.2
# Sizes within this factor of the best one make its parabola; wider, curves are lopsided.
_REACH = float(np.log(2.5))
_FEWEST = 3  # points of a curve


def critical_tokens(cells: Cells, asked: Mapping[str, Any]) -> Iterator[Case]:
    """Read off after how many tokens the loss of quantized networks rises.

    A parabola over log D through the length of least loss and its two neighbours. Where the loss is
    least at the last length, the answer is more than that; at the first, less.

    Yields
    ------
    Case
        One a setting that was measured at three lengths or more.
    """
    for setting, part in _quantized(cells).by("D"):
        part = part.sort_values("D")
        if len(part) < _FEWEST:
            continue
        tokens, loss = part["D"].to_numpy(), part["loss"].to_numpy()
        found = turn(np.log(tokens), loss)
        told = {"question": cells.question(setting, ("D",)), **_turned(found)}
        yield cells.case(part, setting=setting, options=tokens.tolist(), losses=loss, **told)


def compute_optimal(cells: Cells, asked: Mapping[str, Any]) -> Iterator[Case]:
    """Read off the size of least loss on curves of equal compute, 6 N D.

    A parabola of least squares over log N through the sizes within a factor of 2.5 of the best one
    (at least that and its two neighbours). Compute drifts along a curve whose budget was counted
    otherwise; losses are first brought to the middle of their budget along the least losses of all
    budgets, which by the envelope theorem is right to first order where it counts.

    Parameters
    ----------
    cells : Cells
        The settings.
    asked : mapping
        ``compute``: budgets in FLOP, of which rows within a factor of 1.2 are taken. By default
        rows whose compute is within 12 % of the next one's make a budget, whose compute is their
        geometric mean.

    Yields
    ------
    Case
        One a budget with three sizes or more; its options are sizes.
    """
    for setting, part in cells.by("N", "D"):
        budgets = list(_budgets(part, asked.get("compute")))
        slope = _slope([(c, rows) for c, rows in budgets if rows["N"].nunique() >= _FEWEST])
        for compute, rows in budgets:
            rows = rows.sort_values("N")
            if rows["N"].nunique() < _FEWEST:
                continue
            pairs = 6 * rows["N"] * rows["D"]
            level = rows["loss"] + slope * np.log(compute / pairs)
            curve = pd.DataFrame({"N": rows["N"], "loss": level}).groupby("N")["loss"].mean()
            sizes, loss = curve.index.to_numpy(float), curve.to_numpy()
            found = turn(np.log(sizes), loss, _REACH)
            spread = cells.spread["loss"]
            at = {"compute": compute}
            told = {"question": cells.question(setting, ()) | at, **_turned(found)}
            told |= {"spread": found.noise if np.isnan(spread) else spread}
            told |= {"options": sizes.tolist(), "losses": loss}
            yield cells.case(rows, setting=setting | at, **told)


def _budgets(part: pd.DataFrame, compute: Any) -> Iterator[tuple[float, pd.DataFrame]]:
    pairs = (6 * part["N"] * part["D"]).to_numpy()
    if compute is not None:
        for budget in np.atleast_1d(compute):
            rows = part[np.abs(np.log(pairs / budget)) <= np.log(NEAR_BUDGET)]
            if len(rows):
                yield float(budget), rows
        return
    group = chains(pairs, SAME_BUDGET)
    for i in range(group.max() + 1):
        yield float(np.exp(np.log(pairs[group == i]).mean())), part[group == i]


def _slope(budgets: list[tuple[float, pd.DataFrame]]) -> float:
    """Fall of the least loss with the logarithm of compute; 0 of one budget."""
    if len(budgets) < 2:
        return 0.0
    compute = np.log([c for c, _ in budgets])
    return float(np.polyfit(compute, [rows["loss"].min() for _, rows in budgets], 1)[0])


def _quantized(cells: Cells) -> Cells:
    """Leave out the settings of full precision."""
    return replace(cells, frame=cells.frame[cells.frame["quantized"]])


def _turned(found: Turn) -> dict[str, Any]:
    """Say of a case what its curve says on a logarithmic axis."""
    where, edge = float(np.exp(found.where)), float(np.exp(found.edge))
    return {"measured": where, "bound": found.bound, "edge": edge, "rise": found.rise}
