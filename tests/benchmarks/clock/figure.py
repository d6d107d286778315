"""The figure: bars of the ratio to the plain PyMC script's time, on a log axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from clock.measured import KINDS, PLAIN, Measured, ratio
from clock.style import BLUE, ORANGE, PALE_GREEN, STYLE, save
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

COLOURS = dict(zip(KINDS, (BLUE, ORANGE, PALE_GREEN), strict=True))


def draw(measured: Sequence[Measured], stem: Path) -> None:
    """Write ``stem.png`` and ``stem.svg``, 3.25 inches wide."""
    sizes = list(dict.fromkeys(m.rows for m in measured))
    names = [n for n in dict.fromkeys(m.contender for m in measured) if n != PLAIN]
    found = {
        (m.rows, m.contender, kind): r
        for m in measured
        for kind in KINDS
        if m.contender != PLAIN and (r := ratio(measured, m, kind)) is not None
    }
    if not found:
        return
    with rc_context(STYLE):
        # A figure of its own is drawn by Agg, without a display.
        height = 0.75 + 0.34 * len(names) * len(sizes)
        figure = Figure(figsize=(3.25, height), layout="constrained")
        axes = figure.subplots(len(sizes), sharex=True, squeeze=False)
        for axis, size in zip(axes[:, 0], sizes, strict=True):
            _panel(axis, {(n, k): r for (s, n, k), r in found.items() if s == size}, names)
            axis.set_title(f"{size:,} rows", fontsize=7, loc="left", pad=2)
        low, high = min(*found.values(), 1), max(*found.values(), 1)
        axes[0, 0].set_xlim(low / 3, high * 2.5)
        figure.supxlabel(f"time, in times of the {PLAIN} script", fontsize=7)
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="outside upper center", ncols=3, frameon=False, fontsize=6,
            handlelength=1, columnspacing=1,
        )  # fmt: skip
        save(figure, stem)


def _panel(axis: Axes, found: dict[tuple[str, str], float], names: list[str]) -> None:
    """Draw the bars of one table."""
    height = 0.8 / len(KINDS)
    for k, kind in enumerate(KINDS):
        places = [(i + (k - 1) * height, found.get((n, kind))) for i, n in enumerate(names)]
        known = [(y, r) for y, r in places if r is not None]
        # Bars begin at 1: to the left is faster than the plain script, to the right slower.
        axis.barh(
            [y for y, _ in known],
            [r - 1 for _, r in known],
            left=1,
            height=height * 0.92,
            color=COLOURS[kind],
            label=kind,
        )
        for y, r in known:
            axis.annotate(
                f"{r:.2g}" if r < 10 else f"{r:.0f}",
                (r, y),
                xytext=(2 if r >= 1 else -2, 0),
                textcoords="offset points",
                ha="left" if r >= 1 else "right",
                va="center",
                fontsize=5.5,
            )
    axis.axvline(1, color="black", linewidth=0.8)
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(lambda x, _: f"{x:g}")
    axis.set_yticks(range(len(names)), names)
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", length=0)
    axis.spines[["top", "right"]].set_visible(False)
