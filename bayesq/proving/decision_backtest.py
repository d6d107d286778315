"""A backtest of decisions: what was advised beside what was measured, as a table and in words."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bayesq import html, latex
from bayesq.backtesting.storage import write_text
from bayesq.notes import Note

# Whose columns begin how.
WHO = {"bayesq": "", "practice": "practice_"}
_SHOWN = {"bayesq": "bayesq", "practice": "today's practice"}
_WORDS = {"bayesq": "90 % intervals hold", "practice": "Those of today's practice hold"}


@dataclass(frozen=True, eq=False)
class DecisionBacktest:
    """How well a fit to some rows decided for others. Made by :func:`bayesq.backtest_decision`.

    Parameters
    ----------
    title : str
        What was decided from what, in a few words.
    rows : pandas.DataFrame
        One line a decision. What was held (N in parameters, D in tokens, bits, group, ``level`` in
        nats per token, ``compute`` in FLOP, ``memory`` in bits; the columns that say anything);
        ``measured``, the answer that the rows give; ``bound``, ``"more"`` or ``"less"`` where they
        give only the end that it lies beyond, and ``edge``, what it lies above or below as far as
        they can tell; ``rise``, by how many nats per token what was measured beside it is worse,
        and for bits at a level, by how many the nearest degradation is off it; ``spread``, the
        standard deviation of what is compared between seeds, or of a budget's losses around their
        parabola (NaN where neither is known, taken as none); ``pinned``, whether the rise is more
        than twice that; ``left_out``, the share of the rows behind the decision that no fit saw.
        Then what was advised: ``median``, ``lower`` and ``upper`` (90 %); ``in_90``, whether that
        interval holds the answer or is consistent with the bound; ``ratio`` of its ends;
        ``advised``, the measured option that the median comes to, and ``regret``, nats per token
        that this option costs above the best one measured (of bits under a memory NaN where none
        within a bit was measured). The same of today's practice stands under ``practice_`` names.
        Of formats there is no interval: ``set_90`` has the fewest that hold 90 % of the probability
        of being best, and ``ratio`` is their number.
    notes : tuple of Note
        What a reader must know, the severe notes first.
    """

    title: str
    rows: pd.DataFrame
    notes: tuple[Note, ...]

    def to_frame(self) -> pd.DataFrame:
        """Sum up who was right, apart for answers that were measured and for bounds.

        Returns
        -------
        DataFrame
            Indexed by ``told`` (``"measured"``; of these ``"pinned"``, where the rows tell the
            answer from its neighbours by more than seeds differ; ``"bound"``) and ``who``
            (``"bayesq"``, ``"practice"``). Columns ``decisions``, their number; ``cover_90``, the
            share whose interval holds what was measured; ``ratio``, the median of upper over lower
            end; and ``regret``, the mean in nats per token. Units by column are in
            ``attrs["units"]``, those of pure numbers left out.
        """
        lines = {
            (told, who): _line(chosen, WHO[who])
            for told, chosen in self._parts().items()
            for who in self._who()
        }
        names = pd.MultiIndex.from_tuples(lines, names=["told", "who"])
        columns = ["decisions", "cover_90", "ratio", "regret"]
        table = pd.DataFrame(list(lines.values()), index=names, columns=columns)
        table = table.astype({"decisions": int})
        table.attrs["units"] = {"regret": "nats/token"}
        return table

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""Write who was right as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row of what rows tell and who decided: the number of decisions, how many of them
            the intervals hold in per cent, the median ratio of their ends, and the mean regret. It
            needs ``\usepackage{booktabs}``; what it says in words and notes that warn stand above
            it in comments.
        """
        table = self.to_frame()
        columns = {
            "Told": [str(told) for told, _ in table.index],
            "By": [_SHOWN[who] for _, who in table.index],
            "Decisions": [str(many) for many in table["decisions"]],
            r"In 90\,\% (\%)": [f"{share:.0%}".replace("%", "") for share in table["cover_90"]],
            "Ratio of ends": [latex.number(ratio) for ratio in table["ratio"]],
            latex.head("Regret", "nats/token"): [latex.number(v, 2) for v in table["regret"]],
        }
        return latex.booktabs(
            columns,
            text=["Told", "By"],
            said=[self.title, self.text],
            notes=self.notes,
            caption=caption,
            label=label,
        )

    @property
    def text(self) -> str:
        """How many of the measured answers the intervals hold, and what the advice costs."""
        parts, who = self._parts(), self._who()
        said = {"measured": _measured, "bound": _bounds}
        return " ".join(says(parts[told], who) for told, says in said.items() if told in parts)

    def save(self, path: str | Path) -> Path:
        """Save the decisions as a CSV file, written beside `path` and then renamed.

        Returns
        -------
        Path
            The file written.
        """
        write_text(Path(path), self.rows.to_csv(index=False))
        return Path(path)

    def _parts(self) -> dict[str, pd.DataFrame]:
        bound = self.rows["bound"] != ""
        parts = {
            "measured": self.rows[~bound],
            "pinned": self.rows[~bound & self.rows["pinned"]],
            "bound": self.rows[bound],
        }
        return {told: rows for told, rows in parts.items() if len(rows)}

    def _who(self) -> list[str]:
        return [who for who, prefix in WHO.items() if f"{prefix}in_90" in self.rows]

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


def _line(rows: pd.DataFrame, prefix: str) -> list[float]:
    held, ratio, regret = (
        rows[f"{prefix}{name}"].to_numpy(float) for name in ("in_90", "ratio", "regret")
    )
    middle = np.quantile(ratio, 0.5, method="inverted_cdf")  # some may be infinite
    known = regret[~np.isnan(regret)]
    cost = float(known.mean()) if len(known) else np.nan
    return [len(rows), float(held.mean()), float(middle), cost]


def _measured(rows: pd.DataFrame, who: list[str]) -> str:
    many = "the one decision" if len(rows) == 1 else f"the {len(rows)} decisions"
    words = [f"Of {many} that the rows tell,"]
    for name in who:
        _, share, ratio, regret = _line(rows, WHO[name])
        words.append(
            f"{_WORDS[name]} {round(share * len(rows))} ({share:.0%}); their median ratio of upper "
            f"to lower end is {ratio:.3g}, and following the advice costs {regret:.2g} nats per "
            "token on average."
        )
    return " ".join(words)


def _bounds(rows: pd.DataFrame, who: list[str]) -> str:
    held = ", ".join(f"{rows[f'{WHO[n]}in_90'].sum()} with {n}" for n in who)
    many = "1 more is" if len(rows) == 1 else f"{len(rows)} more are"
    return f"{many} told as a bound only; consistent with it are {held}."
