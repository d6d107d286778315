"""Choose the priors of the spreads between studies: leave studies out, foretell a new one.

    python case_studies/backtests/new_studies.py

fits each study of the base laws by itself, writes what it says of the exponents to
new_studies.json, and asks of each what others say of a new study, under several priors of the
spread. It then leaves each study of the pools of four or more out of bayesq's own pooled fits. It
writes both tables to
README.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from pools import Entry, entries
from scipy import stats

import bayesq

sys.path.append(str(Path(__file__).parents[1]))
from finished import Making
from working import add_jobs, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
README, RESULT = _HERE / "README.md", _HERE / "new_studies.json"
SYMBOLS = ("alpha", "beta")
FEW = {"draws": 400, "tune": 400, "chains": 2, "seed": 1, "progress": False}
# Numbers of studies that foretell, and how often each source is left out of them.
COUNTS, TRIES = (2, 3, 4, 6), 25
# Pools of four studies or more, with the law that their rows are for.
POOLED = (("ptq_perplexity", "kumar2024-ptq"), ("open_athena_isoflops", "chinchilla"))
_POOLED_SAID = "bayesq's own pooled fits, as they come, each study left out in turn:"
_SPREADS = np.geomspace(1e-3, 5.0, 120)
# A study whose rows say less of a logarithm than this precision says next to nothing.
_LEAST = 0.5

Density = Callable[[np.ndarray], np.ndarray]
# A value and its standard error, by symbol.
Said = dict[str, tuple[float, float]]
# A study left out, and those that foretell it.
Job = tuple[str, Sequence[str]]


def spread_priors() -> dict[str, Density]:
    """Name the densities of the spread, up to a factor."""
    normal = {f"half-normal {s}": stats.halfnorm(scale=s).pdf for s in (0.2, 0.3)}
    t = {
        f"half-t {nu}, {s}": stats.t(nu, scale=s).pdf
        for nu, s in ((4, 0.3), (2, 0.2), (2, 0.3), (2, 0.4), (1, 0.2), (1, 0.3))
    }
    return normal | t


def main() -> None:
    """Fit, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--no-fits", action="store_true", help="fit nothing, print what new_studies.json gives"
    )
    add_jobs(parser)
    arguments = parser.parse_args()
    making = Making(arguments.jobs)
    if not arguments.no_fits:
        fit_each(making.processes)
    said = read()
    jobs = make_jobs(list(said))
    lines = []
    for name, density in spread_priors().items():
        lines.append((name, *(cell(some, said, density) for some in jobs.values())))
        print(*lines[-1], flush=True)
    parts = [counted(list(said)), markdown(("prior of the spread", *jobs), lines)]
    if not arguments.no_fits:
        header = ("pool", "study left out", "rows", "cover 50", "cover 90", "width / value")
        pooled = [line for some in run(pooled_lines, POOLED, making.processes) for line in some]
        parts += [_POOLED_SAID, markdown(header, pooled)]
        write_between(README, [making.line(), *parts], "new studies")
    print("\n\n".join(parts))


def counted(names: Sequence[str]) -> str:
    """Say how many studies there are."""
    source = {e.name: e.pool for e in studies()}
    return (
        f"{len(names)} studies of {len({source[n] for n in names})} sources, the same behind all "
        "columns. Cells: the share of exponents in their 90 % intervals, and the intervals' "
        "median width, on the logarithm."
    )


def studies() -> list[Entry]:
    """List the entries that are a study of a base law, each study once."""
    return [e for e in entries() if e.family == "base" and e.name != "misfitting-best"]


def fit_each(processes: int) -> None:
    """Fit each study by itself, and keep what it says."""
    told = run(_says, studies(), processes)
    found = {e.name: says for e, says in zip(studies(), told, strict=True)}
    replace_text(RESULT, json.dumps(found, indent=1) + "\n")


def _says(entry: Entry) -> dict[str, list[float]]:
    draws = bayesq.fit(entry.runs(), entry.law, **FEW).posterior
    logs = {s: np.log(draws[s].values) for s in SYMBOLS}
    return {s: [float(v.mean()), float(v.std())] for s, v in logs.items()}


def read() -> dict[str, Said]:
    """Read what each study's rows say of the exponents: the prior of its fit is taken out."""
    found = json.loads(RESULT.read_text(encoding="utf-8"))
    return {
        name: {symbol: _without_prior(symbol, *said[symbol]) for symbol in SYMBOLS}
        for name, said in found.items()
    }


def _prior(symbol: str) -> tuple[float, float]:
    """Mean and standard deviation of the logarithm of an exponent, as the law has them."""
    (prior,) = (
        p.single_prior for p in bayesq.laws()["chinchilla"].parameters if p.symbol == symbol
    )
    numbers = dict(prior.parameters)
    return numbers["mu"], numbers["sigma"]


def _without_prior(symbol: str, mean: float, sd: float) -> tuple[float, float]:
    mu, sigma = _prior(symbol)
    precision = max(sd**-2 - sigma**-2, _LEAST)
    return (mean * sd**-2 - mu * sigma**-2) / precision, precision**-0.5


def make_jobs(names: list[str]) -> dict[str, list[Job]]:
    """Name the ways to leave studies out."""
    source = {e.name: e.pool for e in studies()}
    athena = [n for n in names if source[n] == "open_athena_isoflops"]
    jobs: dict[str, list[Job]] = {
        "each of all": [(n, [o for o in names if o != n]) for n in names],
        "each of a pool of 4": [(n, [o for o in athena if o != n]) for n in athena],
    }
    rng = np.random.default_rng(0)
    for count in COUNTS:
        some = []
        for left_out in sorted(set(source.values())) * TRIES:
            one_each = {source[n]: n for n in rng.permutation(names).tolist()}
            left = one_each.pop(left_out)
            some.append((left, rng.permutation(list(one_each.values())).tolist()[:count]))
        jobs[f"of {count}"] = some
    return jobs


def cell(jobs: Sequence[Job], said: dict[str, Said], density: Density) -> str:
    """Share of exponents that lie in their 90 % intervals, and the intervals' median width."""
    rng = np.random.default_rng(1)
    held, widths = [], []
    for left, others in jobs:
        for symbol in SYMBOLS:
            values, errors = np.array([said[o][symbol] for o in others]).T
            value, error = said[left][symbol]
            new = foretell(values, errors, _prior(symbol), density, rng)
            low, high = np.quantile(new + error * rng.standard_normal(len(new)), [0.05, 0.95])
            held.append(low < value < high)
            widths.append(high - low)
    return f"{np.mean(held):.2f}, {np.median(widths):.2f}"


def foretell(
    values: np.ndarray,
    errors: np.ndarray,
    prior: tuple[float, float],
    density: Density,
    rng: np.random.Generator,
    draws: int = 4000,
) -> np.ndarray:
    """Draw a new study's value, shape ``(draws,)``.

    The normal-normal model of Gelman et al. 2013, Bayesian Data Analysis, section 5.4, with the
    spread on a grid.

    Parameters
    ----------
    values, errors : ndarray of float, shape (studies,)
        What is known of each study, and its standard error.
    prior : tuple of float
        Mean and standard deviation of the population's.
    density : callable
        Density of the spread, up to a factor.
    """
    weight = 1 / (errors**2 + _SPREADS[:, None] ** 2)
    precision = weight.sum(axis=1) + prior[1] ** -2
    mean = ((weight * values).sum(axis=1) + prior[0] * prior[1] ** -2) / precision
    log = np.log(density(_SPREADS) * _SPREADS) + np.log(weight).sum(axis=1) / 2
    log += (precision * mean**2 - (weight * values**2).sum(axis=1) - np.log(precision)) / 2
    share = np.exp(log - log.max())
    at = rng.choice(len(_SPREADS), draws, p=share / share.sum())
    middle = mean[at] + rng.standard_normal(draws) / np.sqrt(precision[at])
    return np.asarray(middle + _SPREADS[at] * rng.standard_normal(draws))


def pooled_lines(job: tuple[str, str]) -> list[tuple[str, ...]]:
    """Leave each study out of the pooled fits of a pool that has four or more."""
    pool, law = job
    found = bayesq.backtest(
        bayesq.load_pool(pool), law, split="study", pool_by="study", **FEW
    ).rows.assign(relative=lambda rows: rows["width_90"] / rows["observed"])
    lines = []
    for name, rows in [*found.groupby("fold"), ("all", found)]:
        covers = (f"{rows[c].mean():.2f}" for c in ("in_50", "in_90"))
        width = f"{rows['relative'].median():.2g}"
        lines.append((pool, str(name), str(len(rows)), *covers, width))
    return lines


if __name__ == "__main__":
    main()
