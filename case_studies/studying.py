"""What the programs of the case studies share: how many draws, sentences, tables and figures.

Each is text with code (jupytext's percent form): ``make case-studies`` runs them in full and keeps
what they show in a notebook beside them, from which the documentation takes its pages. Run as plain
Python a program prints the same; ``BAYESQ_DRAWS=100`` makes that quick.
"""

from __future__ import annotations

import os
import sys
import warnings
from base64 import b64encode
from io import BytesIO
from typing import Any

import pandas as pd
from IPython.display import Markdown, display
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from bayesq.plot import alt_text
from bayesq.runs.counts import format_count

#: Draws to keep a chain, as many as before they are kept; 4 chains.
DRAWS = int(os.environ.get("BAYESQ_DRAWS", "1000"))
SEED = int(os.environ.get("BAYESQ_SEED", "1"))
#: What a fit of a case study is asked with: ``bayesq.fit(runs, law, **ASKED)``.
ASKED: dict[str, Any] = {"draws": DRAWS, "tune": DRAWS, "seed": SEED, "progress": False}

# Columns of parameters and tokens.
_COUNTS = ("N", "D", "model_size", "train_tokens", "smallest_N", "largest_N")
_NOTEBOOK = "ipykernel" in sys.modules
# That there is no widget for a bar of progress is nothing that a page should show.
warnings.filterwarnings("ignore", message="IProgress not found")


def say(text: str) -> None:
    """Show a paragraph of Markdown, whose numbers come from the run."""
    if _NOTEBOOK:
        display(Markdown(text))
    else:
        print(text, end="\n\n")


def table(frame: pd.DataFrame, digits: int = 3) -> None:
    """Show a table, its numbers with so many significant digits; N and D as counts.

    What is missing is left empty, and an index that only counts the rows is not shown.
    """
    words = pd.DataFrame({name: _words(frame[name], digits) for name in frame}, index=frame.index)
    counted = words.index.name is None and pd.api.types.is_integer_dtype(words.index)
    if _NOTEBOOK:
        page = {
            "text/html": words.to_html(index=not counted),
            "text/plain": words.to_string(index=not counted),
        }
        display(page, raw=True)
    else:
        print(words.to_string(index=not counted), end="\n\n")


def _words(cells: pd.Series, digits: int) -> pd.Series:
    def word(cell: Any) -> str:
        if pd.isna(cell):
            return ""
        if cells.name in _COUNTS and isinstance(cell, float):
            return format_count(cell)
        return f"{cell:.{digits}g}" if isinstance(cell, float) else f"{cell}"

    return cells.map(word)


def figure(drawn: Any, text: str | None = None) -> None:
    """Show a figure with what it says in words: for those who cannot see it.

    Parameters
    ----------
    drawn : Axes or Figure
        As the functions of :mod:`bayesq.plot` return it, or drawn by hand.
    text : str, optional
        What it says, where bayesq did not draw it.
    """
    whole = drawn if isinstance(drawn, Figure) else drawn.figure
    words = alt_text(drawn) if text is None else text
    if _NOTEBOOK:
        # Drawn here, as the kernel does so only where MPLBACKEND is not set. The page takes the
        # words from the output's metadata (render.py).
        drawn_to = BytesIO()
        whole.savefig(drawn_to, format="png", dpi=150, bbox_inches="tight")
        picture = {"image/png": b64encode(drawn_to.getvalue()).decode(), "text/plain": words}
        display(picture, raw=True, metadata={"image/png": {"alt": words}})
        plt.close(whole)  # or it is shown once more at the end of the cell
    else:
        print(words, end="\n\n")
