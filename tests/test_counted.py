"""Things counted in words: of one there is no plural, in no note, fact or error."""

from __future__ import annotations

import re

import pandas as pd
import pytest

import bayesq
from bayesq.counted import how_many

# One thing by the name of several, but not "11 rows" or "0.1 runs".
ONE_OF_SEVERAL = re.compile(
    r"(?<![\d.,])1 (?:[a-z-]+ ){0,2}"
    r"(?:runs|rows|levels|parameters|settings|networks|chains|studies)"
)


@pytest.mark.parametrize(
    ("count", "words", "said"),
    [
        (1, ("row",), "1 row"),
        (0, ("row",), "0 rows"),
        (1204, ("row",), "1204 rows"),
        (1, ("study", "studies"), "1 study"),
        (2, ("study", "studies"), "2 studies"),
        (1, ("training run",), "1 training run"),
    ],
)
def test_one_is_not_several(count: int, words: tuple[str, ...], said: str) -> None:
    assert how_many(count, *words) == said


def all_said(found: bayesq.Check) -> str:
    notes = [*found.notes, *(note for law in found.laws for note in law.notes)]
    return "\n".join([*map(str, found.facts.values()), *map(str, notes), found.advice])


def one_network() -> pd.DataFrame:
    """Quantize one network at one number of tokens in several ways."""
    bits = [16, 2, 3, 4, 5, 6, 7, 8]
    loss = [2.5, 3.1, 2.72, 2.58, 2.53, 2.512, 2.506, 2.503]
    return pd.DataFrame({"run": "a", "N": 1e9, "D": 2e10, "w_bits": bits, "loss": loss})


def test_what_is_said_of_one_network_is_in_the_singular() -> None:
    table = one_network()
    found = bayesq.check(bayesq.read_runs(table))
    assert "come from 1 training run;" in all_said(found)
    assert not ONE_OF_SEVERAL.findall(all_said(found))
    refused = "\n".join(law.refused for law in found.laws)
    assert "1 row, not quantized, " in refused
    assert not ONE_OF_SEVERAL.findall(refused)
    assert found.facts["N"] == "1B to 1B, 1 level"
    one = bayesq.read_runs(table.iloc[:1])
    assert str(one).startswith("<Runs: 1 row (0 quantized) of 1 run, ")
