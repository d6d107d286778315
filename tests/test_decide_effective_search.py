"""The share of the size that counts, where a misfit bends the curve decades above the data."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from bayesq.decide import effective_parameters  # noqa: F401 - the module of this name, below
from bayesq.decide.decision import answers

SLOPE, COST = 0.3, 0.06  # nats a decade of size, and what quantization adds


@pytest.fixture
def module():
    import sys

    return sys.modules["bayesq.decide.effective_parameters"]


def bent(turn):
    """Ask a curve that falls with size, and from so many decades above this one on rises."""

    def curve(quantized, decades, **_):
        after = np.maximum(decades - xr.DataArray(turn, dims=("chain", "draw")), 0.0)
        return 3.0 - SLOPE * decades + 5 * SLOPE * after + COST * quantized

    return SimpleNamespace(
        inputs={"N": 1e7},
        bent=True,
        curve=lambda what, knots, inputs: curve,
        where=lambda: "",
    )


def test_a_curve_that_rises_far_above_the_data_has_the_share_of_one_that_does_not(module):
    eff, multiplier = module._searched(bent([[0.5, 1.0, 9.0]]), {})

    # A loss that is higher by COST is that of a size smaller by COST / SLOPE decades.
    assert eff.values == pytest.approx(10 ** (-COST / SLOPE))
    assert multiplier.values == pytest.approx(10 ** (COST / SLOPE))


def test_a_share_that_few_draws_have_says_so(module):
    eff = xr.DataArray([[0.6, np.nan, np.nan, np.nan]], dims=("chain", "draw"))
    draws = answers(eff=(eff, "1"), multiplier=(1 / eff.fillna(0.6), "1"))

    text = module._text(bent([[9.0]]), draws, {})
    assert "0.6 of the size counts (in 75% of the draws no size that was searched has" in text
