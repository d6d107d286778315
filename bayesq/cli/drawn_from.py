"""What a figure is drawn of, from the words of a command line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bayesq
from bayesq.cli.named_fits import find_posteriors
from bayesq.decide.in_words import ask
from bayesq.errors import BayesqError
from bayesq.notes import series
from bayesq.posterior.by_name import find_one, find_posterior

_WORDS = {
    "Fit": "a fit that was saved",
    "Fitted": "a fit that was saved",
    "Posterior": "a fit that was saved, or a paper's constants",
    "Average": "an average that was saved",
    "Comparison": "several fits of the same rows",
    "Backtest": "rows that bayesq backtest -o wrote",
    "DecisionBacktest": "rows that DecisionBacktest.save wrote",
    "Decision": "a fit, with --decide 'fewest_bits level=0.01 N=7B D=1T'",
}
# Files of rows, by what they are of.
_LOADERS = {"Backtest": "load_backtest", "DecisionBacktest": "load_decision_backtest"}


def words_for(kinds: Sequence[str]) -> str:
    """Say what a figure is to be given."""
    return "; or ".join(dict.fromkeys(_WORDS.get(kind, kind) for kind in kinds))


@dataclass(frozen=True)
class Sources:
    """What the sources of a figure are, and what is asked of them.

    Parameters
    ----------
    names : sequence of str
        Files, or laws with a paper's constants.
    law : str or None
        The law of fits that do not find theirs.
    study : str or None
        The study of a pooled fit.
    decide, base : str or None
        A decision in words, and the fit of the base law beside it.
    cure : str
        What is done where importance sampling fails between several fits.
    outside : str
        What several fits foretell from the rest of the rows, or ``"none"``.
    progress : bool
        Whether to say what takes long.
    """

    names: Sequence[str]
    law: str | None = None
    study: str | None = None
    decide: str | None = None
    base: str | None = None
    cure: str = "refit"
    outside: str = "none"
    progress: bool = False

    def find(self, figure: str, kinds: Sequence[str]) -> Any:
        """Find the result that a figure is to be of.

        Raises
        ------
        BayesqError
            If there is none, or the figure is not of such.
        """
        found = self._find(kinds)
        if set(kinds) & {kind.__name__ for kind in type(found).__mro__}:
            return found
        raise BayesqError(
            f"Figure {figure} cannot be drawn of {', '.join(self.names)}; give it "
            f"{words_for(kinds)}."
        )

    def _find(self, kinds: Sequence[str]) -> Any:
        if len(self.names) > 1 and "Comparison" in kinds:
            return self._compared()
        if len(self.names) > 1:
            raise BayesqError(
                f"The figure is of one thing, and {series(self.names)} are named; name one."
            )
        (name,) = self.names
        if self.decide is not None:
            if "Decision" not in kinds:
                raise BayesqError("The figure is not of a decision; leave --decide out.")
            base = None if self.base is None else find_one(self.base)
            return ask(self._posterior(name), self.decide, base=base)
        if Path(name).suffix in (".csv", ".json"):
            for kind, loader in _LOADERS.items():
                if kind in kinds:
                    return getattr(bayesq, loader)(name)
        return self._posterior(name)

    def _posterior(self, name: str) -> Any:
        found = find_posterior(name, self.law)
        return found if self.study is None else found.of_study(self.study)

    def _compared(self) -> Any:
        fits: Any = find_posteriors(self.names, self.law)
        for name, fit in fits.items():
            if not isinstance(fit, bayesq.Fit):
                raise BayesqError(f"{name} is no fit to rows; compare fits that were saved.")
        outside = None if self.outside == "none" else self.outside
        return bayesq.compare(fits, outside=outside, cure=self.cure, progress=self.progress)
