"""Laws side by side: how much less each foretells than the best, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from bayesq.comparison.comparison import Comparison
from bayesq.errors import BayesqError
from bayesq.plot.alternative import tell
from bayesq.plot.arviz_look import (
    BLUE,
    GREY,
    VERMILION,
    Size,
    axes_of,
    default_size,
    drawn_at,
    is_column,
    over,
)
from bayesq.plot.symbols import plain

# As the comparison has it: below this a difference says little (Sivula et al. 2020).
_LITTLE = 4.0
# Where the largest difference is this many times as large, small ones need an axis of their own.
_FAR = 5.0
_TICKS = 4
_INSIDE, _OUTSIDE = "inside", "outside"


def plot_comparison(
    comparison: Comparison,
    *,
    figsize: Size | None = None,
    visuals: Mapping[str, Any] | None = None,
    **pc_kwargs: Any,
) -> Any:
    """Draw how far laws fall short of the best, by arviz-plots: inside the data and outside.

    The numbers are those of the comparison's table, whose standard errors take the units of one
    training run together. Between the lines at 0 and -4 nats a difference says little.

    Parameters
    ----------
    comparison : Comparison
        From :func:`bayesq.compare`.
    figsize : (float, float), optional
        Width and height in inches.
    visuals, **pc_kwargs
        Passed on to :func:`arviz_plots.plot_compare`.

    Returns
    -------
    arviz_plots.PlotCollection
        One panel: each law inside the data, then each outside where that was seen. Where the
        differences reach beyond 20 nats, the axis is logarithmic below -4.

    Raises
    ------
    BayesqError
        If it is no comparison.

    Examples
    --------
    >>> import bayesq
    >>> found = bayesq.compare(fits)  # doctest: +SKIP
    >>> bayesq.plot.plot_comparison(found)  # doctest: +SKIP
    """
    import arviz_plots as azp

    if not isinstance(comparison, Comparison):
        raise BayesqError(
            f"A {type(comparison).__name__} is no comparison; pass what bayesq.compare returned."
        )
    blocks = _blocks(comparison)
    # The best, first of each block, is the line at 0 of both.
    drawn = pd.concat(blocks.values())
    size = default_size(figsize, 1.1 + 0.32 * len(drawn))
    with drawn_at(size) as look:
        collection = azp.plot_compare(
            drawn,
            visuals=over(
                {
                    "title": False,
                    "labels": False,
                    "ref_line": {"color": GREY, "linestyle": "--"},
                    "similar_line": {"color": GREY, "linestyle": ":"},
                    "error_bar": {"color": BLUE},
                    "point_estimate": {"color": BLUE, "size": 22.0, "width": 0},
                },
                visuals,
            ),
            **{**look, **pc_kwargs},
        )
        ax = axes_of(collection)[0]
        _finish(ax, blocks, drawn, is_column(size))
    tell(ax, _words(comparison, blocks))
    return collection


def _blocks(comparison: Comparison) -> dict[str, pd.DataFrame]:
    """Take the differences of the table, inside and outside, the best law first."""
    table = comparison.to_frame()
    columns = {_INSIDE: ("diff", "diff_se")}
    if comparison.beyond:
        columns[_OUTSIDE] = ("outside_diff", "outside_diff_se")
    blocks = {}
    for where, (diff, se) in columns.items():
        block = table[[diff, se]].set_axis(["elpd_diff", "dse"], axis=1)
        blocks[where] = block.sort_values("elpd_diff", ascending=False, kind="stable")
    return blocks


def _finish(
    ax: Axes, blocks: Mapping[str, pd.DataFrame], drawn: pd.DataFrame, narrow: bool
) -> None:
    """Label the blocks, and give small differences room beside large ones."""
    count = len(drawn)
    top = count + 1.3
    ax.set_ylim(0.4, top)
    join = "\n" if narrow else ", "
    ax.set_xlabel(f"difference of elpd from the best (nats){join}± 1 standard error")
    ax.axvspan(-_LITTLE, 0, color="0.94", zorder=0, linewidth=0)
    reach = (drawn["elpd_diff"].abs() + drawn["dse"].fillna(0)).max()
    if reach > _FAR * _LITTLE:
        ax.set_xscale("symlog", linthresh=_LITTLE, linscale=0.6)
        ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}".replace("-", "\u2212"))
        ticks = [-t for t in 10.0 ** np.arange(1, np.log10(reach))]
        if len(ticks) < _TICKS - 1 and reach > 3 * -ticks[-1]:
            ticks.append(3 * ticks[-1])
        ax.set_xticks([*ticks[:: -(-len(ticks) // _TICKS)], -_LITTLE, 0])
        ax.xaxis.set_minor_locator(NullLocator())
    # Where the band is narrow its name has two lines.
    told = "says little" if reach < 1.5 * _LITTLE else "says\nlittle"
    ax.text(-_LITTLE / 2, top - 0.08, told, ha="center", va="top", color="0.35", linespacing=0.9)
    ax.set_yticks(ax.get_yticks(), [plain(text.get_text()) for text in ax.get_yticklabels()])
    names = ax.get_yticklabels()
    start = count
    for number, (where, block) in enumerate(blocks.items()):
        for label, (diff, _) in zip(names[count - start :], block.to_numpy(), strict=False):
            label.set_fontweight("bold" if diff == 0 else "normal")
        if number:
            ax.axhline(start + 0.5, color="0.8", linewidth=0.6)
        if len(blocks) > 1:
            ax.text(
                1.01,
                (start - len(block) / 2 + 0.5 - 0.4) / (top - 0.4),
                f"{where}\nthe data",
                transform=ax.transAxes,
                va="center",
                color=VERMILION if number else BLUE,
            )
        start -= len(block)


def _words(comparison: Comparison, blocks: Mapping[str, pd.DataFrame]) -> str:
    """Say by how much each law falls short, inside and outside."""
    said = []
    for where, block in blocks.items():
        best, *others = block.itertuples()
        behind = []
        for law in others:
            apart = comparison.difference(
                str(best.Index), str(law.Index), outside=where == _OUTSIDE
            )
            alike = "" if apart.sign else ", which cannot be told apart"
            behind.append(f"{law.Index} is {apart} nats behind{alike}")
        said.append(f"{where.capitalize()} the data {best.Index} is first; {'; '.join(behind)}.")
    return " ".join(said)
