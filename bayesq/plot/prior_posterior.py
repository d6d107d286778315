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
from bayesq.plot.parameters_drawn import Parameters, is_of_one, parameters, some_of
from bayesq.posterior.fit import Fit

# Of the prior's draws on either side, what the axis leaves out; where it is logarithmic more, for
# a coefficient at N = 1 may reach over a hundred decades.
_TAIL, _LONG_TAIL = 0.005, 0.03
_FEW = 4  # parameters that two columns hold
_LETTERS, _WIDER = 10, 14  # of names that have room for a unit, in three narrow columns and a page
_TOP, _ROW = 0.45, 0.68  # inches of a narrow figure: of what is no panel, and of a row of panels
_SHOWN = 8  # parameters that the words name
_MOST = 12  # panels, where nobody names parameters


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
        Parameters, or rows of the summary; the law's own parameters by default, of more than
        twelve those of all studies and kinds, then those that the data moved most.
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
    every = parameters(fit, var_names)
    prior = every.of(_prior(fit), fit)
    narrow = bool(figsize and is_column(figsize))
    columns = 2 if narrow and _need_room(every.names) else 3
    most = _MOST
    if figsize and narrow:
        most = min(_MOST, columns * max(1, int((figsize[1] - _TOP) / _ROW)))
    found = every.only(_moved(every, prior, most)) if var_names is None else every
    groups = {
        "prior": found.variables(_finite(prior[found.names])),
        "posterior": found.variables(_finite(found.draws)),
    }
    count = len(found.names)
    columns = min(count, columns)
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
        _finish(collection, found, prior, some_of(count, len(every.names)), narrow)
    tell(axes_of(collection)[0], _words(found, prior, prob, len(every.names)))
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


def _need_room(names: Sequence[str]) -> bool:
    """Whether parameters are so few, or their names so long, that three narrow columns are none."""
    return len(names) <= _FEW or max(map(len, names)) > _LETTERS


def _moved(every: Parameters, prior: xr.Dataset, most: int) -> list[str]:
    """Take what there is room for: what all studies and kinds share, then what moved most."""
    from scipy.stats import ks_2samp

    def moved(name: str) -> float:
        draws = (_told(values[name]) for values in (prior, every.draws))
        return float(ks_2samp(*draws).statistic)

    if len(every.names) <= most:
        return every.names
    return sorted(every.names, key=lambda name: (is_of_one(name), -moved(name)))[:most]


def _told(draws: xr.DataArray) -> np.ndarray:
    """Take the draws that are numbers: a wide prior of A, at N = 1, has some beyond them."""
    values = draws.values.ravel()
    return np.asarray(values[np.isfinite(values)])


def _finite(draws: xr.Dataset) -> xr.Dataset:
    """Take as many numbers of each, for one draw may be none of one parameter only."""
    if all(np.isfinite(values).all() for values in draws.values()):
        return draws
    told = {str(name): _told(values) for name, values in draws.items()}
    count = min(map(len, told.values()))
    return xr.Dataset({name: (("chain", "draw"), v[None, :count]) for name, v in told.items()})


def _finish(collection: Any, found: Parameters, prior: xr.Dataset, said: str, narrow: bool) -> None:
    """Put ticks of values, ends that leave out far tails, and one legend."""
    from matplotlib.lines import Line2D

    for name in found.names:
        ax = collection.get_target(found.variable(name), {})
        tail = _LONG_TAIL if name in found.logarithmic else _TAIL
        low, high = np.quantile(_told(prior[name]), [tail, 1 - tail])
        inside = found.draws[name]
        low, high = min(low, float(inside.min())), max(high, float(inside.max()))
        ax.set_xlim(low - 0.02 * (high - low), high + 0.02 * (high - low))
        found.mark(ax.xaxis, name, most=1 if narrow and name in found.logarithmic else 3)
        ax.set_xlabel(found.label(name, unit=len(name) <= (_LETTERS if narrow else _WIDER)))
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
    figure = collection.viz["figure"].item()
    for theirs in list(figure.legends):  # which takes a fifth of the width
        theirs.remove()
    handles = [
        Line2D([], [], color=VERMILION, linestyle="--", label="prior"),
        Line2D([], [], color=BLUE, label="posterior"),
    ]
    where: Any = "outside upper center"
    figure.legend(handles=handles, title=said or None, loc=where, ncols=2, frameon=False)


def _words(found: Parameters, prior: xr.Dataset, prob: float | None, count: int) -> str:
    """Say how much narrower each posterior is than its prior, and where it lies."""
    wanted = interval(prob)
    told = []
    for name in found.names[:_SHOWN]:
        # Of the values, not of their logarithms: densest intervals of the two differ.
        ends = [
            wanted.ends(found.values(name, _told(draws)))
            for draws in (prior[name], found.draws[name])
        ]
        before, after = (f"{low:.3g} to {high:.3g}" for low, high in ends)
        told.append(f"{name} {before}, then {after}")
    more = len(found.names) - len(told)
    rest = f"; {more} more {'is' if more == 1 else 'are'} drawn" if more else ""
    text = f"{wanted.name}s, first of the prior and then of the posterior: {'; '.join(told)}{rest}."
    left = some_of(len(found.names), count)
    return f"{text} Drawn are {left}." if left else text
