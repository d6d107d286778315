"""Saved fits of very many rows: little room on disk, and the same rows when they come back."""

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.posterior import folded, on_demand
from tests.made_up_fits import around

TRUTH = {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28, "sigma": 0.01, "dof": 5.0}


@pytest.fixture(scope="module")
def fit():
    rng = np.random.default_rng(4)
    n = np.exp(rng.uniform(np.log(1e7), np.log(1e10), 600))
    d = np.exp(rng.uniform(np.log(1e9), np.log(1e12), 600))
    loss = 1.69 + 406.4 * n**-0.34 + 410.7 * d**-0.28
    table = pd.DataFrame(
        {"N": n, "D": d, "loss": loss, "run": [f"r{i // 100}" for i in range(600)]}
    )
    table["note"] = [f"of its own {i}" for i in range(600)]
    return around(bayesq.read_runs(table), "chinchilla", "loss", TRUTH)


def test_a_folded_file_holds_the_same_rows(fit, tmp_path, monkeypatch):
    plain = fit.save(tmp_path / "plain.nc").stat().st_size
    monkeypatch.setattr(folded, "_MANY", 100)
    path = fit.save(tmp_path / "folded.nc")
    # What is drawn anew for each row is in both, and takes most of so small a file.
    assert path.stat().st_size < plain - 150_000
    back = bayesq.load_fit(path)
    assert back.design.runs.fingerprint == fit.design.runs.fingerprint
    for name, values in fit.design.runs.columns.items():
        assert back.design.runs.columns[name].dtype == values.dtype
        np.testing.assert_array_equal(back.design.runs.columns[name], values)
    before, after = (f.data["constant_data"].to_dataset() for f in (fit, back))
    assert set(before) == set(after)
    assert after["run"].values.tolist() == before["run"].values.tolist()
    assert after["run"].attrs == before["run"].attrs


def test_a_file_of_few_rows_is_written_as_before(fit):
    tree, encoding = folded.fold(fit.to_tree())
    assert encoding == {}
    assert not any("words_of" in str(name) for node in tree.subtree for name in node.data_vars)


def test_values_that_no_memory_holds_are_refused(fit, monkeypatch):
    monkeypatch.setattr(on_demand, "MOST_CELLS", 1000)
    monkeypatch.setattr(on_demand, "_MOST_AT_ONCE", 50_000)
    for group in ("log_likelihood", "posterior_predictive"):
        kept = fit.data.filter(lambda node: node.name not in on_demand.POINTWISE)
        large = bayesq.Fit(fit.specification, kept, ())
        with pytest.raises(bayesq.BayesqError, match="ask for some rows"):
            _ = large.data[group]["loss"].values
        assert large.data[group]["loss"].isel(row=slice(0, 50)).values.shape == (2, 200, 50)
