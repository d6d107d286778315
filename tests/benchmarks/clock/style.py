"""How figures of the benchmarks look, and how they are written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

# Okabe and Ito's, told apart by the colour-blind and, by their lightness, in grey.
BLUE, ORANGE, GREEN, RED, SKY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9"
PALE_GREEN = "#9ADBC5"
STYLE: dict[str, Any] = {"font.size": 7, "axes.linewidth": 0.6, "svg.hashsalt": "clock"}


def save(figure: Figure, stem: Path) -> None:
    """Write ``stem.png`` and ``stem.svg``."""
    figure.savefig(stem.with_suffix(".png"), dpi=300)
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None})
