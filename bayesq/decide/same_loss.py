"""The sizes at which networks of several widths have one loss, along N."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.contour import around, thinned
from bayesq.decide.optimum import DECADES
from bayesq.decide.solve import down_at
from bayesq.decide.widths import Widths
from bayesq.prediction.curve import Curve, listed

_FORMULA = np.linspace(*DECADES, 61)  # decades of N
_REACH, _APART = 1.0, 0.1  # decades of a bent curve beyond the formula's answers; between knots
_TOGETHER = 300  # knots that are drawn jointly


def sizes_of_one_loss(
    widths: Widths, target: float | tuple[Widths, float]
) -> tuple[xr.DataArray, xr.DataArray, tuple[float, float]]:
    """Find the size of each width that reaches a loss.

    Parameters
    ----------
    widths : Widths
        What is compared.
    target : float or (Widths, float)
        Nats per token; or a reference, one width and N, which is asked on the same draw of the
        misfit as the widths.

    Returns
    -------
    size : xarray.DataArray
        Parameters, dimensions chain, draw and width; infinite where no size that was searched
        reaches the loss, 0 where the least does.
    reached : xarray.DataArray
        The loss, in nats per token.
    ends : (float, float)
        The least and the largest size that were searched.
    """
    values, count = widths.inputs, len(widths.names)
    given: list[float] = []
    if isinstance(target, tuple):
        reference, size = target
        values = {s: np.append(v, reference.inputs[s]) for s, v in values.items()}
        given = [float(np.log10(size))]
    held = listed(values)

    def inputs(width: Any, log_n: Any) -> dict[str, Any]:
        return {**held(width), "N": 10.0**log_n}

    def reached(curve: Curve) -> xr.DataArray:
        return curve(width=float(count), log_n=given[0]) if given else xr.DataArray(target)

    def answer(curve: Curve, grid: np.ndarray) -> xr.DataArray:
        wanted, loss = reached(curve), partial(curve, width=widths.numbers)
        return down_at(lambda log_n: loss(log_n=log_n) - wanted, grid)

    question, grid = widths.question, _FORMULA
    curve = question.curve("loss", {}, inputs, bent=False)
    if question.bent:
        rough = np.append(np.ravel(answer(thinned(curve), grid)), given)
        places = np.arange(float(count + len(given)))
        grid = around(rough, _REACH, grid, _APART, _TOGETHER // len(places))
        grid = np.unique(np.append(grid, given))
        curve = question.curve("loss", {"width": places, "log_n": grid}, inputs)
    ends = (float(10.0 ** grid[0]), float(10.0 ** grid[-1]))
    return 10.0 ** answer(curve, grid), reached(curve), ends
