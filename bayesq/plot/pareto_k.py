"""Where importance sampling can be trusted: Pareto k of each unit left out, and what was cured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from bayesq.comparison.comparison import Comparison
from bayesq.comparison.left_out import LeftOut, estimate
from bayesq.errors import BayesqError
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import (
    BLUE,
    ORANGE,
    VERMILION,
    Size,
    default_size,
    drawn_at,
    is_column,
    over,
)
from bayesq.plot.symbols import plain
from bayesq.plot.written import with_room
from bayesq.posterior.fit import Fit
from bayesq.progress import showing

_SIDE = 0.12  # of the width, where a name beside an edge stands to one side
_NAMED = 4  # units that are named, the worst first


def plot_khat(
    found: Fit | Comparison,
    *,
    figsize: Size | None = None,
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw Pareto k of each unit left out, by arviz-plots, and mark what was cured.

    Parameters
    ----------
    found : Fit or Comparison
        A fit, each row of which is left out by importance sampling; or a comparison, which has
        cured what could not be trusted, by moment matching or by fits without the unit.
    figsize : (float, float), optional
        Width and height in inches.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_khat`.

    Returns
    -------
    arviz_plots.PlotCollection
        One panel a law.

    Raises
    ------
    BayesqError
        If it is neither.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
    >>> bayesq.plot.plot_khat(fit)  # doctest: +SKIP
    """
    import arviz_plots as azp
    from arviz_base import labels as naming
    from arviz_stats import ELPDData

    unit = found.unit if isinstance(found, Comparison) else "row"
    whole = _left_out(found)
    laws = {name: left.only_sampled() for name, left in whole.items()}
    first, all_of_it = next(iter(laws.values())), next(iter(whole.values()))
    labels = _labels(found, unit, len(all_of_it.elpd))[all_of_it.looked_at]
    k = np.stack([_finite(left.pareto_k) for left in laws.values()])
    values = xr.DataArray(
        k, dims=["law", unit], coords={"law": list(laws), unit: np.arange(k.shape[1])}
    )
    # Only the values of k are drawn; the rest of what ArviZ keeps of a comparison is bayesq's own.
    told = ELPDData(
        elpd=float(first.elpd.sum()),
        se=float("nan"),
        p=first.effective,
        n_samples=0,
        n_data_points=k.shape[1],
        scale="log",
        warning=False,
        good_k=first.good_k,
        elpd_i=None,
        pareto_k=values,
    )
    columns = 1 if figsize and is_column(figsize) else min(2, len(laws))
    size = default_size(figsize, 1.2 + 1.8 * -(-len(laws) // columns))
    with drawn_at(size) as look:
        collection = azp.plot_khat(
            told,
            labeller=naming.NoVarLabeller(),
            legend=False,
            visuals=over(
                {
                    "khat": {"color": BLUE, "size": 12.0, "width": 0},
                    "title": len(laws) > 1 and {"color": "black"},
                    "xlabel": False,
                    "ylabel": False,
                },
                visuals,
            ),
            **{"cols": ["law"], "col_wrap": columns, **look, **pc_kwargs},
        )
        targets = {name: collection.get_target("pareto_k", {"law": name}) for name in laws}
        for name, ax in targets.items():
            _finish(ax, laws[name], unit, labels)
            if len(laws) > 1:
                ax.set_title(plain(name))
        _label(collection, list(targets.values()), laws, unit)
    for name, ax in targets.items():
        tell(ax, _words(name, laws[name], unit, labels))
    return collection


def _left_out(found: Fit | Comparison) -> dict[str, LeftOut]:
    if isinstance(found, Comparison):
        return dict(found.inside)
    if not isinstance(found, Fit):
        raise BayesqError(
            f"A {type(found).__name__} leaves nothing out; pass a fit of a table or what "
            "bayesq.compare returned."
        )
    with showing(False) as silent:
        return {found.law.name: estimate(found, None, "row", "none", silent).made}


def _labels(found: Fit | Comparison, unit: str, count: int) -> np.ndarray:
    """Name units by number; rows as they stand in the table, shape ``(units,)``."""
    if unit != "row":
        return np.arange(count)
    fit = next(iter(found.fits.values())) if isinstance(found, Comparison) else found
    return np.asarray(fit.data["observed_data"].to_dataset()["row"])


def _finite(k: np.ndarray) -> np.ndarray:
    """Put a k that is not known at the highest that is, above 1."""
    known = k[np.isfinite(k)]
    return np.where(np.isfinite(k), k, max(1.2, float(known.max(initial=0.0))))


def _finish(ax: Axes, left: LeftOut, unit: str, labels: np.ndarray) -> None:
    """Draw the threshold, mark what was cured, and name the worst."""
    k = _finite(left.pareto_k)
    ax.axhline(left.good_k, color=VERMILION, linestyle="--", linewidth=1.0)
    for units, marker in ((left.matched, "D"), (left.refitted, "s")):
        at = np.array(units, dtype=int)
        ax.scatter(at, k[at], s=26, marker=marker, facecolor="none", edgecolor=ORANGE, zorder=3)
    bad = left.bad
    ax.scatter(bad, k[bad], s=26, marker="X", color=VERMILION, zorder=3, linewidth=0)
    low, high = min(0.0, float(k.min())), max(float(k.max()), left.good_k)
    ax.set_ylim(low - 0.08 * (high - low), high + 0.2 * (high - low))
    ax.set_xlim(-0.02 * len(k), 1.02 * len(k))
    worst = bad[np.argsort(-k[bad])][:_NAMED]
    names = [f"{unit} {labels[number]}" for number in worst]
    places = [(float(number), float(k[number])) for number in worst]
    # A name beside an edge stands to one side of its point, others over theirs.
    for one in with_room(ax, places, round(1.5 * max(map(len, names), default=0))):
        along = worst[one] / len(k)
        ax.annotate(
            names[one],
            places[one],
            xytext=(0, 4),
            textcoords="offset points",
            ha="left" if along < _SIDE else "right" if along > 1 - _SIDE else "center",
        )


def _label(collection: Any, axes: list[Axes], laws: Mapping[str, LeftOut], unit: str) -> None:
    figure = collection.viz["figure"].item()
    figure.supxlabel(
        f"{unit} left out, in the order of the table", fontsize=axes[0].xaxis.label.get_fontsize()
    )
    figure.supylabel("Pareto k", fontsize=axes[0].xaxis.label.get_fontsize())
    lefts = laws.values()
    handles = [
        Line2D([], [], color=VERMILION, linestyle="--", label="trusted below this"),
        *_handle(any(x.bad.size for x in lefts), "X", "not to be trusted", VERMILION, full=True),
        *_handle(any(x.matched for x in lefts), "D", "cured by moment matching", ORANGE),
        *_handle(any(x.refitted for x in lefts), "s", "fitted without it (k 0)", ORANGE),
    ]
    columns = 2 if figure.get_figwidth() < 4.5 or len(handles) > 3 else len(handles)
    figure.legend(handles=handles, loc="outside upper center", ncols=columns, frameon=False)


def _handle(
    seen: bool, marker: str, label: str, colour: str, *, full: bool = False
) -> list[Line2D]:
    look: dict[str, Any] = {"color": colour, "marker": marker, "linestyle": "none"}
    if not full:
        look["markerfacecolor"] = "none"
    return [Line2D([], [], label=label, markersize=5, **look)] if seen else []


def _words(name: str, left: LeftOut, unit: str, labels: np.ndarray) -> str:
    """Say how many estimates are to be trusted, and how they came to be."""
    count, bad = len(left.pareto_k), left.bad
    said = f"{name}: of {count} {unit}s "
    if bad.size:
        worst = bad[np.argsort(-_finite(left.pareto_k)[bad])][:_NAMED]
        listed = ", ".join(str(labels[n]) for n in worst)
        more = " among others" if bad.size > len(worst) else ""
        have = "has" if bad.size == 1 else "have"
        said += f"{bad.size} {have} a Pareto k above {left.good_k:.2f} ({unit} {listed}{more})"
    else:
        said += f"none has a Pareto k above {left.good_k:.2f}"
    cured = [
        f"{len(units)} {how}"
        for units, how in (
            (left.matched, "cured by moment matching"),
            (left.refitted, "fitted again without it"),
        )
        if units
    ]
    return f"{said}{'; ' * bool(cured)}{' and '.join(cured)}."
