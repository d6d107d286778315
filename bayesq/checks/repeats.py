"""Settings that were run more than once: whether their scatter is alike."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import codes_of, groups_of, settings
from bayesq.counted import how_many
from bayesq.notes import Note
from bayesq.runs.runs import Runs

# The standard deviation of one setting against that of the others.
_TIMES = 5.0
_P_VALUE = 0.005
_FEWEST_OTHERS = 4


def repeats_of(runs: Runs) -> list[np.ndarray]:
    """Rows of each setting that was measured in more than one run."""
    runs_of = codes_of(runs, ("run", "seed"))
    found = []
    for rows in groups_of(settings(runs), np.ones(len(runs), dtype=bool)):
        unnamed = (runs.columns["run"][rows] == "") & np.isnan(runs.columns["seed"][rows])
        first = np.unique(runs_of[rows], return_index=True)[1]
        kept = rows if unnamed.all() else rows[first]
        if len(kept) > 1:
            found.append(kept)
    return found


def scatter_notes(runs: Runs) -> list[Note]:
    """Name settings whose repeats scatter far more than those of all others.

    Returns
    -------
    list of Note
        One note of code ``unequal-scatter`` at most.
    """
    groups = repeats_of(runs)
    if len(groups) < _FEWEST_OTHERS + 1:
        return []
    loss = runs.columns["loss"]
    lost = np.maximum(np.nan_to_num(loss - runs.columns["loss_full"]), 0.0)
    # What is lost scatters more than the rest: a tenth of it and a hundredth of the loss.
    scaled = loss / (0.01 * loss + 0.1 * lost)
    freedom = np.array([len(rows) - 1 for rows in groups])
    own = np.array([np.var(np.log(loss[g]), ddof=1) * np.median(scaled[g]) ** 2 for g in groups])
    # A variance of few repeats lies below the true one more often than not (Wilson, Hilferty).
    true = own / (1 - 2 / (9 * freedom)) ** 3
    usual = float(np.median(true[own > 0])) if (own > 0).any() else 0.0
    limit = _TIMES**2 * usual
    wild = [
        i
        for i in np.flatnonzero(own > limit)
        if _by_chance(own[i] / usual, freedom[i], freedom.sum() - freedom[i]) * len(groups)
        < _P_VALUE
    ]
    if not wild or len(wild) > max(1, 0.1 * len(groups)):
        return []
    rows = np.concatenate([groups[i] for i in wild])
    first = groups[wild[0]]
    times = np.sqrt(own[wild[0]] / usual)
    return [
        Note(
            "unequal-scatter",
            "warning",
            f"{runs.named(first).capitalize()} are repeats of one setting and scatter {times:.2g} "
            f"times as far as those of the other {how_many(len(groups) - 1, 'setting')} (losses "
            f"{', '.join(f'{value:.4g}' for value in loss[first][:4])}).",
            "Look for a broken run or a setting that the table does not name among them.",
            tuple(runs.numbers[rows]),
        )
    ]


def _by_chance(ratio: float, freedom: int, others: int) -> float:
    """Probability of so large a ratio of variances."""
    from scipy.special import fdtrc

    return float(fdtrc(freedom, others, ratio))


def repeat_scatter(runs: Runs) -> float:
    """Relative standard deviation of losses of equal settings, 0 where none was repeated."""
    groups = repeats_of(runs)
    if not groups:
        return 0.0
    log_loss = np.log(runs.columns["loss"])
    return float(np.sqrt(np.median([np.var(log_loss[rows], ddof=1) for rows in groups])))
