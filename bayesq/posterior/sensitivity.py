"""Which numbers depend on which prior, told by power-scaling.

Each prior, and the likelihood, is raised to a power near 1, and the draws are weighed anew; how far
a quantity's distribution moves, as a cumulative Jensen-Shannon distance per doubling of the power,
is its sensitivity. Nothing is fitted again. Kallioinen, Paananen, Bürkner and Vehtari, "Detecting
and diagnosing prior and likelihood sensitivity with power-scaling", Statistics and Computing 34:57,
2024, https://doi.org/10.1007/s11222-023-10366-5, whose threshold and words these are.

The distance is measured along the quantity's own axis, so a few huge draws would decide it alone.
Parameters are taken as they stand, where their priors are; a coefficient that is derived from its
term (A, values at N = 1) and a prediction or decision by their logarithm where they are positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.law.levels import OrderedByBits
from bayesq.model.names import Names
from bayesq.notes import Note, series
from bayesq.posterior.division import INNER
from bayesq.posterior.fitted import Fitted
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.posterior.summary import rows_of
from bayesq.progress import showing

_OVER = ("chain", "draw")
# Powers and threshold of the paper.
_POWERS = (0.99, 1.01)
_SCALED = ("lower_w", "upper_w", "lower_alpha", "upper_alpha")
_THRESHOLD = 0.05
# With fewer draws their tail cannot be smoothed, and a distance of the threshold's size is chance.
_FEWEST_DRAWS = 100
_STRONG = "potential strong prior / weak likelihood"
_CONFLICT = "potential prior-data conflict"
# Few data ever tell the tails apart, and nobody reads them: in the table, not in the words.
_UNSPOKEN = "dof"
_SHOWN = 5

Weights = list[np.ndarray] | None  # under either power; None where all draws weigh the same


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """What depends on the priors. Made by :meth:`Fit.sensitivity`.

    Parameters
    ----------
    table : pandas.DataFrame
        What :meth:`to_frame` returns.
    by_prior : pandas.DataFrame
        Sensitivity to each single prior: one row a quantity, one column a prior.
    text : str
        Which number depends on which prior, in words.
    notes : tuple of Note
        Code ``prior-sensitive``, one note a diagnosis.
    """

    table: pd.DataFrame
    by_prior: pd.DataFrame
    text: str
    notes: tuple[Note, ...]

    def to_frame(self) -> pd.DataFrame:
        """Tabulate the sensitivities; from 0.05 on they count.

        Returns
        -------
        DataFrame
            One row a parameter, scenario or answer; columns ``prior`` (sensitivity to all priors
            together), ``likelihood``, ``diagnosis`` ("potential prior-data conflict", "potential
            strong prior / weak likelihood" or "none"; "unknown" where too few draws have an
            answer), ``strongest_prior`` (the single prior of most effect) and ``effect`` (of that
            one). A single prior may have more effect than all together, where they pull against
            each other.
        """
        return self.table.copy()

    def __repr__(self) -> str:
        table = self.table.to_string(float_format="{:.3f}".format)
        return "\n".join([self.text, table, *map(str, self.notes)])


def sensitivity(fit: Posterior, of: Any = None, *, progress: bool = True) -> Sensitivity:
    """Tell which numbers of a fit depend on which prior.

    Parameters
    ----------
    fit : Fit
        The fit.
    of : Prediction or Decision, optional
        A prediction or a decision from this fit, instead of the parameters. Draws without an answer
        are left out, and so are the priors of another fit that was passed as ``base=``.
    progress : bool
        Say on the error stream what is being done, where it takes long.

    Returns
    -------
    Sensitivity
        A table, the same in words, and notes.

    Raises
    ------
    BayesqError
        If the fit has no densities of prior and likelihood, as a paper's constants have none, if it
        has too few draws, or if `of` does not come from it.
    """
    check_posterior(fit)
    if not isinstance(fit, Fitted) or fit.densities is None:
        raise BayesqError(
            f"What depends on priors is not known for {fit.title}, which has no densities of prior "
            "and likelihood; fit the law to runs with bayesq.fit(...)."
        )
    total = fit.posterior.sizes["chain"] * fit.posterior.sizes["draw"]
    if total < _FEWEST_DRAWS:
        raise BayesqError(
            f"The fit has {total} draws, and what depends on priors takes {_FEWEST_DRAWS}; fit "
            "with more draws."
        )
    what, quantities = _parameters(fit) if of is None else _answers(fit, of)
    priors = _priors(fit)
    likelihood = [_summed(v) for v in fit.densities.likelihood.data_vars.values()]
    densities = {"prior": sum(priors.values()), "likelihood": sum(likelihood)} | {
        f"prior of {name}": density for name, density in priors.items()
    }
    effects = {}
    with showing(progress) as told:
        for name in told.each(list(densities), "scaling the", str):
            weights = _weights(densities[name])
            effects[name] = [_effect(values, weights) for values in quantities.values()]
    table = pd.DataFrame(effects, index=pd.Index(quantities, name=what))
    whole = table[["prior", "likelihood"]]
    by_prior = table.drop(columns=whole.columns).rename(columns=lambda c: c[len("prior of ") :])
    table = whole.assign(
        diagnosis=[_diagnose(p, d) for p, d in whole.itertuples(index=False)],
        strongest_prior=by_prior.fillna(0.0).idxmax(axis=1).where(by_prior.notna().all(axis=1), ""),
        effect=by_prior.max(axis=1),
    )
    return Sensitivity(table, by_prior, _text(table, by_prior), _notes(table))


def _parameters(fit: Fitted) -> tuple[str, dict[str, np.ndarray]]:
    """Take the draws of each row of the summary."""
    # In each study a coefficient is derived from its term as it is in the population.
    derived = {p.symbol for p in fit.parameters if p.term is not None}
    found = {}
    for name, (values, _) in rows_of(fit.posterior, fit.parameters).items():
        draws = _flat(values)
        found[name] = _by_size(draws) if name.partition("[")[0] in derived else draws
    return "parameter", found


def _answers(fit: Fitted, of: Any) -> tuple[str, dict[str, np.ndarray]]:
    """Take the draws of each scenario of a prediction, or of each answer of a decision."""
    draws = getattr(of, "draws", None)
    if not isinstance(draws, xr.DataArray | xr.Dataset) or not set(_OVER) <= set(draws.dims):
        raise BayesqError(
            f"of= is of type {type(of).__name__}, which holds no draws of this fit; pass what "
            "bayesq.predict(fit, ...) or a question of bayesq.decide returned."
        )
    theirs, ours = ([s.sizes[d] for d in _OVER] for s in (draws, fit.posterior))
    if theirs != ours:
        raise BayesqError(
            f"of= has {theirs[0]} by {theirs[1]} draws (chains by draws) and the fit has {ours[0]} "
            f"by {ours[1]}; pass a prediction or a decision of this very fit."
        )
    if isinstance(draws, xr.DataArray):
        draws = draws.to_dataset(name=str(draws.name))
    found = {}
    for name, values in draws.data_vars.items():
        options = [d for d in values.dims if d not in _OVER]
        cells = values.stack(option=options) if options else values.expand_dims("option")
        for cell in cells.transpose("option", ...):
            label = [str(name)]
            if options:
                label += [f"{v:g}" if isinstance(v, float) else str(v) for v in cell.option.item()]
            if options == ["scenario"]:
                label = ["scenario", str(cell.option.item()[0] + 1)]
            found[" ".join(label)] = _by_size(_flat(cell))
    return "scenario" if "scenario" in draws.dims else "answer", found


def _priors(fit: Fitted) -> dict[str, xr.DataArray]:
    """Log-density of each prior that a person states, by the symbol that it is stated for."""
    assert fit.densities is not None  # as was seen to
    densities = fit.densities.prior
    found: dict[str, str] = {}
    for p in fit.parameters:
        names = Names(p)
        if p.by is not None:
            found |= {n: n for n in (names.rate, names.spread) if n in densities}
        elif (name := names.prior_on(densities)) is not None:
            found[p.symbol] = name
    # What else has one value, such as the size of effects.
    others = (str(n) for n, v in densities.items() if set(v.dims) == set(_OVER))
    held = set(found.values())
    found |= {n: n for n in others if n not in held and not n.startswith(INNER)}
    return {name: _summed(densities[n]) for name, n in found.items()} | _first_kinds(fit, densities)


def _first_kinds(fit: Fitted, densities: xr.Dataset) -> dict[str, xr.DataArray]:
    """Log-density of what each family keeps at its fewest bits; the steps above are a hierarchy."""
    found = {}
    for p in fit.law.parameters_of(fit.response):
        name = Names(p).steps
        if p.by is not None and isinstance(p.prior, OrderedByBits) and name in densities:
            above, _ = p.prior.steps(fit.kinds[p.by.symbol])
            first = densities[name].isel({p.by.symbol: above == 0})
            found[f"{p.symbol}_at_4_bits"] = _summed(first)
    return found


def _summed(density: xr.DataArray) -> xr.DataArray:
    return density.sum([d for d in density.dims if d not in _OVER])


def _flat(values: xr.DataArray) -> np.ndarray:
    return values.transpose(*_OVER).values.astype(float).ravel()


def _by_size(values: np.ndarray) -> np.ndarray:
    """Take logarithms where all values, those that are given, are positive."""
    return values if (values <= 0).any() else np.log(values)


# Both by what ArviZ's ``psense`` is made of, the same to the last digit: it scales variables of a
# whole fit, not predictions, nor those draws of a decision that have an answer.


def _weights(density: Any) -> Weights:
    """Weigh the draws under a little less and a little more of a density."""
    from arviz_stats import AzStatsDaAccessor

    # A uniform prior is the same everywhere, and no tail can be fitted to that.
    if np.ptp(density.values) == 0:
        return None
    scaled = AzStatsDaAccessor(density)
    return [np.exp(_flat(scaled.power_scale_lw(alpha=power))) for power in _POWERS]


def _effect(values: np.ndarray, weights: Weights) -> float:
    """Measure how far weights move a distribution; NaN where too few draws have a value."""
    from arviz_stats import AzStatsDaAccessor

    given = np.isfinite(values)
    if given.sum() < _FEWEST_DRAWS:
        return float("nan")
    if weights is None or np.ptp(values[given]) == 0:
        return 0.0
    draws, *ends = (xr.DataArray(v[None, given], dims=_OVER) for v in (values, *weights))
    scaled = zip(_SCALED, (*ends, *_POWERS), strict=True)
    return float(AzStatsDaAccessor(draws).power_scale_sense(**dict(scaled)))


def _diagnose(prior: float, likelihood: float) -> str:
    if np.isnan(prior):
        return "unknown"
    if prior < _THRESHOLD:
        return "none"
    return _CONFLICT if likelihood >= _THRESHOLD else _STRONG


def _text(table: pd.DataFrame, by_prior: pd.DataFrame) -> str:
    """Say which number depends on which prior, and what follows the data."""
    what = str(table.index.name)
    spoken = table.drop(index=_UNSPOKEN, errors="ignore")
    apart = f" but {_UNSPOKEN}" if len(_moved(table)) > len(_moved(spoken)) else ""
    moved = _moved(spoken)
    unknown = [name for name in spoken.index if spoken.at[name, "diagnosis"] == "unknown"]
    rest = [name for name in spoken.index if name not in moved and name not in unknown]
    rows, effects = table.T.to_dict(), by_prior.T.to_dict()
    said = [_clause(name, rows[name], effects[name]) for name in moved[:_SHOWN]]
    if more := len(moved) - len(said):
        said.append(f"{more} more {what}{'s depend' if more > 1 else ' depends'} on priors")
    if said and rest:
        is_one = len(rest) == 1
        others = f"the other {what}{'' if is_one else 's'}{apart}"
        said.append(f"{others} {'follows' if is_one else 'follow'} the data")
    elif len(rest) == 1:
        said.append(f"{rest[0]} follows the data: no prior moves it noticeably")
    elif rest:
        said.append(f"All {what}s{apart} follow the data: no prior moves them noticeably")
    sentences = [f"{'; '.join(said)}."] if said else []
    if unknown:
        sentences.append(f"Too few draws have a value of {_listed(unknown)} to tell.")
    return " ".join(sentences)


def _moved(table: pd.DataFrame) -> list[str]:
    """Name what any prior, or all together, move; the most moved first."""
    most = table[["prior", "effect"]].max(axis=1).sort_values(ascending=False, kind="stable")
    return [str(name) for name, effect in most.items() if effect >= _THRESHOLD]


def _clause(name: str, row: Mapping[str, Any], effects: Mapping[str, float]) -> str:
    """Say which priors move one number, the strongest first."""
    single = sorted(effects, key=lambda prior: -effects[prior])
    single = [f"{prior} ({effects[prior]:.2g})" for prior in single if effects[prior] >= _THRESHOLD]
    if single:
        said = f"the prior{'s' if len(single) > 1 else ''} of {_listed(single)}"
    else:
        said = f"the priors together ({row['prior']:.2g}), most on that of {row['strongest_prior']}"
    if row["prior"] < _THRESHOLD:
        said += ", which the other priors offset"
    return f"{name} depends on {said}{' and hardly on the data' * (row['diagnosis'] == _STRONG)}"


def _notes(table: pd.DataFrame) -> tuple[Note, ...]:
    spoken = table.drop(index=_UNSPOKEN, errors="ignore")
    notes = []
    for diagnosis, remedy in (
        (_STRONG, "Add runs that vary what it depends on, or state a prior that you can defend."),
        (_CONFLICT, "Check units and priors; widen a prior that you cannot defend and fit again."),
    ):
        rows = spoken[spoken["diagnosis"] == diagnosis]
        if len(rows):
            priors = _listed(dict.fromkeys(rows["strongest_prior"]))
            message = f"{_listed(rows.index)}: {diagnosis}, most from the prior of {priors}."
            notes.append(Note("prior-sensitive", "warning", message, remedy))
    return tuple(notes)


def _listed(words: Iterable[str]) -> str:
    given = list(words)
    if len(given) > _SHOWN:
        return f"{', '.join(given[:_SHOWN])} and {len(given) - _SHOWN} more"
    return series(given)
