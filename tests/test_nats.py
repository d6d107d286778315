"""Levels and tolerances in nats per token and in per cent of perplexity."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bayesq.decide.nats import Nats, percent_of_perplexity, read_nats
from bayesq.errors import BayesqError


@pytest.mark.parametrize(
    ("asked", "value", "words"),
    [
        (0.01, 0.01, "0.01 nats per token"),
        (1, 1, "1 nats per token"),
        (np.float32(0.5), 0.5, "0.5 nats per token"),
        ("0.01", 0.01, "0.01 nats per token"),
        ("0.01 nats", 0.01, "0.01 nats per token"),
        ("1e-2 nats per token", 0.01, "0.01 nats per token"),
        ("0.01nats/token", 0.01, "0.01 nats per token"),
        # the logarithm of a perplexity 1.01 times as high
        ("1%", math.log(1.01), "1% of perplexity (0.00995 nats per token)"),
        (" 1 % ", math.log(1.01), "1% of perplexity (0.00995 nats per token)"),
        (".5% of perplexity", math.log(1.005), "0.5% of perplexity (0.00499 nats per token)"),
        ("100%", math.log(2), "100% of perplexity (0.693 nats per token)"),
        (Nats(0.2, "as before"), 0.2, "as before"),
    ],
)
def test_a_level_is_read_and_said_as_it_was_asked(asked: Any, value: float, words: str) -> None:
    found = read_nats("level", asked)
    assert found.value == pytest.approx(value, rel=1e-12)
    assert str(found) == words


@pytest.mark.parametrize(
    "asked",
    ["0%", "-1%", "%", "1%%", "inf%", "nan%", "1 bit", "1% of loss", "nats", "", "a little"]
    + [0, -0.1, np.nan, np.inf, True, None, [1]],
)
def test_what_is_no_level_is_refused_with_both_ways_to_write_it(asked: Any) -> None:
    with pytest.raises(BayesqError) as error:
        read_nats("tolerance", asked)
    assert str(error.value) == (
        f"tolerance is {asked!r}; write nats per token, such as 0.01, or per cent of perplexity, "
        'such as "1%".'
    )


@given(st.floats(1e-6, 1e6))
def test_per_cent_come_back(percent: float) -> None:
    nats = read_nats("level", f"{percent!r}%").value
    assert percent_of_perplexity(nats) == pytest.approx(percent, rel=1e-9)
    # of a perplexity of 7, say
    assert 7 * math.exp(nats) == pytest.approx(7 * (1 + percent / 100))


def test_per_cent_keep_their_shape() -> None:
    nats = [0.0, math.log(2), -math.log(2), np.nan]
    wanted = [0, 100, -50, np.nan]
    assert isinstance(percent_of_perplexity(0.1), float)
    np.testing.assert_allclose(percent_of_perplexity(np.array(nats)), wanted)
    draws = xr.DataArray(nats, dims="draw", attrs={"units": "nats/token"})
    found = percent_of_perplexity(draws)
    np.testing.assert_allclose(found, wanted)
    assert found.dims == ("draw",)
    assert found.attrs == {"units": "% of perplexity"}
