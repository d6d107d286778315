"""How far posteriors move with the priors and with the likelihood: power-scaling, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

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
from bayesq.plot.parameters_drawn import Parameters, parameters, some_of
from bayesq.posterior.fit import Fit
from bayesq.posterior.sensitivity import THRESHOLD, priors_of

_MOST = 10  # parameters, where nobody names them
_SHORT = 6  # letters of a label that leaves the panels their width
_TOLD = 6  # parameters that the words name
_LETTERS = {True: 14, False: 26}  # of labels beside the panels, of a narrow figure and of others
_ROW = 0.85  # inches that a parameter takes
_BELOW = 0.1  # of a density's height, between its intervals
_ALPHAS = (0.8, 1.25)
_COLOURS = {_ALPHAS[0]: VERMILION, 1.0: "black", _ALPHAS[1]: BLUE}
_LINES: dict[float, Any] = {_ALPHAS[0]: "--", 1.0: "-", _ALPHAS[1]: ":"}


def plot_sensitivity(
    fit: Fit,
    *,
    var_names: str | Sequence[str] | None = None,
    prob: float | None = None,
    figsize: Size | None = None,
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw posteriors under weaker and stronger priors and likelihoods, by arviz-plots.

    Beside each parameter stand its sensitivities, those of ``fit.sensitivity()``, per doubling of
    the power; they count from 0.05 on.

    Parameters
    ----------
    fit : Fit
        The fit.
    var_names : str or sequence of str, optional
        Parameters, or rows of the summary; the law's own parameters by default, and in a figure
        without room for all of them those that depend on priors most, at most ten.
    prob : float, optional
        Probability of the intervals below each distribution.
    figsize : (float, float), optional
        Width and height in inches.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_psense_dist`.

    Returns
    -------
    arviz_plots.PlotCollection
        One row of panels a parameter: the prior scaled, and the likelihood.

    Raises
    ------
    BayesqError
        If the fit has no such parameter, no densities of prior and likelihood, or too few draws.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> bayesq.plot.plot_sensitivity(fit)  # doctest: +SKIP
    """
    import arviz_plots as azp

    from bayesq.intervals import interval

    found = parameters(fit, var_names)
    table = fit.sensitivity(progress=False).to_frame()
    wanted = _most(found, table, figsize) if var_names is None else found.names
    drawn = found.only(wanted)
    size = default_size(figsize, 0.7 + _ROW * len(wanted))
    ends = interval(prob)
    with drawn_at(size) as look:
        look["figure_kwargs"]["sharey"] = False  # each has room for its own intervals
        collection = azp.plot_psense_dist(
            _groups(fit, drawn),
            alphas=_ALPHAS,
            kind="kde",
            point_estimate="median",
            ci_prob=ends.prob,
            ci_kind=ends.kind,
            labeller=drawn.labeller(),
            visuals=over(
                {"title": False, "remove_axis": False, "point_estimate": {"size": 9.0, "width": 0}},
                visuals,
            ),
            **{
                "aes": {"color": ["alpha"], "linestyle": ["alpha"], "y": ["alpha"]},
                "color": list(_COLOURS.values()),
                "linestyle": list(_LINES.values()),
                **look,
                **pc_kwargs,
            },
        )
        _finish(collection, drawn, table, some_of(len(wanted), len(found.names)), is_column(size))
    tell(axes_of(collection)[0], _words(found, drawn, table))
    return collection


def _most(found: Parameters, table: pd.DataFrame, figsize: Size | None) -> list[str]:
    """Take as many parameters as there is room for, those that depend on priors most."""
    room = _MOST if figsize is None else min(_MOST, max(1, int((figsize[1] - 0.6) / _ROW)))
    first = table.loc[found.names, "prior"].sort_values(ascending=False, kind="stable")
    taken = set(first.index[:room])
    return [name for name in found.names if name in taken]


def _groups(fit: Fit, drawn: Parameters) -> xr.DataTree:
    """Put together what is scaled: the priors that a person states, and the likelihood."""
    assert fit.densities is not None  # or there were no table
    scaled = sum(priors_of(fit).values())
    assert isinstance(scaled, xr.DataArray)
    likelihood = fit.densities.likelihood
    groups = {
        "posterior": drawn.variables(drawn.draws),
        "log_prior": scaled.to_dataset(name="prior"),
        "log_likelihood": likelihood,
    }
    return xr.DataTree.from_dict(groups)


def _finish(
    collection: Any, drawn: Parameters, table: pd.DataFrame, said: str, narrow: bool
) -> None:
    """Label parameters, say how sensitive each is, and tell the powers apart."""
    from matplotlib.lines import Line2D

    join = "\n" if narrow and max(map(len, drawn.names)) > _SHORT else " "
    for number, name in enumerate(drawn.names):
        for component in ("prior", "likelihood"):
            ax = collection.get_target(drawn.variable(name), {"component_group": component})
            _lower(collection, drawn.variable(name), component)
            drawn.mark(ax.xaxis, name, most=3)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            moved = float(table[component][name])
            counts = moved >= THRESHOLD
            ax.text(
                0.98,
                0.95,
                f"{moved:.2f}",
                transform=ax.transAxes,
                ha="right",
                va="top",
                fontweight="bold" if counts else "normal",
            )
            if number == 0:
                ax.set_title(f"{component} scaled:{join}sensitivity")
            if component == "prior":
                label = drawn.label(name, unit=False, letters=_LETTERS[narrow])
                ax.set_ylabel(label, rotation=0, ha="right", va="center")
    figure = collection.viz["figure"].item()
    for theirs in list(figure.legends):  # which takes a fifth of the width
        theirs.remove()
    handles = [
        Line2D([], [], color=_COLOURS[a], linestyle=_LINES[a], label=f"power {a:g}")
        for a in _COLOURS
    ]
    where: Any = "outside lower center"
    figure.legend(handles=handles, title=said or None, loc=where, ncols=3, frameon=False)


def _lower(collection: Any, variable: str, component: str) -> None:
    """Lay the intervals below the densities, which are of any height, and not over each other."""
    curves, ends, points = (
        collection.viz[what][variable].sel(component_group=component).values.ravel()
        if what in collection.viz.children and variable in collection.viz[what]
        else []
        for what in ("dist", "credible_interval", "point_estimate")
    )
    # That of the posterior itself: a scaled one of few draws is all spikes.
    peak = float(np.max(curves[1].get_ydata())) if len(curves) else 1.0
    for number, line in enumerate(ends, start=1):
        line.set_ydata(np.full(len(line.get_xdata()), -_BELOW * number * peak))
    for number, point in enumerate(points, start=1):
        x = point.get_offsets()[:, 0]
        point.set_offsets(np.column_stack([x, np.full(len(x), -_BELOW * number * peak)]))
    if len(curves):
        curves[0].axes.set_ylim(-_BELOW * 4 * peak, 1.4 * peak)


def _words(found: Parameters, drawn: Parameters, table: pd.DataFrame) -> str:
    """Say which parameters depend on priors, from the table of sensitivities."""
    own = table.loc[found.names]
    moved = own[own["prior"] >= THRESHOLD].sort_values("prior", ascending=False)
    told = [f"{n} by {row.prior:.2f} ({row.diagnosis})" for n, row in moved.iterrows()]
    if told:
        more = f" and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
        said = f"A doubling of the prior's power moves {', '.join(told[:_TOLD])}{more}"
        said += "; the others stay." if len(told) < len(own) else "."
    else:
        name = str(own["prior"].idxmax())
        said = f"No prior moves a parameter; the most, {name}, moves by {own['prior'].max():.2f}."
    left = some_of(len(drawn.names), len(found.names))
    return f"{said} Drawn are {left}." if left else said
