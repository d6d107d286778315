"""The searches: known optima and crossings, for all draws at once."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from bayesq.decide.solve import crossing, log10, minimise


def draws(*values: float) -> xr.DataArray:
    """Put numbers into two chains of draws."""
    return xr.DataArray(np.reshape(values, (2, -1)), dims=("chain", "draw"))


# Function, range, where it is least, and the value there.
LEAST = {
    "parabola": (lambda x: (x - 1.3) ** 2, -5.0, 5.0, 1.3, 0.0),
    "lopsided": (lambda x: np.exp(x) - 3 * x, -4.0, 4.0, np.log(3), 3 - 3 * np.log(3)),
    "sharp": (lambda x: (1e3 * (x - 0.7)) ** 2 + 2, 0.0, 30.0, 0.7, 2.0),
    "flat around it": (lambda x: (x - 2.0) ** 4, 0.0, 5.0, 2.0, 0.0),
    "two valleys": (lambda x: np.cos(x) + 0.1 * x, 0.0, 12.0, np.pi - np.arcsin(0.1), None),
    "infinite beyond": (lambda x: -np.log(x) + 5 * x, -1.0, 3.0, 0.2, 1 + np.log(5)),
}


@pytest.mark.parametrize("what", LEAST)
@pytest.mark.parametrize("points", [31, 161])
def test_the_least_value_is_found(what: str, points: int) -> None:
    function, low, high, where, least = LEAST[what]
    with np.errstate(all="ignore"):
        found, value = minimise(function, np.linspace(low, high, points))
        least = function(where) if least is None else least
    # A valley of fourth order is flat to rounding over more than a ten-thousandth.
    assert float(found) == pytest.approx(where, abs=1e-3 if "flat" in what else 1e-6)
    assert float(value) == pytest.approx(least, abs=1e-10)


def test_each_draw_has_its_own_optimum() -> None:
    middle = draws(0.1, 1.25, 2.0, 2.5, 3.1, 3.9)
    depth = draws(1, 2, 3, 4, 5, 6)
    found, least = minimise(lambda x: (x - middle) ** 2 * depth - depth, np.linspace(0.0, 4.0, 161))
    np.testing.assert_allclose(found.transpose("chain", "draw"), middle, atol=1e-9)
    np.testing.assert_allclose(least.transpose("chain", "draw"), -depth, atol=1e-12)
    assert set(found.dims) == {"chain", "draw"}


def test_draws_with_an_optimum_at_an_end_say_at_which() -> None:
    slope = draws(-1.0, 0.0, 1.0, 0.5)
    bend = draws(0.0, 1.0, 0.0, 1.0)
    found, least = minimise(lambda x: slope * x + bend * x**2, np.linspace(-2.0, 2.0, 161))
    np.testing.assert_allclose(found, draws(np.inf, 0.0, -np.inf, -0.25), atol=1e-9)
    np.testing.assert_array_equal(np.isinf(found), least.isnull())


@pytest.mark.parametrize("end", [-1.0, 1.0])
def test_an_optimum_close_to_an_end_is_inside(end: float) -> None:
    # Nearer to the end than to any other point of the first grid.
    middle = draws(0.999, 0.99, 0.97, 0.5) * end
    found, least = minimise(lambda x: (x - middle) ** 2 + 1, np.linspace(-1.0, 1.0, 11))
    np.testing.assert_allclose(found, middle, atol=1e-9)
    np.testing.assert_allclose(least, 1)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_function_that_is_nowhere_finite_has_no_optimum(value: float) -> None:
    found, least = minimise(lambda x: 0 * x + value, np.linspace(0.0, 1.0, 161))
    assert found.isnull()
    assert least.isnull()


def test_a_search_runs_inside_a_search() -> None:
    target = draws(0.3, 0.6, 1.1, 1.7)

    def inner(x: xr.DataArray) -> xr.DataArray:
        # Least at y = x / 2, where it is (x - target)^2.
        return minimise(
            lambda y: (y - x / 2) ** 2 + (x - target) ** 2,
            np.linspace(-3.0, 3.0, 41),
        )[1]

    found, least = minimise(inner, np.linspace(-1.0, 3.0, 31))
    np.testing.assert_allclose(found, target, atol=1e-7)
    np.testing.assert_allclose(least, 0.0, atol=1e-12)


def test_an_optimum_is_searched_along_other_dimensions_too() -> None:
    option = xr.DataArray([0.5, 1.5], dims="option", coords={"option": ["a", "b"]})
    found, _ = minimise(lambda x: (x - option * draws(1.0, 1.2)) ** 2, np.linspace(0.0, 4.0, 161))
    wanted = (option * draws(1.0, 1.2)).transpose(*found.dims)
    np.testing.assert_allclose(found, wanted, atol=1e-9)
    assert list(found["option"].values) == ["a", "b"]


def test_the_points_of_the_first_grid_need_not_be_even() -> None:
    middle = draws(0.13, 1.25, 2.0, 2.5, 3.1, 8.9)
    grid = np.r_[np.linspace(0.0, 3.0, 40), np.geomspace(3.3, 10.0, 9)]
    found, _ = minimise(lambda x: (x - middle) ** 2, grid)
    np.testing.assert_allclose(found, middle, atol=1e-9)


def test_a_valley_behind_a_rise_does_not_count() -> None:
    depth = draws(0.2, 0.5, 2.0, 3.0)
    grid = np.linspace(0.0, 12.0, 121)

    def function(x: xr.DataArray) -> xr.DataArray:
        return np.cos(x) - depth * (x > 8)  # least at pi, and lower at 3 pi

    assert (minimise(function, grid)[0] > 8).all()
    near, value = minimise(function, grid, rise=1.0)
    np.testing.assert_allclose(near, np.full((2, 2), np.pi), atol=1e-4)
    np.testing.assert_allclose(value, -np.ones((2, 2)), atol=1e-8)
    # What counts from beyond the rise on has it behind at once.
    later, _ = minimise(function, grid, rise=1.0, after=7.0)
    np.testing.assert_allclose(later, np.full((2, 2), np.pi), atol=1e-4)
    assert (minimise(function, grid, rise=1.0, after=9.0)[0] > 8).all()
    # A rise that is not reached ends nothing.
    assert (minimise(function, grid, rise=2.5)[0] > 8).all()


def test_of_a_function_that_wavers_the_first_crossing_counts() -> None:
    shift = draws(0.0, 0.1, 0.2, 0.3)
    grid = np.linspace(0.0, 6.0, 61)
    found = crossing(lambda x: np.sin(x - shift - 1), 0.0, 6.0, grid)
    np.testing.assert_allclose(found, 1 + shift, atol=1e-5)
    # At the end it is below zero again, which a search by halves takes for never.
    assert crossing(lambda x: np.sin(x - shift - 1), 0.0, 6.0).isnull().all()


@pytest.mark.parametrize("grid", [None, np.linspace(0.0, 16.0, 17)], ids=["ends", "grid"])
def test_of_many_crossings_between_two_points_of_a_grid_the_first_counts(
    grid: np.ndarray | None,
) -> None:
    # Through zero at a tenth, a half and nine tenths after the root's own whole number.
    whole = draws(0.0, 3.0, 7.0, 15.0)

    def function(x: xr.DataArray) -> xr.DataArray:
        on = x - whole
        return (on - 0.1) * (on - 0.5) * (on - 0.9)

    np.testing.assert_allclose(crossing(function, 0.0, 16.0, grid), whole + 0.1, rtol=0, atol=2e-12)


@pytest.mark.parametrize("grid", [None, np.linspace(0.0, 4.0, 11)], ids=["ends", "grid"])
def test_a_crossing_is_as_exact_as_its_docstring_says(grid: np.ndarray | None) -> None:
    root = draws(0.07, 0.5, 1.03, 1.5, 2.01, 2.5)
    # So flat or steep beside it that a chord between two points tells little of where it is.
    for curve in (np.sign, lambda apart: apart**9, lambda apart: np.expm1(30 * apart)):
        found = crossing(lambda x, curve=curve: curve(x - root), 0.0, 4.0, grid)
        np.testing.assert_allclose(found, root, rtol=0, atol=4e-12)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_none_between_two_points_of_a_grid_ends_no_search(hole: float) -> None:
    root = draws(0.3, 0.55, 0.6, 0.7)
    found = crossing(lambda x: (x - root).where(abs(x - root) > 0.02, hole), 0.0, 1.0)
    # Infinite is above zero, and no number is not: the crossing is at either end of the hole.
    ends = root - 0.02 if hole == np.inf else root + 0.02
    np.testing.assert_allclose(found, ends, rtol=0, atol=1e-12)


def test_of_a_plateau_at_zero_the_end_counts() -> None:
    ends = draws(0.41, 0.5, 0.59, 0.6)
    found = crossing(lambda x: (x - ends).clip(min=0) + (x - 0.4).clip(max=0), 0.0, 1.0)
    np.testing.assert_allclose(found, ends, rtol=0, atol=1e-12)


@pytest.mark.parametrize("grid", [None, np.linspace(-1.0, 3.0, 41)], ids=["ends", "grid"])
@pytest.mark.parametrize("bend", ["kink", "infinite after it", "infinite before it"])
def test_a_crossing_with_a_kink_or_an_infinite_side_is_found(
    grid: np.ndarray | None, bend: str
) -> None:
    root = draws(0.07, 0.5, 1.03, 1.5, 2.01, 2.5)

    def function(x: xr.DataArray) -> xr.DataArray:
        apart = x - root
        if bend == "kink":
            return apart * xr.where(apart < 0, 0.1, 5.0)
        by = -1.0 if "before" in bend else 1.0
        return apart.where(by * apart < 0.01, by * np.inf)

    np.testing.assert_allclose(crossing(function, -1.0, 3.0, grid), root, atol=1e-11)


def test_the_crossing_of_each_draw_is_found() -> None:
    root = draws(0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
    found = crossing(lambda x: np.sinh(x - root), -1.0, 3.0)
    np.testing.assert_allclose(found, root, atol=1e-12)
    assert found.dims == ("chain", "draw")


def test_a_range_may_differ_from_draw_to_draw() -> None:
    root = draws(1.0, 2.0, 3.0, 4.0)
    found = crossing(lambda x: x - root, root - 0.25, root + 3)
    np.testing.assert_allclose(found, root, atol=1e-12)
    # The last two lie beyond the end of their range.
    found = crossing(lambda x: x - root, 0.0, draws(5.0, 5.0, 2.9, 2.9))
    np.testing.assert_allclose(found, draws(1.0, 2.0, np.nan, np.nan), atol=1e-12)


def test_a_function_that_does_not_rise_through_zero_has_no_crossing() -> None:
    slope, start = draws(1.0, 1.0, 1.0, -1.0), draws(-1.0, 0.5, -9.0, 1.0)
    found = crossing(lambda x: slope * x + start, 0.0, 2.0)
    np.testing.assert_allclose(found, draws(1.0, np.nan, np.nan, np.nan), atol=1e-12)


def test_a_function_that_is_not_a_number_has_no_crossing() -> None:
    values = draws(np.nan, -1.0)
    found = crossing(lambda x: x + values, 0.0, 2.0)
    np.testing.assert_allclose(found, draws(np.nan, 1.0), atol=1e-12)


def test_the_logarithm_stays_labelled() -> None:
    found = log10(draws(10.0, 1e3).rename("N"))
    assert isinstance(found, xr.DataArray)
    np.testing.assert_allclose(found, [[1.0], [3.0]])
