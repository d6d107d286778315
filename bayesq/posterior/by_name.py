"""Posteriors by name: a file that was saved, or a law whose paper has constants."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from bayesq.errors import BayesqError

if TYPE_CHECKING:
    from bayesq.posterior.average import Average
    from bayesq.posterior.posterior import Posterior


def find_posterior(fit: str, law: str | None) -> Posterior | Average:
    """Load a saved fit or average, or take a paper's constants by the law's name (and ``:label``).

    Raises
    ------
    BayesqError
        If there is neither, or `law` or a variant is named beside a paper's constants.
    """
    from bayesq.law.registry import laws as known

    name, _, label = fit.partition(":")
    if name in known() and not os.path.exists(fit):
        if law is not None:
            raise BayesqError(f"{fit} is a law with its paper's constants; leave --law out.")
        if "=" in label:
            raise BayesqError(
                f"{fit} is a variant of law {name}, of which there are no published constants; fit "
                f"it with bayesq fit ... --law {fit} and name the file."
            )
        from bayesq.posterior.constants import published

        return published(name, label or None)
    from bayesq.posterior.saved import load_fit

    return load_fit(fit, law)


def find_one(fit: str, law: str | None = None) -> Posterior:
    """Load a fit, or take a paper's constants, where an average will not do.

    Raises
    ------
    BayesqError
        If it is not there, or is an average.
    """
    from bayesq.posterior.posterior import Posterior

    found = find_posterior(fit, law)
    if not isinstance(found, Posterior):
        raise BayesqError(f"{fit} is an average of several laws; name a fit of one.")
    return found
