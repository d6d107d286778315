"""The model of a fit of very many rows: sampled with weighted ones, held against all of them.

The weighted rows (:mod:`bayesq.model.coreset`) give draws from nearly the posterior. Of these some
hundred are held against every row: the log likelihood of all rows less that of the weighted ones is
the logarithm of what each draw should weigh, smoothed in its tail (Vehtari et al. 2024, "Pareto
smoothed importance sampling"), and the draws are taken again by these weights. Pareto's k and the
effective number say how well that went; where it did not, the cells are made finer.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.model.coreset import Reference, Table, Weighted
from bayesq.model.given import Given, labels
from bayesq.model.specification import Specification
from bayesq.sampling.defaults import DRAWS, LIKELIHOOD, SAMPLER, UNCONSTRAINED
from bayesq.sampling.groups import groups_of
from bayesq.sampling.needle import mode_of
from bayesq.sampling.packing import pack
from bayesq.sampling.program import Program, find_program
from bayesq.sampling.reduction import Reduction
from bayesq.sampling.sample import sample, suited
from bayesq.sampling.sampled import Sampled
from bayesq.sampling.whitened import Whitened

if TYPE_CHECKING:
    from bayesq.sampling.by_row import ByRow, Draws

# Weighted rows, without a misfit and with one, and by how much finer cells are made if these fail.
_WEIGHTED = {False: 8192, True: 16384}
_MORE = 4
# Of a smaller table one stands for so many at least, or little would be gained.
_ROWS_OF_ONE = 4
# Where these fail as well, all rows are sampled if they are no more times coordinates than this.
_ALL = 10_000_000
# Cells of rows by draws that the usual number of draws is held against, and the fewest draws.
_CELLS, _FEWEST = 200_000_000, 1200
# A correction bends the density by no more than this share of its own curvature.
_MOST_BENT = 0.5
# In round coordinates as much tuning does.
_TUNE = 150
# So much less than all others on the logarithm is nothing.
_NOTHING = 50.0
# Draws whose weights differ by no more on the logarithm weigh the same.
_EQUAL = 1e-3
# Draws that are held against a chunk of rows at once.
_TOGETHER = 64


class Large:
    """A program, the weighted rows that it runs on, and the table that they stand for.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    say : callable
        Is told what takes a while.
    weighted : int, optional
        How many weighted rows, about.
    """

    def __init__(
        self,
        specification: Specification,
        say: Callable[[str], object] = lambda doing: None,
        weighted: int | None = None,
    ) -> None:
        self._of, self._say = specification, say
        self._table = Table(specification)
        usual = min(_WEIGHTED[specification.field is not None], len(self._table) // _ROWS_OF_ONE)
        self._most = weighted or usual
        self._rows: Weighted
        self._program: Program

    def sample(
        self,
        *,
        draws: int,
        tune: int,
        chains: int,
        seed: int,
        sampler: str = SAMPLER,
        step: Callable[[int, int], object] = lambda done, of: None,
    ) -> Sampled:
        """Draw from the posterior; parameters as :func:`bayesq.fit` takes them.

        Returns
        -------
        Sampled
            As many draws a chain as could be held against all rows.
        """
        began = time.perf_counter()
        rng = np.random.default_rng([seed, 1])
        count = len(self._table)
        # Whoever asks for more draws than usual has more held.
        held = max(_FEWEST, _CELLS // count) * max(draws / DRAWS, 1.0)
        kept = min(draws, math.ceil(held / chains))
        most = self._most
        self._say("putting rows together")
        rows, at = self._table.some(most, rng), None
        self._program = find_program(rows.specification, rows.given, self._say)
        at, _, spent = mode_of(self._program, pack(rows.given))
        best: tuple[Sampled, Weighted, Program] | None = None
        for size in (most, _MORE * most):
            # Twice: a misfit that follows the scatter of a few rows is a poor reference.
            for _ in range(2):
                rows = self._together(rows, at, size)
                self._program = find_program(rows.specification, rows.given, self._say)
                at, round_, more = mode_of(self._program, pack(rows.given), at)
                spent += more
            self._rows = rows
            round_ = round_ and self._corrected(round_)
            drawn = self._drawn(round_, kept, tune, chains, seed, sampler, step)
            spent += drawn.gradients
            found = self._held(drawn, round_, rng)
            if best is None or _told(found).better_than(_told(best[0])):
                best = found, self._rows, self._program
            if _told(found).good:
                break
        # Finer cells can do worse.
        assert best is not None  # there is a first one
        found, self._rows, self._program = best
        told = _told(found)
        if told.bad and count * len(at) <= _ALL:
            self._say("sampling all rows, for which weighted ones do not stand")
            self._rows = self._table.whole
            self._program = find_program(self._of, self._rows.given, self._say)
            _, round_, more = mode_of(self._program, pack(self._rows.given), at)
            drawn = self._drawn(round_, kept, tune, chains, seed, sampler, step)
            spent += more + drawn.gradients
            found = replace(drawn, reduction=replace(told, all_rows=True))
        return replace(found, gradients=spent, seconds=time.perf_counter() - began)

    def groups(self, points: np.ndarray) -> dict[str, xr.Dataset]:
        """Work out what draws tell, as :func:`bayesq.sampling.groups.groups_of`.

        Without what depends on the weighted rows: densities by row, the sampler's coordinates.
        """
        known = labels(self._rows.specification)
        known |= {
            f"effect_{e}_group": list(range(n)) for e, n in self._rows.standing.counts.items()
        }
        found = groups_of(self._program, points, pack(self._rows.given), known)
        return {n: g for n, g in found.items() if n not in (LIKELIHOOD, UNCONSTRAINED)}

    def _drawn(
        self,
        round_: Whitened | None,
        draws: int,
        tune: int,
        chains: int,
        seed: int,
        sampler: str,
        step: Callable[[int, int], object],
    ) -> Sampled:
        """Draw with the weighted rows, where they have a mode in coordinates round about it."""
        rows = pack(self._rows.given)
        asked = suited(self._of.field is not None, self._of.pooling is not None)
        asked |= {"draws": draws, "chains": chains, "seed": seed, "sampler": sampler, "step": step}
        if round_ is None:
            return sample(self._program, rows, tune=tune, **asked)
        starts = np.random.default_rng([seed, 2]).standard_normal((chains, round_.coordinates))
        drawn = sample(
            round_,  # type: ignore[arg-type]
            rows,
            tune=min(tune, _TUNE),
            starts=starts,
            **asked,
        )
        return replace(drawn, points=round_.back(drawn.points))

    def _corrected(self, round_: Whitened) -> Whitened:
        """Correct the density by what all rows say one standard deviation off along each axis.

        That is most of what weighted rows get wrong: of a million rows with a misfit 42 % of the
        draws were left by their weights without it.
        """
        self._say("holding axes against all rows")
        axes = np.eye(round_.coordinates)
        points = round_.back(np.vstack([np.zeros_like(axes[:1]), axes, -axes]))
        amid, *ends = self._ratio(points)
        above, below = np.split(np.array(ends), 2)
        known = np.isfinite(above) & np.isfinite(below) & np.isfinite(amid)
        slope = np.where(known, (above - below) / 2, 0.0)
        bend = np.where(known, above + below - 2 * amid, 0.0)
        return round_.corrected(slope, np.clip(bend, -_MOST_BENT, _MOST_BENT))

    def _ratio(self, points: np.ndarray) -> np.ndarray:
        """Log likelihood of all rows less that of the weighted ones at points, shape (points,)."""
        told = self._draws(self._rows, points)
        like = self._rows.given
        every = self._likelihood(told, self._table.parts(like))
        found: np.ndarray = every - self._likelihood(told, self._rows.parts(like))
        return found

    def _held(self, drawn: Sampled, round_: Whitened | None, rng: np.random.Generator) -> Sampled:
        """Hold draws against all rows, and take them again by what they weigh."""
        from arviz_stats.base import array_stats

        self._say("holding draws against all rows")
        chains, draws, _ = drawn.points.shape
        points = drawn.points.reshape(chains * draws, -1)
        ratio = self._ratio(points)
        if round_ is not None:
            ratio -= round_.correction(points)
        finite = np.isfinite(ratio)
        if not finite.any():
            raise BayesqError(
                f"No draw of the {len(self._rows):,} weighted rows has a finite density over all "
                f"{len(self._table):,}; fit all rows as they are, with coreset=False (on the "
                "command line --no-coreset)."
            )
        # A draw at which nothing is finite weighs nothing.
        ratio = np.where(finite, ratio, ratio[finite].min() - _NOTHING)
        # It takes what leaving a row out weighs by: the negative.
        log, k = array_stats.psislw(ratio.max() - ratio)
        if np.ptp(ratio) < _EQUAL:
            k = 0.0  # of what is equal but for rounding there is no tail to measure
        weights = np.exp(log - np.max(log)).reshape(chains, draws)
        weights /= weights.sum(axis=1, keepdims=True)
        reduction = Reduction(
            rows=len(self._table),
            weighted=len(self._rows),
            held=chains * draws,
            # Of what is done: each chain's draws are taken again by themselves.
            effective=float(chains**2 / (weights**2).sum()),
            k=float(k),
        )
        # In their order, as evenly as their weights allow.
        taken = []
        for of_chain in weights:
            ends = np.cumsum(of_chain) * draws
            taken.append(np.searchsorted(ends, np.arange(draws) + rng.random(), side="left"))
        chosen = np.minimum(np.array(taken), draws - 1)
        at = xr.DataArray(chosen, dims=("chain", "draw"))
        stats = drawn.stats.isel(chain=xr.DataArray(np.arange(chains), dims="chain"), draw=at)
        stats = stats.assign_coords(chain=drawn.stats["chain"], draw=drawn.stats["draw"])
        points = np.take_along_axis(drawn.points, chosen[:, :, None], axis=1)
        return replace(drawn, points=points, stats=stats, reduction=reduction)

    def _together(self, rows: Weighted, at: np.ndarray, most: int) -> Weighted:
        """Put rows together about what a point of the program over some of them says."""
        draw = {name: values[0] for name, values in self._draws(rows, at[None]).items()}
        like = rows.given
        cells = self._table.together(self._around(draw, self._table.parts(like)), most)
        amid = self._table.amid(cells)
        return cells.weighted(amid, self._around(draw, amid.parts(like)))

    def _draws(self, rows: Weighted, points: np.ndarray) -> Draws:
        """Parameters and all else that the stated model takes, by name, at some points."""
        told = self._program.tell(points, pack(rows.given), LIKELIHOOD)
        return {t.name: values for t, values in told.items() if t.group == "posterior"}

    def _around(self, draw: Draws, parts: Iterable[Given]) -> Reference:
        """Mean and width of the noise in all rows of some parts, for one draw."""
        found = []
        for part in parts:
            count = int(np.count_nonzero(part["counted"]))
            found.append([values[:count] for values in self._by_row(part).around(draw, part)])
        middle, width = (np.concatenate(values) for values in zip(*found, strict=True))
        return middle, width

    def _likelihood(self, draws: Draws, parts: Iterator[Given]) -> np.ndarray:
        """Log likelihood of all rows of some parts in each draw, shape (draws,)."""
        count = len(next(iter(draws.values())))
        full = -(-count // _TOGETHER) * _TOGETHER
        # What fills up the last batch is as good as any.
        filled = {
            name: np.concatenate([v, np.repeat(v[-1:], full - count, axis=0)])
            for name, v in draws.items()
        }
        batches = [slice(start, start + _TOGETHER) for start in range(0, full, _TOGETHER)]

        def held(part: Given) -> np.ndarray:
            by_row = self._by_row(part)
            return np.concatenate(
                [by_row.densities({n: v[b] for n, v in filled.items()}, part) for b in batches]
            )

        total = np.zeros(full)
        for found in _side_by_side(held, parts):
            total += found
        return total[:count]

    def _by_row(self, part: Given) -> ByRow:
        """Return the functions of rows, which are made once for a program."""
        # Loads PyMC, which fits of usual tables do without.
        from bayesq.sampling.by_row import ByRow

        found: ByRow = self._program.kept("by row", lambda: ByRow(self._of, part))
        return found


def _told(drawn: Sampled) -> Reduction:
    assert drawn.reduction is not None  # it was held
    return drawn.reduction


def _side_by_side(
    function: Callable[[Given], np.ndarray], parts: Iterator[Given]
) -> Iterator[np.ndarray]:
    """Apply a function to parts of a table, as many at once as there are cores, in their order."""
    # Python 3.12 counts those of the machine only.
    cores = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    with ThreadPoolExecutor(cores) as pool:
        waiting: deque[Future[np.ndarray]] = deque()
        for part in parts:
            waiting.append(pool.submit(function, part))
            # No more parts than that are in memory.
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
