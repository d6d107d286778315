"""What a draw says of rows, many draws and rows at a time: to hold draws against a large table.

The functions are those of the stated model (:func:`bayesq.model.compose.compose`) at rows of a
fixed number, so that a table of any length is gone through in chunks of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np
from pymc.model.transform.conditioning import remove_value_transforms

from bayesq.model.compose import compose
from bayesq.model.given import Given
from bayesq.model.specification import Specification
from bayesq.sampling.processor import compiling, on_processor
from bayesq.sampling.translate import data_of, to_jax

# Draws by their names, each of shape (draws, ...).
Draws = Mapping[str, np.ndarray]


class ByRow:
    """The functions of a model at some rows.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    rows : dict of str to ndarray
        What the stated model takes from as many rows. The functions depend on the shapes alone.
    """

    def __init__(self, specification: Specification, rows: Given) -> None:
        plain = remove_value_transforms(compose(specification, rows=rows, to_sample=False))
        observed = plain.observed_RVs[0]
        params = observed.owner.op.dist_params(observed.owner)
        graphs = [
            *plain.logp(vars=[observed], sum=False, jacobian=False),
            *plain.replace_rvs_by_values(list(params[-2:])),
        ]
        values = [plain.rvs_to_values[v] for v in plain.free_RVs]
        self.names = [v.name for v in plain.free_RVs]
        sizes = {d: len(c) for d, c in plain.coords.items() if c is not None}
        self._shapes = [
            tuple(sizes[d] for d in plain.named_vars_to_dims.get(name, ())) for name in self.names
        ]
        self._rows = list(rows)
        self._function = to_jax(values, data_of(rows), graphs, {})
        self._made: dict[Any, Any] = {}

    def densities(self, draws: Draws, rows: Given) -> np.ndarray:
        """Sum the log likelihoods of the rows that count, for each draw, shape (draws,)."""
        first = next(iter(draws.values()))
        return np.asarray(self._call("densities", len(first), draws, rows))

    def around(self, draw: Draws, rows: Given) -> tuple[np.ndarray, np.ndarray]:
        """Mean and width of the noise in each row, on its scale, for one draw."""
        mean, width = self._call("around", 0, draw, rows)
        return np.asarray(mean), np.asarray(width)

    def _call(self, name: str, count: int, draws: Draws, rows: Given) -> Any:
        given = [np.asarray(draws[n], float) for n in self.names], [rows[n] for n in self._rows]
        with jax.enable_x64(True):
            held = on_processor(given)
            if (name, count) not in self._made:
                function: Callable[..., Any] = getattr(self, f"_{name}")
                with compiling():
                    self._made[name, count] = jax.jit(function).lower(*held).compile()
            return self._made[name, count](*held)

    def _densities(self, draws: Any, rows: Any) -> Any:
        counted = rows[self._rows.index("counted")]

        def one(point: Any) -> Any:
            return (counted * self._function(*point, *rows)[0]).sum()

        return jax.vmap(one)(draws)

    def _around(self, draw: Any, rows: Any) -> Any:
        _, mean, width = self._function(*draw, *rows)
        counted = rows[self._rows.index("counted")]
        return mean + 0 * counted, width + 0 * counted
