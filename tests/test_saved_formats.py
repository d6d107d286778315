"""Fits that earlier versions saved: each format is read for one version after its own at least."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from saved_fits import SAVED, fits, predicted, unpacked

import bayesq
from bayesq import BayesqError
from bayesq.posterior.migration import BEFORE, FORMAT, TOO_OLD
from bayesq.posterior.netcdf import write_tree

NAMES = ("ptq", "kinds", "studies")
# From the oldest to that of today.
NUMBERS = [name.rpartition(" ")[2] for name in (*reversed(BEFORE), FORMAT)]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_each_format_predicts_what_it_predicted(
    name: str, number: str, tmp_path: Path
) -> None:
    fit = bayesq.load_fit(unpacked(name, number, tmp_path))
    wanted = json.loads((SAVED / f"format-{number}.json").read_text())[name]
    np.testing.assert_allclose(predicted(name, fit), wanted, rtol=1e-9)
    assert "gamma_post" in fit.summary().index or "eff_rate" in fit.summary().index
    assert fit.data.attrs["format"] == FORMAT
    # Saved again it is a file of today.
    again = bayesq.load_fit(fit.save(tmp_path / "again.nc"))
    assert predicted(name, again) == predicted(name, fit)
    assert (again.kinds, again.notes) == (fit.kinds, fit.notes)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_of_today_holds_all_that_the_fit_was_made_of(name: str, tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked(name, NUMBERS[-1], tmp_path))
    assert fit.can_refit
    anew = fits_of_today()[name].specification
    assert fit.specification.key == anew.key
    assert fit.specification.design.runs.frame.equals(anew.design.runs.frame)
    for symbol, values in anew.design.inputs.items():
        np.testing.assert_array_equal(fit.specification.design.inputs[symbol], values)


def fits_of_today() -> dict[str, bayesq.Fit]:
    if not MADE:
        MADE.update(fits())
    return MADE


MADE: dict[str, bayesq.Fit] = {}


def test_a_file_without_its_rows_takes_the_table_to_be_fitted_again(tmp_path: Path) -> None:
    fit = bayesq.load_fit(unpacked("ptq", NUMBERS[0], tmp_path))
    assert not fit.can_refit
    table = fits_of_today()["ptq"].specification.design.runs
    other = bayesq.fit(table, "ptq-without-d", draws=20, tune=150, chains=2, seed=1, progress=False)
    said = bayesq.compare([fit, other], progress=False)
    assert "no-rows" in [note.code for note in said.notes]
    assert not said.beyond
    assert bayesq.compare([fit, other], runs=table, cure="none", progress=False).beyond


@pytest.mark.parametrize("number", NUMBERS)
def test_a_noise_keeps_the_priors_that_it_was_fitted_with(number: str, tmp_path: Path) -> None:
    path = unpacked("ptq", number, tmp_path)
    today = bayesq.load_fit(path).specification.noise
    tree = xr.open_datatree(path, engine="h5netcdf").load()
    told = json.loads(tree.attrs["noise"])
    other = bayesq.Prior("LogNormal", mu=-5.3, sigma=0.7)
    told["parameters"][0]["prior"] = other.to_dict()
    tree.attrs["noise"] = json.dumps(told)
    noise = bayesq.load_fit(write_tree(tree, path)).specification.noise
    assert noise.parameters[0].prior == other != today.parameters[0].prior
    assert noise.parameters[1:] == today.parameters[1:]


@pytest.mark.parametrize("text", TOO_OLD)
def test_older_files_are_refused_in_a_sentence(text: str, tmp_path: Path) -> None:
    path = unpacked("ptq", NUMBERS[0], tmp_path)
    tree = xr.open_datatree(path, engine="h5netcdf").load()
    tree.attrs["format"] = text
    older = write_tree(tree, tmp_path / "older.nc")
    with pytest.raises(BayesqError, match=r"saved by an earlier bayesq, .*; fit the table again"):
        bayesq.load_fit(older)


@pytest.mark.parametrize("harm", [{"law": "[]"}, {"law": "{}"}, {"pivots": "[1]"}])
@pytest.mark.parametrize("number", NUMBERS)
def test_a_damaged_file_is_told_in_a_sentence(
    number: str, harm: dict[str, str], tmp_path: Path
) -> None:
    tree = xr.open_datatree(unpacked("kinds", number, tmp_path), engine="h5netcdf").load()
    tree.attrs |= harm
    path = write_tree(tree, tmp_path / "damaged.nc")
    with pytest.raises(BayesqError, match=r"damaged\.nc is damaged: .*; save the fit again\.$"):
        bayesq.load_fit(path)
