"""Values that cannot be what their column says: perplexities, bits per byte, scores, billions."""

from __future__ import annotations

import numpy as np

from bayesq.checks.settings import codes_of, groups_of, width
from bayesq.checks.size_units import size_notes
from bayesq.checks.usual_loss import expected_loss, full_level
from bayesq.counted import how_many
from bayesq.notes import Note
from bayesq.runs.runs import Runs

# ln of 300,000: guessing over the largest vocabularies in use.
_GUESSING = 12.6
# What full-precision losses lie between, as shares of Besiroglu's law: over eleven public pools the
# middle of a study is 0.8 to 1.25, and single well-known models go down to 0.54. Perplexities of
# the same networks are 2.8 times it and more. Bits per byte are the nats over ln 2 and 3.6 to 4.7
# bytes a token: 0.44 of it at most for a text that costs 1.1 times it. Code costs about half of it.
_HIGH, _ABSURD, _LOW = 1.6, 2.2, 0.44
# Perplexities of an easy text, such as code, are as high as nats of a hard one, but they fall with
# N and D faster than any loss: their logarithm does it as losses do, times the loss. Pools above
# 1.2 times the law fall at 0.7 to 0.85 of its rate.
_SOMEWHAT_HIGH, _STEEP, _RANGE = 1.2, 1.2, 0.3
# As their logarithms, perplexities must be nats of some text.
_EASIEST, _HARDEST = 0.4, 1.4
_GAP, _ALIKE = np.log(1.8), 0.25
# Below these the law says nothing of a loss.
_LEAST_N, _LEAST_D = 2e7, 1e8
# One of two networks is larger by so much, in parameters or tokens.
_LARGER = 1.3
_MOST_COMPARED = 400
_SAFE_BITS = 4.0


def unit_notes(runs: Runs) -> list[Note]:
    """Say which columns hold another quantity than their name, or another unit.

    Returns
    -------
    list of Note
        Codes ``higher-is-better``, ``perplexities``, ``beyond-guessing``, ``bits-per-byte``, and
        those of :func:`~bayesq.checks.size_units.size_notes`.
    """
    sizes = size_notes(runs)
    better = _better(runs)
    return [*sizes, *better, *([] if better else _losses(runs, sized=not sizes))]


def _better(runs: Runs) -> list[Note]:
    """Scores: larger networks, and those that saw more, have more of them."""
    loss, told = full_level(runs)
    n, d = np.log(runs.columns["N"]), np.nan_to_num(np.log(runs.columns["D"]))
    alike = codes_of(runs, ("study", "corpus"))
    index = np.flatnonzero(told)
    if len(index) > _MOST_COMPARED:
        index = np.random.default_rng(0).choice(index, _MOST_COMPARED, replace=False)
    by = [n[index][:, None] - n[index], d[index][:, None] - d[index]]
    larger = (by[0] >= -1e-9) & (by[1] >= -1e-9) & (by[0] + by[1] > np.log(_LARGER))
    larger &= alike[index][:, None] == alike[index]
    pairs = int(larger.sum())
    if pairs < 6 or len(np.unique(loss[index])) < 4:
        return []
    worse = int((larger & (loss[index][:, None] > loss[index])).sum())
    if worse <= 0.7 * pairs:
        return []
    highest = float(runs.columns["loss"].max())
    scores = "accuracies or other scores" if highest <= 100 else "scores"
    share = " as shares" if highest <= 1 else " in per cent" if 20 < highest <= 100 else ""
    return [
        Note(
            "higher-is-better",
            "severe",
            f"Column loss rises with parameters and tokens (in {worse} of {pairs} pairs of rows of "
            f"which one has no less of either), where losses fall: these look like {scores}"
            f"{share}, of which more is better, or N and D are not what they say.",
            "Give the loss in nats per token, or a perplexity (-c theirs=perplexity).",
        )
    ]


def _losses(runs: Runs, *, sized: bool) -> list[Note]:
    """Perplexities and bits per byte: levels that no network of that size has."""
    full = ~runs.quantized
    loss, told = full_level(runs)
    notes: list[Note] = []
    beyond = runs.columns["loss"] > _GUESSING
    usual = (runs.columns["N"] >= _LEAST_N) & ~(runs.columns["D"] < _LEAST_D)
    share = loss / expected_loss(runs)
    # Before a study is called perplexities, whether some of its rows are alone.
    mixed = _mixed(runs, usual) if sized else np.empty(0, dtype=int)
    for rows in [] if len(mixed) else _by_study(runs, told, usual):
        middle = float(np.median(share[rows]))
        shown = f"{np.median(loss[rows]):.3g}"
        if sized and (middle > _HIGH or (middle > _SOMEWHAT_HIGH and _steep(runs, rows, loss))):
            notes.append(_perplexities(runs, *_which(runs, rows)))
        elif sized and middle < _LOW and np.median(loss[rows]) < 1.7:
            notes.append(
                Note(
                    "bits-per-byte",
                    "warning",
                    f"Losses of {shown} are {middle:.0%} of the nats per token that networks of "
                    "these sizes reach on text: are they bits or nats per byte or character?",
                    "Name bits per byte as such (-c theirs=bpb) and give bytes per token; if they "
                    "are nats per token of an easy text, nothing is to be mended.",
                    tuple(runs.numbers[rows]),
                )
            )
    if len(mixed):
        notes.append(_perplexities(runs, mixed))
    if not notes and (beyond & full).sum() > 0.2 * full.sum() > 0:
        most = (beyond & full).sum() > 0.5 * full.sum()
        found = _which(runs, np.arange(len(runs))) if most else (np.flatnonzero(beyond & full),)
        notes.append(_perplexities(runs, *found, sized=False))
    if beyond.any() and not any(note.code == "perplexities" for note in notes):
        highest = float(runs.columns["loss"][beyond].max())
        notes.append(
            Note(
                "beyond-guessing",
                "severe" if (beyond & full).any() else "warning",
                f"{runs.named(beyond).capitalize()} {'has' if beyond.sum() == 1 else 'have'} a "
                f"loss of up to {highest:.3g} nats per token, where guessing over 300,000 tokens "
                "costs 12.6: a perplexity, or a network that is broken.",
                "Write perplexities into a column perplexity, or leave these rows out: "
                "--where 'loss < 12'.",
                tuple(runs.numbers[beyond]),
            )
        )
    return notes


def _steep(runs: Runs, rows: np.ndarray, loss: np.ndarray) -> bool:
    """Whether values fall with N and D faster than losses do, beyond what scatter may show."""
    x, y = np.log(expected_loss(runs)[rows]), np.log(loss[rows])
    if len(np.unique(x)) < 6 or np.ptp(x) < _RANGE:
        return False
    x, y = x - x.mean(), y - y.mean()
    slope = (x @ y) / (x @ x)
    error = np.sqrt(((y - slope * x) ** 2).sum() / (len(x) - 2) / (x @ x))
    return bool(slope - 2 * error > _STEEP)


def _mixed(runs: Runs, usual: np.ndarray) -> np.ndarray:
    """Rows that are perplexities among losses: far too high, and right as their logarithms."""
    loss, expected = runs.columns["loss"], expected_loss(runs)
    own, logged = loss / expected, np.log(np.maximum(loss, 1.0)) / expected
    # Few bits bring a network anywhere.
    told = ~runs.quantized | (width(runs) >= _SAFE_BITS)
    told &= ~(runs.columns["U"] < runs.columns["D"])  # nor do tokens that are repeated too often
    high = usual & (own > _HIGH) & (logged > _EASIEST) & (logged < _HARDEST)
    found = _right_as_logarithms(own, logged, told & high, told & usual & (own < 1.5))
    if len(found):
        # By their level the rest are told that were small, or of an easy text, or beyond guessing.
        level = np.median(logged[found])
        apart = np.log(np.maximum(logged, 1e-9) / level)
        nearer = (np.abs(apart) < _ALIKE) & (np.abs(np.log(own / level)) > np.abs(apart))
        rest = told & nearer & (own > 1.3 * level)
        rest |= ~told & (loss > _GUESSING) & (np.abs(apart) < 2 * _ALIKE)
        return _with_few_bits(runs, np.union1d(found, np.flatnonzero(rest)))
    if len(found := _beside_partners(runs, logged, told & usual, told & high)):
        return found
    # Of an easy text neither is out of place, but a perplexity is e times its loss at least.
    of_study = []
    for rows in groups_of(codes_of(runs, ("study", "corpus")), told & usual, 4):
        order = rows[np.argsort(own[rows])]
        gaps = np.diff(np.log(own[order]))
        cut = int(np.argmax(gaps)) + 1
        low, high = (np.isin(np.arange(len(runs)), part) for part in np.split(order, [cut]))
        if gaps[cut - 1] > _GAP:
            of_study.append(_right_as_logarithms(own, logged, high, low))
    return _with_few_bits(runs, np.concatenate(of_study)) if of_study else found


def _with_few_bits(runs: Runs, found: np.ndarray) -> np.ndarray:
    """Add the rows of few bits of the networks whose quantized rows of more bits were all found."""
    loss, few = runs.columns["loss"], width(runs) < _SAFE_BITS
    chosen = np.isin(np.arange(len(runs)), found)
    networks = codes_of(runs, ("study", "corpus", "run", "N", "D"))
    for rows in groups_of(networks, runs.quantized):
        wide, narrow = rows[~few[rows]], rows[few[rows]]
        if len(wide) and chosen[wide].all():
            chosen[narrow[loss[narrow] >= loss[wide].min()]] = True
    return np.flatnonzero(chosen)


def _beside_partners(
    runs: Runs, logged: np.ndarray, told: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Quantized rows without one in full precision beside them, by their partners' losses."""
    partner = runs.columns["loss_full"] / expected_loss(runs)
    told, high = told & np.isfinite(partner), high & np.isfinite(partner) & (partner < 1.5)
    if not runs.quantized.all() or high.sum() < 2 or high.sum() < 0.9 * told.sum():
        return np.empty(0, dtype=int)
    # Networks that broke down are not worse by so little in the logarithm of their losses.
    lost = logged[high] / partner[high]
    near = np.quantile(lost, [0.1, 0.5])
    return np.arange(len(runs)) if near[0] > 0.98 and near[1] < 1.3 else np.empty(0, dtype=int)


def _right_as_logarithms(
    own: np.ndarray, logged: np.ndarray, high: np.ndarray, right: np.ndarray
) -> np.ndarray:
    """Return the high rows if they are many and as logarithms what the right ones are."""
    if high.sum() < 2 or high.sum() < 0.05 * (high | right).sum() or not right.any():
        return np.empty(0, dtype=int)
    apart = np.log(np.median(logged[high]) / np.median(own[right]))
    return np.flatnonzero(high) if abs(apart) < _ALIKE else np.empty(0, dtype=int)


def _which(runs: Runs, rows: np.ndarray) -> tuple[np.ndarray, str]:
    """Tell which of some rows, and which of their columns, hold perplexities.

    Where the losses in full precision are too high, they may be the rows' own alone, or those of
    ``loss_full``, with which quantized rows are compared.
    """
    quantized, loss = runs.quantized[rows], runs.columns["loss"][rows]
    full, narrow = rows[~quantized], rows[quantized]
    if not len(narrow):
        return rows, "loss"
    partner = runs.columns["loss_full"][narrow]
    if np.nanmedian(loss[quantized] / partner) > np.exp(-_GAP):
        return rows, "loss"
    beside = expected_loss(runs)[full]
    if len(full) and np.median(loss[~quantized] / beside) > _HIGH:
        return full, "loss"
    return narrow, "loss_full"


def _perplexities(
    runs: Runs, rows: np.ndarray, column: str = "loss", *, sized: bool = True
) -> Note:
    values = runs.columns[column][rows]
    middle = float(np.median(values / expected_loss(runs)[rows])) if sized else np.inf
    every = len(rows) > 0.9 * len(runs)
    how = f"{middle:.2g} times" if np.isfinite(middle) else "far above"
    steep = " and fall faster than losses do" if every and middle <= _HIGH else ""
    if column == "loss_full":
        what = "Values of column loss_full of"
        mend = (
            "Write column loss_full in nats per token, in Python table['loss_full'] = "
            "np.log(table['loss_full']), and leave column loss as it is."
        )
    else:
        what = "Losses of"
        mend = (
            "Read the column as what it is: -c loss=perplexity, in Python "
            "columns={'loss': 'perplexity'}."
        )
    if column == "loss" and not every:
        few = runs.quantized & (width(runs) < _SAFE_BITS)
        unsure = runs.quantized[rows].any() and not np.isin(np.flatnonzero(few), rows).all()
        mend = (
            f"Move the values of {_of_which(runs, rows)} into a column perplexity of their own, "
            "and leave loss empty there: each row is read by what it has"
            f"{'; of rows below 4 bits, which may be either, look yourself' if unsure else ''}."
        )
    return Note(
        "perplexities",
        "severe" if middle > _ABSURD else "warning",
        f"{what} about {np.median(values):.3g} "
        f"{'' if every and column == 'loss' else f'in {runs.named(rows)} '}are {how} the nats per "
        f"token that networks of these sizes reach on text{steep}: these look like perplexities.",
        mend,
        tuple(runs.numbers[rows]),
    )


def _of_which(runs: Runs, rows: np.ndarray) -> str:
    """Name rows by what they have in common, or by their number."""
    for kind, alike in (("quantized", runs.quantized), ("full-precision", ~runs.quantized)):
        if np.array_equal(np.sort(rows), np.flatnonzero(alike)):
            return f"the {how_many(len(rows), f'{kind} row')}"
    return f"these {len(rows)} rows" if len(rows) > 1 else "this row"


def _by_study(runs: Runs, told: np.ndarray, usual: np.ndarray) -> list[np.ndarray]:
    """Rows of usual sizes of each study and corpus of which most are, to tell a level by."""
    groups = groups_of(codes_of(runs, ("study", "corpus")), told)
    return [rows[usual[rows]] for rows in groups if usual[rows].mean() > 0.5]
