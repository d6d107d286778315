"""Parameters with one value a compression: names, ladders, fits, and questions about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import xarray as xr
from matplotlib import pyplot
from pytensor.compile.mode import Mode
from scipy import stats

import bayesq
from bayesq import Fit, Runs, deprecated
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.law.levels import COMPRESSION, Levels, OrderedByBits, at_rows
from bayesq.model.compose import compose
from bayesq.model.design import design
from bayesq.model.specification import specify_rows

FRANTAR = bayesq.laws()["frantar2025"]
EFF = FRANTAR.parameters[0]
QUICK = Mode(linker="py", optimizer="fast_compile")


def table(*formats: dict[str, Any]) -> Runs:
    rows = [
        {"N": 1e8 * (i + 1), "D": 1e10, "loss": 3.0 - 0.01 * i} | f for i, f in enumerate(formats)
    ]
    return bayesq.read_runs(pd.DataFrame(rows))


def minifloat(bits: float, exponent: float) -> Kind:
    return Kind(w_bits=bits, w_exponent=exponent, w_mantissa=bits - 1 - exponent)


def test_kinds_stand_by_family_from_few_bits_to_many() -> None:
    whole = [(4, 16), (2, 16), (3, 3), (3, 16), (8, 8), (4, 8)]
    kinds = [Kind(w_bits=w, a_bits=a, w_kind="int") for w, a in whole]
    kinds += [Kind(), minifloat(3, 2), minifloat(6, 2), minifloat(4, 3)]
    found = COMPRESSION.sort(kinds)
    above, below_4 = OrderedByBits(0.7, 1.0, EFF.prior.rate, EFF.prior.spread).steps(found)
    labels = [kind.label for kind in found]
    steps = dict(zip(labels, above.tolist(), strict=True))
    # Bits above the kind before it: families are of one kind of operand and one exponent.
    assert steps == {
        "W2 int": 0,
        "W3 int": 1,
        "W4 int": 1,
        "W3A3 int": 0,
        "W8A8 int": 5,
        "W4A8 int": 0,
        "W3 E2M0": 0,
        "W6 E2M3": 3,
        "W4 E3M0": 0,
    }
    assert labels.index("W2 int") < labels.index("W3 int") < labels.index("W4 int")
    assert dict(zip(labels, below_4.tolist(), strict=True))["W2 int"] == 2


def test_a_kind_is_found_by_some_of_its_words() -> None:
    a4 = {"w_bits": 4, "a_bits": 4, "method": "ste", "w_kind": "int"}
    known = [Kind(**a4, w_group=32), Kind(**a4, w_group=128), Kind(w_bits=2, w_kind="int")]
    known += [Kind(**a4 | {"a_bits": 16}, w_group=32)]
    known += [Kind(w_bits=2, w_kind="int", method="rot")]
    assert COMPRESSION.find("W4", known).label == "W4 int g32 ste"
    assert COMPRESSION.find("g128 W4A4", known).label == "W4A4 int g128 ste"
    assert COMPRESSION.find("W2 int", known).label == "W2 int", "all words before some"
    for kind in known:
        assert COMPRESSION.find(kind, known) is kind
    with pytest.raises(BayesqError, match=r"'W2' is none of .*: W4A4 int g32 ste; .*; W2 int;"):
        COMPRESSION.find(Kind(w_bits=2), known)
    for wanted, words in (("W4A4", "fits several .*g32 ste; W4A4 int g128"), ("W5", "is none of")):
        with pytest.raises(BayesqError, match=words):
            COMPRESSION.find(wanted, known)


def test_levels_of_ones_own_may_name_their_kinds() -> None:
    own = Levels("rounding", ("how",), lambda columns: columns["how"])
    kinds = own.kinds({"how": np.array(["up", "", "to nearest"], dtype=object)})
    assert [kind.label for kind in kinds] == ["up", "", "to nearest"]
    assert [kind.label for kind in own.sort(kinds)] == ["to nearest", "up"]
    assert own.find("nearest", own.sort(kinds)) == Kind(name="to nearest")
    assert kinds[2].matches("how", "nearest")
    # Nothing is known of their bits: each stands alone.
    above, below_4 = EFF.prior.steps(own.sort(kinds))
    assert (above.tolist(), below_4.tolist()) == ([0, 0], [0, 0])


def test_labels_of_ones_own_levels_are_read_for_bits_and_warn_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deprecated, "_told", set())
    own = Levels("rounding", ("w_bits", "how"), lambda columns: columns["how"])
    labels = np.array(["W4 up", "", "W3 up", "to nearest", None, np.nan], dtype=object)
    words = "^Levels rounding give text, which is read for bits .*; let read give bayesq.law.Kind"
    with pytest.warns(DeprecationWarning, match=words) as told:
        kinds = own.kinds({"how": labels})
    assert [(len(told), told[0].filename)] == [(1, __file__)]
    up = [Kind(w_bits=bits, method="up") for bits in (4, 3)]
    assert kinds.tolist() == [up[0], Kind(), up[1], Kind(name="to nearest"), Kind(), Kind()]
    # Once, and of kinds and mere names never.
    assert own.sort(own.kinds({"how": labels})) == [up[1], up[0], Kind(name="to nearest")]
    assert EFF.prior.steps(own.sort(kinds))[0].tolist() == [0, 1, 0]
    Levels("another", ("how",), lambda c: c["how"]).kinds({"how": np.array(up, dtype=object)})
    Levels("another", ("how",), lambda c: c["how"]).kinds({"how": labels[[1, 3]]})


@pytest.mark.parametrize("kind", [np.array, lambda v: xr.DataArray(v, dims="compression")])
def test_rows_get_the_value_of_their_kind(kind: Any) -> None:
    found = at_rows(kind([0.2, 0.7]), np.array([1, 0, 2, 1]), 1.0, "compression")
    np.testing.assert_array_equal(found, [0.7, 0.2, 1.0, 0.7])


def test_more_bits_never_keep_less() -> None:
    kinds = [{"w_bits": b, "a_bits": a, "stage": "train"} for b in (2, 3, 4, 8) for a in (b, 16)]
    chosen = design(table({}, *kinds), FRANTAR)
    model = compose(specify_rows(chosen, discrepancy=False), to_sample=False)
    eff, rate = pm.draw([model["eff"], model["eff_rate"]], draws=500, random_seed=1, mode=QUICK)
    labels = chosen.levels["compression"]
    assert chosen.inputs["compression"][0] == len(labels), "full precision is of no kind"
    for pattern in ("W{0}", "W{0}A{0}"):
        ladder = np.array([eff[:, labels.index(pattern.format(b))] for b in (2, 3, 4, 8)])
        lost = np.log(-np.log(ladder))
        assert (np.diff(lost, axis=0) < 0).all()
        # A step is the rate times its bits, times a factor of its own of median 1.
        factors = -np.diff(lost, axis=0)[0] / rate
        assert stats.binomtest(int((factors > 1).sum()), 500).pvalue > 0.01
        assert stats.median_abs_deviation(np.log(factors)) > 0.1
    at_4 = np.log(-np.log(eff[:, labels.index("W2")])) - 2 * rate
    assert np.median(at_4) == pytest.approx(np.log(-np.log(0.75)), abs=0.15)
    assert at_4.std() == pytest.approx(1.0, rel=0.1)


@pytest.fixture(scope="module")
def fit(grid: Runs) -> Fit:
    rows = grid.select("stage == 'none' or stage == 'train' and w_group == 32 and w_kind == 'int'")
    return bayesq.fit(
        rows,
        "frantar2025",
        discrepancy=False,
        seed=3,
        draws=200,
        tune=300,
        chains=2,
        progress=False,
    )


def test_a_fit_tells_every_compression(fit: Fit) -> None:
    rows = fit.summary()
    kinds = fit.levels["compression"]
    assert {f"eff[{k}]" for k in kinds} | {"eff_rate", "eff_spread"} < set(rows.index)
    medians = {k: rows.loc[f"eff[{k}]", "median"] for k in kinds}
    assert medians["W2 int g32 ste"] < medians["W3 int g32 ste"] < medians["W4 int g32 ste"] < 1
    assert set(fit.data["log_prior"].data_vars) >= {"log_step_eff", "eff_rate", "eff_spread"}
    assert fit.data["log_prior"]["log_step_eff"].dims == ("chain", "draw", "compression")


def test_log_prior_is_the_ladders(fit: Fit) -> None:
    draws = fit.posterior.isel(chain=0, draw=0)
    above, below_4 = EFF.prior.steps(fit.kinds["compression"])
    first = above == 0
    rate = float(draws["eff_rate"])
    centre = np.where(first, np.log(-np.log(0.75)) + rate * below_4, np.log(rate * (above + first)))
    wanted = stats.norm.logpdf(
        draws["log_step_eff"], centre, np.where(first, 1.0, float(draws["eff_spread"]))
    )
    stored = fit.data["log_prior"]["log_step_eff"].isel(chain=0, draw=0)
    np.testing.assert_allclose(stored, wanted, rtol=1e-9)


def test_predictions_take_the_compression_by_column_or_name(fit: Fit) -> None:
    at = {"N": "7.1M", "D": "200M"}
    by_column = bayesq.predict(fit, at | {"w_bits": 4})
    by_name = bayesq.predict(fit, at | {"compression": "W4 int"})
    np.testing.assert_array_equal(by_column.draws, by_name.draws)
    draws = fit.posterior
    kind = fit.levels["compression"].index("W4 int g32 ste")
    wanted = (
        draws["E"]
        + draws["A"] * (7.1e6 * draws["eff"].isel(compression=kind)) ** -draws["alpha"]
        + draws["B"] * 2e8 ** -draws["beta"]
    )
    np.testing.assert_allclose(by_name.draws.isel(scenario=0), wanted, rtol=1e-12)
    plain = bayesq.predict(fit, at).draws
    np.testing.assert_allclose(
        plain.isel(scenario=0),
        bayesq.laws()["chinchilla"].evaluate(
            "loss",
            {
                "N": 7.1e6,
                "D": 2e8,
                **{s: draws[s] for s in "EAB"},
                "alpha": draws["alpha"],
                "beta": draws["beta"],
            },
        ),
        rtol=1e-12,
    )
    with pytest.raises(BayesqError, match="'W5' is none of the kinds of compression that were"):
        bayesq.predict(fit, at | {"w_bits": 5})


def test_a_saved_fit_brings_its_compressions_back(fit: Fit, tmp_path: Path) -> None:
    back = bayesq.load_fit(fit.save(tmp_path / "fit.nc"))
    assert (back.kinds, back.levels) == (fit.kinds, fit.levels)
    pd.testing.assert_frame_equal(back.summary(), fit.summary())
    at = {"N": "7.1M", "D": "200M", "w_bits": 3}
    np.testing.assert_array_equal(bayesq.predict(back, at).draws, bayesq.predict(fit, at).draws)


def test_one_compression_is_drawn(fit: Fit) -> None:
    held = {"N": "7.1M", "compression": "W4 int"}
    ax = bayesq.plot.plot_law(fit, at=held)
    (line,) = ax.lines
    pyplot.close(ax.figure)
    d = line.get_xdata()
    at = [{**held, "D": v} for v in (d[0], d[-1])]
    wanted = bayesq.predict(fit, pd.DataFrame(at)).draws.mean(("chain", "draw"))
    np.testing.assert_allclose([line.get_ydata()[0], line.get_ydata()[-1]], wanted, rtol=1e-3)


def test_directions_of_quartet_have_ladders_of_their_own() -> None:
    law = bayesq.laws()["quartet2025"]
    rows = [
        {},
        {"w_bits": 4, "a_bits": 4, "method": "fwd=rtn;bwd=BF16", "stage": "train"},
        {"w_bits": 4, "a_bits": 4, "grad_bits": 4, "method": "fwd=rtn;bwd=sr", "stage": "train"},
        {"grad_bits": 4, "method": "fwd=BF16;bwd=sr", "stage": "train"},
        {"w_bits": 3, "grad_bits": 4, "method": "luq", "stage": "train"},
    ]
    columns = table(*rows).columns
    forward, backward = (law.levels_of("loss")[s].label(columns) for s in ("forward", "backward"))
    assert forward.tolist() == ["", "W4A4 rtn", "W4A4 rtn", "", "W3 luq"]
    assert backward.tolist() == ["", "", "G4 sr", "G4 sr", "G4 luq"]


def test_a_minifloats_width_follows_from_its_digits() -> None:
    columns = table({"w_exponent": 4, "w_mantissa": 3}, {"w_bits": 4}).columns
    assert columns["w_bits"].tolist() == [8, 4]


# --- laws that are made from laws --------------------------------------------------------------


def test_renamed_parameters_are_the_same_law() -> None:
    base = bayesq.laws()["chinchilla"]
    renamed = bayesq.law.renamed(base, alpha="size_exponent", E="floor")
    values = {"N": 1e9, "D": 1e11, "A": 400.0, "B": 2000.0, "beta": 0.37}
    assert renamed.evaluate("loss", values | {"size_exponent": 0.35, "floor": 1.8}) == (
        base.evaluate("loss", values | {"alpha": 0.35, "E": 1.8})
    )
    assert [p.symbol for p in renamed.parameters] == ["floor", "A", "B", "size_exponent", "beta"]
    assert [p.slope_of for p in renamed.parameters] == [None, None, None, "A", "B"]
    for symbols, words in (({"gamma": "g"}, "no parameter gamma"),):
        with pytest.raises(BayesqError, match=words):
            bayesq.law.renamed(base, **symbols)
    with pytest.raises(BayesqError, match="no base law"):
        bayesq.law.renamed(FRANTAR, eff="share")


def test_parameters_are_picked_by_symbol() -> None:
    base = bayesq.laws()["chinchilla"]
    assert base.pick("B", "E") == (base.parameters[2], base.parameters[0])
    with pytest.raises(BayesqError, match="no parameter 'a'; did you mean"):
        base.pick("a")


@pytest.mark.parametrize("name", ["sun2025", "kumar2024-unified", "frantar2025", "ouyang2024"])
def test_loss_is_base_and_degradation(name: str) -> None:
    law = bayesq.laws()[name]
    values = {"N": 3e8, "D": 2e10, "P": 4.0, "E": 2.0, "M": 1.0, "B": 32.0, "P_w": 4.0, "P_a": 8.0}
    values |= {"P_kv": 16.0, "P_post": 3.0, "eff": 0.6, "quantized": 1.0}
    values |= {p.symbol: 0.4 for p in law.parameters_of("loss") if p.symbol not in ("E", "eff")}
    values |= {"E": 1.6} if name != "sun2025" else {}
    root = law
    while root.base is not None:
        root = root.base
    full = root.evaluate("loss", values)
    assert law.evaluate("loss", values | {"quantized": 0.0}) == full
    assert law.evaluate("degradation", values) > 0
    assert law.evaluate("loss", values) == pytest.approx(
        full + law.evaluate("degradation", values), rel=1e-12
    )
