"""One panel of a law over its data: curves, bands, rows and the ends of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.markers import MarkerStyle

from bayesq.intervals import Interval
from bayesq.law.inputs import Input
from bayesq.plot.along import Along, along, inputs_at
from bayesq.plot.axes import dress, is_listed, label_of, shown
from bayesq.plot.canvas import is_narrow, over
from bayesq.plot.colours import Colours
from bayesq.plot.edges import mark_edges
from bayesq.plot.heights import above_zero, set_heights
from bayesq.plot.inside import inside
from bayesq.plot.roles import Roles, settings
from bayesq.plot.shown_rows import MEASURED
from bayesq.posterior.fitted import Fitted

STYLES = (("-", "o"), ("--", "s"), (":", "^"), ("-.", "D"))
PROJECTED = (0, (4, 1.6))
PLAIN = (0, (1, 1.2))
MEAN, RUN = 0.3, 0.13  # how opaque bands are
PALE = 0.55


@dataclass(frozen=True, eq=False)
class Look:
    """What is drawn of a fit, and how: the same in all panels.

    Parameters
    ----------
    fit : Fitted
        The fit.
    inputs : dict of str to Input
        Inputs, kinds and studies by symbol.
    x : str
        What lies along the axis.
    ends : (float, float)
        From where to where is drawn.
    band : Interval
        Which interval.
    kinds : tuple of {"mean", "run"}
        Which bands.
    misfit : bool or "both"
        Whether the law is drawn with its misfit, without, or both.
    colours : Colours or None
        Those of the levels.
    roles : Roles
        What tells inputs apart.
    kwargs : dict of str to mapping
        The user's, of ``line``, ``band`` and ``point``.
    """

    fit: Fitted
    inputs: Mapping[str, Input]
    x: str
    ends: tuple[float, float]
    band: Interval
    kinds: tuple[str, ...]
    misfit: bool | str
    colours: Colours | None
    roles: Roles
    kwargs: Mapping[str, Mapping[str, Any]]

    @property
    def source(self) -> Input:
        """What lies along the axis."""
        return self.inputs[self.x]

    @property
    def logarithmic(self) -> bool:
        """Whether the response has an axis with no place for 0 and below."""
        return self.fit.response == "degradation"

    @property
    def both(self) -> bool:
        """Whether the law by itself stands beside the law with its misfit."""
        return self.misfit == "both" and self.fit.specification.field is not None


@dataclass(frozen=True, eq=False)
class Curve:
    """One curve: what is held along it, what the fit says, and how it looks."""

    at: dict[str, float]
    said: Along
    colour: str
    style: int
    label: str
    inside: np.ndarray
    """Which of its points lie inside the data, shape (points,)."""


def curves(look: Look, rows: pd.DataFrame, held: Mapping[str, float]) -> list[Curve]:
    """Ask the fit along each curve of a panel: one for each level that its rows have."""
    fit, inputs, colours, by = look.fit, look.inputs, look.colours, look.roles.by
    found = []
    levels = colours.drawn if colours else [np.nan]
    for (style, (_, group)), level in product(enumerate(settings(rows, look.roles.styled)), levels):
        # A level that these rows do not have is no curve of theirs.
        if by and not (colours and colours.continuous) and not _same(group[by], level).any():
            continue
        at = {s: float(group[s].iloc[0]) for s in inputs} | dict(held)
        if by:
            at[by] = level
        one: Fitted = fit
        if fit.pooling is not None:
            number = int(at.pop(fit.pooling.by))
            study = fit.of_study(fit.pooling.names[number])
            assert isinstance(study, Fitted)  # what a pooled fit gives
            one = study
        del at[look.x]
        said = along(
            one,
            at,
            look.source,
            look.ends,
            group[look.x].to_numpy() if is_listed(look.source) else rows[look.x].to_numpy(),
            look.band,
            look.kinds,
            misfit=look.misfit if look.both or look.misfit != "both" else True,
        )
        colour = to_hex(colours.of(level)[0]) if colours else "C0"
        label = label_of(colours.source, level) if colours and not style else "_"
        known = _inside(look, one, at, said, rows)
        found.append(Curve(at | {by: level} if by else at, said, colour, style, label, known))
    return found


def _inside(
    look: Look, fit: Fitted, at: Mapping[str, float], said: Along, rows: pd.DataFrame
) -> np.ndarray:
    """Tell which points of a curve lie inside: among the rows of its panel, and near to some."""
    if is_listed(look.source):
        return np.ones(len(said.points), dtype=bool)
    low, high = data_of(look, rows)
    apart = 1e-9 * max(abs(low), abs(high))
    among = (low - apart <= said.points) & (said.points <= high + apart)
    near = inside(fit, inputs_at(fit, {**at, look.x: said.points}), len(said.points))
    return np.asarray(among & near)


def draw_panel(ax: Axes, look: Look, rows: pd.DataFrame, drawn: list[Curve], *, named: bool) -> int:
    """Draw curves and rows on axes; say how many rows lie at or below 0, off a logarithmic axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    look : Look
        What is drawn and how.
    rows : DataFrame
        The rows of this panel.
    drawn : list of Curve
        Its curves.
    named : bool
        Whether the ends of the data are named above it.
    """
    dress(ax, look.source, look.fit.response, _listed(look, rows))
    draw = _draw_listed if is_listed(look.source) else _draw_curve
    for curve in drawn:
        draw(ax, look, curve)
    below = _draw_rows(ax, look, rows)
    if not is_listed(look.source):
        data = data_of(look, rows)
        mark_edges(ax, data, look.ends, lambda v: shown(look.source, v), named=named)
    return below


def show_all(
    axes: Sequence[Axes], look: Look, parts: Sequence[tuple[Any, Any, list[Curve]]]
) -> None:
    """Let axes of a logarithmic response go as deep as their rows and curves do.

    Parameters
    ----------
    axes : sequence of Axes
        The panels, which share it.
    look : Look
        What is drawn.
    parts : sequence of (dict, DataFrame, list of Curve)
        Of each panel what is held there, its rows and its curves.
    """
    if not look.logarithmic:
        return
    middles, ends = [rows[MEASURED].to_numpy() for _, rows, _ in parts], []
    for curve in (curve for _, _, drawn in parts for curve in drawn):
        said = curve.said
        middles += [said.middle, *([] if said.law is None else [said.law])]
        ends += [end for pair in (said.mean, said.run) if pair is not None for end in pair]
    set_heights(axes, np.concatenate(middles), np.concatenate([[], *ends]))


def data_of(look: Look, rows: pd.DataFrame) -> tuple[float, float]:
    """From where to where there are rows along the axis."""
    return float(rows[look.x].min()), float(rows[look.x].max())


def outside(look: Look, rows: pd.DataFrame) -> bool:
    """Whether anything is drawn beyond the rows of a panel."""
    low, high = data_of(look, rows)
    return not is_listed(look.source) and (look.ends[0] < low or high < look.ends[1])


def _ends(look: Look, ends: tuple[np.ndarray, np.ndarray], said: Along) -> list[np.ndarray]:
    """Take the ends of an interval; a new run may be measured below 0, where there is no place."""
    if not look.logarithmic:
        return list(ends)
    known = said.middle[said.middle > 0]
    return [above_zero(end, float(known.min()) if known.size else 1.0) for end in ends]


def _draw_curve(ax: Axes, look: Look, curve: Curve) -> None:
    said = curve.said
    for kind, ends, opaque in (("run", said.run, RUN), ("mean", said.mean, MEAN)):
        if ends is None:
            continue
        low, high = _ends(look, ends, said)
        plain = {"color": curve.colour, "alpha": opaque, "linewidth": 0}
        if kind == "run" and len(look.kinds) == 1:
            plain["alpha"] = 1.6 * RUN
        ax.fill_between(said.points, low, high, **over(plain, look.kwargs["band"], PolyCollection))
    style = STYLES[curve.style][0]
    line = {"color": curve.colour, "linewidth": 1.1 if is_narrow(ax) else 1.5}
    middle = _above(look, said.middle)
    projection: dict[str, Any] = {"alpha": PALE}
    if not look.roles.styled:
        projection = {"linestyle": PROJECTED}
    known = np.flatnonzero(curve.inside)
    if len(known):
        usual = {**line, "linestyle": style, "label": curve.label}
        within = slice(known[0], known[-1] + 1)
        wanted = over(usual, look.kwargs["line"], Line2D)
        ax.plot(said.points[within], middle[within], **wanted)
        parts = [slice(0, known[0] + 1), slice(known[-1], None)]
    else:
        parts = [slice(None)]
    for beyond in parts:
        if len(said.points[beyond]) > 1:
            usual = {**line, "linestyle": style, "label": "_projection", **projection}
            wanted = over(usual, look.kwargs["line"], Line2D)
            ax.plot(said.points[beyond], middle[beyond], **wanted)
    if said.law is not None:
        dotted: dict[str, Any] = {"linewidth": 1.0, "linestyle": PLAIN, "label": "_law"}
        ax.plot(said.fine, _above(look, said.law), color=curve.colour, **dotted)


def _draw_listed(ax: Axes, look: Look, curve: Curve) -> None:
    """Draw what has no points between two: a bar for each interval, a mark for the median."""
    said = curve.said
    for ends, width in ((said.run, 2.0), (said.mean, 5.0)):
        if ends is not None:
            low, high = _ends(look, ends, said)
            ax.vlines(said.points, low, high, color=curve.colour, alpha=0.35, linewidth=width)
    usual: dict[str, Any] = {"linestyle": "none", "marker": "_", "label": curve.label}
    usual |= {"color": curve.colour, "markersize": 10, "markeredgewidth": 1.5}
    ax.plot(said.points, _above(look, said.middle), **over(usual, look.kwargs["line"], Line2D))
    if said.law is not None:
        mark: dict[str, Any] = {"linestyle": "none", "marker": "x", "label": "_law"}
        ax.plot(said.fine, _above(look, said.law), color=curve.colour, markersize=5, **mark)


def _draw_rows(ax: Axes, look: Look, rows: pd.DataFrame) -> int:
    below = 0
    for style, (_, group) in enumerate(settings(rows, look.roles.styled)):
        values = group[look.roles.by].to_numpy() if look.roles.by else None
        colours = look.colours.of(values) if look.colours else np.array(["C0"] * len(group))
        marker = look.kwargs["point"].get("marker", STYLES[style][1])
        plain: dict[str, Any] = {"s": 14 if is_narrow(ax) else 24, "zorder": 3}
        if MarkerStyle(marker).is_filled():
            plain |= {"edgecolor": "white", "linewidth": 0.5}
        lost = (group[MEASURED] <= 0).to_numpy() & look.logarithmic
        for chosen, place in ((~lost, ax.transData), (lost, ax.get_xaxis_transform())):
            if not chosen.any():
                continue
            here = {**plain, "marker": marker, "color": colours[chosen], "transform": place}
            height = group[MEASURED].to_numpy()[chosen]
            if place is not ax.transData:
                below += int(chosen.sum())
                height = np.full(len(height), 0.0)
                here |= {"marker": "v", "clip_on": False, "edgecolor": "black", "linewidth": 0.7}
            ax.scatter(
                group[look.x].to_numpy()[chosen],
                height,
                **over(here, look.kwargs["point"], PathCollection),
            )
    return below


def _listed(look: Look, rows: pd.DataFrame) -> list[float]:
    return sorted(set(rows[look.x])) if is_listed(look.source) else []


def _above(look: Look, values: np.ndarray) -> np.ndarray:
    """Leave out what has no place on the axis."""
    return np.where(values <= 0, np.nan, values) if look.logarithmic else values


def _same(values: pd.Series, level: float) -> np.ndarray:
    return values.isna().to_numpy() if np.isnan(level) else (values == level).to_numpy()
