"""Rows far from all others, named before anything is sampled."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import NETWORK, codes_of, groups_of, width
from bayesq.checks.surface import Surface
from bayesq.notes import Note
from bayesq.runs.runs import Runs

# Robust standard deviations, and a share of the loss: both must be passed.
_FAR, _SHARE = 8.0, 0.05
_MOST = 0.1  # of the rows; more are no outliers but another law
# A degradation so many times those at fewer bits of the same network, and so large.
_TIMES, _LEAST = 3.0, 0.03


def outlier_notes(runs: Runs, around: Surface) -> list[Note]:
    """Name rows far from a smooth surface through the others, and from their twins.

    Parameters
    ----------
    runs : Runs
        The table.
    around : Surface
        The surface.

    Returns
    -------
    list of Note
        One note of code ``outliers`` at most.
    """
    twins, left = _beyond_twins(runs), np.nan_to_num(around.left)
    lost = np.log(runs.columns["loss"]) - np.log(runs.columns["loss_full"])
    # Of a large degradation half is nothing unheard of.
    half = np.where(runs.quantized, np.fmax(np.abs(lost), np.abs(lost - left)) / 2, 0.0)
    far = around.inside & (np.abs(left) > np.fmax(np.fmax(_FAR * around.usual, _SHARE), half))
    if far.sum() > max(1, _MOST * np.isfinite(around.left).sum()):
        far[:] = False
    told = [_twin_in_words(runs, row, twins[row]) for row in twins]
    order = np.flatnonzero(far & ~np.isin(np.arange(len(runs)), list(twins)))
    order = order[np.argsort(-np.abs(left[order]))]
    told += [
        f"row {runs.numbers[row]} (loss {runs.columns['loss'][row]:.4g}) lies "
        f"{abs(np.expm1(left[row])):.0%} {'above' if left[row] > 0 else 'below'} what rows around "
        "it show"
        for row in order
    ]
    if not told:
        return []
    rows = np.array([*twins, *order], dtype=int)
    more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
    first = runs.numbers[rows[0]]
    return [
        Note(
            "outliers",
            "warning",
            f"{'; '.join(told[:3])}{more}.".capitalize(),
            f"Look at {runs.named(rows)}; leave a broken one out before fitting (here row {first} "
            "of the table), or correct it.",
            tuple(runs.numbers[rows]),
        )
    ]


def _beyond_twins(runs: Runs) -> dict[int, float]:
    """Rows that lose far more than those at fewer bits of their network, and by how many times."""
    columns = runs.columns
    lost = columns["loss"] - columns["loss_full"]
    told = runs.quantized & np.isfinite(lost) & (columns["sparsity"] == 0)
    bits = columns["w_bits"] + columns["a_bits"] + columns["kv_bits"]
    names = (*NETWORK, "stage", "grad_bits")
    found: dict[int, float] = {}
    for rows in groups_of(codes_of(runs, names), told, least=4):
        for row in rows:
            others = rows[rows != row]
            # At no more bits in any operand, and fewer in one.
            fewer = others[
                np.all([columns[b][others] <= columns[b][row] for b in ("w_bits", "a_bits")], 0)
                & (bits[others] <= bits[row] - 1)
            ]
            if len(fewer) < 2 or lost[row] <= _LEAST * columns["loss_full"][row]:
                continue
            if lost[row] > _TIMES * max(np.max(lost[fewer]), 0.0):
                near = others[np.abs(bits[others] - bits[row]) <= 0.5]
                usual = np.median(lost[near]) if len(near) else np.max(lost[fewer])
                found[int(row)] = float(lost[row] / usual) if usual > 0 else np.inf
    return found


def _twin_in_words(runs: Runs, row: int, times: float) -> str:
    columns = runs.columns
    lost = columns["loss"][row] - columns["loss_full"][row]
    how = f"{_rounded(times)} times" if np.isfinite(times) else "far more than"
    return (
        f"row {runs.numbers[row]} loses {lost:.2g} nats per token at {width(runs)[row]:g} bits, "
        f"{how} what rows of equal or fewer bits of its network lose"
    )


def _rounded(times: float) -> str:
    digits = 10 ** max(int(np.floor(np.log10(times))) - 1, 0)
    return f"{round(times / digits) * digits:,.0f}"
