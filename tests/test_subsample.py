"""Leaving out some of very many rows, which stand for all."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq.comparison import subsample
from bayesq.comparison.subsample import Subsample, choose, nearly_of, sampled_of
from bayesq.comparison.units import densities
from bayesq.model.specification import specify
from tests.made_up_fits import made_up_fit

TRUTH = {"E": 1.69, "A": 406.4, "alpha": 0.34, "B": 410.7, "beta": 0.28, "sigma": 0.01, "dof": 5.0}
ROWS = 800


@pytest.fixture(scope="module")
def runs():
    rng = np.random.default_rng(4)
    n = np.exp(rng.uniform(np.log(1e7), np.log(1e10), ROWS))
    d = np.exp(rng.uniform(np.log(1e9), np.log(1e12), ROWS))
    loss = 1.69 + 406.4 * n**-0.34 + 410.7 * d**-0.28
    scattered = loss * np.exp(0.01 * rng.standard_t(5, ROWS))
    cells = [f"run-{i // 5}" for i in range(ROWS)]
    return bayesq.read_runs(pd.DataFrame({"N": n, "D": d, "loss": scattered, "run": cells}))


@pytest.fixture(scope="module")
def fits(runs):
    """Two posteriors of one law, of which one lies a little off."""
    made = {}
    for name, off in (("one", 1.0), ("other", 1.003)):
        rng = np.random.default_rng(0)
        over = ("chain", "draw")
        # Draws as near each other as those of a fit of so many rows are.
        posterior = {k: (over, off * v * rng.normal(1, 4e-4, (2, 60))) for k, v in TRUTH.items()}
        coords = {"chain": range(2), "draw": range(60)}
        described = specify(runs, "chinchilla", "loss", discrepancy=False)
        made[name] = made_up_fit(described, xr.Dataset(posterior, coords))
    return made


@pytest.fixture
def few(monkeypatch):
    monkeypatch.setattr(subsample, "MOST_UNITS", 150)
    monkeypatch.setattr(subsample, "_SAMPLED", 120)


def test_a_sample_stands_for_all_rows(fits, few):
    said = bayesq.compare(fits, outside=None, cure="none", progress=False)
    table = said.to_frame()
    assert len(said.inside["one"].looked_at) == 120
    assert f"120 of {ROWS:,} rows left out" in said.text
    assert "loo-subsample" in {note.code for note in said.notes}
    subsample.MOST_UNITS = 10_000  # undone by monkeypatch
    whole = bayesq.compare(fits, outside=None, cure="none", progress=False)
    for name, row in whole.to_frame().iterrows():
        error = table.at[name, "subsampling_se"]
        assert 0 < error < 0.2 * row["se"]
        assert abs(table.at[name, "elpd"] - row["elpd"]) < 4 * error
        assert table.at[name, "se"] == pytest.approx(row["se"], rel=0.05)
    there, here = whole.difference("one", "other"), said.difference("one", "other")
    assert there.elpd > 0
    one, other = said.inside["one"], said.inside["other"]
    by_chance = one.sample.error(one.elpd - other.elpd, other.sample)
    assert 0 < by_chance < there.se
    assert here.elpd == pytest.approx(there.elpd, abs=4 * by_chance)
    assert here.sign == there.sign
    assert here.se > there.se * 0.95
    assert "subsampling_se" not in whole.to_frame()


def test_it_is_the_estimator_of_arviz(fits, few):
    import arviz_stats as azs

    fit = fits["one"]
    codes = np.arange(ROWS)
    chosen = choose(codes)
    likelihood = densities(fit).load()
    data = xr.DataTree.from_dict(
        {"log_likelihood": likelihood.to_dataset(name="loss"), "posterior": fit.posterior}
    )
    theirs = azs.loo_subsample(data, observations=chosen, var_name="loss", pointwise=True)
    # Theirs goes by all draws for all rows.
    sample = Subsample(chosen, theirs.elpd_loo_approx.values)
    ours = sample.spread(theirs.elpd_i.values[chosen])
    assert ours.sum() == pytest.approx(theirs.elpd, rel=1e-12)
    assert sample.error(ours) == pytest.approx(theirs.subsampling_se, rel=1e-9)
    np.testing.assert_allclose(sampled_of(fit, codes, chosen), likelihood[..., chosen], rtol=1e-9)
    # By a few draws of all rows the same but for how far draws lie apart.
    assert np.abs(nearly_of(fit, codes) - sample.nearly).max() < 0.5
    assert np.corrcoef(nearly_of(fit, codes), sample.nearly)[0, 1] > 0.99


def test_units_of_runs_are_sampled_whole(fits, few):
    codes = np.arange(ROWS) // 5
    chosen = choose(codes)
    found = sampled_of(fits["one"], codes, chosen)
    rows = densities(fits["one"]).load().values
    np.testing.assert_allclose(
        found.values[..., 7], rows[..., codes == chosen[7]].sum(axis=-1), rtol=1e-9
    )
    assert len(nearly_of(fits["one"], codes)) == ROWS // 5
    said = bayesq.compare(fits, unit="run", outside=None, cure="none", progress=False)
    assert len(said.inside["one"].elpd) == ROWS // 5
    assert len(said.inside["one"].looked_at) == 120


def test_few_units_are_all_left_out():
    assert choose(np.arange(subsample.MOST_UNITS)) is None
    again = [choose(np.arange(subsample.MOST_UNITS + 1)) for _ in range(2)]
    np.testing.assert_array_equal(*again)


def test_what_memory_does_not_hold_is_refused(fits, monkeypatch):
    monkeypatch.setattr(subsample, "_MOST_CELLS", 1000)
    with pytest.raises(bayesq.BayesqError, match="unit='row'"):
        bayesq.compare(fits, unit="run", outside=None, cure="none", progress=False)
