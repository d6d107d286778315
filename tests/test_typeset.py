"""Formulas as papers print them, made of the laws' own code, and held against it by numbers."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
import sympy

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.law.equations import Equations
from bayesq.law.letters import read_letter
from bayesq.law.traced import Log2
from bayesq.law.typeset import typeset

LAWS = bayesq.laws()
KUMAR = LAWS["kumar2024-ptq"]
VARIANTS = [
    KUMAR.fix(gamma_D=0),
    KUMAR.fix(gamma_post=0.5),
    LAWS["chinchilla"].fix(beta="alpha"),
    LAWS["kumar2024-qat"].fix(gamma_kv=0),
    LAWS["chen2025"].without("G"),
]
MATH = "{http://www.w3.org/1998/Math/MathML}"
E = Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5))


def asked() -> list[Any]:
    """List every law and each response that it says something of."""
    return [
        pytest.param(law, response, id=f"{law.name}-{response}")
        for law in (*LAWS.values(), *VARIANTS)
        for response in ("loss", *(["degradation"] if law.base else []))
    ]


def some_values(law: Law, seed: int) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    inputs = {i.symbol: float(rng.uniform(2, 9)) for i in law.inputs_of("loss")}
    return inputs | {p.symbol: float(rng.uniform(0.3, 2)) for p in law.parameters_of("loss")}


def number(expression: Any, values: dict[str, float]) -> float:
    symbols = {sympy.Symbol(name): name for name in values}
    # The brackets of a comparison are Python's True and False.
    own = {"Log2": np.log2, "Log10": np.log10, "Least": np.minimum, "Most": np.maximum}
    known = [own | {"Holds": float}, "numpy"]
    return float(sympy.lambdify(list(symbols), expression, known)(*values.values()))


@pytest.mark.parametrize(("law", "response"), asked())
def test_what_is_typeset_has_the_law_s_own_values(law: Law, response: Any) -> None:
    whole = Equations(law, response).whole
    for seed in range(5):
        values = some_values(law, seed)
        found = number(whole, values)
        np.testing.assert_allclose(found, law.evaluate(response, values), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("law", "response"), asked())
def test_mathml_is_well_formed_and_names_every_symbol(law: Law, response: Any) -> None:
    page = ET.fromstring(typeset(law, response))
    assert page.tag == f"{MATH}math"
    words = {e.text for e in page.iter() if e.text}
    for symbol in (p.symbol for p in law.parameters_of(response)):
        letter = read_letter(symbol)
        assert {letter.shown, *filter(None, [letter.index])} <= words
    assert not any("&" in word or "_" in word for word in words)


def test_the_lines_are_the_paper_s() -> None:
    assert typeset(LAWS["chinchilla"], "loss", "tex") == (
        r"L = E + \frac{A}{N^{\alpha}} + \frac{B}{D^{\beta}}"
    )
    assert typeset(KUMAR, "degradation", "tex") == (
        r"\Delta L = \frac{C_{T}\,D^{\gamma_{D}}\,e^{- \frac{P}{\gamma_{\mathrm{post}}}}}"
        r"{N^{\gamma_{N}}}"
    )
    of_size = typeset(LAWS["frantar2025"], "loss", "tex")
    assert r"N_{\mathrm{eff}} &= N\,\mathrm{eff}" in of_size
    assert r"\frac{A}{N_{\mathrm{eff}}^{\alpha}}" in of_size
    both = typeset(KUMAR, "loss", "tex")
    assert r"+ \Delta L" in both
    assert r"\Delta L &=" in both


def test_a_held_parameter_leaves_no_trace() -> None:
    assert "D" not in {str(s) for s in Equations(VARIANTS[0], "degradation").whole.free_symbols}
    assert "D^" not in typeset(VARIANTS[0], "degradation", "tex")


def test_what_is_too_long_has_a_name_as_in_the_paper() -> None:
    first, *others = typeset(LAWS["muennighoff2023"], "loss", "tex").splitlines()[1:-1]
    assert first == (
        r"L &= E + \frac{A}{N_{\mathrm{eff}}^{\alpha}} + \frac{B}{D_{\mathrm{eff}}^{\alpha}} \\"
    )
    assert [line.split(" &=")[0] for line in others] == [
        rf"{letter}_{{\mathrm{{{index}}}}}" for index in ("eff", "min") for letter in "ND"
    ]
    assert r"D_{\mathrm{min}} &= \min\left(D, U\right)" in others[-1]
    found = typeset(LAWS["muennighoff2023"], "loss")
    assert "<msubsup><mi>N</mi><mi>eff</mi><mi>\u03b1</mi></msubsup>" in found


def test_what_divides_begins_with_single_letters() -> None:
    assert r"}{\gamma\,N^{\alpha}" in typeset(LAWS["sun2025"], "degradation", "tex")
    spaced = '<mspace width="0.17em"/><mrow><msub><mi>log</mi>'
    assert spaced in typeset(LAWS["sun2025"], "degradation")


def test_choices_and_bounds_are_typeset() -> None:
    law = Law(
        "bounded",
        (E,),
        loss=lambda N, D, E: E + np.where(N > 3, np.log10(N), np.maximum(D, np.minimum(N, E))),
        remember=False,
    )
    found = typeset(law, "loss", "tex")
    assert r"\left[N > 3\right]\,\log_{10} N" in found
    assert r"\left[N \leq 3\right]\,\max\left(D, \min\left(N, E\right)\right)" in found
    ET.fromstring(typeset(law, "loss"))
    for n in (2.0, 4.0):
        values = {"N": n, "D": 1.5, "E": 1.7}
        assert number(Equations(law, "loss").whole, values) == pytest.approx(
            float(law.evaluate("loss", values))
        )


def test_a_power_of_a_logarithm_is_in_brackets() -> None:
    assert r"\left(\log_{2} G\right)^{\gamma_{G}}" in typeset(LAWS["chen2025"], "loss", "tex")
    assert Log2(sympy.Symbol("G")).args == (sympy.Symbol("G"),)


def test_laws_on_laws_keep_their_names_apart() -> None:
    """A parameter called N_eff, and an effective size of an effective size."""
    inner = Law(
        "inner",
        (Parameter("N_eff", Prior("LogNormal", mu=0, sigma=0.1)),),
        base=LAWS["chinchilla"],
        effective={"N": lambda N, N_eff: N * N_eff},
        remember=False,
    )
    outer = Law(
        "outer",
        (Parameter("delta", Prior("LogNormal", mu=0, sigma=0.1)),),
        base=inner,
        effective={"N": lambda N, delta: N / delta},
        remember=False,
    )
    top = Law(
        "top",
        (Parameter("k", Prior("LogNormal", mu=0, sigma=0.1)),),
        base=outer,
        degradation=lambda D, k, delta: k * delta / D,
        remember=False,
    )
    for law in (inner, outer, top):
        for response in ("loss", "degradation"):
            values = some_values(law, 1)
            found = number(Equations(law, response).whole, values)
            np.testing.assert_allclose(found, law.evaluate(response, values), rtol=1e-9)
            ET.fromstring(typeset(law, response))


def branching(N: Any, E: Any) -> Any:
    return E if N < 1e9 else 2 * E & 1


def test_a_formula_that_is_no_arithmetic_is_shown_as_it_is_written() -> None:
    law = Law("branching", (E,), loss=branching, remember=False)
    assert "return E if N &lt; 1e9 else 2 * E &amp; 1" in typeset(law, "loss")
    assert r"2 * E \& 1" in typeset(law, "loss", "tex")


def test_a_user_s_formula_is_typeset() -> None:
    law = Law(
        "mine",
        (E, Parameter("kappa_x", Prior("Normal", mu=0, sigma=1))),
        loss=lambda N, E, kappa_x: E + np.sqrt(np.abs(kappa_x)) * np.log1p(1e9 / N) ** 0.5,
        remember=False,
    )
    values = {"N": 3e8, "E": 1.7, "kappa_x": -0.4}
    found = number(Equations(law, "loss").whole, values)
    np.testing.assert_allclose(found, law.evaluate("loss", values), rtol=1e-12)
    assert r"\kappa_{x}" in typeset(law, "loss", "tex")
    ET.fromstring(typeset(law, "loss"))
