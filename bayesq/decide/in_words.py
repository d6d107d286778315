"""A question in the words of a command line: ``fewest_bits level=0.01 N=7B D=1T``."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bayesq import decide as decisions
from bayesq.decide.asked import answer, check_needs, find_decision, other_fits
from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError
from bayesq.posterior.average import Average
from bayesq.posterior.by_name import find_one
from bayesq.posterior.posterior import Posterior
from bayesq.runs.name_values import read_pairs

_EXAMPLE = "'fewest_bits level=0.01 N=7B D=1T'"


@dataclass(frozen=True)
class InWords:
    """A decision with its question and setting, still in words.

    Parameters
    ----------
    function : callable
        The decision.
    asked : mapping of str to str
        Question and setting.
    """

    function: Callable[..., Decision]
    asked: Mapping[str, str]

    @property
    def takes_base(self) -> bool:
        """Whether the decision may need a fit of the base law."""
        return "base" in inspect.signature(self.function).parameters

    def ask(self, fit: Posterior | Average, *, base: Posterior | None = None) -> Decision:
        """Ask it of a fit.

        Raises
        ------
        BayesqError
            As the decision itself.
        """
        asked = dict(self.asked)
        sides = {} if base is None else {"base": base}
        sides |= {key: find_one(asked.pop(key)) for key in other_fits(self.function, asked)}
        return answer(self.function, fit, asked, sides)


def split(words: str, option: str = "decide") -> tuple[str, list[str]]:
    """Split a question into the name of its decision and the rest.

    Raises
    ------
    BayesqError
        If it is empty, or a quote is not closed; `option` words it.
    """
    try:
        name, *rest = shlex.split(words)
    except ValueError as error:
        raise BayesqError(f"{option} {words!r} cannot be read; write {_EXAMPLE}.") from error
    return name, rest


def read_question(name: str, asked: Mapping[str, str]) -> InWords:
    """Find a decision, and see that it is given what it needs.

    Raises
    ------
    BayesqError
        If there is no such decision, or something is not given.
    """
    function = find_decision(decisions, name)
    check_needs(function, asked)
    return InWords(function, asked)


def in_words(words: str, option: str = "decide") -> InWords:
    """Read a decision that is written in one line, before anything is asked.

    Raises
    ------
    BayesqError
        If it cannot be read, there is no such decision, or it is not given what it needs.
    """
    name, rest = split(words, option)
    return read_question(name, read_pairs(rest, option, "level=0.01"))


def ask(fit: Posterior | Average, words: str, *, base: Posterior | None = None) -> Decision:
    """Ask a decision that is written in one line.

    Parameters
    ----------
    fit : Posterior or Average
        What is asked.
    words : str
        The decision's name, then its question and setting as KEY=VALUE, as on the command line.
    base : Posterior, optional
        A fit of the base law, beside a fit of the degradation.

    Returns
    -------
    Decision

    Raises
    ------
    BayesqError
        If there is no such decision, or as the decision itself.

    Examples
    --------
    >>> import bayesq
    >>> from bayesq.decide.in_words import ask
    >>> paper = bayesq.published("sun2025")
    >>> ask(paper, "critical_tokens N=1B exponent=4 mantissa=3 group=128").answer
    'At N 1B, E 4, M 3, B 128, more than 27.3T tokens raise the loss.'
    """
    return in_words(words).ask(fit, base=base)
