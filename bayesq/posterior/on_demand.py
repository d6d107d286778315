"""Groups of a fit's tree that are made when they are looked at: predictions, priors, densities.

Their arrays have names, shapes and units from the first and no values until one is asked for, by
xarray's own way of reading files lazily. A whole array of up to `MOST_CELLS` values is kept then,
and a file holds it from then on; of a larger one the draws and rows asked for are made each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from bayesq.errors import BayesqError
from bayesq.model.specification import Specification
from bayesq.posterior.division import AUXILIARY, MISFIT, POSTERIOR
from bayesq.posterior.from_prior import draw_from_prior
from bayesq.posterior.remeasured import draw_again, log_likelihood
from bayesq.sampling.defaults import LIKELIHOOD, MOST_CELLS

PREDICTIVE, PRIOR_PREDICTIVE = "posterior_predictive", "prior_predictive"
# Groups with a value for each row in each draw.
POINTWISE = (LIKELIHOOD, PREDICTIVE, PRIOR_PREDICTIVE)
# Draws from the priors by the groups of the posterior that have the same variables.
PRIOR_OF = {"prior": POSTERIOR, "prior_misfit": MISFIT, "prior_auxiliary": AUXILIARY}
_PRIOR_DRAWS = 1000
# Values that are handed back together: 3.2 GB.
_MOST_AT_ONCE = 400_000_000
_OVER = ("chain", "draw")
_NATS = "nats/token"

# Makes an array at some chains, draws and rows.
OfCells = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class OnDemand(BackendArray):
    """An array that is made when it is looked at.

    Parameters
    ----------
    shape : tuple of int
        Its shape, known before.
    whole : callable, optional
        Makes all of it, once.
    of_cells : callable, optional
        Makes it at some chains, draws and rows; for an array that is not to be kept.
    is_made : callable, optional
        Tells whether all of it was made.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        whole: Callable[[], np.ndarray] | None = None,
        of_cells: OfCells | None = None,
        is_made: Callable[[], bool] | None = None,
    ) -> None:
        self.shape, self.dtype = shape, np.dtype(float)
        self._whole, self._of_cells, self._is_made = whole, of_cells, is_made

    def is_made(self) -> bool:
        """Whether all of it was made."""
        return self._is_made is not None and self._is_made()

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self._take)

    def __deepcopy__(self, memo: object) -> OnDemand:
        return self  # nobody can write into it

    def _take(self, key: tuple[Any, ...]) -> np.ndarray:
        if self._whole is not None:
            found = self._whole()
        else:
            assert self._of_cells is not None  # one of the two is given
            axes = zip(key, self.shape, strict=True)
            found = self._of_cells(*(np.atleast_1d(np.arange(size)[k]) for k, size in axes))
            key = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key)
        # The last dimension first: those before keep their numbers.
        for axis in reversed(range(len(key))):
            found = found[(slice(None),) * axis + (key[axis],)]
        return np.asarray(found)


@dataclass(eq=False)
class _Recipe:
    """What the groups of one fit are made of.

    Parameters
    ----------
    specification : Specification
        What was fitted.
    posterior : Dataset
        All draws.
    seed : int
        That of the fit, by which everything is drawn.
    """

    specification: Specification
    posterior: xr.Dataset
    seed: int
    made: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return len(self.specification.design.index)

    def has_prior(self) -> bool:
        """Whether the priors have been drawn from."""
        return "prior" in self.__dict__

    @cached_property
    def prior(self) -> xr.Dataset:
        """Draws from the priors, by the names that all draws have."""
        names = sorted(str(name) for name in self.posterior.data_vars)
        drawn = draw_from_prior(self.specification, names, draws=_PRIOR_DRAWS, seed=self.seed)
        coords = {d: v for d, v in self.posterior.coords.items() if d not in _OVER}
        dims = {n: [d for d in self.posterior[n].dims if d not in _OVER] for n in names}
        return xr.Dataset({n: ((*_OVER, *dims[n]), drawn[n][None]) for n in names}, coords)

    def prior_of(self, name: str) -> np.ndarray:
        return np.asarray(self.prior[name].values)

    def of_cells(
        self, group: str, chains: np.ndarray, draws: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """Make a group with a value for each row in each draw, at some of them.

        Raises
        ------
        BayesqError
            If these are more values than memory has room for.
        """
        if (cells := len(chains) * len(draws) * len(rows)) > _MOST_AT_ONCE:
            raise BayesqError(
                f"All of {group} at {len(rows)} rows takes {cells:,} values, more than memory "
                "holds; ask for some rows or draws, as in fit.data"
                f"[{group!r}][{self.specification.design.response!r}].isel(row=slice(0, 1000)), "
                "or compare laws with bayesq.compare, which leaves out some rows for all."
            )
        if group == PRIOR_PREDICTIVE:
            return draw_again(self.specification, self.prior, chains, draws, rows, self.seed + 1)
        if group == PREDICTIVE:
            return draw_again(self.specification, self.posterior, chains, draws, rows, self.seed)
        return log_likelihood(self.specification, self.posterior, chains, draws, rows)

    def has(self, group: str) -> bool:
        """Whether all of a group has been made."""
        return group in self.made

    def whole(self, group: str, sizes: tuple[int, ...]) -> np.ndarray:
        """Make all of a group, once."""
        if group not in self.made:
            self.made[group] = self.of_cells(group, *map(np.arange, sizes))
        return self.made[group]


def completed(
    tree: xr.DataTree, specification: Specification, posterior: xr.Dataset
) -> xr.DataTree:
    """Give a tree the groups that it lacks and that can be made from what it has.

    Parameters
    ----------
    tree : DataTree
        The groups that are kept; it is left as it is.
    specification : Specification
        What was fitted.
    posterior : Dataset
        All draws.

    Returns
    -------
    DataTree
    """
    design, noise = specification.design, specification.noise
    if not (design.law.at_hand and noise.at_hand and design.complete):
        return tree
    found = tree.copy()
    seed = int(tree.attrs.get("seed", 0))
    recipe = _Recipe(specification, posterior, seed)
    over = {d: posterior[d].values for d in _OVER if d in posterior.coords}
    sizes = [posterior.sizes[d] for d in _OVER]
    prior = {"chain": np.arange(1), "draw": np.arange(_PRIOR_DRAWS)}
    if not noise.takes_errors or np.isfinite(design.errors).all():
        _add_prior(found, tree, recipe, prior)
        if _enough(specification, posterior):
            of_prior = [1, _PRIOR_DRAWS]
            _add_of_rows(found, PRIOR_PREDICTIVE, recipe, of_prior, prior)
    if _enough(specification, posterior):
        _add_of_rows(found, LIKELIHOOD, recipe, sizes, over)
        _add_of_rows(found, PREDICTIVE, recipe, sizes, over)
    return found


def _enough(specification: Specification, posterior: xr.Dataset) -> bool:
    """Whether draws have all that a new measurement takes, as made-up ones need not."""
    symbols = {p.symbol for p in specification.noise.parameters}
    symbols |= {f"effect_{effect}" for effect in specification.noise.effects}
    return symbols <= set(map(str, posterior.data_vars))


def _add_prior(
    found: xr.DataTree, tree: xr.DataTree, recipe: _Recipe, over: dict[str, np.ndarray]
) -> None:
    """Add draws from the priors to a tree, by the names of those from the posterior."""
    for group, of in PRIOR_OF.items():
        if group in tree.children or of not in tree.children:
            continue
        like = tree[of].to_dataset()
        variables = {}
        for name, values in like.data_vars.items():
            dims = tuple(d for d in values.dims if d not in _OVER)
            shape = (1, _PRIOR_DRAWS, *(values.sizes[d] for d in dims))
            array = OnDemand(shape, partial(recipe.prior_of, str(name)), None, recipe.has_prior)
            variables[name] = _lazy((*_OVER, *dims), array, values.attrs)
        coords = {d: v for d, v in like.coords.items() if d not in _OVER} | over
        found[group] = xr.DataTree(xr.Dataset(variables, coords, attrs=_attrs(tree)))


def _add_of_rows(
    found: xr.DataTree,
    group: str,
    recipe: _Recipe,
    sizes: list[int],
    over: dict[str, np.ndarray],
) -> None:
    """Add a group with a value for each row in each draw to a tree that lacks it."""
    if group in found.children:
        return
    shape = (*sizes, recipe.rows)
    few = np.prod(shape) <= MOST_CELLS
    whole = partial(recipe.whole, group, shape) if few else None
    # What priors foretell is quickly made once they have been drawn from.
    made = recipe.has_prior if group == PRIOR_PREDICTIVE else partial(recipe.has, group)
    array = OnDemand(shape, whole, partial(recipe.of_cells, group), made)
    variable = _lazy((*_OVER, "row"), array, {"units": "1" if group == LIKELIHOOD else _NATS})
    design = recipe.specification.design
    held = xr.Dataset({design.response: variable}, {**over, "row": design.index})
    found[group] = xr.DataTree(held.assign_attrs(_attrs(found)))


def _lazy(dims: tuple[Any, ...], array: OnDemand, attrs: dict[Any, Any]) -> xr.Variable:
    # As xarray lays out the variables of a file that it has opened.
    held: Any = indexing.LazilyIndexedArray(array)
    held = indexing.CopyOnWriteArray(held)
    return xr.Variable(dims, held, attrs)


def _attrs(tree: xr.DataTree) -> dict[Any, Any]:
    """Say what made a group, as the posterior does."""
    return dict(tree[POSTERIOR].attrs)


def stored(tree: xr.DataTree) -> xr.DataTree:
    """Leave away what a file does not hold: large groups, and priors that nobody looked at.

    Predictions are made for it; to draw from priors takes PyMC, which would make saving slow.
    """
    found = tree.copy()
    for group in (*POINTWISE, *PRIOR_OF):
        if group not in tree.children:
            continue
        variables = tree[group].to_dataset().data_vars.values()
        large = group in POINTWISE and any(v.size > MOST_CELLS for v in variables)
        if large or (group != PREDICTIVE and not all(_is_at_hand(v) for v in variables)):
            del found[group]
    return found


def _is_at_hand(values: xr.DataArray) -> bool:
    """Whether values are made already."""
    held: Any = values.variable._data
    while not isinstance(held, OnDemand):
        if not hasattr(held, "array"):
            return True
        held = held.array
    return held.is_made()
