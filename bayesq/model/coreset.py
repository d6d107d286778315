"""Many rows as few weighted ones, a coreset (Huggins, Campbell, Broderick 2016), made of cells.

Rows that lie alike, in the law's inputs and in how far they are off a reference curve, are put
together. Each cell stands in the table as two rows amid it, which keep the number of its rows and
three moments of what they are off by. What that changes is found out by holding draws against all
rows (:mod:`bayesq.sampling.large`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesq.law.inputs import Input
from bayesq.model.effects import groups
from bayesq.model.given import Given, Standing, given, of_rows
from bayesq.model.row_cells import cells, nodes
from bayesq.model.specification import Specification
from bayesq.runs.schema import ERROR_OF

# Rows that are looked at together.
CHUNK = 8192
# An input of a format that has so few values has each by itself.
_FEW_VALUES = 64
# A misfit bends more than a law does, so that its cells are as much smaller along the inputs: of
# 100,000 rows in 16,384 the log likelihood of draws is off by 0.25 so, and by 0.55 at 1.
_FINER = 3.0
# Of more rows cells have places first, as a share of the cells.
_SO_MANY = 200_000
_PLACES = 1 / 15
# So many numbers of the misfit's basis are kept, 1 GiB; those of larger tables are made again.
_MOST_KEPT = 2**27

# Mean and width of the noise in each row, on its scale.
Reference = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Weighted:
    """Some weighted rows that stand for all rows of a fit.

    Parameters
    ----------
    specification : Specification
        The fit of these rows alone: pivots, typical loss and field are those of all.
    standing : Standing
        What they stand for.
    """

    specification: Specification
    standing: Standing

    def __len__(self) -> int:
        return len(self.standing.weights)

    @cached_property
    def given(self) -> Given:
        """What the model takes from them, in the sampler's coordinates."""
        return given(self.specification, fill_up=True, standing=self.standing)

    def part(self, rows: np.ndarray | slice) -> Weighted:
        """Take some of them, by number or as a slice."""
        design, standing = self.specification.design, self.standing
        few = replace(
            design,
            runs=design.runs.take(rows),
            index=design.index[rows],
            inputs={symbol: values[rows] for symbol, values in design.inputs.items()},
            observed=design.observed[rows],
        )
        taken = Standing(
            standing.weights[rows],
            {effect: codes[rows] for effect, codes in standing.groups.items()},
            standing.counts,
            {name: basis[rows] for name, basis in standing.bases.items()},
        )
        return Weighted(replace(self.specification, design=few), taken)

    def parts(self, like: Given) -> Iterator[Given]:
        """Work out what the stated model takes from them, `CHUNK` rows at a time.

        Parameters
        ----------
        like : dict of str to ndarray
            What the model takes from others of the same table.
        """
        for part in _slices(len(self)):
            some = self.part(part)
            yield of_rows(some.specification, like, some.standing, CHUNK)


class Table:
    """All rows of a fit, to be put together and to be held against.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    """

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        design, noise = specification.design, specification.noise
        self._groups: dict[str, np.ndarray] = {e: groups(design.runs, e) for e in noise.effects}
        self._counts: dict[str, int] = {e: int(c.max()) + 1 for e, c in self._groups.items()}
        self._along = [i for i in design.law.inputs_of(design.response) if i.scale != "flag"]

    def __len__(self) -> int:
        return len(self.specification.design.index)

    @cached_property
    def strata(self) -> np.ndarray:
        """Numbers of what is never put together: kinds, flags, formats, studies, groups."""
        design = self.specification.design
        apart = list(self._groups.values())
        inputs = {i.symbol: i for i in design.law.inputs_of(design.response)}
        for symbol, values in design.inputs.items():
            found: Input | None = inputs.get(symbol)
            code = found is None or found.scale == "flag"
            if code or (found is not None and found.format):
                codes = np.unique(values, return_inverse=True)[1]
                if code or codes.max() < _FEW_VALUES:
                    apart.append(codes)
        total = np.zeros(len(self), dtype=int)
        for codes in apart:
            total = np.unique(total * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
        return total

    @cached_property
    def _where(self) -> np.ndarray:
        """What rows are put together by, in units that count alike, shape (rows, columns)."""
        design = self.specification.design
        found = [
            np.log10(design.inputs[i.symbol])
            if i.scale == "log"
            else design.inputs[i.symbol] / self._unit(i)
            for i in self._along
        ]
        if self.specification.noise.takes_errors:
            found.append(np.log2(np.maximum(design.errors, 1e-12)))
        return np.column_stack(found) if found else np.empty((len(self), 0))

    def _unit(self, i: Input) -> float:
        return float(np.std(self.specification.design.inputs[i.symbol])) or 1.0

    def some(self, most: int, rng: np.random.Generator) -> Weighted:
        """Take rows at random, of each stratum as large a share of its own, and at least one."""
        order = np.lexsort((rng.random(len(self)), self.strata))
        first = np.flatnonzero(np.diff(self.strata[order], prepend=-1))
        even = np.linspace(0, len(self) - 1, max(most - len(first), 1)).astype(int)
        rows = np.sort(order[np.union1d(first, even)])
        return self._take(rows)

    def _take(self, rows: np.ndarray | slice) -> Weighted:
        """Take some of the rows as they are, by number or as a slice."""
        every = Standing(np.ones(len(self)), self._groups, self._counts, {})
        some = Weighted(self.specification, every).part(rows)
        return replace(some, standing=replace(some.standing, bases=self._bases(rows)))

    @property
    def whole(self) -> Weighted:
        """All rows, each for itself alone."""
        return self._take(slice(None))

    def parts(self, like: Given) -> Iterator[Given]:
        """Work out what the stated model takes from all rows, as :meth:`Weighted.parts`."""
        for part in _slices(len(self)):
            some = self._take(part)
            yield of_rows(some.specification, like, some.standing, CHUNK)

    def _bases(self, rows: np.ndarray | slice) -> dict[str, np.ndarray]:
        """Basis of the misfit at some rows; empty without one."""
        field, inputs = self.specification.field, self.specification.design.inputs
        if field is None:
            return {}
        if len(self) * sum(field.counts.values()) <= _MOST_KEPT:
            return {name: basis[rows] for name, basis in self._kept_bases.items()}
        return field.bases({symbol: values[rows] for symbol, values in inputs.items()})

    @cached_property
    def _kept_bases(self) -> dict[str, np.ndarray]:
        field, inputs = self.specification.field, self.specification.design.inputs
        assert field is not None  # asked for where there is one
        found: dict[str, np.ndarray] = {}
        for part in _slices(len(self)):
            for name, basis in field.bases({s: v[part] for s, v in inputs.items()}).items():
                found.setdefault(name, np.empty((len(self), basis.shape[1])))[part] = basis
        return found

    def together(self, reference: Reference, most: int) -> Cells:
        """Put rows together.

        Parameters
        ----------
        reference : tuple of ndarray, each of shape (rows,)
            Mean and width of each row's noise, on its scale, somewhere near the posterior.
        most : int
            Weighted rows to make.
        """
        design, noise = self.specification.design, self.specification.noise
        middle, width = reference
        off = (noise.to_scale(design.observed) - middle) / width
        # In a tail a row counts by the logarithm of how far off it is.
        far = np.arcsinh(off)
        settings = np.unique(
            np.column_stack([self.strata, self._where]), axis=0, return_inverse=True
        )
        if len(settings[0]) <= most // 2:
            # Rows of equal setting collapse exactly, of normal noise.
            cell, count = cells(far[:, None], settings[1].ravel(), most // 2)
        elif self.specification.field is None:
            cell, count = cells(np.column_stack([self._where, far]), self.strata, most // 2)
        elif len(self) <= _SO_MANY:
            where = np.column_stack([_FINER * self._where, far])
            cell, count = cells(where, self.strata, most // 2)
        else:
            # First where they lie, then how far off they are: what bends inside a cell then makes
            # of rows above the reference what it takes from those below it.
            place, _ = cells(self._where, self.strata, int(_PLACES * most / 2))
            cell, count = cells(far[:, None], place, most // 2)
        size = np.bincount(cell, minlength=count)
        some = np.empty(count, dtype=int)
        some[cell] = np.arange(len(self))
        amid = np.empty((count, self._where.shape[1]))
        for j, column in enumerate(self._where.T):
            amid[:, j] = np.bincount(cell, column, count) / size
        return Cells(self, some, amid, *nodes(cell, count, off))

    def amid(self, cells: Cells) -> Weighted:
        """Describe the fit of rows amid cells, one each, with what some row of each measured."""
        found = self._take(cells.some)
        design, noise = found.specification.design, found.specification.noise
        inputs, runs, field = dict(design.inputs), design.runs, self.specification.field
        for i, column in zip(self._along, cells.amid.T, strict=False):
            inputs[i.symbol] = 10.0**column if i.scale == "log" else column * self._unit(i)
        if noise.takes_errors:
            name = ERROR_OF[design.response]
            runs = replace(runs, columns={**runs.columns, name: 2.0 ** cells.amid[:, -1]})
        return Weighted(
            replace(found.specification, design=replace(design, inputs=inputs, runs=runs)),
            replace(found.standing, bases={} if field is None else field.bases(inputs)),
        )


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of a table, which become weighted rows where the reference is known amid them.

    Parameters
    ----------
    table : Table
        The table.
    some : ndarray of int, shape (cells,)
        A row of each cell.
    amid : ndarray of float, shape (cells, columns)
        Middle of each cell.
    off, weights : ndarray of float, shape (cells, 2)
        How far off the reference its two rows are, in widths, and for how many rows they stand.
    """

    table: Table
    some: np.ndarray
    amid: np.ndarray
    off: np.ndarray
    weights: np.ndarray

    def weighted(self, amid: Weighted, reference: Reference) -> Weighted:
        """Make the weighted rows.

        Parameters
        ----------
        amid : Weighted
            One row amid each cell, as :meth:`Table.amid` makes them.
        reference : tuple of ndarray, each of shape (cells,)
            Mean and width of the noise there.
        """
        middle, width = reference
        cell, node = np.nonzero(self.weights > 0)
        found = amid.part(cell)
        measured = middle[cell] + self.off[cell, node] * width[cell]
        observed = np.asarray(amid.specification.noise.from_scale(measured))
        design = replace(found.specification.design, index=np.arange(len(cell)), observed=observed)
        return Weighted(
            replace(found.specification, design=design),
            replace(found.standing, weights=self.weights[cell, node]),
        )


def _slices(count: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, count)) for start in range(0, count, CHUNK)]
