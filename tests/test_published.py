"""A paper's constants in place of a fit: which there are, and what they predict."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq.errors import BayesqError
from bayesq.posterior.constants import PublishedFit
from simulated import inputs_at

LAWS = bayesq.laws()
LABELS = [(law.name, fit.label) for law in LAWS.values() for fit in law.published]
SENTENCE = r"[^\n]+[^.]\."


def missing(name: str, label: str) -> dict[str, float]:
    """Make up what a transcript lacks; any value shows that it is taken."""
    law = LAWS[name]
    told = next(fit for fit in law.published if fit.label == label).values
    return {p.symbol: float(p.prior.quantile(0.5)) for p in law.parameters if p.symbol not in told}


def take(name: str, label: str) -> PublishedFit:
    return bayesq.published(name, label, **missing(name, label))


def refused(*arguments: Any, **values: Any) -> str:
    with pytest.raises(BayesqError) as caught:
        bayesq.published(*arguments, **values)
    assert re.fullmatch(SENTENCE, str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize(("name", "label"), LABELS)
def test_constants_become_one_draw(name: str, label: str) -> None:
    paper = take(name, label)
    printed = next(fit for fit in LAWS[name].published if fit.label == label)
    assert paper.law is LAWS[name]
    assert paper.constants.label == label
    # What is not the paper's own is said to be given.
    given = ", ".join(missing(name, label))
    given = f", with {given} given by whoever asks" if given else ""
    assert paper.constants.source == printed.source + given
    assert label in paper.title
    wanted = {**printed.values, **missing(name, label)}
    assert set(paper.posterior.data_vars) == set(wanted)
    for symbol, value in wanted.items():
        draws = paper.posterior[symbol]
        assert draws.dims[:2] == ("chain", "draw")
        numbers = list(value.values()) if isinstance(value, dict) else [value]
        np.testing.assert_array_equal(draws.values.ravel(), numbers)
    # The laws of one value a kind know their kinds by name, in the order of the paper.
    for symbol, kinds in paper.levels.items():
        (by,) = (p.symbol for p in LAWS[name].parameters if p.by and p.by.symbol == symbol)
        assert kinds == list(printed.values[by])  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "label"), LABELS)
def test_a_prediction_is_the_law_with_the_constants(name: str, label: str) -> None:
    paper = take(name, label)
    law = paper.law
    if any(p.symbol not in paper.posterior for p in law.parameters_of(paper.response)):
        with pytest.raises(BayesqError, match=r"give them, as in bayesq\.published"):
            bayesq.predict(paper, {"N": 3e8, "D": 2e10})
        return
    at = inputs_at(law)
    asked = {i.symbol: at[i.symbol] for i in law.inputs_of(paper.response)}
    kinds = {symbol: labels[-1] for symbol, labels in paper.levels.items()}
    constants: dict[str, Any] = {**paper.constants.values, **missing(name, label)}
    flat = {k: list(v.values())[-1] if isinstance(v, dict) else v for k, v in constants.items()}
    wanted = law.evaluate(paper.response, {**flat, **asked})
    prediction = bayesq.predict(paper, asked | kinds)
    assert prediction.draws.shape == (1, 1, 1)
    assert prediction.draws.name == paper.response
    assert prediction.draws.item() == pytest.approx(wanted, rel=1e-12)
    row = prediction.to_frame().iloc[0]
    assert row["lower"] == row["upper"] == row["median"]


@pytest.mark.parametrize("name", LAWS)
def test_every_law_has_constants_or_says_that_it_has_none(name: str) -> None:
    law = LAWS[name]
    if law.published:
        paper = take(name, law.published[0].label)
        assert paper.constants.label == law.published[0].label
        assert paper.response in law.responses
    else:
        said = refused(name)
        assert f"Law {name} has no published constants" in said
        assert all(p.symbol in said for p in law.parameters)


def test_a_law_may_be_given_as_an_object() -> None:
    law = LAWS["chen2025"]
    assert bayesq.published(law, "W4A16").law is law


@pytest.mark.parametrize(
    ("arguments", "values", "words"),
    [
        (["chen2025", "W4A5"], {}, "no published fit 'W4A5'; did you mean W4A4"),
        (["ptq-without-d", "any"], {}, "no published fit 'any'; it has none"),
        (["chen2025"], {"gama_N": 1.0}, "no parameter gama_N; did you mean gamma_N"),
        (["chen2026"], {}, "chen2025"),
        (["chen2025", None, "delta"], {}, "response 'delta'; it takes 'degradation' or 'loss'"),
        (["frantar2025", None, "degradation"], {}, "response 'degradation'; it takes 'loss'"),
        (["kumar2024-ptq"], {}, "lack gamma_post, .* as in published.'kumar2024-ptq', gamma_post="),
        (["ptq-without-d"], {"k": 0.1}, "lack gamma_N, gamma_post"),
        (["chen2025"], {"k": "much"}, "k is 'much'"),
        (["frantar2025"], {"eff": 0.5}, "eff"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_mistake_is_refused_in_one_sentence(
    arguments: list[Any], values: dict[str, Any], words: str
) -> None:
    assert re.search(words, refused(*arguments, **values))


def test_constants_can_be_added_and_replaced() -> None:
    paper = bayesq.published("kumar2024-ptq", gamma_post=0.6, C_T=0.1)
    at = {"N": "100M", "D": "10B", "w_bits": 4}
    wanted = 0.1 * 1e10**0.5068 / 1e8**0.3439 * np.exp(-4 / 0.6)
    assert bayesq.predict(paper, at).draws.item() == pytest.approx(wanted, rel=1e-12)
    base = {"E": 1.8, "A": 480.0, "B": 2085.0, "alpha": 0.35, "beta": 0.37}
    whole = bayesq.published("kumar2024-ptq", None, "loss", gamma_post=0.6, C_T=0.1, **base)
    loss = 1.8 + 480 * 1e8**-0.35 + 2085 * 1e10**-0.37
    assert bayesq.predict(whole, at).draws.item() == pytest.approx(loss + wanted, rel=1e-12)


def test_all_constants_of_a_law_can_be_given() -> None:
    paper = bayesq.published("ptq-without-d", k=2.0, gamma_N=0.3, gamma_post=0.5)
    found = bayesq.predict(paper, {"N": "1B", "D": "10B", "w_bits": 3}).draws.item()
    assert found == pytest.approx(2 * np.exp(-6) * 1e9**-0.3, rel=1e-12)


def test_kinds_can_be_given_by_name() -> None:
    paper = bayesq.published("frantar2025", "quest", eff={"W4A4": 0.7, "W2A2": 0.2})
    assert paper.levels == {"compression": ["W4A4", "W2A2"]}
    np.testing.assert_array_equal(paper.posterior["eff"].values.ravel(), [0.7, 0.2])


def test_what_it_prints_are_the_constants_that_it_uses() -> None:
    said = repr(bayesq.published("chen2025", k=0.5))
    assert said.startswith("chen2025 with the constants W4A4")
    assert "gamma_N 0.2186" in said
    assert re.search(r"\bk 0\.5\b", said)
    assert "published-constants" in said


def test_the_response_is_one_that_the_constants_tell() -> None:
    # Sun's usual response is the loss, Chen's the degradation; Ouyang prints no base law.
    for name, response in {"sun2025": "loss", "chen2025": "degradation"}.items():
        assert bayesq.published(name).response == response
    assert bayesq.published("sun2025", response="degradation").response == "degradation"
    assert bayesq.published("ouyang2024").response == "degradation"
    paper = bayesq.published("ouyang2024", response="loss")
    with pytest.raises(BayesqError, match="E, A, B, alpha_base, beta_base") as caught:
        bayesq.predict(paper, {"N": "1B", "D": "1T", "w_bits": 2})
    assert re.fullmatch(SENTENCE, str(caught.value))


def test_the_noise_of_a_run_is_not_known() -> None:
    with pytest.raises(BayesqError, match=r"of a new run is not known .*kind='mean'") as caught:
        bayesq.predict(bayesq.published("chinchilla"), {"N": 1e9, "D": 1e10}, kind="run")
    assert re.fullmatch(SENTENCE, str(caught.value))


@pytest.mark.parametrize(("name", "label"), LABELS)
def test_notes_say_where_the_constants_come_from(name: str, label: str) -> None:
    paper = take(name, label)
    notes = {note.code: note for note in paper.notes}
    assert notes["published-constants"].severity == "info"
    assert paper.constants.source in notes["published-constants"].message
    assert ("published-unchecked" in notes) is not paper.constants.checked
    if not paper.constants.checked:
        assert notes["published-unchecked"].severity == "warning"


def test_a_prediction_repeats_the_notes_and_knows_where_the_law_was_seen() -> None:
    paper = bayesq.published("ouyang2024")
    inside = bayesq.predict(paper, {"N": "1B", "D": "1T", "w_bits": 2})
    assert [n.code for n in inside.notes] == [
        "published-unchecked",
        "published-constants",
        "range-unknown",
    ]
    outside = bayesq.predict(paper, {"N": "405B", "D": "1T", "w_bits": 2})
    assert outside.notes[0].code == "extrapolation"
    assert outside.distance["N"].item() == pytest.approx(405e9 / paper.law.observed["N"][1])


@pytest.mark.parametrize(("name", "label"), [("chinchilla", "besiroglu2024"), ("chen2025", "W4A4")])
def test_the_main_fit_comes_first(name: str, label: str) -> None:
    assert bayesq.published(name).constants.label == label


@pytest.mark.parametrize(
    ("name", "first"), [("kumar2024-ptq", "ouyang2024"), ("qat-without-d", "chen2025")]
)
def test_where_constants_lack_those_that_can_be_asked_are_named(name: str, first: str) -> None:
    with pytest.raises(BayesqError) as mistake:
        bayesq.published(name)
    said = str(mistake.value)
    assert re.fullmatch(SENTENCE, said)
    *_, listed = said.rstrip(".").split("whose constants are known: ")
    named = listed.split(", ")
    assert named[0] == first
    assert {"sun2025", "ouyang2024", "chen2025"} <= set(named)
    for law in named:
        assert bayesq.published(law).law.base is not None
