"""What quantization adds, over formats and tokens per parameter, as a map."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.colors import LogNorm
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.ticker import MaxNLocator

from bayesq.errors import BayesqError, nearest
from bayesq.law.inputs import Input
from bayesq.plot.along import points
from bayesq.plot.alternative import tell
from bayesq.plot.axes import Kinds, is_listed, labels_of, name, shown
from bayesq.plot.canvas import (
    PAGE,
    figure_of,
    font_size,
    height_for,
    is_narrow,
    legend,
    lines_of_room,
    new_axes,
    over,
    title,
)
from bayesq.plot.roles import in_words, settings
from bayesq.plot.shown_rows import (
    PLACE,
    check_fitted,
    check_input,
    held_at,
    inputs_of,
    measured_rows,
)
from bayesq.plot.ticks import ticks_of_counts
from bayesq.posterior.fitted import Fitted
from bayesq.prediction.curve import curve
from bayesq.prediction.distance import far
from bayesq.runs.counts import as_number

RATIO = "D/N"
_ACROSS, _BETWEEN = 33, 12  # points along x, and drawn between two formats
_BEYOND = 10.0  # times what was measured, to either side
_HEIGHT = 4.2  # inches
_LETTERS, _FULL = 18, 28  # of the name of a kind in the title, and along y of a wide figure
_MAP = "viridis"


def plot_degradation(
    fit: Fitted,
    *,
    y: str | None = None,
    at: Mapping[str, float | str] | None = None,
    limits: tuple[float | str, float | str] | None = None,
    y_limits: tuple[float, float] | None = None,
    contours: bool = True,
    legend: bool = True,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    mesh_kwargs: Mapping[str, Any] | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> Axes:
    """Draw the degradation over bits and tokens per parameter as a map.

    The colour is the posterior median of what quantization adds, misfit included, as decisions ask
    it; between whole bits it is interpolated. Measured degradations are marks of their own colour:
    one that stands out of its surroundings lies off the law.

    Parameters
    ----------
    fit : Fit or StudyFit
        A fit of a degradation, or of the loss of a quantization law.
    y : str, optional
        What lies along y: an input that is a format, or kinds; by default bits, else the first
        that varies.
    at : mapping of str to float or str, optional
        The other inputs, such as ``{"N": "7.1M"}``; by default those of most rows. Of a law without
        N or D the axis is the other one of the two.
    limits : (float or str, float or str), optional
        From where to where along x; by default ten times beyond the data on either side.
    y_limits : (float, float), optional
        From where to where along y; by default those of the data.
    contours : bool
        Whether lines of equal degradation are drawn, with labels.
    legend : bool
        Whether to draw a legend of the marks and of what is hatched.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
    mesh_kwargs, point_kwargs : mapping, optional
        Passed on to `Axes.pcolormesh` and `Axes.scatter`.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn on.

    Raises
    ------
    BayesqError
        If the law knows no quantization, or there is no such input.
    """
    check_fitted(fit, "plot_degradation")
    fit.require("degradation")
    plane = _plane(fit, y, at, limits, y_limits)
    plane, left_out = _with_room(fit, plane, lines_of_room(ax, figsize))
    across, up, middle = _median(fit, plane)
    rows = _marks(fit, plane)
    heights = plane.places(up)
    above = middle[np.isfinite(middle) & (middle > 0)]
    if not above.size:
        raise BayesqError(
            f"Law {fit.law.name} has no degradation above 0 in this range; choose other limits."
        )
    ax = new_axes(ax, figsize or (PAGE, _height(plane)))
    size = font_size(ax)
    known = rows["measured"][rows["measured"] > 0]
    norm = LogNorm(min(above.min(), *known, np.inf), max(above.max(), *known, 0.0))
    plain: dict[str, Any] = {"norm": norm, "cmap": _MAP, "shading": "nearest", "rasterized": True}
    mesh = ax.pcolormesh(
        across, heights, np.where(middle > 0, middle, np.nan), **over(plain, mesh_kwargs, QuadMesh)
    )
    ticks_of_counts(ax.xaxis, plane.write)
    ax.set_xlim(across[0], across[-1])
    _dress_y(ax, plane)
    if contours and not is_listed(plane.source) and len(up) > 1:
        lines = ax.contour(
            across, up, middle, levels=_levels(norm), colors="white", linewidths=0.8, norm=norm
        )
        outline: list[AbstractPathEffect] = [withStroke(linewidth=1.6, foreground="0.25")]
        for text in ax.clabel(lines, fmt="{:g}".format, fontsize=size - 0.5):
            text.set_path_effects(outline)
    outside = _outside(fit, plane, across, up)
    if outside.any():
        spread = (heights, outside)
        if len(up) < 2:
            spread = (np.array(ax.get_ylim()), np.repeat(outside, 2, axis=0))
        ax.contourf(across, *spread, levels=[0.5, 1.5], colors="none", hatches=["//"])
    mark: dict[str, Any] = {"cmap": _MAP, "norm": norm, "s": 24, "edgecolor": "white", "zorder": 4}
    mark |= {"linewidth": 0.9, "clip_on": False}
    marks = rows[rows["measured"] > 0]
    wanted = over(mark, point_kwargs, PathCollection)
    ax.scatter(marks["x"], plane.places(marks["y"].to_numpy()), c=marks["measured"], **wanted)
    ax.set_xlabel(plane.label, fontsize=size)
    ax.tick_params(labelsize=size)
    held = in_words(plane.inputs, plane.held, most=_LETTERS)
    title(ax, f"{'at ' + held if held else 'all rows'}{left_out}")
    bar = figure_of(ax).colorbar(mesh, ax=ax, pad=0.02)
    ticks_of_counts(bar.ax.yaxis, "{:g}".format)
    bar.set_label("degradation (nats/token)", fontsize=size)
    bar.ax.tick_params(labelsize=size)
    if legend:
        _legend(ax, bool(len(marks)), bool(outside.any()))
    tell(ax, _in_words(fit, plane, across, up, middle, marks, float(outside.mean())))
    return ax


@dataclass(frozen=True, eq=False)
class _Plane:
    """What lies along x and y, and what is held."""

    inputs: Mapping[str, Input]
    rows: pd.DataFrame
    x: str
    source: Input
    held: dict[str, float]
    ends: tuple[float, float]
    formats: np.ndarray

    @property
    def label(self) -> str:
        return "D/N (tokens per parameter)" if self.x == RATIO else name(self.inputs[self.x])

    def write(self, value: float) -> str:
        """Write a value along x."""
        return (
            f"{float(f'{value:.3g}'):,g}" if self.x == RATIO else shown(self.inputs[self.x], value)
        )

    def places(self, up: np.ndarray) -> np.ndarray:
        """Tell where values lie along y: of kinds, which of those drawn."""
        return np.searchsorted(self.formats, up) if is_listed(self.source) else up

    def at(self, along: Any, up: Any) -> dict[str, Any]:
        """Give the inputs at points of the plane."""
        where = {self.source.symbol: up}
        if self.x == RATIO:
            where["D"] = along * self.held["N"]
        else:
            where[self.x] = along
        return {**self.held, **where, "quantized": 1.0}


def _plane(
    fit: Fitted,
    y: str | None,
    at: Mapping[str, float | str] | None,
    limits: tuple[float | str, float | str] | None,
    y_limits: tuple[float, float] | None,
) -> _Plane:
    inputs = inputs_of(fit)
    held = held_at(fit, inputs, at)
    own = {i.symbol for i in fit.law.inputs_of("degradation")} | set(
        fit.law.levels_of(fit.response)
    )
    rows = _quantized(fit, inputs)
    formats = [s for s, i in inputs.items() if i.format and s not in held]
    source = inputs[_upright(fit, inputs, rows, formats, y)]
    x = RATIO if {"N", "D"} <= own else "D" if "D" in own else "N"
    if "D" in held or (x == "N" and "N" in held):
        raise BayesqError(
            f"{'D' if 'D' in held else 'N'} lies along the axis; leave it out of at=."
        )
    rest = [
        s for s in inputs if s not in {source.symbol, "D", *held} and not (x == "N" and s == "N")
    ]
    for s, value in held.items():
        near = rows[np.isclose(rows[s], value, rtol=0.01, atol=0)]
        rows = near if len(near) else rows
    usual = max(settings(rows.dropna(subset=rest), rest), key=lambda part: len(part[1]))[0]
    held = {s: held.get(s, usual.get(s, np.nan)) for s in inputs if s in held or s in usual}
    if x == "D" and "D" not in own:
        held.pop("D", None)
    values = rows["D"] / held["N"] if x == RATIO else rows[x]
    data = float(values.min()), float(values.max())
    start, stop = (
        (as_number(v) for v in limits) if limits else (data[0] / _BEYOND, _BEYOND * data[1])
    )
    if not 0 < start < stop < np.inf:
        raise BayesqError(
            f"limits are {start:g} and {stop:g}; write two positive numbers, lower first."
        )
    measured = _quantized(fit, inputs)[source.symbol].dropna().to_numpy(float)
    bottom, top = y_limits or (float(measured.min()), float(measured.max()))
    if not bottom <= top or (source.scale == "log" and bottom <= 0):
        raise BayesqError(f"y_limits are {bottom:g} and {top:g}; write the lower one first.")
    return _Plane(
        inputs, rows, x, source, held, (start, stop), points(source, bottom, top, measured)
    )


def _height(plane: _Plane) -> float:
    return max(_HEIGHT, height_for(len(plane.formats))) if is_listed(plane.source) else _HEIGHT


def _with_room(fit: Fitted, plane: _Plane, most: int) -> tuple[_Plane, str]:
    """Keep as many kinds as have room for their names, those of most rows; say how many of all."""
    count = len(plane.formats)
    if not is_listed(plane.source) or count <= most:
        return plane, ""
    rows = _marks(fit, plane)["y"].value_counts()
    others = plane.rows[plane.source.symbol].value_counts().drop(rows.index)
    kept = np.sort(pd.concat([rows, others]).index[:most].to_numpy(float))
    return replace(plane, formats=kept), f" ({len(kept)} of {count})"


def _quantized(fit: Fitted, inputs: Mapping[str, Input]) -> pd.DataFrame:
    rows = measured_rows(fit, inputs)
    return rows[fit.specification.design.runs.quantized[rows[PLACE]]]


def _upright(
    fit: Fitted,
    inputs: Mapping[str, Input],
    rows: pd.DataFrame,
    formats: list[str],
    y: str | None,
) -> str:
    if y is not None:
        check_input(fit, inputs, y)
        if y not in formats:
            raise BayesqError(f"{y} cannot lie along y; {nearest(y, formats)}.")
        return y
    varying = [s for s in formats if rows[s].dropna().nunique() > 1]
    kinds = [s for s in varying if isinstance(inputs[s], Kinds)]
    bits = [s for s in varying if inputs[s].role == "bits" or inputs[s].unit == "bits"]
    chosen = [*bits, *kinds, *varying, *formats]
    if not chosen:
        raise BayesqError("All formats are held, so that none can lie along y; leave one open.")
    return chosen[0]


def _median(fit: Fitted, plane: _Plane) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Median of the degradation over the plane, shape (up, across): straight between formats."""
    across = np.geomspace(*plane.ends, _ACROSS)
    steps = plane.formats
    asked = curve(
        fit,
        "degradation",
        {"up": steps, "along": np.log10(across)},
        lambda up, along: plane.at(10**along, up),
    )
    found = asked(
        up=xr.DataArray(steps, dims="up"), along=xr.DataArray(np.log10(across), dims="along")
    )
    over_draws = ("chain", "draw")
    middle = found.median(over_draws).transpose("up", "along").values
    if is_listed(plane.source) or len(steps) < 2:
        return across, steps, middle
    scale = np.log if plane.source.scale == "log" else np.asarray
    up = np.unique([np.linspace(a, b, _BETWEEN) for a, b in pairwise(steps)])
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = np.log(middle)
    fine = [np.interp(scale(up), scale(steps), column) for column in logs.T]
    return across, up, np.exp(np.array(fine).T)


def _marks(fit: Fitted, plane: _Plane) -> pd.DataFrame:
    """Measured degradations at what is held, by their places in the plane."""
    rows = plane.rows
    for s, value in plane.held.items():
        if s in rows and s != plane.source.symbol:
            rows = rows[np.isclose(rows[s], value, rtol=0.01, atol=0, equal_nan=True)]
    columns = fit.specification.design.runs.columns
    lost = (columns["loss"] - columns["loss_full"])[rows[PLACE]]
    x = rows["D"] / rows["N"] if plane.x == RATIO else rows[plane.x]
    low, high = plane.formats.min(), plane.formats.max()
    found = pd.DataFrame({"x": x, "y": rows[plane.source.symbol], "measured": lost})
    if is_listed(plane.source):
        found = found[found["y"].isin(plane.formats)]
    return found[found["x"].between(*plane.ends) & found["y"].between(low, high)]


def _outside(fit: Fitted, plane: _Plane, across: np.ndarray, up: np.ndarray) -> np.ndarray:
    spots = np.meshgrid(across, up)
    inputs = plane.at(spots[0].ravel(), spots[1].ravel())
    size = spots[0].size
    wide = {s: np.broadcast_to(np.asarray(v, float), size) for s, v in inputs.items()}
    return far(fit, wide).outside.reshape(spots[0].shape).astype(float)


def _dress_y(ax: Axes, plane: _Plane) -> None:
    source, size = plane.source, font_size(ax)
    ax.set_ylabel(name(source), fontsize=size)
    if is_listed(source):
        places = np.arange(len(plane.formats))
        ax.set_yticks(places, labels_of(source, plane.formats, 14 if is_narrow(ax) else _FULL))
    elif source.scale == "log":
        ticks_of_counts(ax.yaxis, lambda v: shown(source, v), base=2)
    else:
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))


def _levels(norm: LogNorm) -> list[float]:
    """Round levels, two or three a decade where there are few decades."""
    low, high = np.log10(norm.vmin), np.log10(norm.vmax)  # type: ignore[arg-type]
    parts = (1.0,) if high - low > 4 else (1.0, 3.0) if high - low > 1.5 else (1.0, 2.0, 5.0)
    whole = np.arange(np.floor(low), np.ceil(high) + 1)
    return sorted(float(p * 10.0**k) for k in whole for p in parts)


def _legend(ax: Axes, marked: bool, hatched: bool) -> None:
    look: dict[str, Any] = {"linestyle": "none", "markeredgecolor": "0.3"}
    handles: list[Any] = []
    if marked:
        handles.append(Line2D([], [], marker="o", color="0.7", label="measured", **look))
    if hatched:
        handles.append(Patch(facecolor="0.9", hatch="///", label="outside the data"))
    if handles:
        legend(ax, handles, below=True)


def _in_words(
    fit: Fitted,
    plane: _Plane,
    across: np.ndarray,
    up: np.ndarray,
    middle: np.ndarray,
    marks: pd.DataFrame,
    outside: float,
) -> str:
    def corner(i: int, j: int) -> str:
        where = shown(plane.source, float(up[i]))
        along = f"{plane.x} {plane.write(float(across[j]))}"
        return f"{middle[i, j]:.3g} at {plane.source.symbol} {where} and {along}"

    held = f" at {in_words(plane.inputs, plane.held)}" if plane.held else ""
    words = (
        f"Degradation by {fit.law.name}{held} in nats per token, median: "
        f"{corner(0, 0)}, {corner(0, -1)}, {corner(-1, 0)}, {corner(-1, -1)}."
    )
    told = ""
    if len(marks):
        low, high = float(marks["measured"].min()), float(marks["measured"].max())
        told = f" {len(marks)} measured settings have {low:.3g} to {high:.3g};"
    return f"{words}{told} {100 * outside:.0f} % of the map lies outside the data."
