"""What the data have changed: priors against posteriors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.intervals import interval
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
from bayesq.plot.parameters_drawn import Parameters, parameters
from bayesq.posterior.fit import Fit

_TAIL = 0.005  # of the prior's draws on either side, which the axis leaves out
_FEW = 4  # parameters that two columns hold
_SHOWN = 8  # parameters that the words name


def plot_prior_posterior(
    fit: Fit,
    *,
    var_names: str | Sequence[str] | None = None,
    prob: float | None = None,
    figsize: Size | None = None,
    kind: Literal["kde", "ecdf", "hist"] = "kde",
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw the prior and the posterior of parameters over each other, by arviz-plots.

    Coefficients that span decades have a logarithmic axis.

    Parameters
    ----------
    fit : Fit
        The fit.
    var_names : str or sequence of str, optional
        Parameters, or rows of the summary; the law's own parameters by default.
    prob : float, optional
        Probability of the intervals that the alternative text compares.
    figsize : (float, float), optional
        Width and height in inches.
    kind : {"kde", "ecdf", "hist"}
        How a distribution is drawn.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_prior_posterior`.

    Returns
    -------
    arviz_plots.PlotCollection
        One panel a parameter.

    Raises
    ------
    BayesqError
        If the fit has no such parameter, or no draws of the prior.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> bayesq.plot.plot_prior_posterior(fit)  # doctest: +SKIP
    """
    import arviz_plots as azp

    if kind not in ("kde", "ecdf", "hist"):
        raise BayesqError(f"kind is {kind!r}; take kde, ecdf or hist.")
    found = parameters(fit, var_names)
    prior = found.of(_prior(fit), fit)
    groups = {
        "prior": found.variables(prior),
        "posterior": found.variables(found.draws),
    }
    count = len(found.names)
    columns = min(count, 2 if figsize and is_column(figsize) and count <= _FEW else 3)
    rows = -(-count // columns)
    size = default_size(figsize, 0.6 + 1.5 * rows)
    with drawn_at(size) as look:
        collection = azp.plot_prior_posterior(
            xr.DataTree.from_dict(groups),
            kind=kind,
            visuals=over({"title": False}, visuals),
            **{
                "col_wrap": columns,
                "aes": {"color": ["group"], "linestyle": ["group"]},
                "color": [VERMILION, BLUE],
                "linestyle": ["--", "-"],
                **look,
                **pc_kwargs,
            },
        )
        _finish(collection, found, prior)
    tell(axes_of(collection)[0], _words(found, prior, prob))
    return collection


def _prior(fit: Fit) -> xr.Dataset:
    data = getattr(fit, "data", None)
    if data is None or "prior" not in data.children:
        raise BayesqError(
            "There are no draws of the prior here; pass a fit of bayesq.fit(...) or "
            "bayesq.load_fit(path)."
        )
    prior: xr.Dataset = data["prior"].to_dataset()
    return prior


def _finish(collection: Any, found: Parameters, prior: xr.Dataset) -> None:
    """Put ticks of values, ends that leave out far tails, and one legend."""
    from matplotlib.lines import Line2D

    for name in found.names:
        ax = collection.get_target(found.variable(name), {})
        low, high = np.quantile(prior[name], [_TAIL, 1 - _TAIL])
        inside = found.draws[name]
        low, high = min(low, float(inside.min())), max(high, float(inside.max()))
        ax.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
        found.mark(ax.xaxis, name, most=3)
        ax.set_xlabel(found.label(name))
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    figure = collection.viz["figure"].item()
    for theirs in list(figure.legends):  # which takes a fifth of the width
        theirs.remove()
    handles = [
        Line2D([], [], color=VERMILION, linestyle="--", label="prior"),
        Line2D([], [], color=BLUE, label="posterior"),
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)


def _words(found: Parameters, prior: xr.Dataset, prob: float | None) -> str:
    """Say how much narrower each posterior is than its prior, and where it lies."""
    wanted = interval(prob)
    told = []
    for name in found.names[:_SHOWN]:
        ends = [
            [found.value(name, float(end)) for end in wanted.ends(draws.values.ravel())]
            for draws in (prior[name], found.draws[name])
        ]
        before, after = (f"{low:.3g} to {high:.3g}" for low, high in ends)
        told.append(f"{name} {before}, then {after}")
    more = len(found.names) - len(told)
    rest = f"; {more} more are drawn" if more else ""
    return f"{wanted.name}s, first of the prior and then of the posterior: {'; '.join(told)}{rest}."
