"""A question in the words of a command line: ``fewest_bits level=0.01 N=7B D=1T``."""

from __future__ import annotations

import shlex

from bayesq import decide as decisions
from bayesq.decide.asked import answer, check_needs, find_decision
from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError
from bayesq.posterior.average import Average
from bayesq.posterior.posterior import Posterior


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
    """
    raise NotImplementedError(shlex, decisions, answer, check_needs, find_decision, BayesqError)
