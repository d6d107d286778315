"""What a notebook shows of each result: the numbers of its table, its notes, and no name obeyed."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html import escape, unescape
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from made_up_fits import around

import bayesq
from bayesq import html
from bayesq.backtesting.scored import Backtest
from bayesq.checks.prior_check import PriorCheck
from bayesq.notes import Note
from bayesq.planning.suggestions import Suggestions
from bayesq.posterior.sensitivity import Sensitivity
from bayesq.proving.decision_backtest import DecisionBacktest
from made_up_runs import made_up

ABOUT = {"E": 1.7, "A": 400.0, "B": 1100.0, "alpha": 0.34, "beta": 0.37}
HOSTILE = '<img src=x onerror="alert(1)">\x1b[31m'
NOTE = Note("few-runs", "warning", f"Runs of {HOSTILE} are few.", "Add <b>runs</b>.")


@pytest.fixture(scope="module")
def fit() -> bayesq.Fit:
    about = ABOUT | {"sigma": 0.01, "dof": 5.0}
    return around(made_up(18, study=HOSTILE), "chinchilla", "loss", about)


@pytest.fixture(scope="module")
def results(fit: bayesq.Fit) -> dict[str, Any]:
    """Make one of each kind of result, all without a sampler."""
    runs = made_up(18, study=HOSTILE)
    rows = pd.DataFrame(
        {"run": [1, 2], "in_50": [True, False], "in_90": [True, True], "distance": [1.0, 3.0]}
        | {name: [0.1, 0.2] for name in ("width_90", "crps", "log_score", "interval_score", "bias")}
    )
    decided = pd.DataFrame(
        {"bound": ["", "more"], "pinned": [True, False], "in_90": [True, True]}
        | {"ratio": [2.0, 3.0], "regret": [0.01, np.nan]}
    )
    candidates = pd.DataFrame({"N": [1e9], "chosen": [1], "flops_so_far": [1e18], "sd_left": [0.5]})
    draws = xr.DataArray(np.full((5, 2), 2.5), dims=("sample", "row"))
    table = pd.DataFrame({"prior": [0.1234567]}, index=["E"])
    return {
        "runs": runs,
        "check": bayesq.check(runs),
        "law": bayesq.laws()["frantar2025"],
        "laws": bayesq.laws(),
        "pool": bayesq.pools()["quest"],
        "pools": bayesq.pools(),
        "fit": fit,
        "published": bayesq.published("sun2025"),
        "prediction": bayesq.predict(fit, {"N": ["1B", "7B"], "D": "100B"}),
        "decision": bayesq.decide.compute_optimal(fit, compute=1e20),
        "average": bayesq.average({"a": fit, "b": fit}, weights={"a": 0.5, "b": 0.5}),
        "backtest": Backtest(f"law of {HOSTILE}", rows, (NOTE,)),
        "decision backtest": DecisionBacktest(f"law of {HOSTILE}", decided, (NOTE,)),
        "suggestions": Suggestions(candidates, HOSTILE, 1e18, (NOTE,)),
        "priors": PriorCheck(draws, np.array([2.4, 2.6]), (NOTE,), HOSTILE),
        "sensitivity": Sensitivity(table, table, HOSTILE, (NOTE,)),
    }


KINDS = (
    *("runs", "check", "law", "laws", "pool", "pools", "fit", "published", "prediction"),
    *("decision", "average", "backtest", "decision backtest", "suggestions", "priors"),
    "sensitivity",
)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_well_formed_short_and_shows_names_as_text(
    kind: str, results: dict[str, Any]
) -> None:
    told = results[kind]._repr_html_()
    ET.fromstring(f"<all>{told.replace('<br>', '<br/>')}</all>")
    assert "<img" not in told
    assert "\x1b" not in told
    assert "http" not in re.sub(r'xmlns="[^"]*"|https?://\S+', "", told)
    assert len(told) < 20_000


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in ("law", "pool")])
def test_notes_are_told_with_their_severity(kind: str, results: dict[str, Any]) -> None:
    result = results[kind]
    told = unescape(result._repr_html_())
    for note in getattr(result, "notes", ()):
        word = {"severe": "Severe", "warning": "Warning", "info": "Info"}[note.severity]
        assert f"<strong>{word}: {note.code}</strong>" in told


@pytest.mark.parametrize(
    "kind", ["prediction", "backtest", "decision backtest", "priors", "sensitivity", "decision"]
)
def test_numbers_are_those_of_the_table(kind: str, results: dict[str, Any]) -> None:
    """To the digits that are shown, counts with their suffix."""
    result = results[kind]
    shown = set(re.findall(r"<td[^>]*>([^<]*)</td>", result._repr_html_()))
    numbers = result.to_frame().select_dtypes("number").to_numpy(float).ravel()
    for value in numbers[~np.isnan(numbers)]:
        assert shown & {f"{value:.4g}", html.format_count(value), str(int(value))}


def test_a_fit_has_the_numbers_of_its_summary(fit: bayesq.Fit) -> None:
    told = fit._repr_html_()
    table = fit.summary()
    for symbol in ABOUT:
        cells = [f"{table.loc[symbol, name]:.4g}" for name in ("median", "lower", "upper")]
        row = next(r for r in told.split("<tr>") if f'<th scope="row">{symbol}</th>' in r)
        assert all(f">{cell}</td>" in row for cell in cells)
    assert "90 % interval" in told


def test_a_law_has_its_formula_symbols_and_constants(results: dict[str, Any]) -> None:
    law = results["law"]
    told = law._repr_html_()
    assert "<math" in told
    for p in law.parameters_of("loss"):
        assert f'<th scope="row">{p.symbol}</th>' in told
        assert escape(p.meaning) in told
        assert f"<td>{escape(p.prior_text)}</td>" in told
    assert "8.134" in told  # A of one of its published fits


def test_runs_show_first_rows_and_how_many_more(results: dict[str, Any]) -> None:
    told = results["runs"]._repr_html_()
    assert told.count('<th scope="row">') == 5
    assert "… and 13 more rows" in told
    assert ">10M</td>" in told
    head = told[told.index("<thead>") : told.index("</thead>")]
    assert re.findall(r"<th[^>]*>(\w+)", head)[:4] == ["row", "N", "D", "loss"]
    loss = results["runs"].columns["loss"]
    assert f"<dd>{loss.min():.4g} to {loss.max():.4g} nats/token</dd>" in told


def test_counts_units_and_what_is_no_number() -> None:
    frame = pd.DataFrame({"N": [7e9], "loss": [np.nan], "ess_bulk": [1234.4], "r_hat": [1.0]})
    told = html.table(frame, caption="a & b", units={"loss": "nats/token"})
    assert ">7B</td>" in told
    assert "a &amp; b" in told
    assert "<small>nats/token</small>" in told
    assert '<td class="number"></td>' in told
    assert ">1234</td>" in told
    assert ">1.000</td>" in told


def test_a_decision_s_counts_have_their_unit_by_row(results: dict[str, Any]) -> None:
    decision = results["decision"]
    told = decision._repr_html_()
    median = decision.to_frame()["median"].iloc[0]
    assert f">{html.format_count(median)}</td>" in told
    assert "<td>parameters</td>" in told


def test_a_law_is_shown_without_the_heavy_libraries() -> None:
    code = (
        "import sys, bayesq; laws = bayesq.laws(); print('sympy' in sys.modules); "
        "laws['kumar2024-ptq']._repr_html_(); "
        "print({'pymc', 'arviz', 'matplotlib', 'nutpie'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["False", "set()"]
