"""Average over laws, so that an answer has the uncertainty of which law holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bayesq.comparison.compare import compare, name_fits
from bayesq.comparison.comparison import Comparison
from bayesq.comparison.weights import Method
from bayesq.errors import BayesqError, nearest
from bayesq.posterior.average import Average
from bayesq.posterior.fit import Fit
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.runs.runs import Runs

WEIGHTS = ("stacking", "pseudo-bma+", "stacking-outside", "equal")


def average(
    fits: Sequence[Posterior] | Mapping[str, Posterior] | Comparison,
    weights: str | Mapping[str, float] = "stacking",
    *,
    runs: Runs | None = None,
    progress: bool = True,
) -> Average:
    """Average over laws: what is returned predicts and decides like one fit.

    Parameters
    ----------
    fits : sequence or mapping of Fit, or Comparison
        The laws. A comparison has the weights at hand; fits are compared first, row by row.
    weights : str or mapping of str to float
        ``"stacking"``: the mixture that foretells rows left out best; ``"stacking-outside"``: the
        one that foretells the largest rows best; ``"pseudo-bma+"``; ``"equal"``; or weights of your
        own, by law.
    runs : Runs, optional
        The table, where a fit comes from a file of an earlier version.
    progress : bool
        Say on the error stream what is being done, where the fits have to be compared first.

    Returns
    -------
    Average
        For :func:`bayesq.predict` and every decision.

    Raises
    ------
    BayesqError
        If there are no such weights, the fits cannot be compared, or are of different responses.

    Examples
    --------
    >>> import bayesq
    >>> both = [bayesq.published(name) for name in ("kumar2024-qat", "sun2025")]
    >>> mixed = bayesq.average(both, weights="equal")
    >>> groups = {"w_group": 128, "a_group": 128}
    >>> answer = bayesq.decide.optimal_precision(mixed, compute=1e22, D="1T", **groups)
    """
    named: Mapping[str, Posterior]
    named = fits.fits if isinstance(fits, Comparison) else _named(fits)
    if isinstance(weights, Mapping):
        return Average(named, _own(weights, named), "given weights")
    if weights not in WEIGHTS:
        own = ", ".join(f"{name!r}: {1 / len(named):.2g}" for name in named)
        line = ",".join(f"{name}={1 / len(named):.2g}" for name in named)
        raise BayesqError(
            f"weights is {weights!r}; {nearest(str(weights), WEIGHTS)}, or weights of your own: "
            f"{{{own}}} (--weights {line})."
        )
    if weights == "equal":
        return Average(named, dict.fromkeys(named, 1 / len(named)), "equal weights")
    outside = weights == "stacking-outside"
    if not isinstance(fits, Comparison):
        whole = {name: fit for name, fit in named.items() if isinstance(fit, Fit)}
        for name in (n for n in named if n not in whole):
            raise BayesqError(
                f"{name} is not a fit of a table, so nothing says how well it foretells; pass "
                "weights='equal' or weights of your own."
            )
        split = "largest-compute" if outside else None
        fits = compare(whole, outside=split, runs=runs, progress=progress)
    if outside and not fits.beyond:
        why = next((n.message for n in fits.notes if n.code in ("not-outside", "no-rows")), "")
        raise BayesqError(f"No rows outside the data were foretold. {why}".strip())
    method: Method = "pseudo-bma+" if weights == "pseudo-bma+" else "stacking"
    return Average(named, fits.weights(method, outside=outside), weights, fits.notes)


def _named(fits: Sequence[Posterior] | Mapping[str, Posterior]) -> dict[str, Posterior]:
    """Name the laws, and see that they speak of one thing."""
    if not isinstance(fits, Mapping) and not isinstance(fits, Posterior):
        fits = list(fits)
    items = fits.values() if isinstance(fits, Mapping) else fits
    if isinstance(fits, Posterior) or all(isinstance(fit, Fit) for fit in items):
        return dict(name_fits(fits))  # type: ignore[arg-type]
    for fit in items:
        check_posterior(fit)
    named = dict(fits) if isinstance(fits, Mapping) else {f.law.name: f for f in fits}
    if len(named) < len(items):
        raise BayesqError(
            "Two of them are of one law; give them names: {'one': fit, 'two': other}."
        )
    if len({fit.response for fit in named.values()}) > 1:
        shown = ", ".join(f"{name} the {fit.response}" for name, fit in named.items())
        raise BayesqError(f"The laws speak of different things ({shown}); take one response.")
    return named


def _own(weights: Mapping[str, float], named: Mapping[str, Posterior]) -> dict[str, float]:
    """Check weights that a user gives, and let them add up to 1."""
    for name in weights:
        if name not in named:
            raise BayesqError(f"A weight is for {name!r}; {nearest(str(name), named)}.")
    values = np.array([float(weights.get(name, 0.0)) for name in named])
    if not np.isfinite(values).all() or (values < 0).any() or not values.sum() > 0:
        raise BayesqError("Weights must be numbers from 0 on, one of them above 0.")
    return dict(zip(named, (values / values.sum()).tolist(), strict=True))
