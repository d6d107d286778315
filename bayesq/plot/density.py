"""The density of draws, with an interval and a median marked, and what lies beyond an end told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from bayesq.plot.canvas import font_size
from bayesq.plot.written import percent, write

COLOUR = "#0072B2"
_TAILS = (0.002, 0.998)
_SAME = 1e-9
# A heap of draws has more than so many times what is usual beside it; all of them so large a share.
_BINS, _NEIGHBOURS, _HEAP, _HEAPED = 1000, 21, 4.0, 0.15
_SMOOTH = 0.5  # widths between knots
_EDGE = 0.025  # width of the bar at an edge, of that of the axes


@dataclass(frozen=True, eq=False)
class Drawn:
    """Draws of one answer, as they are shown.

    Parameters
    ----------
    values : ndarray of float, shape (draws,)
        NaN without an answer, infinite beyond what was searched, 0 below it where `log`.
    unit : str
        Their unit.
    log : bool
        Whether their axis is logarithmic.
    summary : mapping of str to float
        ``median``, ``lower`` and ``upper``, as the table of the decision has them.
    searched : (float, float) or None
        Where the answer was looked for.
    """

    values: np.ndarray
    unit: str
    log: bool
    summary: Mapping[str, float]
    searched: tuple[float, float] | None = None

    @property
    def told(self) -> np.ndarray:
        """The draws that have a number as an answer."""
        found = self.values[np.isfinite(self.values)]
        return found[found > 0] if self.log else found

    @property
    def has_width(self) -> bool:
        """Whether the interval has two ends, which a paper's constants do not give it."""
        return self.summary["lower"] != self.summary["upper"]

    @property
    def beyond(self) -> float:
        """Share of the draws beyond the upper end."""
        return float(np.isposinf(self.values).mean())

    @property
    def below(self) -> float:
        """Share of the draws below the lower end."""
        low = np.isneginf(self.values)
        return float((low | (self.values == 0) if self.log else low).mean())

    @property
    def without(self) -> float:
        """Share of the draws without an answer."""
        return float(np.isnan(self.values).mean())

    @property
    def edges(self) -> list[str]:
        """What lies beyond what was searched, in words."""
        low, high = (
            ("what was searched", "what was searched")
            if self.searched is None
            else (write(end, self.unit) for end in self.searched)
        )
        parts = (
            (self.below, f"below {low}"),
            (self.beyond, f"beyond {high}"),
            (self.without, "without answer"),
        )
        return [f"{percent(share)} {what}" for share, what in parts if share > 0]

    def curve(self) -> tuple[np.ndarray, np.ndarray] | None:
        """Work out the density along the axis, its area the share that has a number.

        Returns
        -------
        tuple of ndarray or None
            Answers and densities, by decimal logarithm where `log`; None where all draws are one.
        """
        from arviz_stats.base import array_stats

        told = np.log10(self.told) if self.log else self.told
        if told.size < 2 or np.ptp(told) <= _SAME * max(1.0, float(np.abs(told).max())):
            return None
        # A tail that reaches far must not take the place of the answer.
        low, high = np.quantile(told, _TAILS)
        told = told[(told >= low) & (told <= high)]
        if np.ptp(told) == 0:
            return None
        at, found, width = array_stats.kde(told, grid_len=256)
        if (gap := _gap(told)) > width:
            at, found, _ = array_stats.kde(told, grid_len=256, bw=gap)
        share = self.told.size / self.values.size
        return (10.0**at if self.log else at), found * share


def _gap(told: np.ndarray) -> float:
    """Find the width over which draws pile up where a bent curve was drawn, half a knot's.

    Between knots a curve with a misfit is straight, so that its least is mostly at one of them:
    their comb is of the search, not of the answer.
    """
    from scipy.ndimage import median_filter

    width = float(np.ptp(told))
    counts = np.bincount(np.round((told - told.min()) / width * _BINS).astype(int))
    usual = median_filter(counts, size=_NEIGHBOURS)
    heaps = counts > _HEAP * np.maximum(usual, 1)
    if heaps.sum() < 3 or counts[heaps].sum() < _HEAPED * told.size:
        return 0.0
    steps = np.diff(np.flatnonzero(heaps))
    steps = steps[steps > _NEIGHBOURS / 4]  # a heap may fill bins beside each other
    return _SMOOTH * float(np.median(steps)) / _BINS * width if steps.size else 0.0


def draw(
    ax: Axes,
    drawn: Drawn,
    *,
    base: float = 0.0,
    height: float = 1.0,
    colour: str = COLOUR,
    line_kwargs: Mapping[str, Any] | None = None,
    fill_kwargs: Mapping[str, Any] | None = None,
) -> None:
    """Draw a density that stands on `base` and is `height` high, its interval filled."""
    lower, middle, upper = (drawn.summary[name] for name in ("lower", "median", "upper"))
    line = {"color": colour, "linewidth": 1.3, **(line_kwargs or {})}
    fill = {"color": colour, "alpha": 0.35, "linewidth": 0, **(fill_kwargs or {})}
    found = drawn.curve()
    if found is None:  # all draws say one number, or none has any
        if drawn.told.size:
            ax.plot([middle, middle], [base, base + height], **line)
        return
    at, density = found
    density = base + height * density / density.max()
    ax.plot(at, density, **line)
    inside = (at >= lower) & (at <= upper)
    ax.fill_between(at, base, density, where=inside, **fill)
    if np.isfinite(middle):
        top = float(np.interp(middle, at, density))
        ax.plot([middle, middle], [base, top], **{**line, "linestyle": "-"})


def outline(ax: Axes, drawn: Drawn, scale: float, **line: Any) -> None:
    """Draw the density of one law alone, in the scale of others."""
    found = drawn.curve()
    if found is not None:
        ax.plot(found[0], found[1] * scale, **line)
    elif drawn.told.size:
        ax.axvline(drawn.summary["median"], **line)


def draw_edges(ax: Axes, drawn: Drawn) -> None:
    """Tell what lies beyond the ends: a bar at the edge as high as its share, and words."""
    for share, left in ((drawn.beyond, 1 - _EDGE), (drawn.below, 0.0)):
        if share > 0:
            look: dict[str, Any] = {"align": "edge", "color": "0.35", "zorder": 3}
            ax.bar(left, share, _EDGE, transform=ax.transAxes, **look)
    if drawn.edges:
        right = drawn.beyond >= drawn.below
        ax.annotate(
            "\n".join(drawn.edges),
            (0.96 if right else 0.04, 0.97),
            xycoords="axes fraction",
            ha="right" if right else "left",
            va="top",
            fontsize=font_size(ax),
        )
