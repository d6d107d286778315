"""Variants of laws: what they compute, how they are named, found and refused."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.errors import BayesqError
from bayesq.law import renamed
from bayesq.law.formulas import arguments_of
from bayesq.law.law import Response, session_law
from bayesq.law.registry import find_law

LAWS = bayesq.laws()
KUMAR, CHEN, BASE, SUN = (
    LAWS[name] for name in ("kumar2024-ptq", "chen2025", "chinchilla", "sun2025")
)
FRANTAR, QAT = LAWS["frantar2025"], LAWS["kumar2024-qat"]
NARROW = Prior("Normal", mu=0.3, sigma=0.01)
# One value of each input.
INPUTS = {
    "N": 3e8, "D": 2e10, "U": 1e10, "P": 4.0, "G": 128.0, "E": 2.0, "M": 1.0, "B": 32.0,
    "P_w": 5.0, "P_a": 8.0, "P_kv": 16.0, "P_post": 4.0,
}  # fmt: skip
# No compiler: the few numbers here are not worth its start.
QUICK = Mode(linker="py", optimizer=None)


def values_of(law: Law) -> dict[str, float]:
    """Make a value of each input and parameter."""
    found = {
        p.symbol: 0.7 if p.by else float(p.prior.quantile(0.4)) * (1.5 if p.term else 1.0)
        for p in law.parameters_of("loss")
    }
    return {**INPUTS, **found}


def size(N: Any, alpha: Any) -> Any:
    return N**-alpha


# --- fixed parameters --------------------------------------------------------------------------

# A law, what is held, and the name that it then has behind its own.
FIXED: list[tuple[str, dict[str, Any], str]] = [
    ("kumar2024-ptq", {"gamma_D": 0}, ":gamma_D=0"),
    ("kumar2024-ptq", {"gamma_N": 0.25, "gamma_D": 0.5}, ":gamma_N=0.25:gamma_D=0.5"),
    ("kumar2024-ptq", {"alpha": 0.3}, ":alpha=0.3"),
    ("kumar2024-ptq", {"C_T": 400}, ":C_T=400"),
    ("kumar2024-ptq", {"gamma_D": "beta"}, ":gamma_D=beta"),
    ("kumar2024-ptq", {"alpha_equals_beta": True}, ":beta=alpha"),
    ("chinchilla", {"beta": "alpha"}, ":beta=alpha"),
    ("chinchilla", {"A": 400.0, "E": 1.7}, ":A=400:E=1.7"),
    ("chinchilla", {"beta": 0.1234567891}, ":beta=0.1234567891"),
    ("chinchilla", {"A": 1e9}, ":A=1e+09"),
    ("kumar2024-unified", {"C_a": "C_w", "gamma_a": "gamma_w"}, ":C_a=C_w:gamma_a=gamma_w"),
    ("kumar2024-unified", {"beta": "alpha"}, ":beta=alpha"),
    ("kumar2024-qat", {"gamma_kv": 0.5}, ":gamma_kv=0.5"),
    ("frantar2025", {"alpha": 0.2}, ":alpha=0.2"),
    ("sun2025", {"nu": "delta"}, ":nu=delta"),
    ("sun2025", {"beta": 0.4, "gamma": 11000}, ":beta=0.4:gamma=11000"),
    ("ouyang2024", {"beta": np.float32(0), "alpha": -0.0}, ":beta=0:alpha=0"),
    ("muennighoff2023", {"R_N": "R_D"}, ":R_N=R_D"),
]


@pytest.mark.parametrize(("name", "held", "behind"), FIXED, ids=[n + b for n, _, b in FIXED])
def test_a_fixed_law_is_the_law_at_that_value(name: str, held: dict[str, Any], behind: str) -> None:
    law = LAWS[name]
    digest = law.digest
    made = law.fix(**held)
    assert made.name == name + behind
    gone = {"beta"} if "alpha_equals_beta" in held else set(held)
    assert {p.symbol for p in made.parameters_of("loss")} == {
        p.symbol for p in law.parameters_of("loss")
    } - gone
    values = values_of(law)
    told = {k: v for k, v in values.items() if k not in gone}
    same = dict(values)
    for symbol, value in (pair.split("=") for pair in behind[1:].split(":")):
        same[symbol] = values[value] if value in values else float(value)
    responses: tuple[Response, ...] = ("loss", "degradation") if law.base else ("loss",)
    for response in responses:
        expected = law.evaluate(response, same)
        assert made.evaluate(response, told) == pytest.approx(expected, rel=1e-13)
        assert gone.isdisjoint(p.symbol for p in made.parameters_of(response))
        assert made.inputs_of(response) == law.inputs_of(response)
    assert gone.isdisjoint(made.arguments)
    for p in made.parameters_of("loss"):
        assert gone.isdisjoint(arguments_of(p.term) if p.term else ())
        assert p.slope_of not in gone
    assert made.published == ()
    assert made.stages == law.stages
    # The law itself is as it was, and the other is found by its name.
    assert law.digest == digest != made.digest
    assert find_law(name) is law
    assert find_law(made.name) is made
    assert LAWS[made.name].digest == made.digest
    assert session_law(made.name) is made
    assert made.to_dict()["name"] == made.name


def test_a_fixed_law_takes_every_kind_of_value() -> None:
    made = CHEN.fix(gamma_G=0, gamma_D="beta")
    values = values_of(made) | {"N": np.array([1e8, 1e9])}
    numpy = made.evaluate("loss", values)
    draws = {p.symbol: values[p.symbol] for p in made.parameters_of("loss")}
    labelled = {s: xr.DataArray(np.full(3, v), dims="draw") for s, v in draws.items()}
    sizes = {"N": xr.DataArray(values["N"], dims="scenario")}
    out = made.evaluate("loss", {**values, **labelled, **sizes})
    np.testing.assert_allclose(out.transpose("draw", "scenario")[0], numpy, rtol=1e-14)
    symbolic = {s: pt.dscalar(s) for s in draws}
    graph = made.evaluate("loss", {**values, **symbolic})
    compute = pytensor.function([*symbolic.values()], graph, mode=QUICK)
    np.testing.assert_allclose(compute(**draws), numpy, rtol=1e-14)


def test_a_decay_of_0_is_the_limit() -> None:
    made = QAT.fix(gamma_a=0)
    values = values_of(QAT)
    near = QAT.evaluate("loss", values | {"gamma_a": 1e-3})
    assert made.evaluate("loss", values | {"P_a": np.array([3.0, 8.0])}) == pytest.approx(near)


def test_the_digest_tells_what_was_held() -> None:
    def typed() -> Law:
        # As typed at a prompt: nothing for inspect to read.
        both = (Parameter(s, NARROW) for s in ("E", "F"))
        return Law("x", tuple(both), loss=eval("lambda N, E, F: E + F * N"), remember=False)

    every = [
        *(KUMAR, KUMAR.fix(gamma_D=0), KUMAR.fix(gamma_D=1), KUMAR.fix(gamma_D="gamma_N")),
        *(KUMAR.fix(alpha=0.3), KUMAR.fix(alpha=0.31), KUMAR.fix(alpha="beta")),
        *(BASE, BASE.fix(beta="alpha"), BASE.fix(beta="E"), BASE.fix(beta=0.3)),
        *(BASE.fix(alpha="beta"), renamed(BASE.fix(beta=0.3), alpha="a")),
        *(typed(), typed().fix(E=1), typed().fix(E=2), typed().fix(F=1)),
    ]
    assert len({law.digest for law in every}) == len(every)
    assert BASE.fix(A=1, B=2).digest == BASE.fix(B=2).fix(A=1).digest
    assert typed().fix(E=1).digest == typed().fix(E=1.0).digest


def test_the_base_of_a_fixed_law_is_fixed_too() -> None:
    made = KUMAR.fix(alpha=0.3, gamma_D=0)
    assert made.base is not None
    # Its own fits are those of the base law with the same value, and of no other.
    assert made.base.name == "chinchilla:alpha=0.3"
    assert made.base.digest == BASE.fix(alpha=0.3).digest
    assert KUMAR.fix(gamma_D=0).base is BASE
    assert session_law("kumar2024-ptq:alpha=0.3") is None, "nobody asked for what is between"


def test_exponents_keep_the_slope_of_a_coefficient_that_is_there() -> None:
    slopes = {p.symbol: p.slope_of for p in BASE.fix(A=400).parameters}
    assert slopes == {"E": None, "B": None, "alpha": None, "beta": "B"}
    tied = {p.symbol: p for p in BASE.fix(beta="alpha").parameters}
    assert tied["alpha"].slope_of == "A"
    assert arguments_of(tied["B"].term or size) == ("D", "alpha")
    # Ratios of shares are to the first: that of the two that one exponent bends is one of them.
    assert list(tied) == ["A", "E", "B", "alpha"]
    assert next(iter(BASE.fix(alpha="beta").parameters)).symbol == "B"
    assert next(iter(BASE.fix(beta="E").parameters)).symbol == "E"


def test_a_closed_form_follows() -> None:
    made = BASE.fix(beta="alpha")
    values = {"compute": 1e21, "A": 400.0, "B": 500.0, "alpha": 0.3}
    before, after = (law.closed["compute_optimal"] for law in (BASE, made))
    assert arguments_of(after) == ("compute", "A", "B", "alpha")
    assert after(**values) == before(**values, beta=0.3)
    # Exponents alike: size and tokens grow alike.
    assert after(**(values | {"compute": 1e23}))["N"] == pytest.approx(10 * after(**values)["N"])
    # With no dependence on the tokens there is no number of them at which more do harm.
    turn = KUMAR.fix(gamma_D=0).closed["critical_tokens"]
    with np.errstate(divide="ignore"):
        at = {k: np.array(v) for k, v in values_of(KUMAR).items() if k in arguments_of(turn)}
        assert np.isinf(turn(**at))


# --- inputs taken out --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "symbol", "behind"),
    [
        ("kumar2024-ptq", "D", "gamma_D=0"),
        ("kumar2024-ptq", "N", "gamma_N=0"),
        ("chen2025", "G", "gamma_G=0"),
        ("chen2025-schemes", "FC8", "kappa=0"),
        ("kumar2024-qat", "P_a", "gamma_a=0"),
        ("ouyang2024", "P", "gamma=0"),
        ("sun2025", "M", "nu=0"),
    ],
)
def test_an_input_is_taken_out(name: str, symbol: str, behind: str) -> None:
    made = LAWS[name].without(symbol)
    assert made.name == f"{name}:{behind}"
    assert find_law(f"{name}:without={symbol}").digest == made.digest
    values = values_of(made) | {"FC8": 1.0, "W": 1.0, "A4": 1.0}
    # The base law keeps the input.
    change = {symbol: values[symbol] / 2}
    here, there = (made.evaluate("degradation", values | more) for more in ({}, change))
    if made.degradation is not None:
        assert there == pytest.approx(here, rel=1e-14)
    if symbol in ("N", "D"):
        assert made.evaluate("loss", values) != made.evaluate("loss", values | change)


def test_nothing_is_taken_out_with_more_than_was_asked_for() -> None:
    # Its coefficient at 0 takes the bits out, and the whole degradation with them.
    with pytest.raises(BayesqError, match=r"takes P out at 0 .*\(inputs .* does: N, D\); hold sev"):
        KUMAR.without("P")
    # The exponent at 0 leaves a second constant beside E.
    with pytest.raises(BayesqError, match="does: none"):
        BASE.without("D")
    # The prior of the interaction is around 0, which does not make it nothing.
    with pytest.raises(BayesqError, match="takes G out"):
        LAWS["ptq-bits-by-group"].without("G")
    assert LAWS["ptq-bits-by-group"].fix(gamma_PG=0).without("G").name.endswith("gamma_G=0")


# --- priors and formulas -----------------------------------------------------------------------


def test_a_prior_is_another_law() -> None:
    made = KUMAR.with_prior("gamma_D", Prior("Normal", mu=0, sigma=0.1))
    assert made.name == "kumar2024-ptq:gamma_D~Normal(mu=0,sigma=0.1)"
    assert made.pick("gamma_D")[0].prior == Prior("Normal", mu=0, sigma=0.1)
    assert made.published == KUMAR.published
    assert made.digest != KUMAR.digest
    assert find_law(made.name) is made
    of_base = KUMAR.with_prior("alpha", NARROW)
    assert of_base.base is not None
    assert of_base.base.pick("alpha")[0].prior == NARROW
    assert of_base.base.name == "chinchilla:alpha~Normal(mu=0.3,sigma=0.01)"
    assert len({KUMAR.digest, made.digest, of_base.digest}) == 3
    assert of_base.evaluate("loss", values_of(KUMAR)) == KUMAR.evaluate("loss", values_of(KUMAR))


def power(N: Any, D: Any, P: Any, gamma_D: Any, gamma_N: Any, gamma_P: Any) -> Any:
    return D**gamma_D / N**gamma_N * P**-gamma_P


def degradation(N: Any, D: Any, P: Any, C_T: Any, gamma_D: Any, gamma_N: Any, gamma_P: Any) -> Any:
    return C_T * power(N, D, P, gamma_D, gamma_N, gamma_P)


GAMMA_P = Parameter("gamma_P", Prior("LogNormal", mu=1.5, sigma=0.5))


def test_a_formula_is_another_law() -> None:
    scale = replace(*KUMAR.pick("C_T"), term=power)
    made = KUMAR.with_formula(
        "power", degradation=degradation, parameters=(scale, GAMMA_P), title="power of bits"
    )
    assert [p.symbol for p in made.parameters] == ["C_T", "gamma_D", "gamma_N", "gamma_P"]
    assert made.pick("C_T")[0].term is power
    assert (made.name, made.title, made.stages) == ("power", "power of bits", KUMAR.stages)
    assert made.own_inputs == KUMAR.own_inputs
    assert not made.published
    assert not made.closed
    assert find_law("power") is made
    assert find_law("power:gamma_D=0").name == "power:gamma_D=0"
    like = LAWS["ouyang2024"].evaluate(
        "degradation", INPUTS | {"k": 0.1, "beta": 0.4, "alpha": 0.3, "gamma": 5.0}
    )
    symbols = {"C_T": 0.1, "gamma_D": 0.4, "gamma_N": 0.3, "gamma_P": 5.0}
    assert made.evaluate("degradation", INPUTS | symbols) == pytest.approx(like, rel=1e-14)


def test_an_efficiency_may_depend_on_the_size() -> None:
    made = FRANTAR.with_formula(
        "by-size",
        effective={"N": lambda N, eff, slope: N * eff ** ((N / 1e9) ** slope)},
        parameters=(Parameter("slope", Prior("Normal", mu=0, sigma=0.3)),),
    )
    assert [p.symbol for p in made.parameters] == ["eff", "slope"]
    values = values_of(FRANTAR)
    assert made.evaluate("loss", values | {"slope": 0.0}) == FRANTAR.evaluate("loss", values)
    assert made.fix(slope=0).evaluate("loss", values) == FRANTAR.evaluate("loss", values)


def test_what_a_formula_no_longer_takes_is_dropped() -> None:
    made = BASE.with_formula("size-only", loss=lambda N, E, A, alpha: E + A * N**-alpha)
    assert [p.symbol for p in made.parameters] == ["E", "A", "alpha"]
    assert [i.symbol for i in made.own_inputs] == ["N"]
    bent = BASE.with_formula(
        "no-A", loss=lambda N, D, E, B, alpha, beta: E + N**-alpha + B * D**-beta
    )
    assert {p.symbol: p.slope_of for p in bent.parameters}["alpha"] is None
    two = LAWS["quartet2025"].with_formula("one", effective={"D": lambda D: D})
    assert [p.symbol for p in two.parameters] == ["eff_N"]
    assert list(two.effective) == ["N", "D"]


# --- what is refused ---------------------------------------------------------------------------

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "nothing fixed": (KUMAR.fix, r"Nothing of law kumar2024-ptq is fixed; write fix\(param"),
    "unknown": (lambda: KUMAR.fix(gama_D=0), "no parameter 'gama_D'; did you mean gamma_D or"),
    "an input": (lambda: KUMAR.fix(N=1e9), "no parameter 'N'; valid names: E, A"),
    "tie to nothing": (lambda: BASE.fix(beta="alfa"), "no parameter 'alfa'; did you mean alpha"),
    "tie to itself": (
        lambda: BASE.fix(beta="beta"),
        "beta of law chinchilla is tied to itself; tie it to another parameter: E, A, B, alpha",
    ),
    "tie in a ring": (lambda: BASE.fix(beta="alpha", alpha="beta"), "has no parameter 'beta'"),
    "base tied to what is above": (
        lambda: KUMAR.fix(beta="gamma_D"),
        r"tie them the other way: fix\(gamma_D='beta'\)",
    ),
    "kinds": (lambda: FRANTAR.fix(eff=0.5), "eff of law frantar2025 has a value for each comp"),
    "tie to kinds": (lambda: LAWS["quartet2025"].fix(gamma="eff_N"), "eff_N of law quartet2025"),
    "no number": (lambda: KUMAR.fix(gamma_D=None), "cannot be held at None; give a fin"),  # type: ignore[arg-type]
    "a flag": (lambda: KUMAR.fix(gamma_D=True), "cannot be held at True"),
    "not finite": (lambda: KUMAR.fix(gamma_D=np.nan), "cannot be held at nan"),
    "equality denied": (
        lambda: BASE.fix(alpha_equals_beta=False),
        "write alpha_equals_beta=True, or leave it out",
    ),
    "equality of nothing": (
        lambda: BASE.fix(alpha_equals_gamma=True),
        "has no parameter 'gamma'; did you mean alpha",
    ),
    "a divisor of 0": (
        lambda: SUN.fix(gamma=0),
        "sun2025 has no finite value with gamma held at 0, as at N .*; hold it at another value",
    ),
    "overflow": (lambda: CHEN.fix(gamma_D=100), "no finite value with gamma_D held at 100"),
    "every parameter": (
        lambda: CHEN.fix(k=0.1, gamma_N=0, gamma_D=0, gamma_G=0),
        "gamma_G is the last parameter of law chen2025.*, and a law needs one; leave it free",
    ),
    "no such input": (lambda: KUMAR.without("G"), "takes no input 'G'; valid names: N, D, P"),
    "prior of nothing": (lambda: KUMAR.with_prior("zeta", NARROW), "no parameter 'zeta'"),
    "no prior": (
        lambda: KUMAR.with_prior("gamma_D", 0.3),  # type: ignore[arg-type]
        r"prior of gamma_D in law kumar2024-ptq is to be 0.3; give a Prior",
    ),
    "prior of kinds": (lambda: FRANTAR.with_prior("eff", NARROW), "a value for each compression"),
    "no new name": (
        lambda: BASE.with_formula("chinchilla", loss=lambda N, E: E),
        "called 'chinchilla'; give it a name of its own",
    ),
    "no formula": (lambda: BASE.with_formula("x"), "is a base law, so x needs one formula: loss="),
    "loss above a base": (
        lambda: KUMAR.with_formula("x", loss=lambda N, C_T: C_T),
        "has a base law, so x needs one formula: degradation= or effective=",
    ),
    "two formulas": (
        lambda: KUMAR.with_formula("x", degradation=degradation, effective={"N": degradation}),
        "so x needs one formula",
    ),
    "comma forgotten": (
        lambda: KUMAR.with_formula("x", degradation=degradation, parameters=GAMMA_P),  # type: ignore[arg-type]
        "x needs a tuple of parameters; write a comma behind the only one",
    ),
    "term of what is gone": (
        lambda: KUMAR.with_formula("x", degradation=degradation, parameters=(GAMMA_P,)),
        "term of C_T in law kumar2024-ptq takes gamma_post, which the formula of x does not; give",
    ),
    "term of another formula": (
        lambda: KUMAR.with_formula(
            "x",
            degradation=lambda N, D, P, C_T, gamma_D, gamma_N, gamma_post: (
                C_T * power(N, D, P, gamma_D, gamma_N, gamma_post)
            ),
        ),
        "term of C_T in law kumar2024-ptq is not what it multiplies in the formula of x; give C_T",
    ),
    "new parameter unused": (
        lambda: BASE.with_formula("x", loss=lambda N, E: E, parameters=(GAMMA_P,)),
        "Parameter gamma_P of law x is not an argument",
    ),
    "name of nothing": (
        lambda: find_law("kumar2024-ptq:gamma_X=0"),
        "has no parameter 'gamma_X'; did you mean gamma_",
    ),
    "name without a value": (
        lambda: find_law("chinchilla:beta"),
        "'beta' behind the name of law chinchilla is no variant of it; write parameter=number",
    ),
    "name of a prior": (
        lambda: find_law("chinchilla:beta~Normal(mu=0,sigma=1)"),
        "is no variant of it; write parameter=number, parameter=another or without=input",
    ),
    "name of a law that is none": (
        lambda: find_law("chinchila:beta=alpha"),
        "No law is called 'chinchila:beta=alpha'; did you mean chinchilla",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(what: str) -> None:
    make, words = WRONG[what]
    with pytest.raises(BayesqError, match=words) as caught:
        make()
    said = str(caught.value)
    assert re.fullmatch(r"[\w'].+\.", said), "one line, a sentence"
    assert not re.search(r"(?<=[a-z])\. ", said), "one sentence"


# --- names -------------------------------------------------------------------------------------


def test_looking_a_variant_up_leaves_the_session_alone() -> None:
    name = "chinchilla:beta=0.25"
    assert LAWS.get(name).name == name  # type: ignore[union-attr]
    assert session_law(name) is None
    assert name not in LAWS
    assert LAWS.get("chinchilla:gamma=0") is None
    mine = Law(name, (Parameter("E", NARROW),), loss=lambda N, E: E)
    assert find_law(name) is mine


def test_a_variant_of_a_law_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from bayesq.models import chinchilla\n"
        "law = chinchilla.law.with_formula('mine', loss=lambda N, E, A, alpha: E + A * N**-alpha)\n"
    )
    assert find_law(f"{file}:alpha=0.5").name == "mine:alpha=0.5"


def test_a_fit_of_a_variant_is_a_fit(grid: bayesq.Runs, tmp_path: Path) -> None:
    few = {"draws": 100, "tune": 200, "chains": 2, "seed": 1, "progress": False}
    found = bayesq.fit(grid, "chinchilla:beta=alpha", discrepancy=False, **few)  # type: ignore[arg-type]
    assert "beta" not in found.posterior
    path = tmp_path / "fit.nc"
    found.save(path)
    code = (
        f"import bayesq; fit = bayesq.load_fit({str(path)!r}); "
        "answer = bayesq.decide.compute_optimal(fit, compute=1e21); "
        "print(fit.law.name, [n.code for n in fit.notes], float(answer.draws['a'].mean()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert done.startswith("chinchilla:beta=alpha [")
    assert "law-" not in done
    assert float(done.split()[-1]) == pytest.approx(0.5)


def test_an_exponent_of_a_ratio_takes_more_out_than_the_input() -> None:
    # At 0 it would take N and P along with D.
    from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior

    def degradation(N, D, P, k, gamma):  # type: ignore[no-untyped-def]
        return k * (D / (N * P / 8)) ** gamma

    law = Law(
        name="tokens-a-bit",
        base=BASE,
        degradation=degradation,
        inputs=(WEIGHT_BITS,),
        stages=("post",),
        parameters=(
            Parameter("k", Prior("LogNormal", mu=-3.5, sigma=1.5), "nats/token"),
            Parameter("gamma", Prior("Normal", mu=0.4, sigma=0.3)),
        ),
        remember=False,
    )
    with pytest.raises(BayesqError, match="No one parameter of law tokens-a-bit takes D out"):
        law.without("D")
