"""A backtest: scores of rows that a fit had not seen, as a table and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayesq import html, latex
from bayesq.backtesting.storage import write_text
from bayesq.counted import how_many
from bayesq.notes import Note

_BANDS = {
    "inside the data": 1.0,
    "1 to 2 times": 2.0,
    "2 to 5 times": 5.0,
    "5 to 10 times": 10.0,
    "over 10 times": np.inf,
}
_MEANS = {"cover_50": "in_50", "cover_90": "in_90"} | {
    name: name for name in ("width_90", "crps", "log_score", "interval_score", "bias")
}
# How papers head them.
_SHARES = {"cover_50": r"In 50\,\% (\%)", "cover_90": r"In 90\,\% (\%)"}
_SCORES = {"width_90": r"Width of 90\,\%", "crps": "CRPS", "log_score": "Log score"} | {
    "interval_score": "Interval score",
    "bias": "Bias",
}


@dataclass(frozen=True, eq=False)
class Backtest:
    """How well a law, fitted to some rows, foretold the others. Made by :func:`bayesq.backtest`.

    Parameters
    ----------
    title : str
        What was fitted to what, in a few words.
    rows : pandas.DataFrame
        One line a row left out: ``fold``; ``row``, where it stood in the table, from 0; ``run``,
        the number of its training run; N (parameters) and D (tokens); then, in nats per token,
        observed, median, ``lower_50`` to ``upper_90``, ``width_90``, ``in_50`` and ``in_90``
        (whether the interval holds what was measured), ``crps``, ``log_score``,
        ``interval_score`` and ``bias`` (median less observed); ``pit``, the probability that was
        given to less than what was measured; and ``distance``, the largest factor outside the data
        over the inputs, 1 inside. Of ``log_score`` more is better, of
        ``crps`` and ``interval_score`` less.
    notes : tuple of Note
        What a reader must know, the severe notes first: those of the fits, each once, and
        ``unscored-rows`` where rows left out could not be scored.
    """

    title: str
    rows: pd.DataFrame
    notes: tuple[Note, ...]

    def to_frame(self) -> pd.DataFrame:
        """Sum up the scores by the distance of the rows from the data, and of all rows.

        Returns
        -------
        DataFrame
            One line a band of distance that occurs, and ``"all"``; columns ``rows``, their number;
            ``cover_50`` and ``cover_90``, the share of them in the interval; and the means of
            ``width_90``, ``crps``, ``log_score``, ``interval_score`` and ``bias``. Units by column
            are in ``attrs["units"]``, those of pure numbers left out.
        """
        parts = by_distance(self.rows) | {"all": self.rows}
        lines = {name: _line(rows) for name, rows in parts.items()}
        table = pd.DataFrame.from_dict(lines, orient="index", columns=["rows", *_MEANS])
        table = table.astype({"rows": int}).rename_axis("distance")
        table.attrs["units"] = dict.fromkeys(_MEANS, "nats/token") | {"log_score": "nats"}
        for name in _SHARES:
            del table.attrs["units"][name]
        return table

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""Write the scores as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row a band of distance, and all: the number of rows, how many of them the
            intervals hold in per cent, and the means of the scores. It needs
            ``\usepackage{booktabs}``; what it says in words and notes that warn stand above it in
            comments.
        """
        table = self.to_frame()
        columns = {
            "Distance": [latex.escape(band) for band in table.index],
            "Rows": [str(rows) for rows in table["rows"]],
        }
        columns |= {
            head: [f"{share:.0%}".replace("%", "") for share in table[name]]
            for name, head in _SHARES.items()
        }
        columns |= {
            latex.head(head, table.attrs["units"][name]): [latex.number(v) for v in table[name]]
            for name, head in _SCORES.items()
        }
        said = [self.title, self.text]
        return latex.booktabs(
            columns, text=["Distance"], said=said, notes=self.notes, caption=caption, label=label
        )

    @property
    def text(self) -> str:
        """How many of the rows the intervals hold, and whether that is as it should be."""
        count, held = len(self.rows), int(self.rows["in_90"].sum())
        half = int(self.rows["in_50"].sum())
        said = (
            f"90 % intervals hold {held} of {how_many(count, 'row')} left out "
            f"({held / count:.0%}), and "
            f"50 % intervals {half} ({half / count:.0%}). {_verdict(held, count)}"
        )
        runs = self.rows["run"].nunique()
        if runs < count / 2:
            said += (
                f" They come from {how_many(runs, 'run')}; rows of one run are not "
                "independent, and chance alone reaches further than that."
            )
        return said

    def save(self, path: str | Path) -> Path:
        """Save the scores of the rows as a CSV file, written beside `path` and then renamed.

        Returns
        -------
        Path
            The file written.
        """
        write_text(Path(path), self.rows.to_csv(index=False))
        return Path(path)

    def __repr__(self) -> str:
        table = self.to_frame().to_string(float_format="{:.4g}".format)
        return "\n".join([self.title, self.text, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(
            self.title,
            html.paragraph(self.text),
            html.table(self.to_frame()),
            html.notes(self.notes),
        )


def by_distance(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Part scored rows by their distance from the data, the near ones first."""
    band = pd.cut(rows["distance"], [-np.inf, *_BANDS.values()], labels=list(_BANDS))
    return {name: rows[band == name] for name in _BANDS if (band == name).any()}


def _line(rows: pd.DataFrame) -> list[float]:
    return [len(rows), *(float(rows[column].mean()) for column in _MEANS.values())]


def _verdict(held: int, count: int) -> str:
    """Compare what the 90 % intervals hold with what intervals that are right would by chance."""
    from scipy.stats import binom

    low, high = (int(n) for n in binom.ppf([0.025, 0.975], count, 0.9))
    chance = f"Right intervals would hold {low} to {high} of them 19 times in 20"
    if held < low:
        return f"{chance}: these are too narrow, or the law is wrong for these rows."
    if held > high:
        return f"{chance}: these are too wide."
    # Where even intervals that hold everything would pass, the test can hardly be failed.
    if high == count:
        return f"{chance}: there are too few rows to judge."
    return f"{chance}: these are right, as far as {how_many(count, 'row')} can tell."
