"""The field of a discrepancy over the rows of a fit: small inside the data, growing outside.

The misfit g is a Gaussian process over the logarithms of the sizes: a fractional Brownian field
(Levy's), of which only differences have a law of their own,

    var(g(x) - g(x')) = tau^2 |x - x'|^(2H),  x in decades,

so that the data pin it where they lie and it drifts off on all sides of them, by tau times the
distance in decades to the power H. The degradation of a format (bits, group) may also deviate in
its own way: by an offset of its own, and a drift of its own, both of standard deviation
``tau_format``. Ordered formats do so alike the nearer they are: the two deviations correlate as a
Matern process of smoothness 3/2 over bits and doublings of the group, so that the rows pin them at
a measured 4 bits, nearly so at 4.1, and hardly at 6. Kinds without an order (a flag of a law) have
nothing in common. A law with a parameter for each kind of row has no formula for formats to be
wrong about, and no such term.

The process is held by its values at sites, rows chosen so that the rest is known from them (pivoted
Cholesky); conditional on these it is exact anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.law.inputs import Input
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.representatives import MOST_POINTS, represent
from bayesq.model.sites import Points, choose, continued, parts

# The fields that add up to the misfit, and the parameter that is the scale of each.
PARTS = {"shared": "tau", "own": "tau_format"}
SCALES = tuple(PARTS.values())


@dataclass(frozen=True, eq=False)
class Field:
    """The field over the rows of one fit: coordinates, and the sites that hold it.

    Parameters
    ----------
    discrepancy : Discrepancy
        How wrong the law may be.
    sizes : tuple of str
        Inputs along which the law may drift.
    formats : tuple of str
        Inputs that tell formats apart.
    centre, unit : ndarray of float, shape (sizes,)
        Middle of each size and what counts as one step of it, a decade for a logarithmic one.
    logarithmic : ndarray of bool, shape (sizes,)
        Whether a size is measured by its logarithm.
    shared : ndarray of float, shape (shared_site, sizes)
        Sites of the field that all rows share.
    shared_root : ndarray of float, shape (shared_site, shared_part)
        From covariances with the sites to the weights of independent standard normal parts, ordered
        by how much the rows' misfit owes to each.
    own, own_format, own_root : ndarray of float
        The same for the formats' own fields, and the format of each site, (own_site, formats).
    reach : ndarray of float, shape (formats,)
        How far in each format, in its own measure, misfits have something in common; 0 for kinds
        without an order.
    format_logarithmic : ndarray of bool, shape (formats,)
        Whether a format is measured by its logarithm.
    """

    discrepancy: Discrepancy
    sizes: tuple[str, ...]
    formats: tuple[str, ...]
    centre: np.ndarray
    unit: np.ndarray
    logarithmic: np.ndarray
    shared: np.ndarray
    shared_root: np.ndarray
    own: np.ndarray
    own_format: np.ndarray
    own_root: np.ndarray
    reach: np.ndarray
    format_logarithmic: np.ndarray

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Scales of the misfit: tau, and where formats have their own, tau_format."""
        return self.discrepancy.parameters(bool(self.formats))

    @property
    def counts(self) -> dict[str, int]:
        """Numbers of independent parts, by field."""
        return {name: getattr(self, f"{name}_root").shape[1] for name in PARTS}

    def at(self, inputs: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates of rows or scenarios: sizes in steps, and formats."""
        rows = max((np.size(v) for v in inputs.values()), default=1)
        columns = [np.broadcast_to(np.asarray(inputs[s], float), rows) for s in self.sizes]
        x = np.empty((rows, len(self.sizes)))
        for j, column in enumerate(columns):
            x[:, j] = (np.log(column) if self.logarithmic[j] else column) - self.centre[j]
        x /= self.unit
        f = np.empty((rows, len(self.formats)))
        for j, symbol in enumerate(self.formats):
            values = np.asarray(inputs[symbol], float)
            f[:, j] = np.log(values) if self.format_logarithmic[j] else values
        return x, f

    def bases(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Weights of the standard normal parts at rows, shapes (rows, parts)."""
        points = self.at(inputs)
        found = {"shared": _times(self._kernel_shared, points, (self.shared,), self.shared_root)}
        if self.formats:
            sites = (self.own, self.own_format)
            found["own"] = _times(self._kernel_own, points, sites, self.own_root)
        return found

    def rests(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Root of what the sites leave open at scenarios, shapes (scenarios, scenarios)."""
        points, bases = self.at(inputs), self.bases(inputs)
        kernels = {"shared": self._kernel_shared, "own": self._kernel_own}
        return {n: _root(kernels[n](points, points) - b @ b.T) for n, b in bases.items()}

    def held_at(self, inputs: Mapping[str, np.ndarray]) -> Field:
        """Hold the same field by its values at scenarios too.

        Parameters
        ----------
        inputs : mapping of str to ndarray
            Inputs of the scenarios.

        Returns
        -------
        Field
            The parts of this one, and after them independent ones for what these leave open.
        """
        points = self.at(inputs)
        left = self._alone(points[:1])
        (shared,), shared_root = continued(
            self._kernel_shared, points[:1], left, (self.shared,), self.shared_root
        )
        found = replace(self, shared=shared, shared_root=shared_root)
        if not self.formats:
            return found
        sites, left = (self.own, self.own_format), self._alone(points)
        (own, own_format), own_root = continued(
            self._kernel_own, points, left, sites, self.own_root
        )
        return replace(found, own=own, own_format=own_format, own_root=own_root)

    def _sites(self, kernel: Any, points: Points) -> tuple[Points, np.ndarray]:
        """Choose the sites that hold a field over points, and its independent parts there."""
        whole = np.hstack(points)
        ends = np.cumsum([p.shape[1] for p in points])[:-1]
        if len(whole) > MOST_POINTS:
            # Very many lie too near each other to need a look at each.
            few = represent(whole)
            rows = candidates = tuple(np.split(whole[few.rows], ends, axis=1))
            often = counts = few.counts
        else:
            rows, candidates = points, tuple(np.split(np.unique(whole, axis=0), ends, axis=1))
            often, counts = np.ones(len(candidates[0])), np.ones(len(whole))
        sites = choose(kernel, self._alone(candidates), candidates, often)
        return sites, parts(kernel, rows, sites, counts)

    def _kernel_shared(self, a: Points, b: Points) -> np.ndarray:
        return _brownian(a[0], b[0], self.discrepancy.hurst)

    def _kernel_own(self, a: Points, b: Points) -> np.ndarray:
        return np.asarray(
            self._common(a[1], b[1]) * (1.0 + _brownian(a[0], b[0], self.discrepancy.hurst))
        )

    def _alone(self, points: Points) -> np.ndarray:
        """Variance of a part of the field by itself, at unit scale, shape (points,)."""
        far = np.linalg.norm(points[0], axis=1) ** (2 * self.discrepancy.hurst)
        return np.asarray(far if len(points) == 1 else 1.0 + far)

    def _common(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Correlation of the misfits of formats, shape (a, b)."""
        found = np.ones((len(a), len(b)))
        for j, reach in enumerate(self.reach):
            apart = np.abs(a[:, None, j] - b[None, :, j])
            if reach > 0:
                steps = np.sqrt(3.0) * apart / reach
                found *= (1.0 + steps) * np.exp(-steps)
            else:
                found *= apart <= 1e-9 * np.maximum(np.abs(a[:, None, j]), 1.0)
        return found

    def to_dataset(self) -> xr.Dataset:
        """Describe it for a file."""
        return xr.Dataset(
            {
                "centre": ("size", self.centre),
                "unit": ("size", self.unit),
                "logarithmic": ("size", self.logarithmic.astype(float)),
                "shared": (("shared_site", "size"), self.shared),
                "shared_root": (("shared_site", "shared_part"), self.shared_root),
                "own": (("own_site", "size"), self.own),
                "own_root": (("own_site", "own_part"), self.own_root),
                "own_format": (("own_site", "format"), self.own_format),
                "reach": ("format", self.reach),
                "format_logarithmic": ("format", self.format_logarithmic.astype(float)),
            },
            # Not as coordinates: an empty one comes back from a file as another kind of array.
            attrs={"sizes": json.dumps(self.sizes), "formats": json.dumps(self.formats)},
        )

    @classmethod
    def from_dataset(cls, data: xr.Dataset, discrepancy: Discrepancy) -> Field:
        """Make one from what :meth:`to_dataset` returned."""
        return cls(
            discrepancy,
            tuple(json.loads(data.attrs["sizes"])),
            tuple(json.loads(data.attrs["formats"])),
            data["centre"].values,
            data["unit"].values,
            data["logarithmic"].values.astype(bool),
            data["shared"].values,
            data["shared_root"].values,
            data["own"].values,
            data["own_format"].values,
            data["own_root"].values,
            data["reach"].values,
            data["format_logarithmic"].values.astype(bool),
        )


def lay_field(
    law: Law,
    response: Response,
    inputs: Mapping[str, np.ndarray],
    pivots: Mapping[str, float],
    discrepancy: Discrepancy,
    unit: np.ndarray | None = None,
) -> Field:
    """Lay the field over the rows of a fit.

    Parameters
    ----------
    law, response
        What is fitted, and to what.
    inputs : mapping of str to ndarray
        Inputs of the law, and numbers of kinds, by symbol, each of shape ``(rows,)``.
    pivots : mapping of str to float
        Middle of each input.
    discrepancy : Discrepancy
        How wrong the law may be.
    unit : ndarray of float, shape (sizes,), optional
        What counts as one step of each size; by default as :func:`steps` has it over these rows.
    """
    along = _sizes(law, response)
    # Of a degradation only: of a loss it would trade with the degradation's own parameters.
    apart = response == "degradation" and not law.levels_of(response)
    apart = apart and discrepancy.format is not None
    told = [i for i in law.inputs_of(response) if i not in along] if apart else []
    formats = tuple(i.symbol for i in told)
    logarithmic = np.array([i.scale == "log" for i in along])
    bare = Field(
        discrepancy=discrepancy,
        sizes=tuple(i.symbol for i in along),
        formats=formats,
        centre=np.array(
            [np.log(pivots[i.symbol]) if i.scale == "log" else pivots[i.symbol] for i in along]
        ),
        unit=steps(law, response, inputs) if unit is None else unit,
        logarithmic=logarithmic,
        shared=np.empty((0, len(along))),
        shared_root=np.empty((0, 0)),
        own=np.empty((0, len(along))),
        own_format=np.empty((0, len(formats))),
        own_root=np.empty((0, 0)),
        reach=np.array([discrepancy.reach * _step(i, inputs[i.symbol]) for i in told]),
        format_logarithmic=np.array([i.scale == "log" for i in told], dtype=bool),
    )
    x, f = bare.at(inputs)
    (shared,), shared_root = bare._sites(bare._kernel_shared, (x,))
    bare = replace(bare, shared=shared, shared_root=shared_root)
    if not formats:
        return bare
    (own, own_format), own_root = bare._sites(bare._kernel_own, (x, f))
    return replace(bare, own=own, own_format=own_format, own_root=own_root)


def steps(law: Law, response: Response, inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    """Measure one step of each size: a decade, or the spread of the rows, shape (sizes,)."""
    along = _sizes(law, response)
    spread = [float(np.std(inputs[i.symbol])) or 1.0 for i in along]
    return np.where([i.scale == "log" for i in along], np.log(10.0), spread)


def _sizes(law: Law, response: Response) -> list[Input]:
    return [i for i in law.inputs_of(response) if not i.format and i.scale != "flag"]


def _step(i: Input, values: np.ndarray) -> float:
    """Measure one step between formats: a bit, a doubling; 0 where there is no order."""
    if i.scale == "flag":
        return 0.0
    if i.scale == "log":
        return float(np.log(2.0))
    return 1.0 if i.unit == "bits" else float(np.std(values)) or 1.0


def _brownian(a: np.ndarray, b: np.ndarray, hurst: float) -> np.ndarray:
    """Covariance of Levy's fractional Brownian field that is 0 at the origin."""
    far_a, far_b = (np.linalg.norm(x, axis=1) ** (2 * hurst) for x in (a, b))
    # Coordinate by coordinate: a norm over a last axis of two or three takes five times as long.
    apart = np.zeros((len(a), len(b)))
    for x, y in zip(a.T, b.T, strict=True):
        apart += (x[:, None] - y[None, :]) ** 2
    np.sqrt(apart, out=apart)
    apart **= 2 * hurst
    found: np.ndarray = far_a[:, None] + far_b[None, :]
    found -= apart
    found /= 2
    return found


def _times(kernel: Any, points: Points, sites: Points, root: np.ndarray) -> np.ndarray:
    """Multiply a kernel with a matrix; of very many points some at a time, for memory's sake."""
    count = len(points[0])
    if count <= MOST_POINTS:
        return np.asarray(kernel(points, sites) @ root)
    found = np.empty((count, root.shape[1]))
    for first in range(0, count, MOST_POINTS):
        some = slice(first, first + MOST_POINTS)
        found[some] = kernel(tuple(p[some] for p in points), sites) @ root
    return found


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
