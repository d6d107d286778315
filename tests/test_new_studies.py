"""What studies say of a new one: the case study that chose the priors, and the note of how few."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import bayesq
from bayesq.checks.identification import identification_notes
from bayesq.model import hierarchy
from bayesq.model.design import design
from bayesq.model.pooling import pool
from studies import SHARED, Load, modules_of

FOLDER = Path(__file__).parents[1] / "case_studies" / "backtests"
SPREADS = (hierarchy._LOG_SPREAD, hierarchy._RAW_SPREAD, hierarchy._SCALE_SPREAD)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Iterator[Load]:
    yield from modules_of(FOLDER, ["new_studies", "pools", *SHARED], monkeypatch)


def held(load: Load, studies: int, spread: float, density: object) -> float:
    """Simulate studies of a spread, and count how often 90 % intervals hold a new one."""
    rng = np.random.default_rng(studies)
    foretell, errors, count = load("new_studies").foretell, np.full(studies, 0.1), 0
    for _ in range(200):
        each = rng.normal(-1, 0.4) + spread * rng.standard_normal(studies + 1)
        values = each[:studies] + errors * rng.standard_normal(studies)
        new = foretell(values, errors, (-1.05, 0.5), density, rng, draws=1000)
        low, high = np.quantile(new, [0.05, 0.95])
        count += int(low < each[studies] < high)
    return count / 200


@pytest.mark.parametrize("studies", [4, 6])
@pytest.mark.parametrize("spread", [0.2, 0.4])
def test_intervals_of_a_new_study_hold_it(load: Load, studies: int, spread: float) -> None:
    nu, sigma = (value for _, value in hierarchy._LOG_SPREAD.parameters)
    found = held(load, studies, spread, stats.t(nu, scale=sigma).pdf)
    assert 0.85 <= found <= 0.97


def test_a_light_prior_does_not_hold_studies_that_differ_more(load: Load) -> None:
    nu, sigma = (value for _, value in hierarchy._LOG_SPREAD.parameters)
    light = held(load, 4, 1.0, stats.halfnorm(scale=0.2).pdf)
    assert light < 0.75
    assert held(load, 4, 1.0, stats.t(nu, scale=sigma).pdf) > light + 0.08


def test_a_spread_may_lie_far_beyond_what_is_expected() -> None:
    for prior in SPREADS:
        assert float(prior.quantile(0.99)) > 8 * prior.median


def test_no_source_foretells_itself(load: Load) -> None:
    module = load("new_studies")
    source = {e.name: e.pool for e in module.studies()}
    jobs = module.make_jobs(list(source))
    assert len(jobs["each of all"]) == len(source)
    assert len(jobs["each of a pool of 4"]) == 4
    for count in module.COUNTS:
        some = jobs[f"of {count}"]
        assert len(some) == module.TRIES * len(set(source.values()))
        for left, others in some:
            assert len(others) == count
            assert len({source[n] for n in (left, *others)}) == count + 1


@pytest.mark.parametrize(
    ("studies", "severity", "words"),
    [(3, "warning", "3 studies"), (5, "info", "no better than 35%"), (8, "", "")],
)
def test_few_studies_say_how_few(studies: int, severity: str, words: str) -> None:
    sizes = pd.DataFrame({"N": [1e7, 1e8, 1e9], "D": [1e9, 1e11, 1e10]})
    frame = pd.concat([sizes.assign(study=f"s{i}") for i in range(studies)])
    runs = bayesq.read_runs(frame.assign(loss=3.0))
    chosen = pool(design(runs, bayesq.laws()["chinchilla"]), "study")
    found = [n for n in identification_notes(chosen) if n.code == "few-studies"]
    assert [n.severity for n in found] == ([severity] if severity else [])
    assert all(words in n.message for n in found)
