"""How far rows lie from a fit: by each input, by run and by row, the outliers named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import Locator, MaxNLocator

from bayesq.checks.at_rows import Residuals, residuals
from bayesq.checks.scatter import FAR, OUTSIDE, levels_or_parts, rows_outside
from bayesq.counted import how_many
from bayesq.errors import BayesqError, nearest
from bayesq.intervals import interval
from bayesq.law.inputs import Input
from bayesq.notes import series
from bayesq.plot.alternative import tell
from bayesq.plot.axes import is_listed, kinds_of, name, shown, write_kinds
from bayesq.plot.canvas import figure_of, font_size, is_narrow, legend_of_panels, over, panels
from bayesq.plot.colours import levels_of
from bayesq.plot.shown_rows import (
    check_fitted,
    inputs_of,
    measured_rows,
    some_in_words,
    some_of,
)
from bayesq.plot.symbols import plain, short
from bayesq.plot.ticks import ticks_of_counts
from bayesq.posterior.fitted import Fitted

RUN, ROW = "run", "row"
_RIGHT = 0.55  # share of the axes beyond which a name stands on the left
_MOST_NAMED = 3
_FEW = 3  # panels aside that have room for a unit behind a symbol
# Beyond so many widths of the noise the axis is bent, so that the others stay apart.
_BENT = 8.0
_BENT_TICKS = [(3, 10, 100, 1000), (10, 100, 1000), (10, 1000), (100,), (1000,)]
_BEYOND, _LINE = 1.3, 1.15  # of the farthest row, and of the size of the type
_KEYED = 6  # kinds that a legend has room for
_POINT, _FAR, _BAND, _WIDE = "#0072B2", "#D55E00", "0.85", "0.93"


def plot_residuals(
    fit: Fitted,
    *,
    by: Sequence[str] | None = None,
    prob: float | None = None,
    legend: bool = True,
    figsize: tuple[float, float] | None = None,
    ax: Axes | None = None,
    point_kwargs: Mapping[str, Any] | None = None,
) -> np.ndarray:
    """Draw how far each row lies from its fit, in widths of the noise.

    These are the numbers behind a fit's notes on rows that lie outside and on structure that is
    left: misfit and effects of runs are part of the fit.

    Parameters
    ----------
    fit : Fit or StudyFit
        The fit.
    by : sequence of str, optional
        What has a panel: inputs of the law by symbol, ``"run"`` and ``"row"``. By default all
        inputs that vary, run and row.
    prob : float, optional
        Probability of the inner band of what is to be expected, by default 0.9 or what ArviZ is
        set to. The outer one has 99.9 %.
    legend : bool
        Whether to draw a legend.
    figsize : (float, float), optional
        Size of a new figure in inches.
    ax : matplotlib.axes.Axes, optional
        The panels take its place; a new figure by default.
    point_kwargs : mapping, optional
        Passed on to `Axes.scatter`.

    Returns
    -------
    ndarray of Axes, shape (panels,)
        The axes drawn on. Outliers, which are rows outside the 99.9 % band that chance does not
        explain and rows farther than 6 widths of the noise, are named by their numbers in the
        table.

    Raises
    ------
    BayesqError
        If there is nothing of a name in `by`, or the fit knows no noise.
    """
    check_fitted(fit, "plot_residuals")
    if fit.rows is None or fit.noise is None:
        raise BayesqError(
            f"No row was measured of {fit.title}; draw the residuals of the fit, or of a study."
        )
    band = interval(prob)
    inputs = inputs_of(fit)
    rows = measured_rows(fit, inputs).reindex(range(len(fit.specification.design.observed)))
    varying = [s for s in inputs if len(levels_of(rows[s].dropna())) > 1]
    known = [*inputs, RUN, ROW]
    wanted = [*varying, RUN, ROW] if by is None else [by] if isinstance(by, str) else list(by)
    for one in wanted:
        if one not in known:
            raise BayesqError(f"Rows cannot be laid by {one!r}; {nearest(one, known)}.")
    if not wanted:
        raise BayesqError(f"by is empty; choose from {series(known)}.")

    found = residuals(fit.specification, fit.posterior)
    expected = [_half_width(fit, p) for p in (band.prob, 1 - OUTSIDE)]
    far_off = np.flatnonzero(np.abs(found.scaled) > FAR)
    far_off = far_off[np.argsort(-np.abs(found.scaled[far_off]))]
    outliers = np.array([*dict.fromkeys([*rows_outside(found), *far_off])], dtype=int)
    outliers = outliers[np.argsort(-np.abs(found.scaled[outliers]), kind="stable")]
    wide = _columns(len(wanted), figsize)
    high = -(-len(wanted) // wide)
    axes = panels(ax, high, wide, figsize=figsize, sharex=False)
    for spare in axes.flat[len(wanted) :]:
        spare.remove()
    drawn: list[Axes] = list(axes.flat[: len(wanted)])
    numbered = []
    for number, (panel, one) in enumerate(zip(drawn, wanted, strict=True)):
        along = _along(fit, one, inputs.get(one), rows)
        _bands(panel, expected)
        if _draw(panel, along, found.scaled, outliers, fit, point_kwargs):
            numbered.append(inputs[one])
        if wide > _FEW or (numbered and is_narrow(panel)):
            panel.set_xlabel(panel.get_xlabel().replace(" (", "\n("))
        if number % wide == 0:
            panel.set_ylabel("widths of\nthe noise", fontsize=font_size(panel))
    _reach(drawn[0], found.scaled, expected[0])
    named = fit.specification.design.runs.named
    worst = named(outliers, most=_MOST_NAMED) if len(outliers) else ""
    if legend:
        title = f"outliers: {worst}" if worst else None
        legend_of_panels(axes, [*_handles(band.name, bool(worst)), *_key(numbered)], title)
    words = _in_words(fit, found, outliers, expected[0], band.name, band.prob)
    tell(drawn[0], " ".join([words, *map(_numbers, numbered)]))
    return np.array(drawn, dtype=object)


@dataclass(frozen=True, eq=False)
class _Along:
    """What rows are laid along: NaN in rows that have none of it."""

    values: np.ndarray
    label: str
    source: Input | None
    parts: bool


def _along(fit: Fitted, one: str, source: Input | None, rows: Any) -> _Along:
    runs = fit.specification.design.runs
    if source is not None:
        return _Along(rows[one].to_numpy(float), name(source), source, True)
    if one == RUN:
        _, codes = np.unique(runs.cluster, return_inverse=True)
        return _Along(codes + 1.0, "run", None, True)
    return _Along(runs.numbers.astype(float), "row", None, False)


def _half_width(fit: Fitted, prob: float) -> float:
    """How far from the fit rows are to be expected with some probability, in widths of noise."""
    from scipy import stats

    tail = (1 + prob) / 2
    draws = fit.posterior
    if "dof" in draws:
        return float(stats.t.ppf(tail, float(draws["dof"].median())))
    return float(stats.norm.ppf(tail))


def _bands(ax: Axes, expected: Sequence[float]) -> None:
    for half, colour in zip(reversed(expected), (_WIDE, _BAND), strict=True):
        ax.axhspan(-half, half, color=colour, zorder=0, linewidth=0)
    ax.axhline(0, color="0.4", linewidth=0.8, zorder=1)


def _draw(
    ax: Axes,
    along: _Along,
    scaled: np.ndarray,
    outliers: np.ndarray,
    fit: Fitted,
    point_kwargs: Mapping[str, Any] | None,
) -> bool:
    """Draw one panel; say whether kinds along it are numbered."""
    size = font_size(ax)
    is_far = np.zeros(len(scaled), dtype=bool)
    is_far[outliers] = True
    drawn = np.zeros(len(scaled), dtype=bool)
    drawn[some_of(len(scaled))] = True
    # Of very many rows the farthest are all there.
    drawn[outliers[: int(drawn.sum())]] = True
    for chosen, colour, marker in ((~is_far, _POINT, "o"), (is_far, _FAR, "D")):
        plain: dict[str, Any] = {"color": colour, "marker": marker, "zorder": 3}
        plain |= {"s": 9 if is_narrow(ax) else 16}
        plain |= {"edgecolor": "white", "linewidth": 0.4}
        wanted = over(plain, point_kwargs, PathCollection)
        ax.scatter(along.values[chosen & drawn], scaled[chosen & drawn], **wanted)
    ax.set_xlabel(along.label, fontsize=size)
    numbered = _scale(ax, along)
    if along.parts:
        _medians(ax, along.values, scaled)
    seen = [place for place in outliers if np.isfinite(along.values[place])]
    if seen:
        where, height = along.values[seen[0]], scaled[seen[0]]
        right = ax.transLimits.transform(ax.transScale.transform((where, height)))[0] > _RIGHT
        ax.annotate(
            str(fit.specification.design.runs.numbers[seen[0]]),
            (where, height),
            xytext=(-3 if right else 3, 0),
            textcoords="offset points",
            fontsize=size - 0.5,
            color=_FAR,
            ha="right" if right else "left",
            va="center",
            bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.5},
        )
    return numbered


def _scale(ax: Axes, along: _Along) -> bool:
    """Scale the axis along x; say whether its kinds are numbered."""
    numbered = False
    source, values = along.source, along.values[np.isfinite(along.values)]
    if source is None:
        ax.xaxis.set_major_locator(MaxNLocator(2, integer=True))
    elif is_listed(source):
        numbered = write_kinds(ax, source, levels_of(values), aslant=False)
    elif source.scale == "log":
        base = 2 if source.unit == "elements" else 10
        ticks_of_counts(ax.xaxis, lambda v: shown(source, v), base=base)
    elif source.unit == "bits":
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    ax.margins(x=0.12)
    return numbered


def _medians(ax: Axes, values: np.ndarray, scaled: np.ndarray) -> None:
    """Mark the median of each level, or of parts of the range where there are many."""
    there = np.isfinite(values)
    codes, _ = levels_or_parts(values[there])
    known = np.unique(codes)
    where = [np.median(values[there][codes == c]) for c in known]
    middle = [np.median(scaled[there][codes == c]) for c in known]
    ax.plot(where, middle, color="black", linestyle="none", marker="_", markersize=9, zorder=4)


def _reach(ax: Axes, scaled: np.ndarray, expected: float) -> None:
    reach = float(np.abs(scaled).max())
    if reach <= _BENT:
        reach = 1.15 * max(reach, expected)
        ax.set_ylim(-reach, reach)
        return
    ax.set_yscale("asinh", linear_width=2.0)
    ax.yaxis.set_major_locator(_BentLocator())
    ax.yaxis.set_major_formatter("{x:g}")
    # The number of a row at the end of the axis has room beside it.
    far = 2.0 * float(np.sinh(_BEYOND * np.arcsinh(reach / 2.0)))
    low, high = scaled.min() < -_BENT, scaled.max() > _BENT
    ax.set_ylim(-far if low else -_BENT, far if high else _BENT)


class _BentLocator(Locator):
    """Ticks of a bent axis: as many as have room, always with 0."""

    def __call__(self) -> list[float]:
        """Ticks of what is in view."""
        assert isinstance(self.axis, Axis)  # ticks that are drawn stand on one
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        """Ticks from one value to another."""
        assert isinstance(self.axis, Axis)
        ax = self.axis.axes
        low, high = sorted((vmin, vmax))
        for every in _BENT_TICKS:
            ticks = [float(t) for t in (*(-t for t in reversed(every)), 0, *every)]
            ticks = [t for t in ticks if low <= t <= high]
            places = ax.transData.transform([(1.0, t) for t in ticks])[:, 1]
            apart = np.diff(places) * 72 / figure_of(ax).dpi
            if not len(apart) or apart.min() >= _LINE * font_size(ax):
                return ticks
        return [0.0]


def _columns(count: int, figsize: tuple[float, float] | None) -> int:
    if figsize is None:
        return 2 if count == 4 else min(3, count)
    # Of a given height rows of panels are few.
    return min(count, 3 if count <= 6 else 4)


def _handles(band: str, outliers: bool) -> list[Any]:
    marks: dict[str, Any] = {"linestyle": "none", "markersize": 5}
    found: list[Any] = [Line2D([], [], marker="o", color=_POINT, label="row", **marks)]
    if outliers:
        found.append(Line2D([], [], marker="D", color=_FAR, label="outlier", **marks))
    found.append(Line2D([], [], marker="_", color="black", label="median there", **marks))
    found.append(Patch(color=_BAND, label=f"expected: {band}"))
    found.append(Patch(color=_WIDE, label=f"expected: {100 * (1 - OUTSIDE):g} %"))
    return found


def _key(numbered: Sequence[Input]) -> list[Any]:
    """Name few kinds that are numbered; of many the words tell the names."""
    found: list[Any] = []
    for source in numbered:
        labels = kinds_of(source)
        if len(labels) <= _KEYED:
            for number, label in enumerate(labels, 1):
                words = plain(f"{source.symbol} {number}: {short(label)}")
                found.append(Line2D([], [], linestyle="none", label=words))
    return found


def _numbers(source: Input) -> str:
    names = ", ".join(f"{n} {label}" for n, label in enumerate(kinds_of(source), 1))
    return f"By number, {source.symbol} is {names}."


def _in_words(
    fit: Fitted, found: Residuals, outliers: np.ndarray, half: float, band: str, prob: float
) -> str:
    scaled = found.scaled
    inside = int((np.abs(scaled) <= half).sum())
    low, high = float(scaled.min()), float(scaled.max())
    words = (
        f"Residuals of {fit.law.name} in widths of the noise, {how_many(len(scaled), 'row')} "
        f"from {low:.2g} to "
        f"{high:.2g}: {inside} lie within the {band} of ±{half:.2g}, where "
        f"{prob * len(scaled):.0f} are to be expected."
    )
    runs = fit.specification.design.runs
    if len(outliers):
        return f"{words} Outliers: {runs.named(outliers)}.{some_in_words(len(scaled))}"
    return f"{words} None is an outlier.{some_in_words(len(scaled))}"
