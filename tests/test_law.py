"""Laws: how they are made and refused, what they compute, and how they are found."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
import xarray as xr
from pytensor.compile.mode import Mode

import bayesq
import bayesq.models
from bayesq import Input, Law, Parameter, Prior
from bayesq.catalogue import Catalogue
from bayesq.errors import BayesqError
from bayesq.law import COMPRESSION, Kind, OrderedByBits, Published, registry, renamed
from bayesq.law.formulas import arguments_of, call
from bayesq.law.prior import DISTRIBUTIONS
from simulated import inputs_at

# No compiler: the few numbers here are not worth its start.
QUICK = Mode(linker="py", optimizer=None)
NORMAL = Prior("Normal", mu=0.0, sigma=1.0)
E = Parameter("E", NORMAL)
BASE = bayesq.laws()["chinchilla"]
NAMES = list(bayesq.laws())
INT_4 = Kind(w_bits=4, w_kind="int", w_group=32)
INT_4_64 = Kind(w_bits=4, w_kind="int", w_group=64)
INT_4_BOTH = Kind(w_bits=4, a_bits=4, w_kind="int", w_group=32)
LADDER = OrderedByBits(0.75, 1.0, *(Prior("LogNormal", mu=-1.0, sigma=0.5) for _ in range(2)))
# One prior of each distribution that laws may use.
PRIORS = [
    Prior("Normal", mu=0.4, sigma=0.3),
    Prior("LogNormal", mu=-1.0, sigma=0.5),
    Prior("HalfNormal", sigma=0.05),
    Prior("HalfStudentT", nu=2.0, sigma=0.3),
    Prior("Gamma", alpha=2.0, beta=0.1),
    Prior("Exponential", lam=3.0),
    Prior("Beta", alpha=2.0, beta=5.0),
    Prior("Uniform", lower=-1.0, upper=3.0),
    Prior("TruncatedNormal", mu=0.5, sigma=1.0, lower=0.0, upper=2.0),
]


def of_e(N: Any, E: Any) -> Any:
    return E + 0 * N


# What is wrong with a law, and what its refusal must name.
WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "no formula": (lambda: Law("x", (E,)), "loss=, or base= and degradation="),
    "two formulas": (lambda: Law("x", (E,), loss=of_e, degradation=of_e), "needs one formula"),
    "loss and base": (lambda: Law("x", (E,), loss=of_e, base=BASE), "base unused"),
    "degradation and effective": (
        lambda: Law("x", (E,), degradation=of_e, effective={"N": of_e}, base=BASE),
        "needs one formula",
    ),
    "no base": (lambda: Law("x", (E,), degradation=of_e), "a degradation but no base="),
    "no base of effective inputs": (
        lambda: Law("x", (E,), effective={"N": of_e}),
        "x has effective inputs but no base=",
    ),
    "effective input unknown to the base": (
        lambda: Law("x", (Parameter("F", NORMAL),), effective={"G": lambda N, F: F}, base=BASE),
        "makes an effective G, and its base chinchilla takes N, D; name one",
    ),
    "input unused": (
        lambda: Law("x", (E,), loss=of_e, inputs=(Input("S", ("sparsity",)),)),
        "Input S of law x is not an argument of its formula, which takes N, E; leave it out",
    ),
    "published symbol unknown": (
        lambda: Law("x", (E,), loss=of_e, published=(Published("y2020", {"E0": 1.0}, "Y"),)),
        r"fit y2020 of law x gives E0, which is no parameter of it; did you mean E\?",
    ),
    "published error of nothing": (
        lambda: Law("x", (E,), loss=of_e, published=(Published("y", {"E": 1.0}, "Y", {"q": 1}),)),
        "fit y of law x gives q, which is no parameter of it; valid names: E",
    ),
    "comma forgotten": (
        lambda: Law("x", (E), loss=of_e),  # type: ignore[arg-type]
        "x needs a tuple of parameters; write a comma behind the only one",
    ),
    "kinds without their prior": (
        lambda: Law("x", (Parameter("E", NORMAL, by=COMPRESSION),), loss=of_e),
        "E of law x needs by= and a prior OrderedByBits together",
    ),
    "prior of kinds without kinds": (
        lambda: Law("x", (Parameter("E", LADDER),), loss=of_e),
        "E of law x needs by= and a prior OrderedByBits together",
    ),
    "kind that is none": (
        lambda: COMPRESSION.find("W3", [INT_4, INT_4_BOTH]),
        "'W3' is none of the kinds of compression that were .*: W4 int g32; W4A4 int g32",
    ),
    "kind that is several": (
        lambda: COMPRESSION.find("W4", [INT_4, INT_4_64, INT_4_BOTH]),
        "'W4' fits several of the kinds .*: W4 int g32; W4 int g64",
    ),
    "renaming nothing": (
        lambda: renamed(BASE, gamma="gamma_base"),
        "chinchilla cannot be renamed: it has no parameter gamma",
    ),
    "renaming a law with a base": (
        lambda: renamed(bayesq.laws()["chen2025"], k="k_base"),
        "chen2025 cannot be renamed: it is no base law",
    ),
    "picking nothing": (
        lambda: BASE.pick("E", "F"),
        "chinchilla has no parameter 'F'; valid names: E",
    ),
    "no parameters": (lambda: Law("x", (), loss=of_e), "needs parameters"),
    "one symbol twice": (lambda: Law("x", (E, E), loss=of_e), "each symbol once; it has E, E"),
    "parameter unused": (
        lambda: Law("x", (E, Parameter("F", NORMAL)), loss=of_e),
        "F of law x is not an argument of its formula, which takes N, E",
    ),
    "slope of nothing": (
        lambda: Law("x", (Parameter("E", NORMAL, slope_of="Z"),), loss=of_e),
        "slope of Z, which is not one of E",
    ),
    "term of something else": (
        lambda: Law("x", (Parameter("E", NORMAL, term=lambda q: q),), loss=of_e),
        r"takes q, which is not an argument of the formula \(N, E\)",
    ),
    "symbol of the base": (
        lambda: Law("x", (E,), degradation=of_e, base=BASE),
        "x and its base chinchilla both have a parameter E",
    ),
    "symbol of the base's base": (
        lambda: Law(
            "x",
            (E,),
            degradation=of_e,
            base=Law("y", (Parameter("F", NORMAL),), degradation=lambda N, F: F, base=BASE),
        ),
        "both have a parameter E",
    ),
    "name of the noise": (
        lambda: Law("x", (Parameter("sigma", NORMAL),), loss=lambda N, sigma: sigma),
        "takes sigma, which a fit uses",
    ),
    "name of a dimension": (lambda: Law("x", (E,), loss=lambda chain, E: E), "takes chain"),
    "unnamed arguments": (lambda: Law("x", (E,), loss=lambda E, *rest: E), r"takes \*rest"),
    "stages as text": (lambda: Law("x", (E,), loss=of_e, stages="none"), "none, train, post"),  # type: ignore[arg-type]
    "unknown stage": (lambda: Law("x", (E,), loss=of_e, stages=("pots",)), "none, train, post"),
    "unknown distribution": (
        lambda: Prior("LogNorml", mu=0, sigma=1),
        r"did you mean LogNormal .*valid: Normal, LogNormal, HalfNormal",
    ),
    "parameter of a prior left out": (
        lambda: Prior("Normal", mu=0),
        "Normal takes mu, sigma; it was given mu",
    ),
    "parameter of another prior": (
        lambda: Prior("Exponential", scale=1),
        "Exponential takes lam; it was given scale",
    ),
    "prior without numbers": (lambda: Prior("Normal"), "it was given nothing"),
    "unknown law": (
        lambda: bayesq.laws()["kumar"],
        rf"'kumar'; did you mean .*kumar2024-ptq or .*\? \(valid: {', '.join(NAMES)}\)",
    ),
    "law unlike any": (lambda: registry.find_law("zzzz"), f"valid names: {', '.join(NAMES)}"),
    "no law at all": (lambda: registry.find_law(None), "NoneType is not a law"),  # type: ignore[arg-type]
    "degradation of a base law": (
        lambda: BASE.evaluate("degradation", {}),
        "chinchilla is a base law and has no degradation",
    ),
    "unknown response": (
        lambda: BASE.evaluate("los", {}),  # type: ignore[arg-type]
        "response is 'los'; it must be 'loss' or 'degradation'",
    ),
    "response that cannot be fitted": (
        lambda: BASE.check_response("los"),
        "chinchilla cannot be fitted to response 'los'; it takes 'loss'",
    ),
    "response with two ways out": (
        lambda: bayesq.laws()["chen2025"].check_response("delta"),
        "it takes 'degradation' or 'loss'",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_in_one_sentence(what: str) -> None:
    make, words = WRONG[what]
    with pytest.raises(BayesqError, match=words) as caught:
        make()
    said = str(caught.value)
    # What was given, or the name of an argument, may come first.
    assert re.fullmatch(r"([A-Z]|'|response is ).+\.", said), "one line, a sentence"
    assert not re.search(r"(?<=[a-z])\. ", said), "one sentence"


# --- what a law computes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "response"),
    [
        (name, response)
        for name, law in bayesq.laws().items()
        for response in (("loss", "degradation") if law.base else ("loss",))
    ],
)
def test_every_kind_of_value_gives_the_same_numbers(name: str, response: Any) -> None:
    law = bayesq.laws()[name]
    parameters = {
        p.symbol: 0.7 if p.by else float(p.prior.quantile(0.4)) * (1.5 if p.term else 1.0)
        for p in law.parameters_of(response)
    }
    # A law may have an input E and a base whose parameter is E.
    given = inputs_at(law)
    inputs = {symbol: value for symbol, value in given.items() if symbol not in parameters}
    assert {i.symbol for i in law.inputs_of(response)} <= set(inputs)
    plain = law.evaluate(response, inputs | parameters)
    assert isinstance(plain, float)
    assert np.isfinite(plain)

    moved = next(s for s in ("N", "D") if s in {i.symbol for i in law.inputs_of(response)})
    sizes = np.array([given[moved], 5 * given[moved]])
    numpy = law.evaluate(response, inputs | parameters | {moved: sizes})
    assert numpy.shape == (2,)
    assert numpy[0] == pytest.approx(plain, rel=1e-14)
    assert numpy[1] != numpy[0]

    draws = {
        s: xr.DataArray(np.full((2, 3), v), dims=("chain", "draw")) for s, v in parameters.items()
    }
    scenarios = xr.DataArray(sizes, dims="scenario")
    labelled = law.evaluate(response, inputs | draws | {moved: scenarios})
    assert labelled.sizes == {"chain": 2, "draw": 3, "scenario": 2}
    np.testing.assert_allclose(labelled.isel(chain=1, draw=2), numpy, rtol=1e-14)

    symbolic = {s: pt.dscalar(s) for s in parameters}
    graph = law.evaluate(response, inputs | symbolic | {moved: sizes})
    compute = pytensor.function([*symbolic.values()], graph, mode=QUICK)
    np.testing.assert_allclose(compute(**parameters), numpy, rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_a_coefficient_is_told_by_its_term_at_the_pivot(name: str) -> None:
    law = bayesq.laws()[name]
    wanted = law.parameters_of("loss")
    sampled = {p.symbol: 0.7 if p.by else float(p.prior.quantile(0.4)) for p in wanted}
    inputs = {symbol: value for symbol, value in inputs_at(law).items() if symbol not in sampled}
    for p in wanted:
        found = p.coefficient(inputs | sampled)
        if p.term is None:
            assert found == sampled[p.symbol]
            continue
        term = call(p.term, inputs | sampled)
        # As Sun's gamma, or as A: the term's value at the pivot is what carries the prior.
        value = term / found if p.divides else term * found
        assert value == pytest.approx(sampled[p.symbol], rel=1e-14)


def published(name: str, label: str) -> dict[str, float]:
    return next(dict(f.values) for f in bayesq.laws()[name].published if f.label == label)


def test_chen_reproduces_the_degradation_that_its_paper_prints() -> None:
    law = bayesq.laws()["chen2025"]
    at = {"N": 595e6, "D": 100e9, "G": 256}
    four = law.evaluate("degradation", at | published("chen2025", "W4A4"))
    assert four == pytest.approx(0.0635, abs=5e-5)
    # The loss is the base and that degradation, with the paper's base constants.
    base = 1.9279 + 237.70 / 595e6**0.3022 + 596.25 / 100e9**0.3022
    loss = law.evaluate("loss", at | published("chen2025", "W4A4"))
    assert loss == pytest.approx(base + four, rel=1e-12)


def test_chen_schemes_nearly_add_up_as_the_paper_says() -> None:
    law = bayesq.laws()["chen2025"]
    inside = {
        "N": np.geomspace(74e6, 595e6, 5)[:, None, None],
        "D": np.geomspace(10e9, 100e9, 5)[:, None],
        "G": np.array([32, 64, 128, 256]),
    }
    delta = {
        scheme: law.evaluate("degradation", inside | published("chen2025", scheme))
        for scheme in ("W4A4", "W4A16", "W16A4")
    }
    ratio = delta["W4A4"] / (delta["W4A16"] + delta["W16A4"])
    assert ratio.mean() == pytest.approx(0.906, abs=0.02)


def test_chinchilla_reproduces_the_optimum_of_its_refit(public: Path) -> None:
    runs = bayesq.load_pool("epoch_chinchilla").select("loss < 3.44")
    N, D, loss = (runs.columns[c] for c in ("N", "D", "loss"))
    # The optimum of the Huber objective on the logarithm of the loss, as printed with the refit.
    constants = {"E": 1.81724, "A": 477.84, "B": 2143.86, "alpha": 0.347313, "beta": 0.367183}
    away = np.abs(np.log(BASE.evaluate("loss", {"N": N, "D": D, **constants})) - np.log(loss))
    huber = np.where(away <= 1e-3, 0.5 * away**2, 1e-3 * (away - 0.5e-3))
    assert len(runs) == 240
    assert huber.sum() == pytest.approx(1.018274e-3, rel=1e-5)


def test_quantized_switches_the_degradation_off_row_by_row() -> None:
    law = bayesq.laws()["kumar2024-ptq"]
    values = published("chinchilla", "besiroglu2024") | {
        "C_T": 0.06, "gamma_D": 0.5, "gamma_N": 0.34, "gamma_post": 0.6,
        "N": 1e8, "D": 1e10, "P": np.array([4.0, 4.0]),
    }  # fmt: skip
    switched = law.evaluate("loss", values | {"quantized": np.array([0.0, 1.0])})
    base = law.base.evaluate("loss", values) if law.base else 0
    delta = law.evaluate("degradation", values)
    np.testing.assert_allclose(switched, [base, base + delta[1]], rtol=1e-14)
    # Without the switch every row is quantized.
    np.testing.assert_allclose(law.evaluate("loss", values), base + delta, rtol=1e-14)


# --- priors ------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: p.distribution)
def test_quantiles_are_those_of_the_distribution_that_is_sampled(prior: Prior) -> None:
    probs = np.array([0.05, 0.25, 0.5, 0.75, 0.95])
    sampled = getattr(pm, prior.distribution).dist(**dict(prior.parameters))
    quantiles = prior.quantile(probs)
    if prior.distribution == "HalfStudentT":
        # PyMC has its density only.
        grids = np.linspace(0.0, quantiles, 10_001)
        below = np.trapezoid(np.exp(pm.logp(sampled, grids).eval(mode=QUICK)), grids, axis=0)
    else:
        below = np.exp(pm.logcdf(sampled, quantiles).eval(mode=QUICK))
    np.testing.assert_allclose(below, probs, rtol=1e-6)


def test_every_distribution_has_its_quantiles_checked() -> None:
    assert {p.distribution for p in PRIORS} == set(DISTRIBUTIONS)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda p: p.distribution)
def test_a_prior_survives_json(prior: Prior) -> None:
    assert Prior.from_dict(json.loads(json.dumps(prior.to_dict()))) == prior
    assert eval(repr(prior)) == prior


def test_positive_priors_are_known() -> None:
    positive = {p.distribution for p in PRIORS if p.positive}
    # A bound other than 0 would be a cliff for a sampler that moves in logarithms.
    assert positive == {"LogNormal", "HalfNormal", "HalfStudentT", "Gamma", "Exponential"}


# --- the list of laws --------------------------------------------------------------------------


def test_the_laws_are_listed_with_what_they_need() -> None:
    laws = bayesq.laws()
    assert isinstance(laws, Catalogue)
    # Each file of the folder that says what its law is, and no other.
    files = sorted((Path(__file__).parents[1] / "models").glob("*.py"))
    assert len(laws) == sum("\nlaw = " in file.read_text(encoding="utf-8") for file in files)
    frame = laws.to_frame()
    assert list(frame.index) == list(laws)
    assert frame.loc["kumar2024-ptq", "inputs"] == "N, D, P"
    assert frame.loc["chen2025", "parameters"] == "k, gamma_N, gamma_D, gamma_G"
    assert frame.loc["chinchilla", "base"] == ""
    lines = repr(laws).splitlines()
    assert [line.split()[0] for line in lines] == ["law", *laws]
    assert max(map(len, lines)) <= 200


def test_a_law_is_described_in_json() -> None:
    for name, law in bayesq.laws().items():
        said = json.loads(json.dumps(law.to_dict(), allow_nan=False))
        assert said == law.to_dict()
        assert said["name"] == name
        # The first author of a paper whose constants are here, and where to look each one up.
        printed = [f.source for f in law.published]
        authors = tuple(s.split(" et al.")[0] for s in printed if " et al." in s)
        assert said["source"].startswith(authors or "")
        assert said["source"]
        # A law without constants of a paper may come from anywhere.
        for source in (said["source"], *printed) if printed else ():
            assert re.search(r"et al\. \d{4}|arXiv:\d{4}\.\d{5}|[\w-]+/[\w-]+", source), source
        symbols = [p["symbol"] for p in said["parameters"]]
        for fit in said["published"]:
            known = {*symbols, *(p.symbol for p in law.parameters_of("loss"))}
            assert set(fit["values"]) <= known
            assert set(fit["errors"]) <= set(fit["values"])


def test_what_was_not_read_in_the_paper_is_marked() -> None:
    kumar = bayesq.laws()["kumar2024-ptq"].to_dict()["published"][0]
    assert kumar["checked"] is False
    assert "gamma_post" not in kumar["values"]
    assert all(f.checked for f in bayesq.laws()["chen2025"].published)


SIZE_ONLY = """
from bayesq import Law, Parameter, Prior

law = Law(
    name="size-only",
    loss=lambda N, E, alpha: E + N**-alpha,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5)),
        Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
    ),
)
"""


def test_a_file_in_the_folder_is_a_law(folder_of_laws: Path) -> None:
    (folder_of_laws / "size_only.py").write_text(SIZE_ONLY)
    (folder_of_laws / "helpers.py").write_text("TWO = 2\n")  # defines no law: no law
    assert list(bayesq.laws()) == [*NAMES, "size-only"]
    found = registry.find_law("size-only")
    assert found.evaluate("loss", {"N": 1e8, "E": 2.0, "alpha": 0.25}) == pytest.approx(2.01)


def test_a_law_is_found_by_object_name_and_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(SIZE_ONLY.replace("size-only", "found-by-file"))
    assert registry.find_law(BASE) is BASE
    assert registry.find_law("chinchilla") is BASE
    held = registry.find_law(str(file))
    assert held.name == "found-by-file"
    assert registry.find_law("found-by-file") is held
    assert registry.find_law(file).name == "found-by-file"


def test_a_column_of_the_table_can_be_an_input() -> None:
    law = Law("x", (E,), loss=lambda N, sparsity, warmth, E: E)
    assert [i.symbol for i in law.own_inputs] == ["N", "sparsity", "warmth"]
    assert law.to_dict()["inputs"]["sparsity"] == "share of zero weights"
    assert law.own_inputs[2] == Input.of_column("warmth")
    assert law.own_inputs[2].pivot(np.array([-1.0, 0.0, 4.0])) == 1.0


def test_the_digest_follows_formula_priors_and_base() -> None:
    def law(**changed: Any) -> Law:
        parts: dict[str, Any] = {"parameters": (E,), "loss": lambda N, E: E + N}
        return Law("x", **(parts | changed))

    wider = Parameter("E", Prior("Normal", mu=0, sigma=2))
    times = {"loss": lambda N, E: E * N}
    assert law().digest == law().digest
    assert len({law().digest, law(parameters=(wider,)).digest, law(**times).digest}) == 3
    assert law(title="other words").digest == law().digest


@pytest.mark.parametrize("other", ["E + 3 * N", "E - 2 * N", "E + 2 * M"])
def test_the_digest_needs_no_source(other: str) -> None:
    # As typed at a prompt: nothing for inspect to read.
    typed = "lambda N, M, E: "
    one, two = (Law("x", (E,), loss=eval(typed + f)) for f in ("E + 2 * N", other))
    again = Law("x", (E,), loss=eval(typed + "E + 2 * N"))
    assert one.digest == again.digest != two.digest


HELPED = '''
import numpy as np
from bayesq import Law, Parameter, Prior

ROUND = {constant}


def robust(x):
    {comment}
    return np.{function}(x) + ROUND


def loss(N, D, E, A):
    """{prose}"""
    return E + A * robust(N) / D


law = Law(
    name="helped",
    title="{prose}",
    loss=loss,
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.5, sigma={sigma}), "nats/token", "{prose}"),
        Parameter("A", Prior("LogNormal", mu=-0.7, sigma=1.0)),
    ),
)
'''


def helped(folder: Path, **changed: Any) -> Law:
    parts = {"constant": 1.0, "comment": "# as it was", "function": "log", "prose": "a law"}
    path = folder / f"law_{len(list(folder.iterdir()))}.py"
    path.write_text(HELPED.format(**(parts | {"sigma": 0.5} | changed)), encoding="utf-8")
    return registry.find_law(path)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"function": "sqrt"}, "formula of loss"),
        ({"constant": 2.0}, "formula of loss"),
        ({"sigma": 0.6}, "prior of E"),
    ],
)
def test_the_digest_covers_what_decides_the_numbers(
    tmp_path: Path, change: dict[str, Any], part: str
) -> None:
    from bayesq.law.digest import changed

    before, after = helped(tmp_path), helped(tmp_path, **change)
    assert before.digest != after.digest
    assert changed(before.parts, after.parts) == part


@pytest.mark.parametrize("change", [{"comment": "# as it is now"}, {"prose": "the very law"}])
def test_the_digest_covers_no_prose(tmp_path: Path, change: dict[str, Any]) -> None:
    assert helped(tmp_path).digest == helped(tmp_path, **change).digest


def test_the_digest_of_a_shipped_law_covers_its_helpers() -> None:
    from bayesq.law.digest import text_of

    formulas = bayesq.laws()["kumar2024-unified"].formulas
    assert any("def robust" in text_of(f) for f in formulas)


def test_a_formula_that_cannot_be_hashed_is_looked_at_like_any_other() -> None:
    @dataclass
    class Scaled:
        by: list[float]

        def __call__(self, N: float, A: float) -> float:
            return A * self.by[0] / N

    assert arguments_of(Scaled([2.0])) == ("N", "A")
    assert call(Scaled([2.0]), {"N": 4.0, "A": 6.0, "B": 1.0}) == 3.0
    with pytest.raises(BayesqError, match="names no input or parameter"):
        arguments_of(lambda *values: values)
