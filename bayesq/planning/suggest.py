"""Which runs to do next: what each is expected to teach, per FLOP."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.comparison.averaging import average
from bayesq.decide.decision import Decision
from bayesq.decide.question import number
from bayesq.errors import BayesqError
from bayesq.notes import by_severity
from bayesq.planning.suggestions import Suggestions
from bayesq.posterior.average import Average
from bayesq.posterior.held import held_at
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.prediction.of_studies import split_by_study
from bayesq.prediction.outcome import flat, trimmed
from bayesq.prediction.predict import check_seed, predict
from bayesq.prediction.prediction import Prediction
from bayesq.prediction.scenarios import read_scenarios
from bayesq.progress import showing

_MOST = 5000  # candidates
_LEAST = 1e-4  # share of the variance that a run takes off to be worth naming
_OVER = ("chain", "draw")
# Other numbers than those that a prediction or a decision draws with the same seed.
_STREAM = 2

Asks = Callable[[Any], Decision | Prediction | xr.DataArray]


def suggest_runs(
    fits: Posterior | Average | Sequence[Posterior] | Mapping[str, Posterior],
    candidates: Mapping[str, Any] | pd.DataFrame,
    budget: float | str,
    decision: Asks | None = None,
    *,
    cost: Sequence[float] | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Suggestions:
    """Rank candidate runs by how much they are expected to teach, per FLOP.

    What a run teaches is taken from the draws: how much of the variance of the answer (or of which
    law holds) its measured value would explain, if draws were normal. A run tells of the law's
    parameters and, where a fit knows it, of the law's misfit: in each draw the candidates and what
    is asked lie on one field, which runs near each other share. Runs are chosen one after the
    other, each for what it adds to those before it, as long as the budget has room.

    Parameters
    ----------
    fits : Fit, Average, or sequence or mapping of Fit
        One fit, several laws from :func:`bayesq.average`, or fits whose laws are to be told apart,
        which then count alike.
    candidates : mapping or DataFrame
        Runs that could be done, columns as in a runs table.
    budget : float or str
        Floating-point operations for all runs that are chosen together.
    decision : callable, optional
        The answer that is to be narrowed, as a function of a fit:
        ``lambda fit: bayesq.decide.critical_tokens(fit, N="1B", w_bits=4)``, or a prediction. It
        must ask the fit that it is handed, whose misfit is that of the candidates. By default the
        laws are to be told apart.
    cost : sequence of float, optional
        Floating-point operations of each candidate; by default 6 N D, once for all candidates of
        one N and D where the laws are about quantization after training.
    seed : int
        Seed of the predictions; of a study to come (``study="new"``) `decision` must take the same.
    progress : bool
        Say on the error stream what is being done, where it takes long.

    Returns
    -------
    Suggestions
        The candidates in the order in which they are worth doing.

    Raises
    ------
    BayesqError
        If there is no decision and one law only, no candidate fits into the budget, or the decision
        has no answer in most draws.

    Examples
    --------
    >>> import bayesq
    >>> plan = bayesq.suggest_runs(
    ...     fit,
    ...     {"N": ["10M", "100M"], "D": ["10B", "1B"], "w_bits": 4},
    ...     budget=1e19,
    ...     decision=lambda fit: bayesq.decide.critical_tokens(fit, N="1B", w_bits=4),
    ... )  # doctest: +SKIP
    """
    room = number("budget", budget)
    laws = _laws(fits)
    if decision is None and not isinstance(laws, Average):
        raise BayesqError(
            "With one law there is nothing to tell apart; pass decision=, the answer to narrow, or "
            "the fits of several laws."
        )
    for fit in _each(laws):
        if fit.noise is None:
            raise BayesqError(
                f"How runs scatter is not known of {fit.title}, so nothing says what a run would "
                "teach; pass fits of a table."
            )
    check_seed(seed)
    with showing(progress) as saying:
        saying.say("predicting the candidates")
        if decision is not None:
            laws = _held(laws, candidates, seed)
        told = predict(laws, candidates, kind="run", seed=seed)
        _check_count(len(told.scenarios))
        flops = _costs(laws, told.scenarios, cost)
        if not (flops.each <= room).any():
            raise BayesqError(
                f"No candidate fits into {room:.3g} FLOP; the least costs {flops.each.min():.3g}."
            )
        saying.say("asking the decision")
        if decision is None:
            assert isinstance(laws, Average)
            wanted, unit = _which_law(laws), "which law holds"
            notes = told.notes
        else:
            wanted, unit, more = _answers(decision, laws)
            notes = (*told.notes, *more)
        bent = any(fit.field is not None for fit in _each(laws))
        mean, noise = _means(told, bent)
        use = np.isfinite(wanted).all(axis=1)
        if use.mean() < 0.5:
            raise BayesqError(
                f"The decision has an answer in {use.mean():.0%} of the draws only; ask one that "
                "most draws answer, such as a prediction."
            )
        saying.say(f"choosing among {len(told.scenarios)} candidates")
        table = _choose(_standard(wanted[use]), mean[use], noise, flops, room)
    shown = pd.concat([told.scenarios, table], axis=1)
    order = np.lexsort([-table["gain_per_flop"], table["chosen"].replace(0, len(table) + 1)])
    # How far outside the data a candidate lies is no fault of it.
    kept = dict.fromkeys(n for n in notes if n.code != "extrapolation")
    return Suggestions(shown.iloc[order].reset_index(drop=True), unit, room, by_severity(kept))


def _laws(fits: Any) -> Posterior | Average:
    if isinstance(fits, Average | Posterior):
        return fits
    if isinstance(fits, Mapping | Sequence):
        return average(fits, "equal")
    check_posterior(fits)
    raise AssertionError  # what is no fit was refused


def _each(laws: Posterior | Average) -> list[Posterior]:
    return list(laws.fits.values()) if isinstance(laws, Average) else [laws]


def _held(laws: Posterior | Average, candidates: Any, seed: int) -> Any:
    """Draw the misfit at the candidates, so that the answer is asked on the same draws of it."""
    if isinstance(laws, Average):
        fits = {n: _held(fit, candidates, seed + i) for i, (n, fit) in enumerate(laws.fits.items())}
        return replace(laws, fits=fits)
    if laws.field is None:
        return laws
    frame, inputs = read_scenarios(candidates, laws)
    _check_count(len(frame))
    by_study = {
        getattr(of, "study", ""): {symbol: values[rows] for symbol, values in inputs.items()}
        for of, rows in split_by_study(laws, frame, seed)
    }
    return held_at(laws, by_study, np.random.default_rng((seed, _STREAM)))


def _check_count(count: int) -> None:
    if count > _MOST:
        raise BayesqError(f"{count} candidates are too many; pass up to {_MOST}.")


@dataclass(frozen=True)
class _Costs:
    """What candidates cost: those of one training run are paid for once."""

    each: np.ndarray
    run: np.ndarray

    def due(self, chosen: np.ndarray) -> np.ndarray:
        """Say what each costs still, once some are chosen."""
        return np.where(np.isin(self.run, self.run[chosen]), 0.0, self.each)


def _costs(laws: Posterior | Average, scenarios: pd.DataFrame, cost: Any) -> _Costs:
    count = len(scenarios)
    if cost is not None:
        flops = np.asarray(cost, float)
        if flops.shape != (count,) or not (flops > 0).all():
            raise BayesqError(f"cost must be {count} numbers above 0, one a candidate.")
        return _Costs(flops, np.arange(count))
    if not {"N", "D"} <= set(scenarios):
        raise BayesqError("Candidates lack N or D, so their cost is unknown; pass cost=.")
    flops = np.asarray(6 * scenarios["N"] * scenarios["D"], float)
    if any(fit.law.stages != ("post",) for fit in _each(laws)):
        return _Costs(flops, np.arange(count))
    # One trained network is quantized in many ways.
    return _Costs(flops, scenarios.groupby(["N", "D"], sort=False).ngroup().to_numpy())


def _which_law(laws: Average) -> np.ndarray:
    """Say of each draw of a mixture which law it is of, shape (draws, laws)."""
    numbers = np.repeat(np.arange(len(laws.fits)), list(laws.counts().values()))
    return np.equal.outer(numbers, np.arange(len(laws.fits))).astype(float)


def _answers(decision: Asks, laws: Posterior | Average) -> tuple[np.ndarray, str, tuple[Any, ...]]:
    """Ask for the answer to narrow, shape (draws, answers)."""
    found = decision(laws)
    draws = found if isinstance(found, xr.DataArray) else getattr(found, "draws", None)
    if isinstance(draws, xr.Dataset):
        draws = draws[next(iter(draws.data_vars))]
    if not isinstance(draws, xr.DataArray):
        raise BayesqError(
            f"decision returned a {type(found).__name__}; let it return what a function of "
            "bayesq.decide or bayesq.predict gives."
        )
    name = str(draws.name or "the answer")
    return flat(draws), name, getattr(found, "notes", ())


def _means(told: Prediction, bent: bool) -> tuple[np.ndarray, np.ndarray]:
    """Means of the candidates' values, shape (draws, candidates), and their noise's variances.

    A misfit is a factor, which may be large: values of laws that have one go by their logarithm.
    """
    weights, parts = zip(*(told.laws.values() or [(1.0, told)]), strict=True)
    mean = flat(told.mean)
    bent = bent and bool((mean > 0).all())
    spreads = []
    for p in parts:
        off = p.draws - p.mean
        off = (off / p.mean if bent else off).quantile([0.25, 0.75], _OVER).values
        # Of a normal distribution; heavy tails may have no variance.
        spreads.append((off[1] - off[0]) / 1.349)
    noise = np.average(np.square(spreads), axis=0, weights=weights)
    # Draws far out in the tails would pass for everything that can be learned.
    return trimmed(np.log(mean) if bent else mean), noise


def _standard(wanted: np.ndarray) -> np.ndarray:
    """Bring answers to mean 0 and variance 1, positive ones by their logarithm."""
    values = np.log(wanted) if (wanted > 0).all() else wanted
    values = trimmed(values)
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _choose(
    wanted: np.ndarray, mean: np.ndarray, noise: np.ndarray, flops: _Costs, room: float
) -> pd.DataFrame:
    """Choose candidates by what each takes off per FLOP, or by what it takes off if that is more.

    The better of the two greedy ways is never far from the best there is (Leskovec et al. 2007,
    "Cost-effective Outbreak Detection in Networks"); one alone may be.
    """
    ways = [_greedy(wanted, mean, noise, flops, room, per_flop) for per_flop in (True, False)]
    return min(ways, key=lambda table: table["sd_left"].min())


def _greedy(
    wanted: np.ndarray,
    mean: np.ndarray,
    noise: np.ndarray,
    flops: _Costs,
    room: float,
    per_flop: bool,
) -> pd.DataFrame:
    # What is asked and what is measured, as one normal vector.
    joint = np.hstack([wanted, mean])
    covariance = np.cov(joint, rowvar=False, ddof=0)
    asked, count = wanted.shape[1], mean.shape[1]
    whole = np.trace(covariance[:asked, :asked])
    alone = _taken(covariance, asked, noise) / whole
    chosen, left, spent = np.zeros(count, int), np.full(count, np.nan), np.full(count, np.nan)
    used = 0.0
    for step in range(1, count + 1):
        gain = _taken(covariance, asked, noise) / whole
        due = flops.due(chosen > 0)
        open_ = (due <= room - used) & (chosen == 0) & (gain > _LEAST)
        if not open_.any():
            break
        # What comes with a run that is chosen already costs next to nothing.
        worth = gain / np.maximum(due, 1e-3 * flops.each) if per_flop else gain
        best = int(np.where(open_, worth, -np.inf).argmax())
        used += due[best]
        at = asked + best
        known = covariance[:, at] / (covariance[at, at] + noise[best])
        covariance = covariance - np.outer(known, covariance[at])
        chosen[best], spent[best] = step, used
        left[best] = np.sqrt(np.trace(covariance[:asked, :asked]) / whole)
    return pd.DataFrame(
        {
            "flops": flops.each,
            "gain": alone,
            "gain_per_flop": alone / flops.each,
            "chosen": chosen,
            "flops_so_far": spent,
            "sd_left": left,
        }
    )


def _taken(covariance: np.ndarray, asked: int, noise: np.ndarray) -> np.ndarray:
    """Variance that measuring each candidate takes off what is asked."""
    told = (covariance[:asked, asked:] ** 2).sum(axis=0)
    return np.asarray(told / (np.diag(covariance)[asked:] + noise))
