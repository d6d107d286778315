"""Learn from pools how wrong laws are: the priors of tau and tau_format.

    python case_studies/backtests/learn.py

fits every backtested pool whole, under a wide prior of the two, and writes what each says of them
to learned.json. What pools have in common is the prior: a normal distribution of log tau over
pools, of which each pool gives one uncertain value. Without arguments it prints that of all pools,
the defaults of bayesq; the table of backtests scores each pool with that of the others. With
--again it fits all pools once more, leaves learned.json as it is, and writes to README.md how far
what they say now is from it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

import bayesq

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1]))
from finished import Making
from pools import Entry, entries
from working import add_jobs, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
README, RESULT = _HERE / "README.md", _HERE / "learned.json"
RESPONSES = ("loss", "degradation")
# Wide: a factor of 5 to either side in the middle 90 %.
WIDE = {"tau": (-2.3, 1.0), "tau_format": (-3.0, 1.0)}
SYMBOLS = tuple(WIDE)
# A source of less precision than this says nothing of log tau: the wide prior has 1.
SAID = 0.2


def main() -> None:
    """Fit the pools that are not yet in the file, and print the priors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="names of pools, with commas; all by default")
    parser.add_argument("--again", action="store_true", help="fit all, and compare")
    add_jobs(parser)
    arguments = parser.parse_args()
    making = Making(arguments.jobs)
    only = {name for name in arguments.only.split(",") if name}
    found = read()
    wanted = [
        e
        for response in RESPONSES
        for e in teachers(response)
        if (arguments.again or e.name not in found) and (not only or e.name in only)
    ]
    now = {}
    for entry, told in zip(wanted, run(says, wanted, making.processes), strict=True):
        print(entry.name, told, flush=True)
        now[entry.name] = told
        if not arguments.again:
            replace_text(RESULT, json.dumps(found | now, indent=1) + "\n")
    for response in RESPONSES:
        print(response, prior(teachers(response)))
    if arguments.again and not only:
        write_between(README, [making.line(), *compared(found, now)], "learned")


def compared(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say how far what pools say now is from learned.json, and which priors either gives."""
    apart = {
        (name, symbol): (now[name][symbol][0] - mean) / sd
        for name, told in then.items()
        if name in now
        for symbol, (mean, sd) in told.items()
    }
    name, symbol = max(apart, key=lambda key: abs(apart[key]))
    lines = []
    for response in RESPONSES:
        priors = [prior(teachers(response), said) for said in (then, now)]
        for which, each in zip(SYMBOLS, zip(*map(_numbers, priors), strict=True), strict=True):
            if response == "degradation" or which == "tau":
                lines.append((response, f"log {which}", *each))
    most = abs(apart[name, symbol])
    return [
        f"The {len(now)} pools were fitted again: what they say of log tau and log tau_format is "
        f"at most {most:.2f} of its standard deviations from `learned.json` "
        f"({symbol} of {name}). Mean and standard deviation of the priors:",
        markdown(("response", "prior of", "of learned.json, the default", "made again"), lines),
    ]


def _numbers(learned: bayesq.Discrepancy) -> list[str]:
    """Word the mean and the standard deviation of log tau, and of log tau_format."""
    both = (dict(p.parameters) for p in (learned.drift, learned.format))
    return [f"{p['mu']:.2f}, {p['sigma']:.2f}" for p in both]


def teachers(response: str, without: str = "") -> list[Entry]:
    """List the entries that teach the prior for a response, but those of the pool `without`.

    Of losses these are the base laws on rows in full precision.
    """
    return [
        e
        for e in entries()
        if e.response == response
        and e.pool != without
        and (response == "degradation" or e.family == "base")
    ]


def read() -> dict[str, Any]:
    """Read what pools said."""
    return json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}


def says(entry: Entry) -> dict[str, list[float]]:
    """Fit a pool whole: mean and standard deviation of the logarithms of tau and tau_format."""
    wide = bayesq.Discrepancy(
        *(bayesq.Prior("LogNormal", mu=mu, sigma=sigma) for mu, sigma in WIDE.values())
    )
    fit = bayesq.fit(
        entry.runs(), entry.law, entry.response, discrepancy=wide, seed=1, progress=False
    )
    told = {}
    for symbol in SYMBOLS:
        if symbol in fit.posterior:
            logs = np.log(fit.posterior[symbol].values)
            told[symbol] = [round(float(logs.mean()), 4), round(float(logs.std()), 4)]
    return told


def prior(pools: Iterable[Entry], said: dict[str, Any] | None = None) -> bayesq.Discrepancy:
    """Work out what some pools have in common, as a discrepancy; by default of learned.json.

    Pools of one source count as one: the three corpora of one project are not three answers.
    """
    said, pools = read() if said is None else said, list(pools)
    priors = []
    for symbol in SYMBOLS:
        by_source: dict[str, list[tuple[float, float]]] = {}
        for entry in pools:
            if symbol in said.get(entry.name, {}):
                by_source.setdefault(entry.pool, []).append(_likelihood(symbol, said[entry.name]))
        mu, sigma = _common([one for several in by_source.values() if (one := _one(several))])
        priors.append(bayesq.Prior("LogNormal", mu=round(mu, 2), sigma=round(sigma, 2)))
    return bayesq.Discrepancy(*priors)


def _likelihood(symbol: str, told: dict[str, list[float]]) -> tuple[float, float]:
    """Take the wide prior out of a posterior of log tau: precision, and precision times mean."""
    mean, sd = told[symbol]
    wide_mean, wide_sd = WIDE[symbol]
    precision = max(sd**-2 - wide_sd**-2, 0.0)
    return precision, (mean * sd**-2 - wide_mean * wide_sd**-2) * (precision > 0)


def _one(several: list[tuple[float, float]]) -> tuple[float, float] | None:
    """Average what the pools of one source say; None where they say next to nothing."""
    precision, weighted = np.mean(several, axis=0)
    return (weighted / precision, precision**-0.5) if precision > SAID else None


def _common(values: list[tuple[float, float]]) -> tuple[float, float]:
    """Mean and spread over pools of log tau, and so of a new pool's, by a normal-normal model.

    The spread has a half-normal prior of standard deviation 0.7, and is integrated out on a grid
    with a flat prior of the mean (Gelman et al. 2013, Bayesian Data Analysis, section 5.4).
    """
    if not values:
        return WIDE["tau_format"]
    y, sd = (np.array(column) for column in zip(*values, strict=True))
    spread = np.linspace(0.02, 2.0, 200)
    precision = 1 / (sd**2 + spread[:, None] ** 2)
    mean = (precision * y).sum(axis=1) / precision.sum(axis=1)
    log = (
        (np.log(precision) - precision * (y - mean[:, None]) ** 2).sum(axis=1)
        - np.log(precision.sum(axis=1))
        - (spread / 0.7) ** 2
    ) / 2
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    middle = float((weight * mean).sum())
    variance = (weight * (spread**2 + 1 / precision.sum(axis=1) + (mean - middle) ** 2)).sum()
    return middle, float(variance**0.5)


if __name__ == "__main__":
    main()
