"""The figure: time and memory by size on log axes, and the speed-up by processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from clock.style import BLUE, GREEN, ORANGE, RED, SKY, STYLE, save
from growth.measured import FIRST, Measured, line_of, slope, speed_up
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

COLOURS = (BLUE, ORANGE, GREEN, RED, SKY, "#CC79A7", "#000000", "#999999")
MARKERS = ("o", "s", "D", "v", "P", "X", "<", ">")
# Of the steps of a table, those that take long or hold much.
ROWS = ("read", "check", "fit, with misfit", "fit, law true", "compare", "predict")
LINES = ("-", "--", ":", "-.")


def draw(measured: Sequence[Measured], stem: Path) -> None:
    """Write ``stem.png`` and ``stem.svg``, where anything was measured."""
    if any(m.seconds is not None for m in measured):
        with rc_context(STYLE):
            save(figure_of(measured), stem)


def figure_of(measured: Sequence[Measured]) -> Figure:
    """Draw a figure, 6.75 inches wide, with a panel for each part that was measured."""
    steps = [(p, m.step) for m in measured if (p := m.part) != "rows" or m.step in ROWS]
    panels: list[Callable[[Axes], None]] = []
    if any(p == "rows" for p, _ in steps):
        panels += [
            lambda axis: _sizes(axis, measured, "rows", "seconds"),
            lambda axis: _sizes(axis, measured, "rows", "peak"),
        ]
    if any(p == "fits" for p, _ in steps):
        panels.append(lambda axis: _sizes(axis, measured, "fits", "seconds"))
    if any(p == "processes" for p, _ in steps):
        panels.append(lambda axis: _speed_up(axis, measured))
    # A figure of its own is drawn by Agg, without a display.
    deep = -(-len(panels) // 2)
    figure = Figure(figsize=(6.75, 3 * deep), layout="constrained")
    axes = figure.subplots(deep, 2, squeeze=False).flat
    for axis, panel in zip(axes, panels, strict=False):
        panel(axis)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in axes[len(panels) :]:
        axis.set_axis_off()
    return figure


def _sizes(axis: Axes, measured: Sequence[Measured], part: str, what: str) -> None:
    """Draw seconds or memory by size, a line for each step and machine."""
    mine = [m for m in measured if m.part == part]
    there = list(dict.fromkeys(m.step for m in mine))
    steps = [step for step in ROWS if step in there] if part == "rows" else there
    stopped: list[tuple[Measured, str, str]] = []
    machines = list(dict.fromkeys(m.machine for m in mine))
    for i, step in enumerate(steps):
        for j, machine in enumerate(machines):
            line = line_of(mine, part, step, machine)
            known = [m for m in line if m.seconds is not None and getattr(m, what)]
            look = {"color": COLOURS[i % len(COLOURS)], "marker": MARKERS[i % len(MARKERS)]}
            label = step if len(machines) == 1 else f"{step}, {machine}"
            if what == "seconds" and (power := slope(line)) is not None:
                label += f": slope {power:.2f}"
            if known:
                axis.plot(
                    [m.size for m in known], [getattr(m, what) for m in known], label=label,
                    linestyle=LINES[j % len(LINES)], linewidth=1, markersize=3, **look,
                )  # fmt: skip
            if what == "seconds":
                # Where a first fit was stopped, no other was tried.
                line += line_of(mine, part, f"{step}{FIRST}", machine)
                stopped += [(m, step, look["color"]) for m in line if m.over]
    for i, (m, step, colour) in enumerate(stopped):
        axis.plot(m.size, m.over, "^", color=colour, fillstyle="none")
        # One above the other: limits are the same for all.
        axis.annotate(
            f"{step}: over", (m.size, m.over), (-4, 6 * i), textcoords="offset points",
            ha="right", fontsize=5.5,
        )  # fmt: skip
    axis.set(xscale="log", yscale="log", xlabel=part)
    axis.set_ylabel("seconds" if what == "seconds" else "memory, MB")
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}")
        side.set_minor_formatter(NullFormatter())
    axis.margins(y=0.15)
    axis.grid(linewidth=0.3, color="#dddddd")
    _legend(axis, columns=2 if len(machines) == 1 else 1)


def _speed_up(axis: Axes, measured: Sequence[Measured]) -> None:
    """Draw the speed-up by processes beside the ideal one."""
    mine = [m for m in measured if m.part == "processes"]
    lines = dict.fromkeys((m.step, m.machine) for m in mine)
    for i, (step, machine) in enumerate(lines):
        line = line_of(mine, "processes", step, machine)
        known = [(m.size, up) for m in line if (up := speed_up(line, m)) is not None]
        axis.plot(
            [size for size, _ in known], [up for _, up in known], label=f"{step}, {machine}",
            color=COLOURS[i % len(COLOURS)], marker=MARKERS[i % len(MARKERS)], linewidth=1,
            markersize=3,
        )  # fmt: skip
        for size, up in known:
            axis.annotate(
                f"{up:.2g}", (size, up), (0, 4), textcoords="offset points", ha="center",
                fontsize=5.5,
            )  # fmt: skip
    sizes = sorted({m.size for m in mine})
    axis.plot(sizes, sizes, color="black", linewidth=0.6, linestyle="--", label="ideal")
    axis.set(xscale="log", yscale="log", xlabel="processes", ylabel="speed-up")
    for side in (axis.xaxis, axis.yaxis):
        side.set_ticks(sizes, [f"{size}" for size in sizes])
        side.set_ticks([], minor=True)
    _legend(axis, columns=1)


def _legend(axis: Axes, columns: int) -> None:
    """Put the legend above, where no line is."""
    axis.legend(
        frameon=False, fontsize=5.5, handlelength=2, ncols=columns, loc="lower left",
        bbox_to_anchor=(0, 1), borderaxespad=0.2,
    )  # fmt: skip
