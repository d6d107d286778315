"""What a fit says along one input, the others held: the law, the mean of runs, a new run.

These are the draws of a prediction at the points of a curve, drawn jointly. A line is their median:
outside the data a mean bends up with the misfit's variance, which says nothing of where runs lie.

Along the format of a run (bits, elements of a group) the misfit stands at whole widths, doublings
and what was measured, joined by straight lines: there is no run between them, and the field, which
is pinned where it was measured and open between, would draw a hook at every one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.intervals import Interval
from bayesq.law.inputs import Input
from bayesq.plot.axes import is_listed
from bayesq.posterior.fitted import Fitted
from bayesq.prediction.outcome import Outcome, outcome

_POINTS = 48
_MOST_WHOLE = 64
_OVER = ("chain", "draw")


@dataclass(frozen=True, eq=False)
class Along:
    """What is said at points along an input, nats per token.

    Parameters
    ----------
    points : ndarray of float, shape (points,)
        Where the mean of runs and new runs are known.
    middle : ndarray of float, shape (points,)
        Median of the mean of runs; of the law where its misfit is left out.
    mean, run : (ndarray, ndarray) or None
        Ends of the interval of the mean of runs and of a new run.
    fine : ndarray of float, shape (fine points,)
        Where the law by itself is known.
    law : ndarray of float, shape (fine points,), or None
        Its median, where it is asked for.
    """

    points: np.ndarray
    middle: np.ndarray
    mean: tuple[np.ndarray, np.ndarray] | None
    run: tuple[np.ndarray, np.ndarray] | None
    fine: np.ndarray
    law: np.ndarray | None


def fine_points(source: Input, start: float, stop: float) -> np.ndarray:
    """Points along an input at which a formula is drawn."""
    if start == stop:
        return np.array([start])
    spaced = np.geomspace if source.scale == "log" else np.linspace
    return np.asarray(spaced(start, stop, _POINTS))


def points(source: Input, start: float, stop: float, measured: np.ndarray) -> np.ndarray:
    """Points along an input at which there may be runs."""
    inside = measured[(measured >= start) & (measured <= stop)]
    if is_listed(source):
        return np.unique(inside)
    if not source.format:
        return fine_points(source, start, stop)
    if source.scale == "log":
        first, last = np.ceil(np.log2(start)), np.floor(np.log2(stop))
        whole = 2.0 ** np.arange(first, last + 1)
    else:
        whole = np.arange(np.ceil(start), np.floor(stop) + 1)
    if len(whole) > _MOST_WHOLE:
        return fine_points(source, start, stop)
    return np.unique([start, stop, *whole, *inside])


def along(
    fit: Fitted,
    at: Mapping[str, float],
    source: Input,
    ends: tuple[float, float],
    measured: np.ndarray,
    band: Interval,
    kinds: tuple[str, ...],
    *,
    misfit: bool | str = True,
) -> Along:
    """Work out what a fit says along an input.

    Parameters
    ----------
    fit : Fitted
        A fit that is not pooled, or one study of it.
    at : mapping of str to float
        The other inputs; NaN formats are those of a run in full precision.
    source : Input
        What varies.
    ends : (float, float)
        From where to where.
    measured : ndarray of float
        Its values in the data.
    band : Interval
        Which interval.
    kinds : tuple of {"mean", "run"}
        Which bands.
    misfit : bool or "both"
        False for the law by itself, ``"both"`` for that too.
    """
    # What is left out is the law's own, smooth: it needs no whole bits.
    fine = np.unique(measured) if is_listed(source) else fine_points(source, *ends)
    where = points(source, *ends, measured) if misfit else fine
    found = said(fit, at, source.symbol, where)
    law = None
    if misfit == "both":
        law = np.median(flat(law_alone(fit, at, source.symbol, fine)), axis=1)
    middles = flat(found.mean if misfit else found.law)
    run = _run(fit, found, bool(misfit)) if "run" in kinds else None
    return Along(
        where,
        np.median(middles, axis=1),
        band.ends(middles) if "mean" in kinds else None,
        None if run is None else band.ends(run),
        fine,
        law,
    )


def said(fit: Fitted, at: Mapping[str, float], symbol: str, where: np.ndarray) -> Outcome:
    """Ask a fit what it says at points along an input: dimensions chain, draw and x."""
    inputs = inputs_at(fit, {**at, symbol: where})
    return outcome(fit, inputs, "x", np.random.default_rng(0))


def law_alone(fit: Fitted, at: Mapping[str, float], symbol: str, where: np.ndarray) -> xr.DataArray:
    """Ask a fit for its law without the misfit: dimensions chain, draw and x."""
    inputs = inputs_at(fit, {**at, symbol: where})
    inputs[symbol] = xr.DataArray(where, dims="x")
    found: xr.DataArray = fit.evaluate(fit.response, inputs) + 0.0 * inputs[symbol]
    return found


def inputs_at(fit: Fitted, at: Mapping[str, Any]) -> dict[str, Any]:
    """Complete the inputs of points of a curve; NaN formats are those of full precision."""
    inputs = {i.symbol: i for i in fit.law.inputs_of(fit.response)}
    formats = {s for s, i in inputs.items() if i.format} | set(fit.law.levels_of(fit.response))
    values: dict[str, Any] = {**at}
    pivots = fit.specification.design.pivots
    # Without any format a row is in full precision: its degradation is switched off.
    full = bool(formats) and all(np.isnan(np.min(values[s])) for s in formats)
    for s in formats:
        if np.isnan(np.min(values[s])):
            # Of kinds the number after the last stands for none; of bits any number will do.
            values[s] = float(len(fit.levels[s])) if s in fit.levels else pivots[s]
    values["quantized"] = 0.0 if full else 1.0
    return values


def flat(draws: xr.DataArray) -> np.ndarray:
    """Put all draws of each point in one dimension, shape ``(points, draws)``."""
    return np.asarray(draws.transpose("x", *_OVER).values.reshape(draws.sizes["x"], -1))


def _run(fit: Fitted, found: Outcome, misfit: bool) -> np.ndarray:
    if fit.noise is None:
        raise BayesqError(f"The noise of a new run is not known for {fit.title}; draw kind='mean'.")
    mean = (found.mean if misfit else found.law).transpose("x", *_OVER)
    # The same random numbers at every point keep the edges of the band smooth.
    drawn = [
        fit.noise.draw(mean[i], _at_point(found.values, i), np.random.default_rng(0))
        for i in range(mean.sizes["x"])
    ]
    return flat(xr.concat(drawn, "x", coords="minimal", compat="override"))


def _at_point(values: Mapping[str, Any], i: int) -> dict[str, Any]:
    """Take what a noise needs at one point of a curve."""
    return {s: v.isel(x=i) if "x" in getattr(v, "dims", ()) else v for s, v in values.items()}
