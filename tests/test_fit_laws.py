"""Several laws fitted to the rows that all can use."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr

import bayesq
import bayesq.comparison.fits as fits_room
from bayesq.errors import BayesqError
from bayesq.model.specification import Specification
from two_runs import check_sentence

QUICK: dict[str, Any] = {"draws": 20, "tune": 60, "chains": 2, "discrepancy": False}
LAWS = ("ptq-without-d", "kumar2024-ptq:gamma_D=0")


@pytest.fixture(scope="module")
def rounded() -> bayesq.Runs:
    """Choose rows of which one law can use more than another: some have no group."""
    grid = bayesq.load_pool("grid")
    return grid.select("stage == 'post' and w_kind == 'int' and w_group == 128 and w_bits <= 6")


def stop(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing was to be fitted")


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_laws_are_fitted_to_the_rows_that_all_can_use(
    rounded: bayesq.Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {**QUICK, "save": tmp_path / "fits", "progress": False}
    made = bayesq.fit_laws(rounded, LAWS, **options)
    assert list(made) == list(LAWS)
    assert len({f.data.attrs["fingerprint"] for f in made.values()}) == 1
    assert sorted(p.name for p in (tmp_path / "fits").iterdir()) == [
        "kumar2024-ptq_gamma_D=0.nc",
        "ptq-without-d.nc",
    ]
    found = bayesq.compare(made, cure="none", outside=None, progress=False)
    assert set(found.to_frame().index) == set(LAWS)
    with monkeypatch.context() as patch:
        patch.setattr(fits_room, "fit_specification", stop)
        again = bayesq.fit_laws(rounded, LAWS, **options)
        for name in LAWS:
            xr.testing.assert_equal(again[name].posterior, made[name].posterior)
            assert again[name].can_refit, "so that it can be cured"
        for changed in ({"seed": 1}, {"draws": 21}, {"noise": "normal"}, {"discrepancy": True}):
            with pytest.raises(AssertionError, match="nothing was to be fitted"):
                bayesq.fit_laws(rounded, LAWS, **(options | changed))
        with pytest.raises(AssertionError, match="nothing was to be fitted"):
            bayesq.fit_laws(rounded.select("w_bits >= 3"), LAWS, **options)


def test_rows_that_one_law_cannot_use_are_left_to_none(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def keep(specification: Specification, **_: Any) -> SimpleNamespace:
        asked[specification.law.name] = specification.design.runs
        return SimpleNamespace(specification=specification)

    monkeypatch.setattr(fits_room, "fit_specification", keep)
    grid = bayesq.load_pool("grid").select("stage == 'post'")
    table = grid.frame
    table.loc[table.index[:200], "w_group"] = np.nan
    fits = bayesq.fit_laws(bayesq.read_runs(table), ["ptq-bits-by-group", "kumar2024-ptq"])
    assert list(fits) == list(asked)
    one, other = (r.fingerprint for r in asked.values())
    assert one == other
    assert 0 < len(asked["kumar2024-ptq"]) < len(table)


@pytest.mark.parametrize(
    ("laws", "response", "words"),
    [
        (["kumar2024-ptq"], None, "Pass two laws or more, each once; these are kumar2024-ptq"),
        ("kumar2024-ptq", None, "Pass two laws or more, each once"),
        (["kumar2024-ptq", "kumar2024-ptq"], None, "Pass two laws or more, each once"),
        (["chinchilla", "kumar2024-ptq"], "degradation", "cannot be fitted to"),
        (["kumar2024-ptq", "kumar2024-ptp"], None, "did you mean kumar2024-ptq"),
        (["kumar2024-ptq", "ptq-without-d"], "delta", "response 'delta'; it takes"),
    ],
)
def test_laws_that_do_not_compare_are_refused(
    laws: Any, response: str | None, words: str, rounded: bayesq.Runs
) -> None:
    with pytest.raises(BayesqError) as caught:
        bayesq.fit_laws(rounded, laws, response, progress=False)
    check_sentence(str(caught.value), words)


def test_laws_that_cannot_be_fitted_together_are_refused_before_any_is(
    grid: bayesq.Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*args: object, **options: object) -> None:
        raise AssertionError("nothing was to be fitted")

    monkeypatch.setattr("bayesq.comparison.fits.fit_specification", stop)
    # Of the rows that both can use none is quantized, and Kumar's law is about those that are.
    with pytest.raises(BayesqError, match="28 rows, none of them quantized, that law kumar2024"):
        bayesq.fit_laws(grid, ["chinchilla", "kumar2024-ptq"])


def test_a_misspelt_option_is_refused_whatever_is_kept(tmp_path: Path, grid: bayesq.Runs) -> None:
    with pytest.raises(BayesqError, match="fit_laws takes no drws; did you mean draws"):
        bayesq.fit_laws(grid, ["kumar2024-ptq", "ouyang2024"], save=tmp_path, drws=5)
