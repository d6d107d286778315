"""The priors of a law, drawn: one small panel a parameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from PIL import Image
from scipy import stats

from bayesq.law import Law, OrderedByBits, Parameter, Prior
from bayesq.law.letters import read_letter

_COLUMNS = 3
_WIDTH, _HEIGHT = 2.1, 1.55  # inches a panel
_DPI = 130
_BLUE = "#0072B2"
_FAR = 20  # times between the ends of 90 % from which an axis is logarithmic
_P = stats.norm.cdf(np.linspace(-3, 3, 241))  # the middle 99.7 %, close together at the ends


def draw_priors(law: Law, folder: Path) -> None:
    """Draw the priors of a law's parameters, the base law's too, as NAME-priors.png.

    A figure that is there is drawn anew when a prior has changed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{law.name}-priors.png"
    every = law.parameters_of("loss")
    drawn = repr([(p.symbol, p.unit, p.prior, p.prior_text) for p in every])
    if path.exists() and _drawn_before(path) == drawn:
        return
    columns = min(_COLUMNS, len(every))
    rows = -(-len(every) // columns)
    figure, panels = plt.subplots(
        rows,
        columns,
        figsize=(columns * _WIDTH, rows * _HEIGHT),
        squeeze=False,
        layout="constrained",
    )
    for ax, one in zip(panels.flat, every, strict=False):
        _panel(ax, one)
    for ax in panels.flat[len(every) :]:
        ax.remove()
    figure.savefig(path, dpi=_DPI, metadata={"Description": drawn})
    plt.close(figure)


def _drawn_before(path: Path) -> str:
    with Image.open(path) as picture:
        return str(getattr(picture, "text", {}).get("Description", ""))


def shown_in(law: Law) -> str:
    """Say what the figure shows."""
    names = ", ".join(p.symbol for p in law.parameters_of("loss"))
    return (
        f"Densities of the priors of {names}, over the middle 99.7 % of each; the shaded part "
        "holds 90 %."
    )


def _panel(ax: Axes, one: Parameter) -> None:
    if isinstance(one.prior, Prior):
        x = one.prior.quantile(_P)
        low, high = one.prior.quantile([0.05, 0.95])
    else:
        x, (low, high) = _ladder(one.prior, _P), _ladder(one.prior, np.array([0.05, 0.95]))
    decades = bool(low > 0 and high / low > _FAR)
    along = np.log(x) if decades else x
    # The slope of the distribution function; a bounded prior has an edge, which is drawn as one.
    density = np.gradient(_P, along)
    ax.plot(x, density, color=_BLUE)
    inside = (x >= low) & (x <= high)
    ax.fill_between(x[inside], 0, density[inside], color=_BLUE, alpha=0.25, lw=0)
    if decades:
        ax.set_xscale("log")
    ax.set_yticks([])
    ax.set_ylim(bottom=0)
    ax.spines[["left", "right", "top"]].set_visible(False)
    ax.tick_params(labelsize=8)
    ax.set_xlabel(_label(one), fontsize=9)


def _ladder(prior: OrderedByBits, p: np.ndarray) -> np.ndarray:
    """Quantiles of what a family of kinds keeps at 4 bits, where these are its fewest."""
    middle = np.log(-np.log(prior.at_4_bits))
    return np.exp(-np.exp(middle - prior.scatter * stats.norm.ppf(p)))


def _label(one: Parameter) -> str:
    letter = f"${read_letter(one.symbol).tex}$"
    if isinstance(one.prior, OrderedByBits):
        return f"{letter} at 4 bits"
    if one.term is not None:
        return f"term of {letter}"
    if one.asymptote:
        return f"{letter} / typical loss"
    return letter if one.unit == "1" else f"{letter}, {one.unit}"
