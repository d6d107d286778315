"""A choice keeps the same rows while a table is read as of the table that was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import bayesq
from bayesq.cli.arguments import AS_IT_IS
from bayesq.cli.sources import read_table
from bayesq.errors import BayesqError
from tables import sentence, text_file

pytestmark = pytest.mark.filterwarnings("error")

SPARSE = "N,D,w_bits,sparsity,loss\n1B,2B,,,2.7\n1B,2B,4,,2.8\n1B,2B,4,0.5,2.9\n"
FLOATS = (
    "N,D,w_kind,w_exponent,w_mantissa,loss\n1B,2B,,,,2.7\n1B,2B,fp,2,1,2.8\n1B,2B,fp,4,3,2.72\n"
)
NAMES = (
    "run,method,family,tag,step,N,D,w_bits,loss\n7b,4,7B,2024_01,1,7B,2B,16,2.3\n"
    "7b,4,7B,2024_01,2,7B,2B,4,2.33\n1,awq,13B,2024_02,3,13B,2B,16,2.2\n"
    "1e3,awq,mega,2024_02,4,65B,2B,,2.0\n"
)
CHOICES = [
    *((SPARSE, c) for c in ("sparsity == 0", "sparsity < 0.3", "w_bits == 16", "isempty(w_bits)")),
    *((SPARSE, c) for c in ("loss_full > 1", "degradation_se > 0", "stage == 'none'")),
    *((FLOATS, c) for c in ("w_bits == 4", "w_bits < 16", "w_bits >= 16", "not w_bits == 4")),
    *((NAMES, c) for c in ("run == '7b'", "run != '7b'", "run in ['7b', '1']", "run == '1'")),
    *((NAMES, c) for c in ("run == 1", "run.startswith('1')", "run == '1e3'", "run >= 1")),
    *((NAMES, c) for c in ("method == '4'", "method == 4", "method != '4'", "family >= 7B")),
    *((NAMES, c) for c in ("family == '7B'", "family != '7B'", "tag == '2024_01'", "tag > 1")),
    *((NAMES, c) for c in ("step >= 3", "w_bits == 16", "a_bits == 16", "N > D", "seed == ''")),
]


def kept(runs: bayesq.Runs) -> list[int]:
    return runs.numbers.tolist()


@pytest.mark.parametrize(("text", "choice"), CHOICES)
def test_where_and_select_keep_the_same_rows(tmp_path: Path, text: str, choice: str) -> None:
    file = text_file(tmp_path, text)
    try:
        wanted: object = kept(bayesq.read_runs(file).select(choice))
    except BayesqError as error:
        wanted = str(error)
    try:
        found: object = kept(bayesq.read_runs(file, where=choice))
    except BayesqError as error:
        found = str(error)
    assert found == wanted


def test_rows_whose_chosen_cells_cannot_be_read_are_named(tmp_path: Path) -> None:
    text = "N,D,bits,loss\n1B,2B,16,2.7\n1B,2B,nf4,2.75\n1B,2B,4,2.8\n1B,2B,6,OOM\n"
    runs = bayesq.read_runs(text_file(tmp_path, text), where="bits == 4")
    assert kept(runs) == [3]
    (note,) = (note for note in runs.notes if note.code == "rows-unread")
    assert note.rows == (2,)
    assert note.severity == "warning"
    assert "'nf4'" in note.message
    whole = bayesq.read_runs(text_file(tmp_path, text), where="bits < 16 and loss > 2.7")
    (note,) = (note for note in whole.notes if note.code == "rows-unread")
    assert note.rows == (2, 4)


def test_a_choice_of_a_word_for_nothing_points_at_isempty(tmp_path: Path) -> None:
    file = text_file(tmp_path, "N,D,method,bits,loss\n1B,2B,none,16,2.7\n1B,2B,rtn,4,2.8\n")
    with pytest.raises(BayesqError) as caught:
        bayesq.read_runs(file, where="method == 'none'")
    assert "isempty(method)" in sentence(caught.value)
    assert kept(bayesq.read_runs(file, where="isempty(method)")) == [1]


def test_an_empty_choice_is_refused_on_the_line_too(tmp_path: Path) -> None:
    with pytest.raises(BayesqError) as caught:
        read_table(str(text_file(tmp_path, SPARSE)), replace(AS_IT_IS, where=""))
    assert "'' cannot be read as a choice of rows" in sentence(caught.value)
