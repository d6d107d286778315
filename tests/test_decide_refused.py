"""Bad questions are refused in one sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import bayesq
from bayesq import decide
from bayesq.decide import (
    Decision,
    compute_optimal,
    critical_tokens,
    effective_parameters,
    fewest_bits,
    largest_group,
    optimal_format,
    optimal_precision,
    tokens_to_degradation,
    weight_activation_crossover,
)
from bayesq.errors import BayesqError
from bayesq.posterior.constants import PublishedFit
from published_fits import CHEN, CHINCHILLA, E2M1, OUYANG, PTQ, QAT, QUEST, SCHEMES, SIZE_ONLY, SUN

_SUN = {"exponent": 4, "mantissa": 3, "group": 128}
_AT = {"N": "1B", "D": "100B"}
Question = tuple[Callable[..., Decision], PublishedFit | Any, dict[str, Any], str]
REFUSED: dict[str, Question] = {
    "no budget": (optimal_precision, QAT, {}, "needs one budget: compute= or memory="),
    "both budgets": (
        optimal_precision,
        QAT,
        {"compute": 1e21, "memory": 1e9},
        "needs one budget: compute= or memory=",
    ),
    "nothing left": (
        optimal_precision,
        QAT,
        {"compute": 1e21, **_AT},
        "with both of them, nothing is left to choose",
    ),
    "memory without tokens": (optimal_precision, QAT, {"memory": 1e9}, "With memory= give D="),
    "memory and size": (
        optimal_precision,
        QAT,
        {"memory": 1e9, **_AT},
        "give D= and leave N= out",
    ),
    "no compute": (optimal_precision, QAT, {"compute": 0}, "compute is 0; write a number"),
    "budget in words": (compute_optimal, CHINCHILLA, {"compute": "much"}, "compute is 'much'"),
    "compute of a rounded network": (
        optimal_precision,
        PTQ,
        {"compute": 1e21, "base": CHINCHILLA},
        "do not change the compute of training; give memory= and D=",
    ),
    "compute of kinds": (optimal_precision, QUEST, {"compute": 1e21}, "give memory= and D="),
    "bits of a base law": (optimal_precision, CHINCHILLA, {"compute": 1e21}, "no quantization"),
    "no bits to choose": (
        optimal_precision,
        CHEN,
        {"compute": 1e21, "group": 64},
        "leaves no bits to choose",
    ),
    "all bits given": (
        optimal_precision,
        QAT,
        {"compute": 1e21, "w_bits": 4, "a_bits": 4, "kv_bits": 4},
        "leaves no bits to choose",
    ),
    "tokens of a base law": (critical_tokens, CHINCHILLA, {"N": 1e9}, "has no degradation"),
    "level of a base law": (
        tokens_to_degradation,
        CHINCHILLA,
        {"N": 1e9, "level": 0.1},
        "has no degradation",
    ),
    "group of a base law": (largest_group, CHINCHILLA, {**_AT, "level": 1}, "has no degradation"),
    "worth of a base law": (effective_parameters, CHINCHILLA, _AT, "its parameters are all effect"),
    "bits without bits": (fewest_bits, CHEN, {**_AT, "level": 1, "group": 64}, "as a function of"),
    "tokens without tokens": (
        tokens_to_degradation,
        bayesq.published("qat-without-d", k=0.1, gamma_N=0.2, gamma_G=0.7),
        {"N": 1e9, "group": 64, "level": 0.1},
        "does not depend on tokens",
    ),
    "sizes without tokens": (
        compute_optimal,
        bayesq.published(SIZE_ONLY, E=1.7, A=400.0, alpha=0.34),
        {"compute": 1e21},
        "size-only.*(D|tokens)",
    ),
    "no group": (largest_group, QAT, {**_AT, "level": 0.1}, "does not look at the group size"),
    "one scheme": (
        weight_activation_crossover,
        CHEN,
        {"N": 1e9},
        "does not know weights and activations apart; fit .* chen2025-schemes",
    ),
    "one format for both sides": (
        weight_activation_crossover,
        SUN,
        {"N": 1e9},
        "Law sun2025 does not know weights and activations apart",
    ),
    "no groups": (weight_activation_crossover, SCHEMES, {"N": 1e9, "group": []}, "group is empt"),
    "no level": (tokens_to_degradation, OUYANG, {"N": 1e9, "bits": 2, "level": 0}, "level is 0"),
    "no tolerance": (critical_tokens, SUN, {**E2M1, "tolerance": -1}, "tolerance is -1"),
    "unknown format": (
        optimal_format,
        SUN,
        {**_AT, "formats": ["FP4"], "group": 128},
        "'FP4' is none that law sun2025 knows; write it like E4M3",
    ),
    "unknown kind": (
        optimal_format,
        QUEST,
        {**_AT, "formats": ["W5A5"]},
        "'W5A5' is none of the kinds of compression",
    ),
    "format of several kinds": (
        optimal_format,
        bayesq.published("frantar2025", "quest", eff={"W4A4 g32": 0.7, "W4A4 g64": 0.6}),
        {**_AT, "formats": ["W4A4"]},
        "'W4A4' fits several of the kinds",
    ),
    "bits of no kind": (
        optimal_format,
        QUEST,
        {**_AT, "bits": 5},
        "no compression of 5 bits; it has W1A1",
    ),
    "bits of no split": (optimal_format, SUN, {**_AT, "bits": 4.5, "group": 128}, "whole number"),
    "neither bits nor formats": (optimal_format, SUN, {**_AT, "group": 128}, "either bits= or"),
    "empty formats": (optimal_format, SUN, {**_AT, "formats": [], "group": 128}, "format"),
    "bits and formats": (
        optimal_format,
        SUN,
        {**_AT, "bits": 4, "formats": ["E2M1"], "group": 128},
        "either bits= or formats=",
    ),
    "formats of no law": (optimal_format, CHEN, {**_AT, "bits": 4}, "does not tell formats apart"),
    "compression lacking": (compute_optimal, QAT, {"compute": 1e21, "bit": 4}, "no column 'bit'"),
    "unknown column": (critical_tokens, SUN, {**E2M1, "widht": 4}, "no column 'widht'"),
    "input lacking": (critical_tokens, SUN, {"N": 1e9, "exponent": 2, "mantissa": 1}, "gives no B"),
    "no setting": (critical_tokens, SUN, {}, "needs a setting; say B, E, M, N of it"),
    "tokens given": (critical_tokens, SUN, {**E2M1, "D": 1e9}, "looks for D; leave D out"),
    "tokens given too": (
        tokens_to_degradation,
        OUYANG,
        {**_AT, "bits": 2, "level": 1},
        "looks for D; leave D out",
    ),
    "size given": (compute_optimal, CHINCHILLA, {"compute": 1e21, "N": 1e9}, "looks for N"),
    "group given": (largest_group, CHEN, {**_AT, "level": 1, "group": 64}, "leave group out"),
    "digits given": (optimal_format, SUN, {**_AT, **_SUN, "bits": 8}, "leave exponent out"),
    "two settings": (critical_tokens, SUN, {**E2M1, "N": [1e9, 2e9]}, "answers for one setting"),
    "no base": (critical_tokens, OUYANG, {"N": 1e9, "w_bits": 3}, "needs E, A, B, alpha_base"),
    "no base for the size": (
        effective_parameters,
        PTQ,
        {**_AT, "w_bits": 4},
        "loss needs E, A, B, alpha, beta",
    ),
    "another base": (
        critical_tokens,
        PTQ,
        {"N": 1e9, "w_bits": 4, "base": SUN},
        "law kumar2024-ptq has base law chinchilla; pass a fit of that one",
    ),
    "base of a base": (
        compute_optimal,
        CHINCHILLA,
        {"compute": 1e21, "base": CHINCHILLA},
        "law chinchilla has no base law",
    ),
    "base that is none": (
        critical_tokens,
        PTQ,
        {"N": 1e9, "w_bits": 4, "base": "chinchilla"},
        "A str is not a fit; make one",
    ),
    "no fit": (critical_tokens, "sun2025", E2M1, "A str is not a fit; make one with bayesq.fit"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_bad_question_is_refused_in_one_sentence(what: str) -> None:
    ask, fit, question, words = REFUSED[what]
    with pytest.raises(BayesqError, match=words) as caught:
        ask(fit, **question)
    said = str(caught.value)
    assert re.fullmatch(r"[^\n]+[^.]\.", said)
    assert not re.search(r"[a-z]\. [A-Z]", said), "one sentence"


def test_every_decision_has_a_refusal_and_an_example() -> None:
    asked = {ask.__name__ for ask, *_ in REFUSED.values()}
    asked |= {"inference_optimal", "iso_loss", "speedup"}  # in files of their own
    assert asked == set(decide.__all__) - {"Decision"}
