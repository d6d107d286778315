"""What the misfit costs a decision: its time on the mean of runs over that of the law's formula.

Run with ``make bench``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq import decide

ROUNDS = 5
# By how much the curve may take longer; noise of the machine included.
MOST = 2.5


@pytest.mark.slow
def test_decisions(ptq_fit: bayesq.Fit, base_fit: bayesq.Fit) -> None:
    both = {"base": base_fit}
    asked: dict[str, tuple[Callable[..., Any], bayesq.Fit, dict[str, Any]]] = {
        "critical_tokens": (decide.critical_tokens, ptq_fit, both | {"N": "7M", "w_bits": 3}),
        "fewest_bits": (decide.fewest_bits, ptq_fit, {"level": 0.04, "N": "7M", "D": "400M"}),
        "tokens_to_degradation": (
            decide.tokens_to_degradation,
            ptq_fit,
            {"level": 0.04, "N": "7M", "w_bits": 4},
        ),
        "compute_optimal": (decide.compute_optimal, base_fit, {"compute": 1e16}),
        "optimal_precision": (
            decide.optimal_precision,
            ptq_fit,
            both | {"memory": "4MB", "D": "400M"},
        ),
        "effective_parameters": (
            decide.effective_parameters,
            ptq_fit,
            both | {"N": "7M", "D": "400M", "w_bits": 4},
        ),
    }
    print("\ndecision, seconds by the formula and on the curve, ratio:")
    ratios = {}
    for name, (decision, fit, question) in asked.items():
        seconds: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(ROUNDS):
            for bent, taken in seconds.items():
                began = time.perf_counter()
                decision(fit, **question, discrepancy=bent)
                taken.append(time.perf_counter() - began)
        formula, curve = (float(np.median(seconds[bent][1:])) for bent in (False, True))
        ratios[name] = curve / formula
        print(f"  {name:24} {formula:.2f} {curve:.2f} {ratios[name]:.2f}")
    assert np.exp(np.mean(np.log(list(ratios.values())))) < MOST
