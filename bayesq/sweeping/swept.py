"""A sweep: many fits as one table of how they went and one of what they found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, override

import numpy as np
import pandas as pd

from bayesq import html, latex
from bayesq.counted import how_many
from bayesq.errors import BayesqError, nearest
from bayesq.intervals import Interval, interval
from bayesq.model.specification import Specification
from bayesq.notes import Note, by_severity, once_each
from bayesq.posterior.fit import Fit
from bayesq.posterior.saved import load_fit
from bayesq.sweeping.outcomes import ENDS, Outcome, columns_of, summary_of, unpacked
from bayesq.sweeping.planned import Planned

type Names = tuple[str, str, str]
_NAMES = ("table", "law", "option")
_IN_FITS = "In {count} of {total} fits, first of {first}"


@dataclass(frozen=True, eq=False)
class Sweep:
    """Many fits. Made by :func:`bayesq.sweep`.

    ``sweep[table, law, option]`` is one of the fits, read when it is asked for; what there is only
    one of may be left out, from the end: ``sweep["grid", "chinchilla"]``.

    Parameters
    ----------
    planned : tuple of Planned
        What was to be fitted, table by table.
    outcomes : tuple of Outcome
        What each came to.
    files : mapping of (str, str, str) to Path
        Where the fits lie that are in a folder, by their names.
    """

    planned: tuple[Planned, ...]
    outcomes: tuple[Outcome, ...]
    files: Mapping[Names, Path]

    def to_frame(self) -> pd.DataFrame:
        """Tabulate how each fit went.

        Returns
        -------
        DataFrame
            One line a fit. Columns ``table``, ``law`` and ``option``, its names; ``status``
            (``"fitted"`` or ``"refused"``); ``rows``, their number; the least effective sample
            size ``ess`` and the worst ``r_hat`` of the parameters; ``divergences``, the number of
            divergent draws; ``severe``, the codes of severe notes; ``seconds`` of sampling; and
            ``message``, why a fit was refused. Units by column are in ``attrs["units"]``.
        """
        lines = []
        for planned, outcome in self._by_name.values():
            numbers = outcome.numbers or {}
            line: dict[str, Any] = dict(zip(_NAMES, planned.names, strict=True))
            line |= {"status": "refused" if outcome.message else "fitted"}
            line |= {n: numbers.get(n, np.nan) for n in ("rows", "ess", "r_hat", "divergences")}
            codes = dict.fromkeys(n.code for n in outcome.notes if n.severity == "severe")
            line |= {"severe": ", ".join(codes), "seconds": numbers.get("seconds", np.nan)}
            lines.append({**line, "message": outcome.message})
        # Whole numbers, and none where there is no fit.
        table = pd.DataFrame(lines).astype({"rows": "Int64", "divergences": "Int64"})
        table.attrs["units"] = {"seconds": "s"}
        return table

    def parameters(self, prob: float | None = None) -> pd.DataFrame:
        """Tabulate what each fit found of its parameters.

        Parameters
        ----------
        prob : float, optional
            Probability of the intervals. Those that :func:`bayesq.sweep` was asked with are at
            hand; for others the fits are read one after the other.

        Returns
        -------
        DataFrame
            One line a parameter of a fit: columns ``table``, ``law``, ``option`` and
            ``parameter``, its names; ``median``, ``lower``, ``upper`` and ``unit``.

        Raises
        ------
        BayesqError
            If other intervals are asked for and the fits were not kept.
        """
        asked = interval(prob)
        columns = (*_NAMES, "parameter", *ENDS, "unit")
        parts = [
            pd.DataFrame(
                {
                    **dict(zip(_NAMES, planned.names, strict=True)),
                    **self._columns(planned.names, outcome, asked),
                }
            )
            for planned, outcome in self._made
        ]
        return pd.concat(parts or [pd.DataFrame(columns=columns)], ignore_index=True)

    def _columns(self, names: Names, outcome: Outcome, asked: Interval) -> Mapping[str, Any]:
        if outcome.parameters is not None and outcome.interval == (asked.prob, asked.kind):
            return outcome.parameters
        return columns_of(summary_of(self[names], asked))

    @property
    def fits(self) -> Mapping[Names, Fit]:
        """The fits that were made, by table, law and option, each read when it is looked at."""
        return _Fits(self)

    def __getitem__(self, names: str | tuple[str, ...]) -> Fit:
        whole = self._whole((names,) if isinstance(names, str) else tuple(names))
        planned, outcome = self._by_name[whole]
        if outcome.message:
            raise BayesqError(outcome.message)
        assert isinstance(planned.described, Specification)
        if whole in self.files:
            return _read(self.files[whole], planned.described)
        if outcome.written is None:
            raise BayesqError(
                f"The fit of {', '.join(whole)} was not kept; sweep with keep_fits=True, or with "
                "save=."
            )
        return unpacked(outcome.written, planned.described)

    def _whole(self, names: tuple[str, ...]) -> Names:
        """Complete names by what there is only one of."""
        known = [list(dict.fromkeys(p.names[i] for p in self.planned)) for i in range(3)]
        given = [*names, *(k[0] for k in known[len(names) :] if len(k) == 1)]
        if len(given) != len(_NAMES):
            raise BayesqError(
                f"A fit of the sweep goes by table, law and option, and {', '.join(names)} is none "
                f"or several of them: sweep[{', '.join(repr(k[0]) for k in known)}]."
            )
        for what, name, there in zip(_NAMES, given, known, strict=True):
            if name not in there:
                raise BayesqError(f"The sweep has no {what} {name!r}; {nearest(str(name), there)}.")
        return given[0], given[1], given[2]

    @cached_property
    def _by_name(self) -> dict[Names, tuple[Planned, Outcome]]:
        pairs = zip(self.planned, self.outcomes, strict=True)
        return {planned.names: (planned, outcome) for planned, outcome in pairs}

    @property
    def _made(self) -> list[tuple[Planned, Outcome]]:
        return [pair for pair in self._by_name.values() if not pair[1].message]

    @property
    def notes(self) -> tuple[Note, ...]:
        """What the fits say, each kind of note once, with the number of fits that say it."""
        told = {", ".join(planned.names): outcome.notes for planned, outcome in self._made}
        return by_severity(once_each(told, _IN_FITS))

    @property
    def text(self) -> str:
        """How many fits were made, and how many of them must not be used as they stand."""
        made, total = self._made, len(self.planned)
        severe = sum(any(n.severity == "severe" for n in outcome.notes) for _, outcome in made)
        said = f"{len(made)} of {how_many(total, 'fit')} made"
        if refused := total - len(made):
            said += f", {refused} refused"
        return f"{said}; {severe or 'none'} with severe notes."

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""Write how each fit went as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row a fit that was made: rows, the least effective sample size, the worst R-hat,
            divergent draws, and severe notes. It needs ``\usepackage{booktabs}``; how many fits
            were refused and notes that warn stand above it in comments.
        """
        table = self.to_frame()
        table = table[table["status"] == "fitted"]
        names = {n: [latex.escape(v) for v in table[n]] for n in _NAMES}
        columns = {"Table": names["table"], "Law": names["law"], "Options": names["option"]}
        columns |= {
            "Rows": [str(v) for v in table["rows"]],
            "ESS": [f"{v:.0f}" for v in table["ess"]],
            r"$\hat{R}$": [latex.number(v, 4) for v in table["r_hat"]],
            "Divergences": [str(v) for v in table["divergences"]],
            "Severe notes": [latex.escape(v) or latex.NOTHING for v in table["severe"]],
        }
        return latex.booktabs(
            columns,
            text=["Table", "Law", "Options", "Severe notes"],
            said=[self.text],
            notes=self.notes,
            caption=caption,
            label=label,
        )

    def __repr__(self) -> str:
        table = self.to_frame().to_string(index=False, float_format="{:.4g}".format)
        return "\n".join([f"Sweep: {self.text}", table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        table = self.to_frame()
        return html.block(
            f"Sweep: {self.text}",
            html.table(table, units=table.attrs["units"]),
            html.notes(self.notes),
        )


class _Fits(Mapping[Names, Fit]):
    """Fits that are read when they are looked at."""

    def __init__(self, of: Sweep) -> None:
        self._of = of
        self._names = [planned.names for planned, _ in of._made]

    @override
    def __getitem__(self, names: Names) -> Fit:
        if names not in self._names:
            raise KeyError(names)
        return self._of[names]

    @override
    def __iter__(self) -> Iterator[Names]:
        return iter(self._names)

    @override
    def __len__(self) -> int:
        return len(self._names)


def _read(path: Path, described: Specification) -> Fit:
    found = load_fit(path, described.law, described.noise)
    assert isinstance(found, Fit)
    return found
