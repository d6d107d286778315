"""Parameters against each other: the ridges along which the data cannot tell them apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import (
    BLUE,
    VERMILION,
    Size,
    axes_of,
    default_size,
    drawn_at,
    is_column,
    over,
)
from bayesq.plot.parameters_drawn import Parameters, is_of_one, parameters, some_of
from bayesq.posterior.fitted import Fitted

_MOST = 4000  # points a panel: more are one dark cloud
# In a file of vectors as well: thousands of points in each of many panels.
_AS_PIXELS = {"rasterized": True}
_STRONG = 0.7
_RIDGES = 3
_PANELS = 6  # parameters at most, where nobody names them
_LETTERS = 72  # of the labels along a side
_ROOMY = 5  # parameters whose labels have room for units


def plot_pairs(
    fit: Fitted,
    *,
    var_names: str | Sequence[str] | None = None,
    figsize: Size | None = None,
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw parameters against each other, by arviz-plots; divergences are marked.

    Coefficients that span decades are drawn by their logarithm, on which the ridge of a coefficient
    and its exponent, such as A and alpha, is a line.

    Parameters
    ----------
    fit : Fit
        The fit.
    var_names : str or sequence of str, optional
        Two parameters or more, or rows of the summary; the law's own parameters by default, of a
        pooled fit or of many kinds those that all share. Of more than six, those that go together
        most are drawn, and in a figure as wide as a column of a paper the two that do.
    figsize : (float, float), optional
        Width and height in inches.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_pair`.

    Returns
    -------
    arviz_plots.PlotMatrix
        One panel a pair, and the distribution of each on the diagonal.

    Raises
    ------
    BayesqError
        If the fit has no such parameter, or one only is named.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> bayesq.plot.plot_pairs(fit, var_names=["A", "alpha"])  # doctest: +SKIP
    """
    import arviz_plots as azp

    found = asked = parameters(fit, var_names)
    if var_names is None:
        found = _of_all(asked, fit)
    if len(found.names) < 2:
        raise BayesqError(f"{found.names[0]} alone makes no pair; name two parameters or more.")
    shared = _shared(found)
    drawn = found
    if var_names is None:
        most = 2 if figsize and is_column(figsize) else _PANELS
        drawn = found.only(_strongest(shared, most))
    side = len(drawn.names)
    size = default_size(figsize, min(6.8, 1.2 + 1.2 * side))
    groups = {"posterior": drawn.variables(drawn.draws)}
    diverging = _diverging(fit)
    if diverging is not None:
        groups["sample_stats"] = diverging.to_dataset(name="diverging")
    sizes = drawn.draws.sizes
    every = -(-sizes["chain"] * sizes["draw"] // _MOST)
    kept = {name: group.isel(draw=slice(None, None, every)) for name, group in groups.items()}
    with drawn_at(size) as look:
        matrix = azp.plot_pair(
            xr.DataTree.from_dict(kept),
            labeller=drawn.labeller(unit=side <= _ROOMY, letters=_LETTERS // side),
            visuals=over(
                {
                    "scatter": {"color": BLUE, "alpha": 0.2, "size": 2.5, "width": 0, **_AS_PIXELS},
                    "divergence": {"color": VERMILION, "alpha": 1.0, "size": 14.0, "marker": "X"},
                    "dist": {"color": BLUE},
                },
                visuals,
            ),
            **{**look, **pc_kwargs},
        )
        _finish(matrix, drawn, some_of(len(drawn.names), len(asked.names)))
    tell(axes_of(matrix)[0], _words(asked, drawn, shared, diverging))
    return matrix


def _diverging(fit: Fitted) -> xr.DataArray | None:
    data = getattr(fit, "data", None)
    stats = data["sample_stats"] if data is not None and "sample_stats" in data.children else {}
    return stats["diverging"].astype(bool) if "diverging" in stats else None


def _of_all(found: Parameters, fit: Fitted) -> Parameters:
    """Leave out what is one study's, or of many kinds one's, where enough is of all."""
    whole = [name for name in found.names if not is_of_one(name)]
    many = len(fit.studies) > 1 or len(found.names) > _PANELS
    return found.only(whole) if many and len(whole) > 1 else found


def _strongest(shared: Sequence[tuple[str, str, float]], most: int) -> list[str]:
    """Take the parameters of the pairs that go together most."""
    taken: dict[str, None] = {}
    for a, b, _ in shared:
        if len(taken | {a: None, b: None}) <= most:
            taken |= {a: None, b: None}
    return list(taken)


def _shared(found: Parameters) -> list[tuple[str, str, float]]:
    """Correlate each pair as it is drawn, the strongest first."""
    values = {n: found.draws[n].values.ravel() for n in found.names}
    pairs = [
        (a, b, float(np.corrcoef(values[a], values[b])[0, 1]))
        for a, b in combinations(found.names, 2)
    ]
    return sorted(pairs, key=lambda pair: -abs(pair[2]))


def _finish(matrix: Any, drawn: Parameters, said: str) -> None:
    """Put ticks of values on the outer panels, and say what is not drawn."""
    names = drawn.names
    grid = np.asarray(matrix.viz["plot"].values, dtype=object).reshape(len(names), len(names))
    for j, name in enumerate(names):
        for i in range(j, len(names)):
            drawn.mark(grid[i, j].xaxis, name, most=2 if len(names) <= _ROOMY else 1)
            if i > j:
                drawn.mark(grid[i, j].yaxis, names[i], most=3)
                grid[i, j].tick_params(labelleft=j == 0)
        grid[j, j].set_yticks([])
    grid[0, 0].set_ylabel("")  # the diagonal has densities along y
    figure = matrix.viz["figure"].item()
    figure.align_labels()
    if said:
        figure.suptitle(said, fontsize=grid[0, 0].xaxis.label.get_fontsize())


def _words(
    found: Parameters,
    drawn: Parameters,
    shared: Sequence[tuple[str, str, float]],
    diverging: xr.DataArray | None,
) -> str:
    """Say which parameters go together, and how many draws diverged."""
    symbols = {n: f"log {n}" if n in found.logarithmic else n for n in found.names}
    seen = [(a, b, r) for a, b, r in shared if {a, b} <= set(drawn.names)]
    ridges = [pair for pair in seen if abs(pair[2]) >= _STRONG][:_RIDGES] or seen[:1]
    told = "; ".join(f"{symbols[a]} and {symbols[b]} correlate by {r:.2f}" for a, b, r in ridges)
    left = len(found.names) - len(drawn.names)
    count = "two" if len(drawn.names) == 2 else len(drawn.names)
    rest = f" These {count} go together most of {len(found.names)} parameters." if left else ""
    if diverging is None:
        return f"{told}.{rest}"
    count = int(diverging.sum())
    return f"{told}.{rest} {count or 'None'} of {diverging.size} draws diverged."
