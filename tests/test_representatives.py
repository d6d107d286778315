"""Few points that stand for many, and the field of a discrepancy over very many rows."""

from dataclasses import replace

import numpy as np
import pytest

from bayesq.law.registry import find_law
from bayesq.model.discrepancy import LEARNED
from bayesq.model.field import Field, lay_field
from bayesq.model.representatives import represent


def test_each_row_is_stood_for_once_and_equal_rows_together():
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.normal(size=30_000), rng.choice([3.0, 4.0, 4.1], 30_000)])
    points = np.vstack([points, points[:7]])
    found = represent(points)
    assert found.counts.sum() == len(points)
    assert len(np.unique(found.rows)) == len(found.rows) < 5000
    again = represent(points[:-7])
    np.testing.assert_array_equal(found.rows, again.rows)
    assert found.counts.sum() == again.counts.sum() + 7
    # A coordinate of few values is told apart however near they are.
    for value in (4.0, 4.1):
        counted = found.counts[points[found.rows, 1] == value].sum()
        assert counted == (points[:, 1] == value).sum()


def test_few_settings_are_all_kept_however_often_they_stand():
    settings = np.array([(n, d, b) for n in range(9) for d in range(20) for b in (3.0, 4.0, 16.0)])
    points = np.repeat(settings, 50, axis=0)
    found = represent(points)
    np.testing.assert_array_equal(points[found.rows], settings)
    assert (found.counts == 50).all()


def test_many_coordinates_do_not_run_over():
    rng = np.random.default_rng(1)
    found = represent(rng.normal(size=(25_000, 9)))
    assert found.counts.sum() == 25_000
    assert len(found.rows) >= 1


def left_open(field: Field, inputs: dict[str, np.ndarray], name: str) -> float:
    """Share of the variance of a part of the field over all rows that its sites leave open."""
    points = field.at(inputs)
    x, h = points[0], field.discrepancy.hurst
    whole = np.linalg.norm(x, axis=1) ** (2 * h) + (name == "own")
    held = (field.bases(inputs)[name] ** 2).sum(axis=1)
    assert (held <= whole * 1.001 + 1e-9).all()
    return float((whole - held).sum() / whole.sum())


def degradations(rows: int) -> dict[str, np.ndarray]:
    """Rows of a handful of networks, each at many D, in three formats."""
    rng = np.random.default_rng(2)
    law = find_law("kumar2024-ptq")
    made = {i.symbol: np.full(rows, 4.0) for i in law.inputs_of("degradation")}
    made["N"] = rng.choice([1e9, 1.1e9], rows)
    made["D"] = np.exp(rng.uniform(np.log(1e9), np.log(1e11), rows))
    symbol = next(i.symbol for i in law.inputs_of("degradation") if i.format)
    made[symbol] = rng.choice([3.0, 4.0, 8.0], rows)
    return made


def test_the_sites_of_very_many_rows_hold_them_as_those_of_a_sample_hold_it():
    law, count = find_law("chinchilla"), 50_000
    rng = np.random.default_rng(3)
    inputs = {
        "N": np.exp(rng.uniform(np.log(1e7), np.log(1e10), count)),
        "D": np.exp(rng.uniform(np.log(1e9), np.log(1e12), count)),
    }
    pivots = {"N": 3e8, "D": 3e10}
    few = {symbol: values[:5000] for symbol, values in inputs.items()}
    many = lay_field(law, "loss", inputs, pivots, LEARNED["loss"])
    exact = lay_field(law, "loss", few, pivots, LEARNED["loss"])
    # Sixty sites are all there are, and three decades by three take more for 0.03 %.
    assert left_open(many, inputs, "shared") < 1.02 * left_open(exact, inputs, "shared") < 0.004
    assert many.counts == exact.counts


@pytest.mark.parametrize("name", ["shared", "own"])
def test_where_sites_suffice_no_row_of_many_is_left_open(name):
    law, count = find_law("kumar2024-ptq"), 30_000
    inputs = degradations(count)
    discrepancy = replace(LEARNED["degradation"], hurst=0.95)
    pivots = {symbol: float(np.median(values)) for symbol, values in inputs.items()}
    field = lay_field(law, "degradation", inputs, pivots, discrepancy)
    # Twice: by the sites, and by the parts that are left away.
    assert left_open(field, inputs, name) < 2 * 3e-4


def test_up_to_a_size_the_sites_are_chosen_among_all_rows(monkeypatch):
    monkeypatch.setattr("bayesq.model.field.MOST_POINTS", 500)
    inputs = degradations(500)
    law = find_law("kumar2024-ptq")
    pivots = {symbol: float(np.median(values)) for symbol, values in inputs.items()}
    monkeypatch.setattr("bayesq.model.field.represent", None)  # whoever calls it fails
    found = lay_field(law, "degradation", inputs, pivots, LEARNED["degradation"])
    assert len(found.shared) > 0
    more = {symbol: np.append(values, values[0]) for symbol, values in inputs.items()}
    with pytest.raises(TypeError):
        lay_field(law, "degradation", more, pivots, LEARNED["degradation"])
