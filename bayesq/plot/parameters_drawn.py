"""Parameters of a fit as figures draw them: by the paper's symbols, long tails by logarithms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axis import Axis
from matplotlib.ticker import Locator, MaxNLocator

from bayesq.errors import BayesqError, nearest
from bayesq.notes import series
from bayesq.plot.symbols import mathtext, short
from bayesq.posterior.fitted import Fitted
from bayesq.posterior.posterior import Posterior
from bayesq.posterior.summary import rows_of

# Draws over a factor of this between their ends are read by their logarithm.
_LONG = 30.0
_LETTERS = 24  # of a label: names of kinds and studies may have sixty


@dataclass(frozen=True)
class Parameters:
    """Draws of some rows of a summary, ready to be drawn.

    Parameters
    ----------
    draws : xarray.Dataset
        By name of the row, dimensions chain and draw; of those in `logarithmic` the logarithm to
        base 10.
    units : dict of str to str
        Unit of each.
    logarithmic : frozenset of str
        Those that span decades, whose axis is logarithmic.
    """

    draws: xr.Dataset
    units: Mapping[str, str]
    logarithmic: frozenset[str]

    @property
    def names(self) -> list[str]:
        """Names of the rows."""
        return [str(name) for name in self.draws.data_vars]

    def of(self, posterior: xr.Dataset, fit: Fitted) -> xr.Dataset:
        """Take the same rows of other draws, on the same axes."""
        rows = rows_of(posterior, fit.parameters)
        return xr.Dataset({n: _scaled(rows[n][0], n in self.logarithmic) for n in self.names})

    def values(self, name: str, drawn: np.ndarray) -> np.ndarray:
        """Return values from where they are drawn."""
        return 10.0**drawn if name in self.logarithmic else drawn

    def label(self, name: str, *, unit: bool = True, letters: int = _LETTERS) -> str:
        """Write the paper's symbol and the unit; of a long name the beginning and the end."""
        known = self.units[name] if unit else ""
        symbol = mathtext(_shortened(name, letters))
        return f"{symbol} ({known})" if known not in ("", "1") else symbol

    def only(self, names: Sequence[str]) -> Parameters:
        """Take some of them, in the order in which they are."""
        return replace(self, draws=self.draws[[n for n in self.names if n in set(names)]])

    def variable(self, name: str) -> str:
        """Name the variable of a row for arviz-plots.

        Not by the row: ``alpha`` is a dimension there, and a study may have a slash in its name.
        """
        return f"row_{self.names.index(name)}"

    def variables(self, draws: xr.Dataset) -> xr.Dataset:
        """Name draws of these rows for arviz-plots."""
        return draws.rename({name: self.variable(name) for name in self.names})

    def labeller(self, **how: Any) -> Any:
        """Label these variables by the paper's symbols."""
        from arviz_base import labels

        return labels.MapLabeller({self.variable(n): self.label(n, **how) for n in self.names})

    def mark(self, axis: Axis, name: str, most: int = 4) -> None:
        """Put the ticks of a parameter on an axis: values, also where logarithms are drawn."""
        if name in self.logarithmic:
            axis.set_major_locator(_Decades(most))
            axis.set_major_formatter(lambda value, _: _power(value, axis))
        else:
            axis.set_major_locator(MaxNLocator(most))


def parameters(fit: Posterior, var_names: str | Sequence[str] | None = None) -> Parameters:
    """Take rows of a fit's summary, by default the law's own parameters.

    Parameters
    ----------
    fit : Fit
        The fit.
    var_names : str or sequence of str, optional
        Rows of the summary, or parameters, all of whose rows are meant.

    Raises
    ------
    BayesqError
        If it is no fit, or has no such row.
    """
    if not isinstance(fit, Fitted):
        raise BayesqError(
            f"{getattr(fit, 'title', type(fit).__name__)} is not a fit of a table; make one with "
            "bayesq.fit(...) or read it with bayesq.load_fit(path)."
        )
    rows = rows_of(fit.posterior, fit.parameters)
    if var_names is None:
        # The law's own come first; noise and discrepancy follow.
        own = {p.symbol for p in fit.law.parameters_of(fit.response)}
        # Of a pooled fit the population's are shown, not those of each study too.
        wanted = [n for n in rows if n in own or (n.partition("[")[0] in own - set(rows))]
    else:
        wanted = []
        for name in [var_names] if isinstance(var_names, str) else var_names:
            meant = [n for n in rows if name in (n, n.partition("[")[0])]
            if not meant:
                raise BayesqError(f"The fit has no parameter {name!r}; {nearest(str(name), rows)}.")
            wanted += meant
    wanted = list(dict.fromkeys(wanted))
    if not wanted:
        raise BayesqError(f"No parameter is named; take some of {series(rows)}.")
    derived = {p.symbol for p in fit.parameters if p.term is not None}
    long = frozenset(n for n in wanted if _is_long(rows[n][0], n.partition("[")[0] in derived))
    draws = xr.Dataset({n: _scaled(rows[n][0], n in long) for n in wanted})
    return Parameters(draws, {n: rows[n][1] for n in wanted}, long)


def some_of(drawn: int, all_: int) -> str:
    """Tell that there are more parameters than a figure shows; nothing where there are not."""
    return f"{drawn} of {all_} parameters; name others with var_names" if drawn < all_ else ""


def is_of_one(name: str) -> bool:
    """Whether a row is of one study or kind, not of all."""
    return "[" in name


def _shortened(name: str, letters: int) -> str:
    if len(name) <= letters:
        return name
    symbol, bracket, inside = name.partition("[")
    room = max(9, letters - len(symbol) - 2)
    return f"{symbol}{bracket}{short(inside.removesuffix(']'), room)}]"


def _power(exponent: float, axis: Axis) -> str:
    """Write the value whose logarithm to base 10 is given, as its neighbours on an axis are."""
    low, high = sorted(axis.get_view_interval())
    value = 10.0**exponent
    if low >= -3 and high < 4:
        return f"{float(f'{value:.3g}'):g}"
    whole = np.floor(exponent + 1e-9)
    factor = 10 ** (exponent - whole)
    shown = f"10^{{{whole:.0f}}}"
    return f"${shown}$" if abs(factor - 1) < 1e-6 else rf"${factor:.2g}\cdot{shown}$"


def _is_long(values: xr.DataArray, derived: bool) -> bool:
    """Whether draws are to be seen by their logarithm, as a coefficient at N = 1 always is."""
    if (values <= 0).any():
        return False
    low, high = np.quantile(values, [0.025, 0.975])
    return derived or bool(high > _LONG * low)


def _scaled(values: xr.DataArray, logarithmic: bool) -> xr.DataArray:
    values = values.reset_coords(drop=True).astype(float)
    # A prior may reach beyond what a number can hold; who draws it leaves that out.
    with np.errstate(divide="ignore"):
        return values.copy(data=np.log10(values.values)) if logarithmic else values


class _Decades(Locator):
    """Ticks where logarithms to base 10 are drawn: whole decades, or 1, 2 and 5 of each."""

    def __init__(self, most: int) -> None:
        self.most = most

    def __call__(self) -> list[float]:
        """Place the ticks between the ends of the axis."""
        low, high = sorted(self.axis.get_view_interval())  # type: ignore[union-attr]
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Place ticks between two logarithms."""
        decades = np.arange(np.floor(vmin), np.ceil(vmax) + 1)
        for subs in ((1.0, 2.0, 5.0), (1.0, 3.0), (1.0,)):
            ticks = np.add.outer(decades, np.log10(subs)).ravel()
            ticks = ticks[(ticks >= vmin) & (ticks <= vmax)]
            if 2 <= len(ticks) <= self.most + 1:
                return [float(t) for t in ticks]
        if len(ticks) > self.most + 1:
            return [float(t) for t in ticks[:: -(-len(ticks) // (self.most + 1))]]
        # Between two of these: round numbers, evenly apart.
        values = np.asarray(MaxNLocator(self.most).tick_values(10.0**vmin, 10.0**vmax))
        return [float(t) for t in np.log10(values[values > 0]) if vmin <= t <= vmax]
