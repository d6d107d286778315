"""Laws, noises and descriptions in other processes: the same there, whatever they are made of."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.law.identity import identity
from bayesq.law.registry import find_law
from bayesq.model.specification import specify
from made_up_runs import made_up

VARIANTS = ("kumar2024-ptq:gamma_D=0", "chinchilla:beta=alpha", "chen2025:without=G")

# A notebook's law: lambdas, a helper beside them, and a formula that asks the law for something.
NOTEBOOK = """
import numpy as np
from bayesq import Law, Noise, Parameter, Prior
log = 3.0
def half(x):
    return np.log(x) / 2
law = Law(
    name="of-a-notebook",
    loss=lambda N, E, A: E + A / half(N) + 0 * len(law.parameters),
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
    ),
)
noise = Noise(
    "of-a-notebook",
    width=lambda sigma, N: sigma * half(N),
    parameters=(Parameter("sigma", Prior("HalfNormal", sigma=0.05)),),
)
"""
# What another process, which has seen nothing, says of what it is sent.
THERE = """
import pickle, sys
described = pickle.load(sys.stdin.buffer)
law = described.law
print(described.key, law.digest, described.noise.identity)
print(law.evaluate("loss", {"N": 1e8, "D": 1e9, "E": 1.5, "A": 2.0}))
"""


@pytest.mark.parametrize("name", [*bayesq.laws(), *VARIANTS])
def test_every_law_goes_to_another_process(name: str) -> None:
    law = find_law(name)
    back = pickle.loads(pickle.dumps(law))
    assert type(back) is Law
    assert identity(back) == identity(law)
    assert back.digest == law.digest
    assert repr(back) == repr(law)


def test_what_a_notebook_made_is_the_same_in_a_process_that_has_not_seen_it(
    tmp_path: Path,
) -> None:
    made: dict[str, Any] = {"__name__": "__main__"}
    (tmp_path / "cell.py").write_text(NOTEBOOK)
    exec(compile(NOTEBOOK, str(tmp_path / "cell.py"), "exec"), made)
    law = made["law"]
    here = specify(made_up(), law, noise=made["noise"], discrepancy=False)
    sent = pickle.dumps(here)
    (tmp_path / "cell.py").unlink()  # there the text of its formulas does not lie
    there = subprocess.run(
        [sys.executable, "-c", THERE], input=sent, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    value = law.evaluate("loss", {"N": 1e8, "D": 1e9, "E": 1.5, "A": 2.0})
    assert there.split() == [here.key, law.digest, str(made["noise"].identity), str(value)]


def test_a_key_that_nothing_tells_stays_that_of_its_description() -> None:
    hidden = Law(
        name="hidden",
        loss=lambda N, E, A: E + A / eval("N"),
        parameters=tuple(
            Parameter(s, Prior("LogNormal", mu=0, sigma=1), "nats/token") for s in "EA"
        ),
        remember=False,
    )
    here = specify(made_up(), hidden, discrepancy=False)
    assert pickle.loads(pickle.dumps(here)).key == here.key
