"""Whether intervals are right: the probability integral transform of what was measured."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import xarray as xr

from bayesq.backtesting.scored import Backtest
from bayesq.comparison.subsample import choose
from bayesq.errors import BayesqError
from bayesq.intervals import PROB, interval
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import BLUE, Size, axes_of, default_size, drawn_at, is_column, over
from bayesq.plot.written import percent
from bayesq.posterior.fit import Fit

_FEW = 10  # independent values below which hardly any curve leaves its envelope
_SIMULATED = 1000
_ALONG = np.linspace(0, 1, 201)


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
    predictions are right. It lies above 0 where too much was foretold and below where too little,
    and goes up on the left and down on the right where intervals are too narrow.

    Rows of one training run are not independent. The envelope is that of as many independent
    values as there are runs (of rows in runs of unequal size, by Kish's effective number), which is
    wide enough even where all rows of a run have one PIT.

    Parameters
    ----------
    found : Backtest or Fit
        A backtest, whose rows the fit had not seen; or a fit, each row of which is left out by
        importance sampling (LOO-PIT).
    prob : float, optional
        Probability with which a right curve lies in the envelope as a whole, by default 90 %; it
        is that of a test, not of intervals, so ArviZ's setting for these leaves it alone.
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

    wanted = interval(PROB if prob is None else prob)
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
            visuals=over(
                {
                    "suspicious_points": False,
                    "p_value_text": False,
                    "title": False,
                    "xlabel": False,
                    "ecdf_lines": {"color": BLUE},
                },
                visuals,
            ),
            **{**look, **pc_kwargs},
        )
        _finish(collection, pit, independent, wanted.prob, what, is_column(size))
    tell(axes_of(collection)[0], _words(pit, runs, independent, wanted.prob, what))
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

    cluster = np.asarray(found.data["constant_data"].to_dataset()["cluster"])
    data, what = found.data, "rows, each left out in turn"
    if (some := choose(np.arange(len(cluster)))) is not None:
        # Of very many rows some stand for all.
        groups = ("log_likelihood", "posterior_predictive", "observed_data")
        held = {n: data[n].to_dataset().isel(row=some) for n in groups}
        data = xr.DataTree.from_dict({"posterior": data["posterior"].to_dataset(), **held})
        what, cluster = f"of {len(cluster):,} {what}", cluster[some]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of high k, which plot_khat shows
        pit = azs.loo_pit(data, var_names=found.response)[found.response]
    return np.asarray(pit, dtype=float), cluster, what


def _effective(runs: np.ndarray) -> int:
    """Return how many independent values rows amount to where those of one run are one."""
    sizes = np.unique(runs, return_counts=True)[1]
    return max(2, int(sizes.sum() ** 2 / (sizes**2).sum() + 1e-9))


@lru_cache
def _envelope(independent: int, prob: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the envelope at the places of `_ALONG`, less the uniform."""
    from arviz_stats import ecdf_utils

    # By the parts of ArviZ's ``ecdf_pit``, which looks at as many places as there are values.
    inner = _ALONG[1:-1]
    pointwise = ecdf_utils.simulate_confidence_bands(
        independent, 1, inner, prob, _SIMULATED, np.random.default_rng(0)
    )
    ends = ecdf_utils.get_pointwise_confidence_band(pointwise, independent, inner)
    lower, upper = (np.concatenate([[0.0], np.clip(end, 0, 1) - inner, [0.0]]) for end in ends)
    return lower, upper


def _curve(pit: np.ndarray) -> np.ndarray:
    """Return the share of rows below each place of `_ALONG`, less the uniform."""
    return np.searchsorted(np.sort(pit), _ALONG, side="right") / len(pit) - _ALONG


def _stays(pit: np.ndarray, independent: int, prob: float) -> bool:
    """Whether the curve is in its envelope everywhere."""
    (lower, upper), curve = _envelope(independent, prob), _curve(pit)
    return bool(((curve >= lower - 1e-9) & (curve <= upper + 1e-9))[1:-1].all())


def _finish(
    collection: Any, pit: np.ndarray, independent: int, prob: float, what: str, narrow: bool
) -> None:
    """Draw the curve at all places, which arviz-plots does at a few, and the envelope."""
    ax = axes_of(collection)[0]
    lower, upper = _envelope(independent, prob)
    curve = _curve(pit)
    if "ecdf_lines" in collection.viz.children:
        line = collection.viz["ecdf_lines"]["pit"].item()
        line.set_data(_ALONG, curve)
    ax.fill_between(_ALONG, lower, upper, color="0.88", zorder=0, linewidth=0)
    edge = 1.1 * float(np.abs([lower, upper, curve]).max())
    # Room above for the words, which stand over neither curve nor band.
    ax.set(xlim=(0, 1), ylim=(-edge, 1.3 * edge))
    ax.set_xlabel(f"PIT of {len(pit)} {what}")
    ax.set_ylabel("share of rows below,\nless uniform" if narrow else "share below, less uniform")
    words = f"shaded: {_percent(prob)} envelope of {independent} values"
    ax.text(0.5, 0.99, words, transform=ax.transAxes, ha="center", va="top", color="0.35")


def _percent(prob: float) -> str:
    return f"{100 * prob:g} %"


def _words(pit: np.ndarray, runs: np.ndarray, independent: int, prob: float, what: str) -> str:
    """Say whether the curve stays in its envelope, and how many values it stands on."""
    count = len(np.unique(runs))
    stays = "stays in" if _stays(pit, independent, prob) else "leaves"
    low, high = float((pit < 0.05).mean()), float((pit > 0.95).mean())
    said = (
        f"The PIT of {len(pit)} {what}, from {count} training run{'s' * (count > 1)}, {stays} its "
        f"{_percent(prob)} envelope of {independent} independent values; {percent(low)} of the "
        f"rows lie in the lowest twentieth and {percent(high)} in the highest, where 5 % each "
        "would be right."
    )
    return f"{said} There are too few runs to judge." if independent < _FEW else said
