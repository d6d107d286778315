"""A degradation with its base law."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import Fit
from bayesq.decide import (
    Decision,
    compute_optimal,
    critical_tokens,
    effective_parameters,
    optimal_precision,
)
from bayesq.errors import BayesqError
from published_fits import BASE, CHINCHILLA, OUYANG, PTQ, spread


def ouyang_by_hand(p: Any, base: Any) -> Any:
    ratio = base["beta"] * base["B"] * 1e9 ** p["alpha"] * 3 ** p["gamma"] / (p["beta"] * p["k"])
    return ratio ** (1 / (p["beta"] + base["beta"]))


@pytest.mark.parametrize(("own", "of_base"), [(1, 1), (24, 1), (1, 24), (24, 24)])
def test_a_base_law_completes_a_degradation(own: int, of_base: int) -> None:
    fit = OUYANG if own == 1 else spread(OUYANG, own)
    base = CHINCHILLA if of_base == 1 else spread(CHINCHILLA, of_base)
    found = critical_tokens(fit, base=base, N="1B", w_bits=3)
    p, b = (
        {s: v.values.ravel() for s, v in paper.posterior.data_vars.items()} for paper in (fit, base)
    )
    np.testing.assert_allclose(found.draws.values.ravel(), ouyang_by_hand(p, b), rtol=1e-5)
    assert found.draws.size == max(own, of_base)


def test_a_base_law_goes_with_every_decision_about_the_loss() -> None:
    whole = bayesq.published("kumar2024-ptq", gamma_post=0.6, **BASE)
    questions: list[tuple[Callable[..., Decision], dict[str, Any]]] = [
        (critical_tokens, {"N": "1B", "w_bits": 4}),
        (effective_parameters, {"N": "1B", "D": "100B", "w_bits": 4}),
        (optimal_precision, {"memory": "8B", "D": "100B"}),
        (compute_optimal, {"compute": 1e21, "w_bits": 4}),
    ]
    for ask, question in questions:
        joined, direct = ask(PTQ, **question, base=CHINCHILLA), ask(whole, **question)
        pd.testing.assert_frame_equal(joined.to_frame(), direct.to_frame())


def test_a_joint_answer_carries_the_notes_of_both() -> None:
    found = critical_tokens(OUYANG, base=CHINCHILLA, N="1B", w_bits=3)
    said = [n.message for n in found.notes if n.code == "published-constants"]
    assert any("Ouyang" in message for message in said)
    assert any("Besiroglu" in message for message in said)


def test_a_fit_that_holds_base_parameters_takes_no_base() -> None:
    # Sun's degradation shares exponents with its base: another base's would not go with them.
    shared = bayesq.published("sun2025", response="degradation")
    with pytest.raises(
        BayesqError, match=r"holds .*alpha, beta itself, which no other fit can repl"
    ):
        critical_tokens(shared, base=bayesq.published("chinchilla"), N="1B", group=128, bits=4)


def test_a_base_that_was_seen_elsewhere_is_noted(ptq_fit: Fit) -> None:
    found = critical_tokens(ptq_fit, base=bayesq.published("chinchilla"), N="10M", bits=4)
    (note,) = (n for n in found.notes if n.code == "disjoint-base")
    assert note.severity == "severe"
    assert "N 786k to 18.9M against 57.3M to 16.2B" in note.message
    (far,) = (n for n in found.notes if n.code == "extrapolation")
    assert "the data have 300M to 400M" in far.message, "D is that of both, N that of the fit"
