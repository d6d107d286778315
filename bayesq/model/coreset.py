"""Many rows as few weighted ones, a coreset (Huggins, Campbell, Broderick 2016), made of cells.

Rows that lie alike, in the law's inputs and in how far they are off a reference curve, are put
together. Each cell stands in the table as two rows amid it, that keep the number of its rows and
three moments of what they are off by. What that changes is found out by holding draws against all
rows (:mod:`bayesq.sampling.large`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from bayesq.law.inputs import Input
from bayesq.model.cells import cells, nodes
from bayesq.model.effects import groups
from bayesq.model.given import Given, given, of_rows
from bayesq.model.specification import Specification
from bayesq.runs.schema import ERROR_OF

# An input of a format that has so few values has each by itself.
_FEW_VALUES = 64


@dataclass(frozen=True, eq=False)
class Weighted:
    """Some weighted rows that stand for all rows of a fit.

    Parameters
    ----------
    specification : Specification
        The fit of these rows alone: pivots, typical loss and field are those of all.
    weights : ndarray of float, shape (weighted rows,)
        For how many rows each stands.
    codes : mapping of str to ndarray of int
        By effect of the noise the number of each row's group, among those of all rows.
    counts : mapping of str to int
        Numbers of groups.
    """

    specification: Specification
    weights: np.ndarray
    codes: Mapping[str, np.ndarray]
    counts: Mapping[str, int]

    @cached_property
    def given(self) -> Given:
        """What the model takes from them."""
        return given(
            self.specification,
            fill_up=True,
            weights=self.weights,
            groups_of=self.codes,
            group_counts=self.counts,
        )


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
        self.count = len(design.index)
        self.measured = noise.to_scale(design.observed)
        self.codes = {effect: groups(design.runs, effect) for effect in noise.effects}
        self.counts = {effect: int(c.max()) + 1 for effect, c in self.codes.items()}

    @cached_property
    def strata(self) -> np.ndarray:
        """Numbers of what is never put together: kinds, flags, formats, studies, groups."""
        design = self.specification.design
        apart = list(self.codes.values())
        inputs = {i.symbol: i for i in design.law.inputs_of(design.response)}
        for symbol, values in design.inputs.items():
            found: Input | None = inputs.get(symbol)
            if found is None or found.scale == "flag" or found.format:
                codes = np.unique(values, return_inverse=True)[1]
                if found is None or found.scale == "flag" or codes.max() < _FEW_VALUES:
                    apart.append(codes)
        total = np.zeros(self.count, dtype=int)
        for codes in apart:
            total = np.unique(total * (int(codes.max()) + 1) + codes, return_inverse=True)[1]
        return total

    @cached_property
    def where(self) -> np.ndarray:
        """What is put together where it lies alike, in units that count alike, a column each."""
        design, noise = self.specification.design, self.specification.noise
        along = [i for i in design.law.inputs_of(design.response) if i.scale != "flag"]
        found = []
        for i in along:
            values = design.inputs[i.symbol]
            if i.scale == "log":
                found.append(np.log10(values))
            else:
                found.append(values / (float(np.std(values)) or 1.0))
        if noise.takes_errors:
            errors = np.maximum(design.errors, 1e-12)
            found.append(np.log2(errors))
        return np.column_stack(found) if found else np.empty((self.count, 0))

    def some(self, most: int, rng: np.random.Generator) -> Weighted:
        """Take rows at random, as many of each stratum as it has, and some of each."""
        order = np.lexsort((rng.random(self.count), self.strata))
        first = np.flatnonzero(np.diff(self.strata[order], prepend=-1))
        even = np.linspace(0, self.count - 1, max(most - len(first), 1)).astype(int)
        rows = order[np.union1d(first, even)][:most]
        return self._of(np.sort(rows), None, None, np.ones(len(rows)))

    def together(self, reference: tuple[np.ndarray, np.ndarray], most: int) -> Collapsed:
        """Put rows together.

        Parameters
        ----------
        reference : tuple of ndarray, each of shape (rows,)
            Mean and width of each row's noise, on its scale, somewhere near the posterior.
        most : int
            Weighted rows to make.
        """
        middle, width = reference
        off = (self.measured - middle) / width
        # In a tail a row counts by the logarithm of how far off it is.
        where = np.column_stack([self.where, np.arcsinh(off)])
        cell, count = cells(where, self.strata, most // 2)
        found, weights = nodes(cell, count, off)
        size = np.bincount(cell, minlength=count)
        first = np.empty(count, dtype=int)
        first[cell[::-1]] = np.arange(self.count)[::-1]
        amid = np.column_stack(
            [np.bincount(cell, column, count) / size for column in self.where.T]
            or [np.empty((count, 0))]
        )
        used = weights.T.ravel() > 0
        rows = np.tile(first, 2)[used]
        return Collapsed(
            self,
            rows,
            np.tile(amid, (2, 1))[used],
            found.T.ravel()[used],
            weights.T.ravel()[used],
        )

    def _of(
        self,
        rows: np.ndarray,
        amid: np.ndarray | None,
        measured: np.ndarray | None,
        weights: np.ndarray,
    ) -> Weighted:
        """Describe a fit of some rows, elsewhere in the columns of `where` if these are given."""
        design, noise = self.specification.design, self.specification.noise
        inputs = {symbol: values[rows] for symbol, values in design.inputs.items()}
        runs = design.runs.take(rows)
        observed = design.observed[rows]
        if amid is not None:
            along = [i for i in design.law.inputs_of(design.response) if i.scale != "flag"]
            for i, column in zip(along, amid.T, strict=False):
                if i.scale == "log":
                    inputs[i.symbol] = 10.0**column
                else:
                    inputs[i.symbol] = column * (float(np.std(design.inputs[i.symbol])) or 1.0)
            if noise.takes_errors:
                name = ERROR_OF[design.response]
                runs = replace(runs, columns={**runs.columns, name: 2.0 ** amid[:, -1]})
        if measured is not None:
            observed = np.asarray(noise.from_scale(measured))
        few = replace(
            design, runs=runs, index=np.arange(len(rows)), inputs=inputs, observed=observed
        )
        codes = {effect: c[rows] for effect, c in self.codes.items()}
        return Weighted(replace(self.specification, design=few), weights, codes, self.counts)

    def chunk(self, like: Given, rows: slice, size: int) -> Given:
        """What the stated model takes from some of the rows, filled up to `size`."""
        codes = {effect: c[rows] for effect, c in self.codes.items()}
        return of_rows(self.specification, like, rows, size, codes)


@dataclass(frozen=True, eq=False)
class Collapsed:
    """Cells of a table, which become weighted rows where the reference is known amid them.

    Parameters
    ----------
    table : Table
        The table.
    rows : ndarray of int, shape (weighted rows,)
        A row of each cell.
    amid : ndarray of float, shape (weighted rows, columns)
        Middle of each cell.
    off : ndarray of float, shape (weighted rows,)
        How far off the reference, in its widths.
    weights : ndarray of float, shape (weighted rows,)
        For how many rows each stands.
    """

    table: Table
    rows: np.ndarray
    amid: np.ndarray
    off: np.ndarray
    weights: np.ndarray

    @cached_property
    def bare(self) -> Weighted:
        """The weighted rows with what some row of each measured: to ask for the reference."""
        return self.table._of(self.rows, self.amid, None, self.weights)

    def weighted(self, reference: tuple[np.ndarray, np.ndarray]) -> Weighted:
        """Make the weighted rows.

        Parameters
        ----------
        reference : tuple of ndarray, each of shape (weighted rows,)
            Mean and width of the noise there.
        """
        middle, width = reference
        return self.table._of(self.rows, self.amid, middle + self.off * width, self.weights)
