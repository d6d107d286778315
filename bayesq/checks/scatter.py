"""What the rows show about a fit once it is made: far rows, structure that is left, odd noise."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import xarray as xr

from bayesq.checks.at_rows import Residuals, residuals
from bayesq.counted import how_many
from bayesq.law.prior import Prior
from bayesq.model.design import Design
from bayesq.model.specification import Specification
from bayesq.notes import Note
from bayesq.runs.counts import format_count

# Of a right model one row in a thousand lies so far out; one alone counts only if farther still.
OUTSIDE, _CHANCE = 1e-3, 0.01
# Share of the ranks' variance that lies between levels before it counts as structure.
_BETWEEN, _P_VALUE = 0.25, 1e-3
_LEVELS, _BINS, _LEAST = 8, 5, 3
# Widths of the noise that no tail of usual runs reaches often.
FAR = 6.0


def scatter_notes(specification: Specification, posterior: xr.Dataset) -> list[Note]:
    """Find rows far outside, and structure in how rows lie around a fit.

    Returns
    -------
    list of Note
        Codes ``rows-outside``, ``structure`` (one an input), ``runs-apart``, ``noise-over-law`` and
        ``heavy-tails``.
    """
    design = specification.design
    found = residuals(specification, posterior)
    notes = [_outside(design, found), *_structure(design, found)]
    if "run" not in specification.noise.effects:
        notes.append(_runs_apart(design, found))
    notes.append(_noise_over_law(design, found, posterior))
    notes.append(_heavy_tails(specification, found, posterior))
    return [note for note in notes if note is not None]


def rows_outside(found: Residuals) -> np.ndarray:
    """Find rows so far out that chance does not explain them, the farthest first.

    Returns
    -------
    ndarray of int
        Places of rows outside the 99.9 % interval of a new run; none where a right model has as
        many.
    """
    from scipy.stats import binom

    count = len(found.tail)
    outside = found.tail < OUTSIDE
    more = binom.sf(outside.sum() - 1, count, OUTSIDE) < _CHANCE
    if not (outside.any() and (more or found.tail.min() < _CHANCE / count)):
        return np.empty(0, dtype=int)
    rows = np.flatnonzero(outside)
    return rows[np.argsort(-np.abs(found.scaled[rows]))]


def _outside(design: Design, found: Residuals) -> Note | None:
    rows = rows_outside(found)
    if not len(rows):
        return None
    farthest = rows[0]
    far = found.scaled[farthest]
    verb = "lies" if len(rows) == 1 else "lie"
    which = "" if len(rows) == 1 else f"{design.runs.named(farthest[None])} "
    named = design.runs.named(np.sort(rows[:5])) if len(rows) <= 5 else design.runs.named(rows)
    return Note(
        "rows-outside",
        "warning",
        f"{named[0].upper()}{named[1:]} {verb} outside the 99.9 % interval of a new run there, "
        f"{which}by {abs(far):.2g} widths of the noise {'above' if far > 0 else 'below'}: "
        f"{design.response} {design.observed[farthest]:.4g} where the fit has "
        f"{found.fitted[farthest]:.4g}.",
        "Look whether such rows are broken and leave those out (where=); else the law does not "
        "hold there.",
        rows=tuple(design.runs.numbers[np.sort(rows)]),
    )


def _structure(design: Design, found: Residuals) -> Iterator[Note]:
    quantized = design.inputs.get("quantized", np.ones(len(found.scaled))) == 1
    for i in design.law.inputs_of(design.response):
        if i.scale == "flag":
            continue
        values = design.inputs[i.symbol]
        used = quantized if i.format else np.ones(len(values), dtype=bool)
        codes, labels = levels_or_parts(values[used])
        split = _between(found.scaled[used], codes)
        if split is None:
            continue
        share, low, high = split
        yield Note(
            "structure",
            "warning",
            f"Rows lie off the fit by {i.symbol}: those with {i.symbol} {labels[low]} below it and "
            f"those with {labels[high]} above, which is {share:.0%} of what it leaves unexplained.",
            f"The law bends otherwise along {i.symbol} than these rows: try another law, or read "
            f"no interval near these values as exact.",
        )


def levels_or_parts(values: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Give each row the number of its level, or of a part of the range where there are many."""
    known, codes = np.unique(values, return_inverse=True)
    if len(known) <= _LEVELS:
        return codes, [format_count(v) for v in known]
    ends = np.quantile(values, np.linspace(0, 1, _BINS + 1))
    codes = np.clip(np.searchsorted(ends, values, side="right") - 1, 0, _BINS - 1)
    pairs = pairwise(ends)
    return codes, [f"{format_count(a)} to {format_count(b)}" for a, b in pairs]


def _between(scaled: np.ndarray, codes: np.ndarray) -> tuple[float, int, int] | None:
    """Test by rank whether levels lie apart: the share between them, the lowest, the highest."""
    from scipy.stats import kruskal, rankdata

    counts = np.bincount(codes) if codes.size else np.zeros(0, int)
    kept = np.flatnonzero(counts >= _LEAST)
    if len(kept) < 2:
        return None
    inside = (counts >= _LEAST)[codes]
    ranks = rankdata(scaled[inside])
    order = np.argsort(codes[inside], kind="stable")
    parts = np.split(ranks[order], np.cumsum(counts[kept])[:-1])
    groups = {int(k): part for k, part in zip(kept, parts, strict=True)}
    total = ((ranks - ranks.mean()) ** 2).sum()
    if not total:
        return None
    between = sum(len(g) * (g.mean() - ranks.mean()) ** 2 for g in groups.values())
    # What levels take up by chance is not structure.
    degrees = len(groups) - 1
    share = float((between - degrees * total / (len(ranks) - 1)) / total)
    if share < _BETWEEN or kruskal(*groups.values()).pvalue > _P_VALUE:
        return None
    means = {k: g.mean() for k, g in groups.items()}
    return share, min(means, key=means.__getitem__), max(means, key=means.__getitem__)


def _runs_apart(design: Design, found: Residuals) -> Note | None:
    _, codes = np.unique(design.runs.cluster, return_inverse=True)
    split = _between(found.scaled, codes)
    if split is None:
        return None
    share, low, high = split
    signs = np.sign(found.scaled)
    counts, sums = np.bincount(codes), np.bincount(codes, signs)
    one_sided = np.flatnonzero((counts >= _LEAST) & (np.abs(sums) == counts))
    rows = np.isin(codes, one_sided)

    def name(code: int) -> str:
        first = int(np.flatnonzero(codes == code)[0])
        study, run = (str(design.runs.columns[c][first]) for c in ("study", "run"))
        return " of ".join(part for part in (run, study) if part)

    return Note(
        "runs-apart",
        "warning",
        f"Rows of one run lie together off the fit ({share:.0%} of what it leaves unexplained; "
        f"run {name(high)} most above, {name(low)} most below, {len(one_sided)} of "
        f"{how_many(int((counts >= _LEAST).sum()), 'run')} all on one side): rows of a run are not "
        "independent.",
        "Let them share an effect, noise='student-t + run' (--noise 'student-t + run'), so that "
        "intervals are as wide as the runs tell.",
        rows=tuple(design.runs.numbers[rows]),
    )


def _noise_over_law(design: Design, found: Residuals, posterior: xr.Dataset) -> Note | None:
    symbol = "sigma" if design.response == "loss" else "sigma_0"
    if symbol not in posterior:
        return None
    noise = float(posterior[symbol].median())
    values = np.log(found.fitted) if design.response == "loss" else found.fitted
    spread = float(values.std())
    if noise <= spread:
        return None
    unit = "" if design.response == "loss" else " nats per token"
    return Note(
        "noise-over-law",
        "warning",
        f"The noise of a row ({symbol} {noise:.2g}{unit}) is larger than what the law tells apart "
        f"in these rows (a spread of {spread:.2g}{unit}): they hardly show the law at all.",
        "Look at the rows first: the column fitted may be another than you think; or add rows that "
        "differ more.",
    )


def _heavy_tails(
    specification: Specification, found: Residuals, posterior: xr.Dataset
) -> Note | None:
    dof = next((p for p in specification.noise.parameters if p.symbol == "dof"), None)
    if dof is None or "dof" not in posterior or not isinstance(dof.prior, Prior):
        return None
    middle, edge = float(posterior["dof"].median()), float(dof.prior.quantile(0.05))
    if middle >= edge:
        return None
    runs = specification.design.runs
    far = np.abs(found.scaled) > FAR
    named = f": {runs.named(far)} by more than {FAR:g} widths of the noise" if far.any() else ""
    return Note(
        "heavy-tails",
        "warning",
        f"The tails of the noise are heavier than runs have them (dof {middle:.2g}, and the prior "
        f"has 5 % below {edge:.2g}), as some rows lie far off the law that fits the others{named}.",
        "Look at these rows; they are broken, of another kind, or where the law fails.",
        rows=tuple(runs.numbers[far]),
    )
