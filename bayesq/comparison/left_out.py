"""How well a fit foretells each unit without having seen it: PSIS-LOO, and its cures."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import logsumexp

from bayesq.comparison.subsample import Subsample, check_room, choose, nearly_of, sampled_of
from bayesq.comparison.units import Unit, by_unit, densities, units_of
from bayesq.errors import BayesqError
from bayesq.model.specification import Specification
from bayesq.posterior.fit import Fit
from bayesq.progress import Progress, showing

# On the OLMo ladder, 30 rows, estimates with k from 0.5 to 0.7 were up to 0.9 nats too high, and
# those of moved draws 2.3; below 0.5 all were within 0.1 of fits without the row.
_GOOD_K_WITH_MISFIT = 0.5
# Of a row far from all others, moved draws of k 0.6 were 2 nats too high without a misfit too.
_GOOD_K_MOVED = 0.5
CURES = ("refit", "moments", "none")


@dataclass(frozen=True, eq=False)
class LeftOut:
    """What a fit says of each unit without it.

    Parameters
    ----------
    elpd : ndarray of float, shape (units,)
        Log predictive density of the unit's measured values, per nat per token each.
    seen : ndarray of float, shape (units,)
        The same of the fit with the unit in it.
    pareto_k : ndarray of float, shape (units,)
        Pareto k as it is after the cures; 0 where a fit without the unit made it needless.
    good_k : float
        Above this an estimate is not to be trusted.
    matched, refitted : tuple of int
        Units of high k that moment matching and exact refits have cured.
    runs : ndarray of int, shape (units,)
        Number of the training run that each unit is of; a cell's first.
    sample : Subsample or None
        Of very many units, those that stand for all: `elpd` and `seen` of the others are what was
        told of them with them in the fit, moved so that sums are those of the difference estimator,
        and `pareto_k` is NaN there.
    """

    elpd: np.ndarray
    seen: np.ndarray
    pareto_k: np.ndarray
    good_k: float
    matched: tuple[int, ...]
    refitted: tuple[int, ...]
    runs: np.ndarray
    sample: Subsample | None = None

    @property
    def effective(self) -> float:
        """Effective number of parameters: by how much the fit knows the units that it has seen."""
        return float((self.seen - self.elpd).sum())

    @property
    def bad(self) -> np.ndarray:
        """Units whose estimate is not to be trusted, shape ``(units of high k,)``."""
        if self.sample is not None:
            return np.flatnonzero(self.pareto_k > self.good_k)
        return np.flatnonzero(~(self.pareto_k <= self.good_k))

    @property
    def looked_at(self) -> np.ndarray:
        """Units that were left out, shape ``(units looked at,)``: all, or those of the sample."""
        return np.arange(len(self.elpd)) if self.sample is None else self.sample.chosen

    def only_sampled(self) -> LeftOut:
        """Keep what is told of the units that were left out."""
        if self.sample is None:
            return self
        at = self.sample.chosen
        parts = self.elpd[at], self.seen[at], self.pareto_k[at]
        return LeftOut(*parts, self.good_k, (), (), self.runs[at])


@dataclass(frozen=True, eq=False)
class Estimated:
    """What can be told without fitting again, and what cannot.

    Parameters
    ----------
    made : LeftOut
        The estimates.
    open : ndarray of int, shape (units open,)
        Units that a fit without them is to tell.
    fit : Fit
        The fit.
    specification : Specification or None
        Its description; where its rows are not at hand, none, and no unit is open.
    codes : ndarray of int, shape (rows,)
        Number of the unit that each row is of.
    """

    made: LeftOut
    open: np.ndarray
    fit: Fit
    specification: Specification | None
    codes: np.ndarray


def estimate(
    fit: Fit, specification: Specification | None, unit: Unit, cure: str, told: Progress
) -> Estimated:
    """Estimate what a fit says of each unit without it.

    By Pareto-smoothed importance sampling (Vehtari et al. 2017, 2024). Where Pareto k is high,
    draws are moved by moment matching (Paananen et al. 2021), and where that does not do, the unit
    is left open: the model is to be fitted without it.

    A misfit follows single rows closely, so that a fit with one is asked for a lower k, and goes
    to the fits without the unit at once: moved draws look good there and are not.

    Parameters
    ----------
    fit : Fit
        The fit.
    specification : Specification, optional
        Its description; where its rows are not at hand, none: units of rows only, and no cure.
    unit : {"row", "run", "cell"}
        What is left out at a time.
    cure : {"refit", "moments", "none"}
        How far to go.
    told : Progress
        Is told what is being done.
    """
    import arviz_stats as azs

    from bayesq.comparison.moments import moments_of

    codes = np.arange(fit.data["observed_data"].sizes["row"])
    cluster = np.asarray(fit.data["constant_data"].to_dataset()["cluster"])
    if specification is not None:
        codes = units_of(specification.design, unit)
    elif unit != "row":
        raise BayesqError(
            f"Units of one {unit} each need the rows of {fit.title}; pass runs=, the table it was "
            "fitted to."
        )
    # A fit of an earlier version has densities only where it has no rows.
    chosen = choose(codes) if fit.can_refit else None
    if chosen is not None:
        sample = Subsample(chosen, nearly_of(fit, codes))
        within = sampled_of(fit, codes, chosen)
        # Fits of so many rows without one of them take too long.
        cure = "none"
    else:
        check_room(fit, codes, unit)
        sample, within = None, by_unit(densities(fit), codes)
    likelihood = within.to_dataset(name=fit.response)
    data = xr.DataTree.from_dict({"log_likelihood": likelihood, "posterior": fit.posterior})
    seen = logsumexp(within, axis=(0, 1)) - np.log(within.size / within.sizes["unit"])
    runs = cluster[np.unique(codes, return_index=True)[1]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of high k, which is what follows
        warnings.simplefilter("ignore", RuntimeWarning)  # of steps that are then not taken
        found = azs.loo(data, pointwise=True)
        good_k = float(found.good_k)
        if fit.field is not None:
            good_k = min(good_k, _GOOD_K_WITH_MISFIT)
        made = _read(found, seen, runs, good_k, sample)
        if not made.bad.size or cure == "none" or specification is None:
            return Estimated(made, np.array([], int), fit, specification, codes)
        open_ = made.bad
        moments = None
        if cure == "moments" or fit.field is None:
            told.say(f"moment matching of {made.bad.size}")
            moments = moments_of(fit, specification, codes)
        if moments is not None:
            found = azs.loo_moment_match(
                data,
                found,
                log_prob_upars_fn=moments.log_prob,
                log_lik_i_upars_fn=moments.log_lik,
                upars=moments.draws,
                k_threshold=good_k,
                pointwise=True,
            )
            moved = _read(found, seen, runs, good_k)
            sure = moved.pareto_k[made.bad] <= _GOOD_K_MOVED
            open_ = made.bad[~sure]
            made = replace(moved, matched=tuple(made.bad[sure].tolist()))
    left = np.array([], int) if cure == "moments" else open_
    return Estimated(made, left, fit, specification, codes)


def refit(estimates: Mapping[str, Estimated], told: Progress) -> dict[str, LeftOut]:
    """Fit each law without the units that are open, one after the other.

    Not by ArviZ's ``reloo``, which gives the same numbers of one law: it goes by one threshold of k
    where moved draws have one of their own, and passes over a k that is not a number. ``loo_kfold``
    refits all units, where most need none.

    Parameters
    ----------
    estimates : mapping of str to Estimated
        By law.
    told : Progress
        Is told which refit it is; the time left is that of all laws together.
    """
    found = {name: e.made for name, e in estimates.items()}
    todo = [(name, unit) for name, e in estimates.items() for unit in e.open.tolist()]
    if not todo:
        return found
    from bayesq.comparison.refits import Refits

    made: dict[str, Refits] = {}
    for name, unit in told.each(todo, "refit"):
        e = estimates[name]
        assert e.specification is not None  # or nothing were open
        with showing(told) as inner:
            if name not in made:
                inner.say(f"compiling {name}")
                made = {name: Refits(e.fit, e.specification)}  # the one before is done with
            inner.say(f"sampling {name}")
            elpd = made[name].elpd(e.codes == unit)
        left = found[name]
        at = np.arange(left.elpd.size) == unit
        found[name] = replace(
            left,
            elpd=np.where(at, elpd, left.elpd),
            pareto_k=np.where(at, 0.0, left.pareto_k),
            refitted=(*left.refitted, unit),
        )
    return found


def _read(
    found: Any,
    seen: np.ndarray,
    runs: np.ndarray,
    good_k: float,
    sample: Subsample | None = None,
) -> LeftOut:
    """Take over what ArviZ found of the units left out; `runs` is of shape ``(units,)``."""
    pareto_k = np.nan_to_num(found.pareto_k.values, nan=np.inf)
    elpd = found.elpd_i.values.copy()
    if sample is None:
        return LeftOut(elpd, seen, pareto_k, good_k, (), (), runs)
    every = np.full(len(runs), np.nan)
    every[sample.chosen] = pareto_k
    return LeftOut(sample.spread(elpd), sample.spread(seen), every, good_k, (), (), runs, sample)
