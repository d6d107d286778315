"""The language in which rows are chosen."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError
from bayesq.runs.choice import Choice

NAN = np.nan
COLUMNS: dict[str, np.ndarray] = {
    "N": np.array([1e8, 1e9, 7e9, 5e10]),
    "D": np.array([1e10, 2e10, 1e12, NAN]),
    "w_bits": np.array([2.0, 4.0, 4.0, 16.0]),
    "w_group": np.array([NAN, 128.0, -1.0, NAN]),
    "method": np.array(["gptq", "q3", "", "1B"], dtype=object),
    "metrics.loss": np.array([3.0, 2.0, 1.0, NAN]),
    "my run": np.array(["a", "b'c", 'd"e', "f\\g"], dtype=object),
    "in": np.array([1.0, 2.0, 3.0, 4.0]),
    # As a table has it before its cells are judged.
    "step": np.array([0.0, "final", None, 7], dtype=object),
}

CHOSEN = {
    # Numbers, with suffixes that are read outside texts alone.
    "N >= 1B": "0111",
    "N > .1B": "0111",
    "N == 100M": "1000",
    "N == 1e8 or N == 5.e10": "1001",
    "N==7b": "0010",
    "N > 100000k and N < 0.01T": "0110",
    "method == '1B'": "0001",
    "N > -1": "1111",
    "N > +-1": "1111",
    # Chains, arithmetic.
    "1B <= N < 10B": "0110",
    "0 < w_bits == 4 < N": "0110",
    "D / N > 20": "1010",
    "6 * N * D > 1e20": "0110",
    "N ** 2 > 1e18": "0011",
    "-N < -1B": "0011",
    "N // 1B == 7": "0010",
    "w_bits % 4 == 0": "0111",
    "(w_bits + 2) * 2 == 12": "0110",
    # Lists.
    "w_bits in [2, 16]": "1001",
    "w_bits in (2,)": "1000",
    "w_bits not in [2, 16]": "0110",
    "N in [1B, 7B]": "0110",
    "method in ['q3', '']": "0110",
    "w_bits * 2 in [8]": "0110",
    "w_group in [-1, 128]": "0110",
    "w_bits in []": "0000",
    # and, or, not and their signs, with one precedence.
    "w_bits == 4 and N > 1B": "0010",
    "w_bits == 4 & N > 1B": "0010",
    "(w_bits == 4) & (N > 1B)": "0010",
    "w_bits == 2 | w_bits == 16": "1001",
    "~(w_bits == 4)": "1001",
    "~ w_bits == 4 & N > 1B": "0001",
    "not w_bits == 4": "1001",
    "not (w_bits == 4 or N > 1B)": "1000",
    "w_bits == 2 or w_bits == 4 and N > 1B": "1010",
    "w_bits == 4\n  and N > 1B": "0010",
    # Texts.
    "method == 'gptq'": "1000",
    'method == "gptq"': "1000",
    "'gptq' == method": "1000",
    "method != 'gptq'": "0111",
    "method > 'gptq'": "0100",
    "method.startswith('g')": "1000",
    "method.endswith('q')": "1000",
    "method.contains('q')": "1100",
    "method.str.contains('q')": "1100",
    "~method.str.contains('q3') & N >= 1B": "0011",
    "`my run` == 'b\\'c'": "0100",
    '`my run` == "b\'c"': "0100",
    "`my run` == 'd\"e'": "0010",
    "`my run` == 'f\\\\g'": "0001",
    "`my run`.contains('\\g')": "0001",
    "`metrics.loss` < 2.5": "0110",
    "`in` in [2, 3]": "0110",
    # Empty cells: neither less, greater nor equal.
    "w_group > 0": "0100",
    "w_group != 128": "1011",
    "not w_group > 0": "1011",
    "w_group == w_group": "0110",
    "isempty(w_group)": "1001",
    "w_group.isna()": "1001",
    "w_group.isnull()": "1001",
    "w_group.notna()": "0110",
    "w_group == ''": "1001",
    "w_group != ''": "0110",
    "isempty(method)": "0010",
    "method == ''": "0010",
    "not isempty(method)": "1101",
    "D / N < 1e9": "1110",
    # Numbers and texts in one column.
    "step > 0": "0001",
    "step >= 0": "1001",
    "step == 'final'": "0100",
    "step != 0": "0111",
    "isempty(step)": "0010",
    "step.startswith('fin')": "0100",
    "step / 7 == 1": "0001",
    # Columns beside each other.
    "N < D": "1110",
    "D == D": "1110",
    "method == method": "1111",
    "method == step": "0010",
}


@pytest.mark.parametrize("text", CHOSEN)
def test_rows_are_chosen(text: str) -> None:
    mask = Choice.parse(text).mask(COLUMNS)
    assert mask.dtype == bool
    assert "".join(map(str, mask.astype(int))) == CHOSEN[text]


def test_a_choice_says_which_columns_it_asks_for() -> None:
    choice = Choice.parse("D / N > 20 and `my run` == 'N' or N in [w_bits]".replace("w_bits", "3"))
    assert choice.names == ("D", "N", "my run")
    assert choice.text.startswith("D / N > 20")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("w_bit == 4", "names an unknown column w_bit; did you mean w_bits"),
        ("`a\x1b` == 4", r"names an unknown column 'a\x1b'; valid names: N, D"),
        ("method > 3", "method holds text, 3 is a number: write text in quotes, as '3'."),
        ("N == '1B'", "N holds numbers, '1B' is text."),
        ("w_bits in [4, '8']", "w_bits holds numbers, '8' is text."),
        ("method == N", "method holds text, N numbers."),
        ("N == method", "N holds numbers, method text."),
        ("method / 2 > 1", "method holds text, to reckon with it takes numbers."),
        ("N.startswith('1')", "N holds numbers, startswith looks for text."),
    ],
)
def test_what_columns_cannot_answer_is_said(text: str, said: str) -> None:
    choice = Choice.parse(text)
    with pytest.raises(BayesqError) as caught:
        choice.mask(COLUMNS)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("N = 1B", "for = write =="),
        ("N > 1 && D > 1", "for && write and"),
        ("N > 1 || D > 1", "for || write or"),
        ("!(N > 1)", "for ! write not"),
        ("N <> 1", "for <> write !="),
        ("method == 'a", "a quote is not closed"),
        ("N > 1B2", "'1B2' is not in the language"),
        ("N > 0x10", "'0x10' is not in the language"),
        ("N", "it is not a comparison"),
        ("N + 1", "it is not a comparison"),
        ("3 < 4", "it compares no column"),
        ("'a' in method", "in looks for a column in a list"),
        ("w_bits in 4", "in looks for a column in a list"),
        ("w_bits in [N]", "a list, and what a text is searched for, hold no columns"),
        ("w_bits == [3, 4]", "values in a list are compared by in"),
        ("method.contains(method)", "a list, and what a text is searched for, hold no columns"),
        ("method.contains(3)", "contains looks for a text in quotes"),
        ("method.str.contains('^q')", "leave .str out, method.contains('^q')"),
        ("method.lower() == 'a'", "it calls what is not in the language"),
        ("log(N) > 3", "it calls what is not in the language"),
        ("metrics.loss > 3", "a name with a dot in it stands in backticks"),
        ("method + 'a' == 'b'", "'a' is text, to reckon with which takes numbers"),
        ("-'a' == N", "'a' is text, to reckon with which takes numbers"),
        ("1 / 0 < N", "its numbers come to none that is finite"),
        ("(N > 1) + (D > 1)", "it is not a comparison"),
    ],
)
def test_what_is_not_in_the_language_is_said(text: str, why: str) -> None:
    with pytest.raises(BayesqError) as caught:
        Choice.parse(text)
    assert f": {why}" in str(caught.value)
    assert str(caught.value).endswith("; write it like \"w_kind == 'int' and N >= 1B\".")


def test_a_choice_says_what_pandas_says() -> None:
    """Of what both know, over many random choices in columns with and without empty cells."""
    grid = bayesq.load_pool("grid")
    frame, draw = grid.frame, random.Random(0)
    numbers = {"N": [1e6, 3.4e6, 7e6], "w_bits": [2, 4, 16], "w_group": [-1, 128, 64], "seed": [0]}
    texts = {"method": ["rtn", "", "ste"], "stage": ["none", "post"], "w_kind": ["int", ""]}

    def one() -> str:
        if draw.random() < 0.4:
            name = draw.choice(list(texts))
            value = repr(draw.choice(texts[name]))
            forms = [f"{name} == {value}", f"{name} != {value}", f"{name} in [{value}, 'int']"]
            return draw.choice([*forms, f"{name}.str.startswith('r')"])
        name = draw.choice(list(numbers))
        value = draw.choice(numbers[name])
        sign = draw.choice(["<", "<=", ">", ">=", "==", "!="])
        forms = [f"{name} {sign} {value}", f"1 < {name} {sign} {value}", f"{name} / D {sign} 0.01"]
        return draw.choice(
            [*forms, f"{name} not in [{value}, 4]", f"{name} * 2 - 1 {sign} {value}"]
        )

    def some(depth: int) -> str:
        if depth == 0:
            return one()
        sign = draw.choice(["and", "or", "&", "|"])
        joined = f"({some(depth - 1)}) {sign} ({some(depth - 1)})"
        return draw.choice([joined, f"not ({joined})", f"~({joined})", one()])

    for _ in range(150):
        text = some(draw.randrange(3))
        wanted = frame.eval(text)
        found = Choice.parse(text).mask(grid.columns)
        pd.testing.assert_series_equal(pd.Series(found), wanted, check_names=False, obj=text)
