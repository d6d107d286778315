"""Decisions know an input of a law by its role, whatever the law calls it."""

from __future__ import annotations

import re
from dataclasses import replace
from inspect import Parameter as Argument
from inspect import Signature
from typing import Any

import pandas as pd
import pytest

import bayesq
from bayesq import Law
from bayesq.errors import BayesqError
from bayesq.law import Input
from bayesq.law.formulas import arguments_of
from bayesq.law.inputs import of_role
from bayesq.models import chinchilla, kumar2024_unified, sun2025

SUN = sun2025.law
LETTERS = {"E": "X", "M": "Y", "B": "Z"}
ROLES = {"exponent": "X", "mantissa": "Y", "group": "Z"}


def degradation(N, D, X, Y, Z, alpha, beta, gamma, delta, nu):  # type: ignore[no-untyped-def]
    return sun2025.degradation(N, D, X, Y, Z, alpha, beta, gamma, delta, nu)


def sensitivity(N, D, X, Y, Z, alpha, beta, delta, nu):  # type: ignore[no-untyped-def]
    return sun2025.sensitivity(N, D, X, Y, Z, alpha, beta, delta, nu)


def optimal_format(bits, delta, nu):  # type: ignore[no-untyped-def]
    split = sun2025.optimal_format(bits, delta, nu)
    return {"X": split["E"], "Y": split["M"]}


def other_letters(closed: bool) -> Law:
    """Make Sun's law with other letters for what it asks of a format."""
    first, *rest = SUN.parameters
    return replace(
        SUN,
        name="sun-in-other-letters",
        degradation=degradation,
        inputs=tuple(replace(i, symbol=ROLES[i.role]) for i in SUN.inputs),
        parameters=(replace(first, term=sensitivity), *rest),
        observed={"N": SUN.observed["N"], "D": SUN.observed["D"]},
        closed={"optimal_format": optimal_format} if closed else {},
    )


QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "splits": ("optimal_format", {"bits": 8, "N": "1B", "D": "100B", "group": 128}),
    "splits in a memory": (
        "optimal_format",
        {"formats": ["E2M1", "E4M3", "INT8"], "N": "1B", "D": "100B", "memory": "1GB", "group": 64},
    ),
    "bits of a memory": ("optimal_precision", {"memory": "1GB", "D": "100B", "group": 128}),
    "bits of a compute": ("optimal_precision", {"compute": 1e21, "D": "100B", "group": 128}),
    "widths": ("iso_loss", {"bits": [4, 6, 16], "loss": 2.6, "D": "100B", "group": 128}),
}


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize("what", QUESTIONS)
def test_a_law_in_other_letters_is_answered_alike(what: str, closed: bool) -> None:
    name, asked = QUESTIONS[what]
    forms = {k: SUN.closed[k] for k in ("optimal_format",) if closed}
    plain = replace(SUN, closed=forms, observed={k: SUN.observed[k] for k in "ND"})
    decide, values = getattr(bayesq.decide, name), dict(SUN.published[0].values)
    one, other = (
        decide(bayesq.published(law, **values), **asked) for law in (plain, other_letters(closed))
    )
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    assert other.answer == re.sub(
        r"\b[EMB] (?=[\d.]+)", lambda m: LETTERS[m[0][0]] + " ", one.answer
    )
    assert [n.code for n in other.notes] == [n.code for n in one.notes]


def test_bits_after_training_may_have_any_letter() -> None:
    unified = kumar2024_unified.law
    (post,) = of_role(unified.inputs, "post_bits")

    def added(N, D, P_w, P_a, P_kv, after, **constants):  # type: ignore[no-untyped-def]
        return unified.degradation(N, D, P_w, P_a, P_kv, after, **constants)

    constants = [p for p in arguments_of(unified.degradation) if p not in (*"ND", post.symbol)]
    shape = ["N", "D", "after", *constants]
    added.__signature__ = Signature([Argument(a, Argument.KEYWORD_ONLY) for a in shape])  # type: ignore[attr-defined]
    law = replace(
        unified,
        name="unified-in-other-letters",
        degradation=added,
        inputs=tuple(replace(i, symbol="after") if i is post else i for i in unified.inputs),
        parameters=tuple(replace(p, term=None) for p in unified.parameters),
    )
    values = chinchilla.law.published[0].values | {p.symbol: 0.4 for p in law.parameters}
    values |= {p.symbol: 2.0 for p in law.base.parameters} if law.base else {}
    for own in (unified, law):
        with pytest.raises(BayesqError, match="Bits after training do not change the compute"):
            bayesq.decide.optimal_precision(
                bayesq.published(own, **values), compute=1e21, stage="post"
            )
    one, other = (
        bayesq.decide.optimal_precision(
            bayesq.published(own, **values), memory="1GB", D="10B", stage="post", w_kind="int"
        )
        for own in (unified, law)
    )
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())


def test_a_role_is_also_what_a_question_says() -> None:
    assert Input("X", ("w_exponent",), role="exponent").alias == "exponent"
    assert Input("X", ("w_group",), alias="group").role == "group", "as laws were written before"
    assert Input("X", ("w_group",), role="group", alias="block").alias == "block"
    assert not Input("X", ("w_group",), alias="block").role
    with pytest.raises(BayesqError, match="Input X has role 'bit'; did you mean bits"):
        Input("X", ("w_bits",), role="bit")  # type: ignore[arg-type]


def test_roles_leave_a_law_what_it_is() -> None:
    """A role says who is asked for, not what is computed: fits of a law know it without."""
    law = bayesq.laws()["chen2025"]
    (group,) = of_role(law.inputs, "group")
    bare = replace(law, inputs=(replace(group, role="", alias=""),), remember=False)
    assert bare.digest == law.digest
