"""A law's identity covers what decides its numbers."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.law.identity import NoIdentityError, identity


def made(text: str, **names: Any) -> Any:
    """Run a text as a notebook would and return the function `f` that it makes."""
    exec(text, names)
    return names["f"]


PLAIN = "def f(N, a):\n    return a * half(N)\ndef half(x, by=2.0):\n    return x / by + K\n"
DIFFERENT = {
    "a constant of a helper": PLAIN.replace("+ K", "+ K + 1.0"),
    "a default": PLAIN.replace("by=2.0", "by=3.0"),
    "another sign": PLAIN.replace("a *", "a -"),
    "names swapped": PLAIN.replace("f(N, a)", "f(a, N)"),
    "a text": "def f(N, a):\n    return half('a')\ndef half(x):\n    return K\n",
    "a text in a generator": "def f(N, a):\n    return sum(v['a'] for v in N)\n",
    "another text in a generator": "def f(N, a):\n    return sum(v['b'] for v in N)\n",
}


def test_formulas_that_differ_have_other_identities() -> None:
    found = {what: identity(made(text, K=1.0)) for what, text in DIFFERENT.items()}
    found |= {f"global {k}": identity(made(PLAIN, K=k)) for k in (1.0, 2.0, 1, True, None)}
    assert len(set(found.values())) == len(found), found


SAME = {
    "comments and lines": "\n\n" + PLAIN.replace("    return a", "    # Of N.\n    return a"),
    "another order": "".join(PLAIN.partition("def half")[i] for i in (1, 2, 0)),
    "a global that nobody asks for": PLAIN + "L = 3.0\n",
    "a docstring": PLAIN.replace("    return a", "    'Take half.'\n    return a"),
}


@pytest.mark.parametrize("what", SAME)
def test_formulas_that_do_the_same_have_one_identity(what: str) -> None:
    assert identity(made(SAME[what], K=1.0)) == identity(made(PLAIN, K=1.0))


def test_a_docstring_decides_nothing() -> None:
    documented = PLAIN.replace("    return a", "    'Take {}.'\n    return a")
    one, other = (made(documented.format(word), K=1.0) for word in ("half", "a third"))
    assert identity(one) == identity(other)


def test_values_that_a_function_closes_over_count() -> None:
    def close(*held: Any) -> Callable[[Any], Any]:
        return lambda N: [N, *held]

    def double(x: float) -> float:
        return 2 * x

    def treble(x: float) -> float:
        return 3 * x

    every = [close(1.0), close(2.0), close(np.arange(3.0)), close(np.arange(3)), close({"a": 1})]
    every += [close(double), close(treble), close(double, treble), close(treble, double)]
    # The same things again are the same in the same places.
    every += [close(double, treble, double), close(double, treble, treble)]
    every += [functools.partial(double, 1.0), functools.partial(double, 2.0)]
    assert len({identity(f) for f in every}) == len(every)
    assert identity(close(double, {"b": 1, "a": 2})) == identity(close(double, {"a": 2, "b": 1}))


@dataclass(frozen=True)
class Halving:
    """Something with a method that calls another one."""

    by: float

    def part(self, x: float) -> float:
        return x / self.by

    def formula(self, N: float) -> float:
        return self.part(N)


def known_or_other(one: Any, other: Any) -> bool:
    """Tell whether two things that differ have other identities, or at least none."""
    try:
        return identity(one) != identity(other)
    except NoIdentityError:
        return True


def test_what_a_formula_asks_for_is_looked_into_or_has_no_identity(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asks = "def f(x):\n    return R('a') * x\n"
    table = [made(asks, R={"a": value}.get) for value in (1.0, 2.0)]
    assert known_or_other(*table), "a method of a mapping"

    attribute = [made("def f(x):\n    return f.k * x\n") for _ in range(2)]
    for k, f in enumerate(attribute):
        f.k = k
    assert known_or_other(*attribute), "an attribute of a function"

    wrapped = [
        functools.wraps(np.mean)(made(f"def f(x):\n    return {k} * x\n")) for k in (1.0, 2.0)
    ]
    assert known_or_other(*wrapped), "a function under the name of another one"

    globals_ = [made("def f(x):\n    return globals()['K'] * x\n", K=k) for k in (1.0, 2.0)]
    assert known_or_other(*globals_), "globals by name"

    monkeypatch.syspath_prepend(str(tmp_path))
    imported = made("def f(x):\n    import of_mine\n    return of_mine.K * x\n")
    (tmp_path / "of_mine.py").write_text("K = 1.0\n")
    with pytest.raises(NoIdentityError):
        identity(imported)


def test_methods_that_a_method_calls_are_looked_into_or_have_no_identity(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def now() -> str:
        try:
            return identity(Halving(2.0).formula)
        except NoIdentityError:
            return str(next(fresh))

    fresh = iter(range(9))
    before = now()
    monkeypatch.setattr(Halving, "part", lambda self, x: x / self.by + 1)
    assert now() != before


def test_modules_that_know_each_other_are_no_endless_way() -> None:
    one, other = types.ModuleType("one"), types.ModuleType("other")
    one.other, other.one = other, one  # type: ignore[attr-defined]
    found = []
    for value in (1.0, 2.0):
        other.K = value  # type: ignore[attr-defined]
        found.append(identity(made("def f(x):\n    return one.other.K * x\n", one=one)))
    assert len(set(found)) == 2


def test_a_prior_counts_and_a_meaning_does_not() -> None:
    def law(sigma: float = 1.0, meaning: str = "", title: str = "") -> Law:
        a = Parameter("a", Prior("Normal", mu=0.0, sigma=sigma), meaning=meaning)
        return Law("t", (a,), loss=lambda N, a: a / N, title=title, remember=False)

    assert identity(law()) == identity(law(meaning="Size.", title="T"))
    assert identity(law()) != identity(law(sigma=2.0))


IDENTITIES = f"""
import bayesq
from bayesq.law.identity import identity

names = {{"K": {{"a", "b", "c"}}}}
exec({PLAIN!r}, names)
print(identity(names["f"]), identity(*bayesq.laws().values()))
"""


def test_an_identity_is_the_same_in_another_process() -> None:
    found = {identity(made(PLAIN, K={"a", "b", "c"})) + " " + identity(*bayesq.laws().values())}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", IDENTITIES],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout.strip())
    assert len(found) == 1
