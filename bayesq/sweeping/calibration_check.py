"""Simulation-based calibration: the sampler finds again what was drawn from the priors.

Parameters and losses are drawn from the priors and the noise, the model is sampled on those losses,
and each true value is ranked among the draws. Where prior, likelihood, coordinates and sampler are
right, ranks are uniform (Talts et al. 2018, arXiv:1804.06788).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bayesq import html
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.files import check_target, write_beside
from bayesq.fitting import check_settings
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.law.law import Law
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.noise import Noise
from bayesq.model.specification import specify
from bayesq.notes import Note, by_severity
from bayesq.progress import Progress, showing
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import SAMPLER
from bayesq.stopped import Stopped, stopping
from bayesq.sweeping.simulation import FEWEST, Simulation
from bayesq.sweeping.uniformity import p_value

DRAWS, CHAINS = 500, 2
# Share of right models that are called wrong, in a word of warning and in a severe one.
WARNED, FALSE_ALARMS = 0.05, 1e-3
NO_QUANTITIES = ("simulation", "ess", "divergences")
_FEW = 50  # simulations: with fewer only what is grossly wrong is seen
_EXAMPLE = "ranks.json"


@dataclass(frozen=True, eq=False)
class CalibrationCheck:
    """Ranks of what was true among draws of it. Made by :func:`bayesq.calibration_check`.

    Parameters
    ----------
    title : str
        What was simulated, in a few words.
    ranks : pandas.DataFrame
        One line a simulated table: its number ``simulation``; the rank of each quantity, from 0 to
        1; the least effective sample size ``ess`` of them; and the number of ``divergences``.
    """

    title: str
    ranks: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        """Tabulate how far the ranks of each quantity are from uniform ones.

        Returns
        -------
        DataFrame
            Indexed by ``quantity``: parameters of law and noise, the ``prediction`` at ten times
            every size of the last row, there the ``misfit``, and the ``log_likelihood``. Columns
            ``p_value``, the probability that uniform ranks leave the simultaneous envelope that
            these touch; ``mean`` of the ranks, 0.5 where all is right, more where the posterior
            lies too low; ``spread``, their standard deviation relative to that of uniform ones,
            more than 1 where it is too narrow.
        """
        quantities = self.ranks.drop(columns=list(NO_QUANTITIES))
        return pd.DataFrame(
            {
                "p_value": [p_value(quantities[name].to_numpy()) for name in quantities],
                "mean": quantities.mean().to_numpy(),
                "spread": quantities.std(ddof=0).to_numpy() * np.sqrt(12),
            },
            index=pd.Index(quantities.columns, name="quantity"),
        )

    @property
    def text(self) -> str:
        """The verdict in a sentence."""
        p = self.to_frame()["p_value"]
        wrong = p[p * len(p) < WARNED]
        count = len(self.ranks)
        within = f"smallest p-value {p.min():.2g}, of {p.idxmin()}, among {len(p)} quantities"
        if wrong.empty:
            return (
                f"Over {how_many(count, 'simulated table')} what was true has the ranks that it "
                "is to have "
                f"({within})."
            )
        return (
            f"Over {how_many(count, 'simulated table')} the ranks of "
            f"{', '.join(map(str, wrong.index))} are "
            f"not uniform ({within})."
        )

    @property
    def notes(self) -> tuple[Note, ...]:
        """Codes ``not-calibrated``, ``few-simulations`` and ``few-draws``."""
        return by_severity(_notes(self.ranks, self.to_frame()))

    def __repr__(self) -> str:
        table = self.to_frame().to_string(float_format="{:.4g}".format)
        return "\n".join([self.title, self.text, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(
            self.title,
            html.paragraph(self.text),
            html.table(self.to_frame()),
            html.notes(self.notes),
        )


def calibration_check(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    simulations: int = 100,
    draws: int = DRAWS,
    chains: int = CHAINS,
    sampler: str = SAMPLER,
    seed: int = 0,
    save: str | Path | None = None,
    executor: Executor | int | None = None,
    progress: bool | Progress = True,
) -> CalibrationCheck:
    """Check a model by simulation: draw tables from its priors, fit each, and rank what was true.

    It tells whether law, priors, noise, discrepancy and sampler agree with each other on the
    settings of these rows; whether the law is true of the world it cannot tell, which backtests do.

    Parameters
    ----------
    runs : Runs
        The table: its settings are those of the simulated ones, and its losses set the scale.
    law : str or Law
        A law, or the name of one.
    response, noise, discrepancy
        As in :func:`bayesq.fit`.
    simulations : int
        Number of tables: the more of them, the smaller the errors that show.
    draws, chains : int
        Draws kept a chain, as many for tuning, and the number of chains. Where they are too few to
        rank among, four times as many are drawn.
    sampler : str
        As in :func:`bayesq.fit`.
    seed : int
        Number of the first table; each has its number for a seed.
    save : str or Path, optional
        File that keeps the ranks as they come. The same call with the same file goes on where it
        was stopped, and one for more simulations makes those that are not there.
    executor : concurrent.futures.Executor or int, optional
        Where tables are fitted, as in :func:`bayesq.sweep`.
    progress : bool
        Say on the error stream how far it is.

    Returns
    -------
    CalibrationCheck
        ``.ranks``, ``.to_frame()`` with a p-value for each quantity, ``.text`` and ``.notes``.

    Raises
    ------
    BayesqError
        As :func:`bayesq.fit`; if the file holds anything else.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.calibration_check(bayesq.load_pool("grid"), "chinchilla")  # doctest: +SKIP
    """
    check_settings(draws, draws, chains, seed, sampler)
    if not isinstance(simulations, Integral) or simulations < 2:
        raise BayesqError(f"simulations is {simulations!r}; it must be a whole number from 2 on.")
    check_executor(executor)
    described = specify(runs, law, response, noise=noise, discrepancy=discrepancy)
    numbers = range(seed, seed + simulations)
    simulation = Simulation(described, int(draws), int(chains), sampler)
    kept = None if save is None else _Kept(Path(save), simulation)
    found = {} if kept is None else kept.read()
    missing = [number for number in numbers if number not in found]
    with showing(progress) as told, stopping(lambda: _stopped(found, kept)):
        already = len(numbers) - len(missing)
        for line in simulate(simulation, missing, executor, told, already=already):
            found[int(line["simulation"])] = line
            if kept is not None:
                kept.write(found)
    title = f"Calibration of {described.law.name} for {described.response} on rows of {runs.source}"
    ranks = pd.DataFrame([found[number] for number in numbers])
    return CalibrationCheck(title, ranks.astype({"simulation": int, "divergences": int}))


def simulate(
    simulation: Simulation,
    numbers: Iterable[int],
    executor: Executor | int | None,
    told: Progress,
    *,
    already: int = 0,
) -> Iterator[dict[str, float]]:
    """Simulate tables, wherever there is room, and yield the ranks of each as it is finished.

    Parameters
    ----------
    simulation : Simulation
        What is simulated.
    numbers : iterable of int
        Which tables.
    executor, told, already
        As :func:`bayesq.jobs.spread.spread` takes them.
    """
    units = [Unit(str(number), simulation, (number,)) for number in numbers]
    for _, line in spread(units, executor, told, "simulation", already=already):
        yield line


class _Kept:
    """The file that keeps the ranks of one simulation."""

    def __init__(self, path: Path, simulation: Simulation) -> None:
        self._path = path
        told = {
            "fit": simulation.described.key,
            "draws": simulation.draws,
            "chains": simulation.chains,
            "sampler": simulation.sampler,
        }
        self._key = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        check_target(path, _EXAMPLE)

    def __str__(self) -> str:
        return str(self._path)

    def read(self) -> dict[int, dict[str, float]]:
        """Take what is there, by number.

        Raises
        ------
        BayesqError
            If it is something else.
        """
        if not self._path.exists():
            return {}
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            held = json.loads(self._path.read_text(encoding="utf-8"))
            if held["key"] == self._key:
                return {
                    int(line["simulation"]): {str(n): float(v) for n, v in line.items()}
                    for line in held["ranks"]
                }
        raise BayesqError(
            f"{self._path} holds no ranks of this law, these rows, priors and draws; name another "
            "file, or remove that one."
        )

    def write(self, found: dict[int, dict[str, float]]) -> None:
        text = json.dumps({"key": self._key, "ranks": list(found.values())})
        write_beside(self._path, lambda b: b.write_text(text, encoding="utf-8"), _EXAMPLE)


def _stopped(found: dict[int, Any], kept: _Kept | None) -> Stopped:
    if kept is None or not found:
        return Stopped("nothing was kept; with save= finished simulations are")
    return Stopped(f"kept: {len(found)} simulations in {kept}", goes_on=True)


def _notes(ranks: pd.DataFrame, table: pd.DataFrame) -> Iterator[Note]:
    p = table["p_value"] * len(table)
    if (wrong := table[p < WARNED]).size:
        named = ", ".join(
            f"{name} (p = {line['p_value']:.2g}, {_lies(line)})" for name, line in wrong.iterrows()
        )
        yield Note(
            "not-calibrated",
            "severe" if p.min() < FALSE_ALARMS else "warning",
            f"True values do not have the ranks among the draws that they are to have: {named}.",
            "More simulations tell chance from error; then look at the formula, at priors on what "
            "the rows cannot tell, and at divergences.",
        )
    if len(ranks) < _FEW:
        yield Note(
            "few-simulations",
            "info",
            f"{len(ranks)} simulated table{'s' * (len(ranks) > 1)} show only what is grossly "
            "wrong.",
            f"Ask for {2 * _FEW} or more.",
        )
    if short := int((ranks["ess"] < FEWEST).sum()):
        yield Note(
            "few-draws",
            "warning",
            f"In {short} of {len(ranks)} simulations there are fewer than {FEWEST} effective draws "
            "to rank among, so that ranks may look wrong where only the draws are few.",
            "Ask for more draws.",
        )


def _lies(line: pd.Series) -> str:
    """Word how a posterior lies to the truth."""
    if abs(line["mean"] - 0.5) * np.sqrt(12) > abs(line["spread"] - 1):
        return f"the posterior lies too {'low' if line['mean'] > 0.5 else 'high'}"
    return f"the posterior is too {'narrow' if line['spread'] > 1 else 'wide'}"
