"""Losses and bits: what quantization cannot do to a network."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import formats, groups_of, name_of, networks, width
from bayesq.counted import how_many
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS

# A range of losses counts from this share of the loss on.
_RISE = 0.01
# A network of few bits is better than itself in full precision.
_CLEAR, _FAR = 0.004, 0.05
# At so few bits quantization is seen in any network.
_FEW_BITS = 5.0
_FREE_BITS = 8.0
# Rows of one network and format of which all are held against all.
_MOST_HELD = 2_000
_DIGITS = ("exponent", "mantissa", "group")


def bits_notes(runs: Runs, least: float, scatter: float) -> list[Note]:
    """Say where more bits do not bring the loss down.

    Parameters
    ----------
    runs : Runs
        The table.
    least : float
        Share of the loss from which on a change counts.
    scatter : float
        Relative standard deviation of the loss of a run, 0 where nothing tells it.

    Returns
    -------
    list of Note
        One of code ``no-degradation``, ``degradation-negative``, ``bits-do-not-order``,
        ``rises-with-bits`` or ``few-bits-beat-full`` at most.
    """
    bits = (runs.columns["w_bits"], runs.columns["a_bits"])
    if not runs.quantized.any() and all((values == values[0]).all() for values in bits):
        return []
    return _unchanged(runs) or _negative(runs) or _bits(runs, least) or _beats_full(runs, scatter)


def _unchanged(runs: Runs) -> list[Note]:
    """Most quantized rows exactly as good as their partners: a column that was copied."""
    loss, partner = runs.columns["loss"], runs.columns["loss_full"]
    # Eight bits may cost less than the digits that were written.
    told = runs.quantized & np.isfinite(partner) & (width(runs) < _FREE_BITS)
    same = told & (loss == partner)
    if same.sum() < 3 or same.sum() <= told.sum() / 2:
        return []
    return [
        Note(
            "no-degradation",
            "severe",
            f"{same.sum()} of {told.sum()} quantized rows below 8 bits have exactly the loss of "
            f"their full-precision partners ({loss[same][0]:.4g} in "
            f"{runs.named(np.flatnonzero(same)[:1])}): is column loss_full a copy of loss?",
            "Write the loss of the network before it was quantized into loss_full, or leave the "
            "column out and add its full-precision row.",
            tuple(runs.numbers[same]),
        )
    ]


def _negative(runs: Runs) -> list[Note]:
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
    clear = np.median(change[told]) < -0.002 and _by_sign(int(below.sum()), int(told.sum()))
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


def _beats_full(runs: Runs, scatter: float) -> list[Note]:
    """Rows of few bits that are clearly better than their partners.

    A network quantized after training shares its chances with its partner; two trained runs differ
    by those of both.
    """
    columns = runs.columns
    change = np.log(columns["loss"]) - np.log(columns["loss_full"])
    told = runs.quantized & np.isfinite(change)
    few = told & (width(runs) <= _FEW_BITS)
    clear = max(_CLEAR, 4 * _noise(runs, change))
    two_runs = max(clear, 4 * np.sqrt(2) * scatter if scatter else _RISE)
    clearly = np.where(runs.partners.own | (columns["stage"] == "post"), clear, two_runs)
    # Of many bits by chance too, but not by far.
    better = (few & (change < -clearly)) | (told & (change < -np.maximum(_FAR, 2 * clearly)))
    if not better.any():
        return []
    rows = np.flatnonzero(better)
    first = rows[np.argmin(change[rows])]
    of = len(set(networks(runs)[rows].tolist()))
    every = len(set(networks(runs)[told].tolist()))
    return [
        Note(
            "few-bits-beat-full",
            "severe" if of > every / 2 else "warning",
            f"{runs.named(rows).capitalize()} {'is' if len(rows) == 1 else 'are'} better than "
            f"full precision ({_at(runs, first)}, {columns['loss_full'][first]:.4g} at 16): what "
            "sets them apart is not quantization alone.",
            "Look for a full-precision row of another recipe, fine-tuning of the quantized one, or "
            "a broken row, and leave out what does not belong with --where.",
            tuple(runs.numbers[rows]),
        )
    ]


def _noise(runs: Runs, change: np.ndarray) -> float:
    """Robust scatter of what costs nearly nothing: rows of many bits about their network's."""
    many = runs.quantized & np.isfinite(change) & (width(runs) > _FEW_BITS)
    left = [change[g] - np.median(change[g]) for g in groups_of(networks(runs), many)]
    return 1.4826 * float(np.median(np.abs(np.concatenate(left)))) if left else 0.0


def _by_sign(below: int, count: int) -> bool:
    """Whether so many signs alike are no chance."""
    from scipy.special import bdtrc

    return bool(bdtrc(below - 1, count, 0.5) < 0.02)


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
    if not wrong and (reversed_ := _reversed(runs)) is not None:
        wrong = [reversed_]
    if not wrong:
        return []
    rows = np.concatenate(wrong)
    low, high = _ends(runs, wrong[0])
    return [
        Note(
            "rises-with-bits",
            "severe" if len(wrong) > len(networks) / 2 else "warning",
            f"The loss rises with bits in {len(wrong)} of {how_many(len(networks), 'network')} ("
            f"{name_of(runs, low)}: {_at(runs, low)}, {_at(runs, high)}), where more bits bring "
            "it down: rows exchanged, or a column that is not bits.",
            "Look at these rows, and leave out those that are broken with --where.",
            tuple(runs.numbers[rows]),
        )
    ]


def _reversed(runs: Runs) -> np.ndarray | None:
    """Rows of all networks, if their losses rise with bits more often than chance allows.

    Kendall's S, summed over the networks and methods of the table, against its spread without
    order.
    """
    columns = runs.columns
    digits = (f"{side}_{part}" for side in "wa" for part in ("bits", *_DIGITS))
    same = formats(runs, without=tuple(digits))
    codes = networks(runs) * (int(same.max()) + 1) + same
    total, variance, told = 0.0, 0.0, []
    for every in groups_of(codes, runs.quantized & (columns["sparsity"] == 0)):
        # Of very many, each is held against some of the others.
        rows = every[:: -(-len(every) // _MOST_HELD)]
        more, worse = (
            [columns[name][rows][:, None] - columns[name][rows] for name in names]
            for names in (("w_bits", "a_bits"), ("loss",))
        )
        # Where one operand has more bits and the other fewer, nothing is said.
        order = np.where(more[0] * more[1] >= 0, np.sign(more[0] + more[1]), 0.0)
        count = len(rows)
        total += float((order * np.sign(worse[0])).sum()) / 2
        variance += count * (count - 1) * (2 * count + 5) / 18
        told.append(rows)
    return np.concatenate(told) if told and total > 3 * np.sqrt(variance) else None


def _unordered(runs: Runs, first: np.ndarray, rows: np.ndarray) -> Note:
    low, high = _ends(runs, first)
    return Note(
        "bits-do-not-order",
        "severe",
        f"More bits do not bring the loss down in this table ({name_of(runs, low)}: "
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
    codes = networks(runs)
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
    same = formats(runs, without=("w_bits", "a_bits", "w_group", "a_group"))
    by_format = codes * (int(same.max()) + 1) + same
    found += [
        rows
        for rows in groups_of(by_format, plain & runs.quantized, least=3)
        if len(np.unique(columns["a_bits"][rows])) == 1
    ]
    return found


def _ordered(runs: Runs, rows: np.ndarray) -> tuple[float, float, float]:
    """Squares left by the best falling and the best rising curve in bits, and the range.

    Rows of one width count as their best, so that a bad method is no argument against bits.
    """
    bits, codes = np.unique(width(runs)[rows], return_inverse=True)
    loss = np.log(runs.columns["loss"][rows])
    best = np.array([loss[codes == i].min() for i in range(len(bits))])
    if (np.diff(best) <= 0).all():
        return 0.0, float(((best - best.mean()) ** 2).sum()), float(np.ptp(best))
    from scipy.optimize import isotonic_regression  # a second to import, and hardly ever needed

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
