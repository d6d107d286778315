"""What cannot happen within one run or one network: losses that rise with tokens or with bits."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from bayesq.checks.settings import (
    MEASURED,
    NETWORK,
    codes_of,
    formats,
    groups_of,
    own_columns,
    width,
)
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS, Row

# A rise counts from this share of the loss on, and from so many times the table's scatter.
_RISE, _SCATTERS = 0.01, 4.0
# At so few bits quantization is seen in any network.
_FEW_BITS = 5.0
_STEP_LIKE = re.compile(r"(^|[_\W])(step|iter|iteration|epoch|time|date|timestamp)", re.IGNORECASE)


def within_run_notes(runs: Runs, scatter: float) -> list[Note]:
    """Say where losses move within a run or a network as they cannot.

    Parameters
    ----------
    runs : Runs
        The table.
    scatter : float
        Relative scatter of losses of equal settings, as far as the table tells it.

    Returns
    -------
    list of Note
        Codes ``rises-with-D``, ``rises-with-bits``, ``bits-do-not-order``,
        ``degradation-negative``, ``logged-rows``, ``duplicate-rows``.
    """
    least = max(_RISE, _SCATTERS * scatter)
    negative = _negative(runs, least)
    return [
        *_rises_with_tokens(runs, least),
        *(negative or _bits(runs, least)),
        *_logged(runs),
    ]


def _rises_with_tokens(runs: Runs, least: float) -> list[Note]:
    """Runs in full precision whose last losses are clearly above their first."""
    columns = runs.columns
    once = ~(columns["U"] < columns["D"])  # tokens that are repeated may hurt
    told = ~runs.quantized & (columns["run"] != "") & ~np.isnan(columns["D"]) & once
    codes = codes_of(runs, ("study", "corpus", "run", "seed", "N"))
    rising = []
    tried = 0
    for rows in groups_of(codes, told):
        tokens = np.log(columns["D"][rows])
        if np.ptp(tokens) < np.log(1.2):
            continue
        tried += 1
        order = rows[np.argsort(tokens, kind="stable")]
        loss = np.log(columns["loss"][order])
        ends = max(1, len(order) // 4)
        rise = np.mean(loss[-ends:]) - np.mean(loss[:ends])
        steps = np.sign(np.diff(loss)).sum()
        if rise > least and steps > 0:
            rising.append(order)
    if not rising:
        return []
    rows = np.concatenate(rising)
    first = rising[0]
    severe = len(rising) > tried / 2
    return [
        Note(
            "rises-with-D",
            "severe" if severe else "warning",
            f"The loss rises with D within {len(rising)} of {tried} runs "
            f"({_name(runs, first[0])}: {columns['loss'][first[0]]:.4g} in "
            f"{runs.named(first[:1])}, {columns['loss'][first[-1]]:.4g} in "
            f"{runs.named(first[-1:])}), where more tokens bring it down: a run that diverged, "
            "rows in the wrong order, or a column that is not D.",
            "Look at these rows, and leave them out if the run is broken: --where "
            f"\"run != '{columns['run'][first[0]]}'\".",
            tuple(runs.numbers[rows]),
        )
    ]


def _negative(runs: Runs, least: float) -> list[Note]:
    """Most quantized rows better than their partners: scores, or partners of something else."""
    columns = runs.columns
    change = np.log(columns["loss"]) - np.log(columns["loss_full"])
    told = runs.quantized & np.isfinite(change)
    if told.sum() < 3:
        return []
    below = told & (change < 0)
    narrow = told & (width(runs) <= _FEW_BITS)
    share = below.sum() / told.sum()
    # Of widths that cost nothing, half lie below by chance, and by no more than scatter.
    clear = np.median(change[told]) < -min(0.002, least / 2) and _by_sign(below.sum(), told.sum())
    worse = narrow.sum() >= 3 and (change[narrow] < 0).mean() > 0.6
    if not (share > 0.5 and (worse or clear)):
        return []
    return [
        Note(
            "degradation-negative",
            "severe",
            f"{below.sum()} of {told.sum()} quantized rows score better than their full-precision "
            f"partners (in the middle by {-np.median(change[told]):.1%}): accuracies in the loss "
            "column, partners of another recipe, or full-precision rows that were measured "
            "otherwise.",
            "Check what the column holds, and set each row against its own network: columns "
            "loss_full, or run, study and corpus.",
            tuple(runs.numbers[below]),
        )
    ]


def _by_sign(below: int, count: int) -> bool:
    """Whether so many signs alike are no chance."""
    from scipy.stats import binomtest

    return bool(binomtest(int(below), int(count), 0.5, alternative="greater").pvalue < 0.02)


def _bits(runs: Runs, least: float) -> list[Note]:
    """Networks whose losses do not fall with bits, one by one and all of them together."""
    networks = _networks(runs)
    fits = [_ordered(runs, rows) for rows in networks]
    wrong = [
        rows
        for rows, (down, up, span) in zip(networks, fits, strict=True)
        if len(np.unique(width(runs)[rows])) > 2 and span > 2 * least and up < 0.3 * down
    ]
    few = [
        (rows, fit)
        for rows, fit in zip(networks, fits, strict=True)
        if (width(runs)[rows] <= _FEW_BITS).any() and fit[2] > _RISE
    ]
    down, up = (sum(fit[i] for _, fit in few) for i in (0, 1))
    if few and up < 1.1 * down:
        rows = np.concatenate([rows for rows, _ in few])
        return [_unordered(runs, few[0][0], rows)]
    if not wrong:
        return []
    rows = np.concatenate(wrong)
    low, high = _ends(runs, wrong[0])
    return [
        Note(
            "rises-with-bits",
            "severe" if len(wrong) > len(networks) / 2 else "warning",
            f"The loss rises with bits in {len(wrong)} of {len(networks)} networks "
            f"({_name(runs, low)}: {_at(runs, low)}, {_at(runs, high)}), where more bits bring it "
            "down: rows exchanged, or a column that is not bits.",
            "Look at these rows, and leave out those that are broken with --where.",
            tuple(runs.numbers[rows]),
        )
    ]


def _unordered(runs: Runs, first: np.ndarray, rows: np.ndarray) -> Note:
    low, high = _ends(runs, first)
    return Note(
        "bits-do-not-order",
        "severe",
        f"More bits do not bring the loss down in this table ({_name(runs, low)}: "
        f"{_at(runs, low)}, {_at(runs, high)}): what sets these rows apart is not quantization.",
        "Look for what else differs (fine-tuning, templates, text, a broken file); a law in bits "
        "has nothing to say of these rows.",
        tuple(runs.numbers[np.sort(rows)]),
    )


def _networks(runs: Runs) -> list[np.ndarray]:
    """Rows of one network, trained or quantized at several widths in one way each.

    Where rows say methods, these may differ: a network's rows at one width each are often all of
    different file formats.
    """
    columns = runs.columns
    plain = (columns["sparsity"] == 0) & (columns["train_w_bits"] >= 0) | (
        (columns["sparsity"] == 0) & np.isnan(columns["train_w_bits"])
    )
    others = [name for name in BITS if name not in ("w_bits", "a_bits")]
    plain &= np.all([columns[name] >= FULL_PRECISION_BITS for name in others], axis=0)
    codes = codes_of(runs, NETWORK)
    found = []
    for rows in groups_of(codes, plain, least=3):
        # Bits of weights and activations have an order where one of them stands still.
        for still, moves in (("a_bits", "w_bits"), ("w_bits", "a_bits")):
            full = ~runs.quantized[rows]
            for level in np.unique(columns[still][rows]):
                kept = rows[(columns[still][rows] == level) | full]
                if len(kept) > 2 and len(np.unique(columns[moves][kept])) > 1:
                    found.append(kept)
            if found and len(found[-1]) == len(rows):
                break
        both = rows[(columns["w_bits"] == columns["a_bits"])[rows]]
        if len(both) > 2 and len(np.unique(width(runs)[both])) > 1:
            found.append(both)
    return found


def _ordered(runs: Runs, rows: np.ndarray) -> tuple[float, float, float]:
    """Squares left by the best falling and the best rising curve in bits, and the range.

    Rows of one width count as their best, so that a bad method is no argument against bits.
    """
    from scipy.optimize import isotonic_regression

    bits, codes = np.unique(width(runs)[rows], return_inverse=True)
    loss = np.log(runs.columns["loss"][rows])
    best = np.array([loss[codes == i].min() for i in range(len(bits))])
    left = []
    for increasing in (False, True):
        fitted = isotonic_regression(best, increasing=increasing).x
        left.append(float(((best - fitted) ** 2).sum()))
    return left[0], left[1], float(np.ptp(best))


def _ends(runs: Runs, rows: np.ndarray) -> tuple[int, int]:
    """Rows of the best loss at few bits, and of the worst at more."""
    loss, bits = runs.columns["loss"][rows], width(runs)[rows]
    few = rows[bits <= max(np.median(bits), bits.min())]
    low = few[np.argmin(runs.columns["loss"][few])]
    more = rows[bits > width(runs)[low]]
    high = more[np.argmax(runs.columns["loss"][more])] if len(more) else rows[np.argmax(loss)]
    return int(low), int(high)


def _at(runs: Runs, row: int) -> str:
    loss = runs.columns["loss"][row]
    return f"{loss:.4g} at {width(runs)[row]:g} bits in row {runs.numbers[row]}"


def _name(runs: Runs, row: int) -> str:
    return f"run {runs.columns['run'][row]}" if runs.columns["run"][row] else "one network"


def _logged(runs: Runs) -> list[Note]:
    """Rows that are one row twice, or one run's log at the same N and D."""
    columns = runs.columns
    same = [n for n in Row.model_fields if n not in MEASURED]
    notes = []
    every = codes_of(runs, columns)
    twice = groups_of(every, np.ones(len(runs), dtype=bool))
    if twice:
        rows = np.concatenate([group[1:] for group in twice])
        notes.append(
            Note(
                "duplicate-rows",
                "warning",
                f"{runs.named(rows).capitalize()} {'repeats' if len(rows) == 1 else 'repeat'} "
                "another row in every cell, and would count twice.",
                "Leave the copies out: table.drop_duplicates().",
                tuple(runs.numbers[rows]),
            )
        )
    alike = [n for n in own_columns(runs) if not _STEP_LIKE.search(n) and _is_setting(runs, n)]
    codes = codes_of(runs, (*same, *alike))
    named = columns["run"] != ""
    groups = [g for g in groups_of(codes, named) if len(np.unique(every[g])) > 1]
    if groups:
        rows = np.concatenate(groups)
        first = groups[0]
        # One or two among many are runs of one name, and cannot decide anything.
        few = len(groups) < 3 and len(groups) < 0.05 * len(set(runs.cluster))
        notes.append(
            Note(
                "logged-rows",
                "info" if few else "warning",
                f"{len(groups)} {'run has' if len(groups) == 1 else 'runs have'} several rows of "
                f"the same N and D ({_name(runs, first[0])}: {runs.named(first)}): steps of a log, "
                "which are not independent measurements.",
                "Keep the last step of each: table.groupby(['run', 'N', 'D']).tail(1); if they are "
                "repeats, give each its seed.",
                tuple(runs.numbers[rows]),
            )
        )
    return notes


def _is_setting(runs: Runs, name: str) -> bool:
    """Whether a column of the user's own sets rows apart: text, or few numbers."""
    values: Sequence[object] = runs.columns[name].tolist()
    return runs.columns[name].dtype == object or len(set(map(str, values))) <= max(
        2, len(values) // 4
    )
