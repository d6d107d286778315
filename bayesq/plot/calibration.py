"""Whether intervals are right: the probability integral transform of what was measured."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes

from bayesq.backtesting.scored import Backtest
from bayesq.errors import BayesqError
from bayesq.intervals import interval
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import BLUE, GREY, Size, axes_of, default_size, drawn_at, is_column
from bayesq.posterior.fit import Fit

_FEW = 10  # independent values below which hardly any curve leaves its envelope
_SIMULATED = 1000


def plot_pit(
    found: Backtest | Fit,
    *,
    prob: float | None = None,
    figsize: Size | None = None,
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw the calibration of predictions with its envelope, by arviz-plots.

    The curve is the share of rows whose probability integral transform (PIT), the probability that
    was given to less than what was measured, is below each value, less that value: flat at 0 where
    predictions are right. It leans to the left of the middle upwards where too much was foretold,
    and has the form of an S where intervals are too narrow.

    Rows of one training run are not independent. The envelope is that of as many independent
    values as there are runs (of rows in runs of unequal size, by Kish's effective number), which is
    wide enough even where all rows of a run have one PIT.

    Parameters
    ----------
    found : Backtest or Fit
        A backtest, whose rows the fit had not seen; or a fit, each row of which is left out by
        importance sampling (LOO-PIT).
    prob : float, optional
        Probability with which a right curve lies in the envelope as a whole.
    figsize : (float, float), optional
        Width and height in inches.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_ecdf_pit`.

    Returns
    -------
    arviz_plots.PlotCollection
        One panel.

    Raises
    ------
    BayesqError
        If it is neither, or a backtest that was saved by an earlier version, without PIT.

    Examples
    --------
    >>> import bayesq
    >>> found = bayesq.load_backtest("rows.csv")  # doctest: +SKIP
    >>> bayesq.plot.plot_pit(found)  # doctest: +SKIP
    """
    import arviz_plots as azp

    wanted = interval(prob)
    pit, runs, what = _pit(found)
    independent = _effective(runs)
    size = default_size(figsize, 3.4)
    values = xr.DataArray(pit[None], dims=["chain", "draw"]).to_dataset(name="pit")
    with drawn_at(size) as look:
        collection = azp.plot_ecdf_pit(
            xr.DataTree.from_dict({"pit": values}),
            group="pit",
            envelope_prob=wanted.prob,
            # The test that these belong to takes single rows for independent.
            visuals={
                "suspicious_points": False,
                "p_value_text": False,
                "title": False,
                "xlabel": False,
                "ecdf_lines": {"color": BLUE},
                "ref_line": {"color": GREY, "linestyle": "--"},
                **(visuals or {}),
            },
            **{**look, **pc_kwargs},
        )
        ax = axes_of(collection)[0]
        _finish(ax, pit, independent, wanted.prob, what, is_column(size))
    tell(ax, _words(pit, runs, independent, wanted.prob, what))
    return collection


def _pit(found: Backtest | Fit) -> tuple[np.ndarray, np.ndarray, str]:
    """Return PIT and training run of each row, and what they are of."""
    if isinstance(found, Backtest):
        if "pit" not in found.rows or found.rows["pit"].isna().any():
            raise BayesqError(
                "The rows of this backtest have no pit, as an earlier version of bayesq saved "
                "them; run bayesq.backtest(...) again."
            )
        return found.rows["pit"].to_numpy(float), found.rows["run"].to_numpy(), "rows left out"
    if not isinstance(found, Fit):
        raise BayesqError(
            f"A {type(found).__name__} has foretold nothing; pass a backtest or a fit of a table."
        )
    if "posterior_predictive" not in found.data.children:
        raise BayesqError(
            "There are no draws of new values here; pass a fit of bayesq.fit(...) or "
            "bayesq.load_fit(path)."
        )
    import arviz_stats as azs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of high k, which plot_khat shows
        pit = azs.loo_pit(found.data, var_names=found.response)[found.response]
    cluster = np.asarray(found.data["constant_data"].to_dataset()["cluster"])
    return np.asarray(pit, dtype=float), cluster, "rows, each left out in turn"


def _effective(runs: np.ndarray) -> int:
    """Return how many independent values rows amount to where those of one run are one."""
    sizes = np.unique(runs, return_counts=True)[1]
    return max(2, int(sizes.sum() ** 2 / (sizes**2).sum() + 1e-9))


def _envelope(independent: int, prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return places along the axis and the ends of the envelope there, less the uniform."""
    from arviz_stats.ecdf_utils import ecdf_pit

    # Only the number of the values counts here.
    x, _, lower, upper = ecdf_pit(
        np.linspace(0, 1, independent), prob, _SIMULATED, rng=np.random.default_rng(0)
    )
    return x, lower - x, upper - x


def _outside(pit: np.ndarray, independent: int, prob: float) -> bool:
    """Whether the curve leaves its envelope somewhere."""
    x, lower, upper = _envelope(independent, prob)
    share = np.searchsorted(np.sort(pit), x, side="right") / len(pit) - x
    within = (share >= lower - 1e-9) & (share <= upper + 1e-9)
    return not within[1:-1].all()


def _finish(
    ax: Axes, pit: np.ndarray, independent: int, prob: float, what: str, narrow: bool
) -> None:
    x, lower, upper = _envelope(independent, prob)
    band = ax.fill_between(x, lower, upper, step="post", color="0.88", zorder=0, linewidth=0)
    band.set_label(f"{prob:.0%} envelope")
    steps = np.sort(pit)
    edge = max(np.abs(lower).max(), np.abs(upper).max())
    edge = max(edge, float(np.abs(np.arange(1, len(pit) + 1) / len(pit) - steps).max()))
    ax.set(xlim=(0, 1), ylim=(-1.1 * edge, 1.1 * edge))
    join = "\n" if narrow else " "
    ax.set_xlabel(f"PIT of {len(pit)} {what}")
    ax.set_ylabel(f"share of rows below,{join}less uniform")
    ax.text(
        0.98,
        0.97,
        f"{prob:.0%} envelope of\n{independent} independent values",
        transform=ax.transAxes,
        ha="right",
        va="top",
        color="0.35",
    )


def _words(pit: np.ndarray, runs: np.ndarray, independent: int, prob: float, what: str) -> str:
    """Say whether the curve stays in its envelope, and how many values it stands on."""
    count = len(np.unique(runs))
    stays = "leaves" if _outside(pit, independent, prob) else "stays in"
    low, high = float((pit < 0.05).mean()), float((pit > 0.95).mean())
    said = (
        f"The PIT of {len(pit)} {what}, from {count} training run{'s' * (count > 1)}, {stays} its "
        f"{prob:.0%} envelope of {independent} independent values; {low:.0%} of the rows lie in "
        f"the lowest twentieth and {high:.0%} in the highest, where 5% each would be right."
    )
    return f"{said} There are too few runs to judge." if independent < _FEW else said
