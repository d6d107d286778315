"""Rows far from all others, named before anything is sampled."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import codes_of, formats, groups_of, networks, width
from bayesq.checks.surface import Surface
from bayesq.notes import Note
from bayesq.runs.runs import Runs

# Robust standard deviations, and a share of the loss: both must be passed.
_FAR, _SHARE = 8.0, 0.05
_MOST = 0.1  # of the rows; more are no outliers but another law
# A degradation so many times those at fewer bits of the same network, and so large.
_TIMES, _LEAST, _SCATTERS = 3.0, 0.05, 6.0
_OWN = 1.5  # of the same method
# Of other methods at the same bits, where there is nothing else to hold it against.
_MANY, _MANY_TIMES = 4.5, 20.0


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
    twins, left = _beyond_twins(runs, around.scatter), np.nan_to_num(around.left)
    lost = np.log(runs.columns["loss"]) - np.log(runs.columns["loss_full"])
    # Of a large degradation half is nothing unheard of.
    half = np.where(runs.quantized, np.fmax(np.abs(lost), np.abs(lost - left)) / 2, 0.0)
    # A row at the end of the others draws the surface to itself, or lies where that is poor.
    limit = np.where(around.inside, 1, 2) * np.fmax(_FAR * around.usual, _SHARE)
    far = np.abs(left) > np.fmax(limit, half)
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
    return [
        Note(
            "outliers",
            "warning",
            f"{'; '.join(told[:3])}{more}.".capitalize(),
            "Look at them; correct what is broken, or leave it out with --where, in Python "
            "runs.select(...).",
            tuple(runs.numbers[rows]),
        )
    ]


def _beyond_twins(runs: Runs, scatter: float) -> dict[int, float]:
    """Rows that lose far more than those at fewer bits of their network, and by how many times.

    Those of the same method where there is one; else two at least must agree, since methods differ.
    """
    columns = runs.columns
    lost = columns["loss"] - columns["loss_full"]
    told = runs.quantized & np.isfinite(lost) & (columns["sparsity"] == 0)
    bits = np.array([columns[name] for name in ("w_bits", "a_bits", "kv_bits")])
    least = max(_LEAST, _SCATTERS * scatter) * columns["loss_full"]
    of_format = formats(runs, without=("w_bits", "a_bits", "kv_bits"))
    found: dict[int, float] = {}
    for rows in groups_of(_one_network(runs), told):
        for row in rows[lost[rows] > least[rows]]:
            others = rows[rows != row]
            more = bits[:, others] - bits[:, [row]]
            fewer = others[(more <= 0).all(axis=0) & (more.sum(axis=0) <= -0.9)]
            own = fewer[of_format[fewer] == of_format[row]]
            own = own[np.argsort(-bits[:, own].sum(axis=0), kind="stable")][:1]
            near = others[(np.abs(more) <= 0.3).all(axis=0)]
            if len(own):
                beyond = (
                    lost[row] > _OWN * lost[own].max() and lost[row] - lost[own].max() > least[row]
                )
            elif len(fewer) > 1:
                beyond = lost[row] > _TIMES * lost[fewer].max()
            else:
                # Of weights alone, at bits where every method works.
                plain = (bits[:, row] >= (_MANY, 16, 16)).all() and len(near) > 0
                beyond = plain and lost[row] > _MANY_TIMES * np.median(lost[near])
            if beyond:
                usual = (
                    np.median(lost[near]) if len(near) else lost[own if len(own) else fewer].max()
                )
                found[int(row)] = float(lost[row] / usual) if usual > 0 else np.inf
    return found


def _one_network(runs: Runs) -> np.ndarray:
    stage = codes_of(runs, ("stage", "grad_bits"))
    return np.asarray(networks(runs) * (int(stage.max()) + 1) + stage)


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
