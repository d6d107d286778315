"""What a comparison of laws gives back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from bayesq import html, latex
from bayesq.comparison.difference import Difference, difference, standard_error
from bayesq.comparison.left_out import LeftOut
from bayesq.comparison.units import Unit
from bayesq.comparison.weights import Method, weigh
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.notes import Note, by_severity
from bayesq.posterior.fit import Fit

# Standard errors of differences are rough below this (Sivula et al. 2020).
_FEW = 20
_OUTSIDE = ("outside", "outside_diff", "outside_diff_se")
_IN_NATS = ("elpd", "se", "diff", "diff_se", "subsampling_se", *_OUTSIDE)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Laws side by side. Made by :func:`bayesq.compare`.

    Parameters
    ----------
    fits : dict of str to Fit
        What was compared.
    unit : {"row", "run", "cell"}
        What was left out at a time.
    outside : str or None
        What was left out to see whether a law extrapolates.
    inside : dict of str to LeftOut
        What each fit says of each unit without it.
    beyond : dict of str to DataFrame
        Scores of the rows outside, by law; empty where they were not foretold.
    told : tuple of Note
        What happened on the way.
    """

    fits: Mapping[str, Fit]
    unit: Unit
    outside: str | None
    inside: Mapping[str, LeftOut]
    beyond: Mapping[str, pd.DataFrame]
    told: tuple[Note, ...] = ()

    @property
    def best(self) -> str:
        """The law of highest elpd inside the data."""
        return max(self.inside, key=lambda name: float(self.inside[name].elpd.sum()))

    def weights(self, method: Method = "stacking", *, outside: bool = False) -> dict[str, float]:
        """Weigh the laws.

        Parameters
        ----------
        method : {"stacking", "pseudo-bma+"}
            How: by stacking of predictive distributions, or by pseudo-BMA with the Bayesian
            bootstrap.
        outside : bool
            By what they foretell outside the data.

        Returns
        -------
        dict of str to float
            They add up to 1.
        """
        scores = self._scores(outside)
        if not outside and (left := self.inside[self.best]).sample is not None:
            # Others than those that were left out are told nothing of which law is better.
            scores = {name: elpd[left.looked_at] for name, elpd in scores.items()}
        return weigh(scores, method)

    def difference(self, one: str, other: str, *, outside: bool = False) -> Difference:
        """By how much one law foretells better than another."""
        scores = self._scores(outside)
        found = difference(scores[one], scores[other], self._runs(outside))
        samples = [self.inside[name].sample for name in (one, other)]
        if outside or samples[0] is None or one == other:
            return found
        by_chance = samples[0].error(scores[one] - scores[other], samples[1])
        return replace(found, se=float(np.hypot(found.se, by_chance)))

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the comparison, the law of highest elpd first.

        Returns
        -------
        DataFrame
            One row a law: ``elpd``, the sum of log predictive densities per nat per token of the
            units left out, more is better, and its standard error ``se``; ``diff``, what it is
            short of the best, with ``diff_se``; ``effective``, the effective number of parameters;
            ``stacking`` and ``pseudo_bma``, the weights; ``k``, the highest Pareto k that is left,
            ``matched`` and ``refitted``, the number of units cured by moment matching and by fits
            without them, and ``bad``, that of units that are not cured. Where the largest rows
            were left out also ``outside``, their sum of log predictive densities, ``outside_diff``
            and ``outside_diff_se`` against the best there, and ``outside_stacking``. Units by
            column are in ``attrs["units"]``, those of pure numbers left out. Of very many units
            ``subsampling_se`` is the standard error of ``elpd`` by chance of those that were left
            out; that of the difference is in ``diff_se``.
        """
        elpd, runs = self._scores(False), self._runs(False)
        stacking, pseudo = self.weights("stacking"), self.weights("pseudo-bma+")
        lines = {}
        for name, left in self.inside.items():
            apart = self.difference(name, self.best)
            lines[name] = {
                "elpd": float(elpd[name].sum()),
                "se": standard_error(elpd[name], runs),
                "diff": apart.elpd,
                "diff_se": apart.se,
                "effective": left.effective,
                "stacking": stacking[name],
                "pseudo_bma": pseudo[name],
                "k": float(np.nanmax(left.pareto_k)),
                "matched": len(left.matched),
                "refitted": len(left.refitted),
                "bad": left.bad.size,
            }
            if left.sample is not None:
                lines[name]["subsampling_se"] = left.sample.error(elpd[name])
        if self.beyond:
            weights = self.weights("stacking", outside=True)
            best = self.best_outside
            for name, scores in self._scores(True).items():
                apart = self.difference(name, best, outside=True)
                lines[name] |= {
                    "outside": float(scores.sum()),
                    "outside_diff": apart.elpd,
                    "outside_diff_se": apart.se,
                    "outside_stacking": weights[name],
                }
        table = pd.DataFrame.from_dict(lines, orient="index").rename_axis("law")
        in_nats = (c for c in table if str(c) in _IN_NATS)
        table.attrs["units"] = dict.fromkeys(in_nats, "nats")
        return table.sort_values("elpd", ascending=False)

    def to_latex(self, *, caption: str | None = None, label: str | None = None) -> str:
        r"""Write the comparison as a table for a paper: LaTeX with booktabs.

        Parameters
        ----------
        caption, label : str, optional
            LaTeX, written as it is given. With one of them the table floats.

        Returns
        -------
        str
            One row a law, the best first: elpd and what it is short of the best, each with its
            standard error, in nats; the effective number of parameters, the weights by stacking,
            and the highest Pareto k; where rows outside the data were foretold, also what it is
            short of the best there. It needs ``\usepackage{booktabs}``; the verdict and notes that
            warn stand above it in comments.
        """
        table = self.to_frame()
        elpd = latex.head("elpd", "nats")
        columns = {
            "Law": [latex.escape(name) for name in table.index],
            elpd: _with_errors(table["elpd"], table["se"]),
            latex.head("Difference", "nats"): _with_errors(table["diff"], table["diff_se"]),
            r"$p_{\mathrm{eff}}$": [latex.number(v, 2) for v in table["effective"]],
            "Weight": [f"{v:.2f}" for v in table["stacking"]],
            r"Pareto $\hat{k}$": [f"{v:.2f}" for v in table["k"]],
        }
        if self.beyond:
            beyond = _with_errors(table["outside_diff"], table["outside_diff_se"])
            columns[latex.head("Difference outside", "nats")] = beyond
        return latex.booktabs(
            columns, text=["Law"], said=[self.text], notes=self.notes, caption=caption, label=label
        )

    @property
    def best_outside(self) -> str:
        """The law that foretells best outside the data."""
        scores = self._scores(True)
        return max(scores, key=lambda name: float(scores[name].sum()))

    @property
    def text(self) -> str:
        """The verdict in words."""
        left = self.inside[self.best]
        of_all = "" if left.sample is None else f" of {len(left.elpd):,}"
        count = len(left.looked_at)
        said = f"Inside the data ({count}{of_all} {self.unit}s left out): {self._verdict(False)}"
        if not self.beyond:
            return said
        rows = len(self.beyond[self.best])
        split = (self.outside or "").replace("-", " ")
        where = (
            "each study in turn" if split == "study" else f"the {how_many(rows, 'row')} of {split}"
        )
        said += f" Outside ({where} left out): {self._verdict(True)}"
        crossed = self._crossed()
        return f"{said} {crossed}" if crossed else said

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What a reader must know, the severe notes first."""
        return by_severity([*self.told, *self._notes()])

    def _notes(self) -> Iterator[Note]:
        for name, left in self.inside.items():
            if left.bad.size:
                yield Note(
                    "pareto-k",
                    "severe",
                    f"Of {name}, {left.bad.size} of {len(left.looked_at)} estimates are not to be "
                    f"trusted (Pareto k up to {np.nanmax(left.pareto_k):.2f}, above "
                    f"{left.good_k:.2f}).",
                    "Let them be cured: cure='refit', and runs= for files of earlier versions.",
                )
        sampled = self.inside[self.best]
        if sampled.sample is not None:
            yield Note(
                "loo-subsample",
                "info",
                f"{len(sampled.looked_at)} of {len(sampled.elpd):,} {self.unit}s, the same for all "
                "laws, were left out and stand for all; what chance among them adds is in the "
                "standard errors of the differences (subsampling_se for each law). Weights are "
                f"those of the {self.unit}s left out.",
                "Nothing to mend.",
            )
        if crossed := self._crossed():
            yield Note(
                "inside-outside",
                "warning",
                f"Inside and outside the data say different things: {crossed}",
                "For larger scales go by the rows left out at the largest; for the sizes at hand "
                "go by the others.",
            )
        bent = any(fit.field for fit in self.fits.values())
        others = [name for name in self.fits if name != self.best]
        if bent and not any(self.difference(self.best, name).sign for name in others):
            yield Note(
                "laws-bend",
                "info",
                "Each law was free to bend by its misfit, which hides from the rows inside the "
                "data what is wrong with a formula.",
                "To compare the formulas alone, fit them with discrepancy=False "
                "(--no-discrepancy).",
            )
        few = len(set(self._runs(False)))
        if few < _FEW:
            yield Note(
                "few-runs-to-compare",
                "warning",
                f"The rows come from {how_many(few, 'training run')}: standard errors of "
                "differences are "
                "rough, and too small more often than too large.",
                "Read a difference of a few standard errors as a hint.",
            )
        for name, fit in self.fits.items():
            for note in fit.standing_notes:
                yield replace(note, message=f"{name}: {note.message}")

    def _verdict(self, outside: bool) -> str:
        """Compare the best with each other law."""
        best = self.best_outside if outside else self.best
        others = {n: self.difference(best, n, outside=outside) for n in self.fits if n != best}
        alike = [f"{n} (diff {d})" for n, d in others.items() if not d.sign]
        worse = [f"{n} ({d})" for n, d in others.items() if d.sign]
        if not worse:
            return f"indistinguishable: {best} and {', '.join(alike)}."
        said = f"prefer {best} over {', '.join(worse)}"
        return f"{said}; indistinguishable from it: {', '.join(alike)}." if alike else f"{said}."

    def _crossed(self) -> str:
        """Say of which laws one is better inside the data and another outside."""
        if not self.beyond:
            return ""
        inside, outside = self.best, self.best_outside
        within = self.difference(inside, outside)
        beyond = self.difference(outside, inside, outside=True)
        if within.sign and beyond.sign:
            return f"{inside} wins inside the data ({within}), {outside} outside ({beyond})."
        if within.sign:
            return f"{inside} wins inside the data ({within}), and not outside."
        if beyond.sign:
            return f"{outside} wins outside the data ({beyond}), and not inside."
        return ""

    def _scores(self, outside: bool) -> dict[str, np.ndarray]:
        """By law, log predictive densities of what was left out, each of shape ``(units,)``."""
        if outside:
            if not self.beyond:
                raise BayesqError(
                    "No rows outside the data were foretold; compare with outside= and, for files "
                    "of earlier versions, runs=."
                )
            return {n: t["log_score"].to_numpy(float) for n, t in self.beyond.items()}
        return {n: left.elpd for n, left in self.inside.items()}

    def _runs(self, outside: bool) -> np.ndarray:
        """Training run that each unit is of, shape ``(units,)``."""
        if outside:
            return next(iter(self.beyond.values()))["run"].to_numpy()
        return next(iter(self.inside.values())).runs

    def __repr__(self) -> str:
        table = self.to_frame().to_string(float_format="{:.4g}".format)
        return "\n".join([self.text, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(
            "Comparison of laws",
            html.paragraph(self.text),
            html.table(self.to_frame()),
            html.notes(self.notes),
        )


def _with_errors(values: pd.Series, errors: pd.Series) -> list[str]:
    return [latex.plus_minus(v, e) for v, e in zip(values, errors, strict=True)]
