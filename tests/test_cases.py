"""Tables as people have them: what must come of each, on the command line and in Python."""

from __future__ import annotations

import math
import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq import BayesqError
from command import Run
from noted import CASES, about, case, loud, named_loudly, refusal, words

FEW = ("--draws", 200, "--tune", 400, "--chains", 2, "--seed", 1, "--quiet")
# In Python.
SOME = {"draws": 200, "tune": 400, "chains": 2, "seed": 1, "progress": False}


# --- c01: a table of file formats --------------------------------------------------------------


def test_errors_of_perplexity_are_read(run: Run) -> None:
    table = pd.read_csv(case("c01_gguf_bpw.csv"))
    runs = bayesq.read_runs(case("c01_gguf_bpw.csv"))
    expected = table["perplexity_se"] / table["perplexity"]
    np.testing.assert_allclose(runs.columns["loss_se"], expected, rtol=1e-9)
    assert run("check", case("c01_gguf_bpw.csv")).code == 0


def test_paired_errors_of_a_difference_have_a_column() -> None:
    table = pd.read_csv(case("c01_gguf_bpw.csv")).drop(columns="perplexity_se")
    quantized = table["w_bits"] < 16
    table["degradation_se"] = np.where(quantized, 0.001, np.nan)
    runs = bayesq.read_runs(table)
    np.testing.assert_array_equal(runs.columns["degradation_se"], table["degradation_se"])
    assert np.isnan(runs.columns["loss_se"]).all()


@pytest.mark.slow
def test_the_bits_that_keep_a_level(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "fit.nc"
    assert run("fit", case("c01_gguf_bpw.csv"), "-l", "kumar2024-ptq", "-o", saved, *FEW).code == 0
    asked = ("decide", "fewest_bits", saved, "N=70.6B", "D=15T")
    answer = run(*asked, "level=0.01")
    bits = float(re.search(r"([\d.]+) bits", words(answer))[1])  # type: ignore[index]
    assert bits == pytest.approx(5.9, abs=0.15)
    percent = words(run(*asked, "level=1%"))
    assert "% of perplexity" in percent
    # log(1.01) is 0.00995.
    assert float(re.search(r"([\d.]+) bits", percent)[1]) == pytest.approx(bits, abs=0.1)  # type: ignore[index]


# --- c02: not about quantization ---------------------------------------------------------------

WORSE = r"negative|rise|ris(es|ing)|worse|higher|better than|more bits"


def test_16_bits_worse_than_4_is_severe_before_sampling(run: Run) -> None:
    found = bayesq.check(bayesq.read_runs(case("c02_nonmonotone.csv")))
    assert [n for n in about(found.notes, WORSE) if n.severity == "severe"], found.notes
    named_loudly(run, case("c02_nonmonotone.csv"), WORSE)


@pytest.mark.slow
def test_no_sure_decision_comes_of_it() -> None:
    runs = bayesq.read_runs(case("c02_nonmonotone.csv"))
    fit = bayesq.fit(runs, "ptq-without-d", **SOME)
    assert [n for n in about(fit.notes, WORSE) if n.severity == "severe"], fit.notes
    decision = bayesq.decide.fewest_bits(fit, level=0.01, N="27B")
    assert [n for n in decision.notes if n.severity == "severe"]


# --- c04: cells that cannot be read ------------------------------------------------------------


def test_all_unreadable_cells_are_listed(run: Run) -> None:
    said = refusal(case("c04_oom.csv"))
    for row in (7, 10, 11):
        assert re.search(rf"rows?\b.*\b{row}\b", said), said
    assert "perplexity" in said
    assert re.search(r"skip.bad", said)
    answer = run("check", case("c04_oom.csv"))
    assert answer.code == 2
    assert "OOM" in answer.err


def test_unreadable_rows_are_left_out_on_request(run: Run) -> None:
    runs = bayesq.read_runs(case("c04_oom.csv"), skip_bad=True)
    assert len(runs) == 15
    assert not set(runs.numbers) & {7, 10, 11}
    skipped = about(runs.notes, "left out|skip")
    assert set(skipped[0].rows) == {7, 10, 11} or "7, 10" in skipped[0].message
    said = words(run("check", case("c04_oom.csv"), "--skip-bad"))
    assert re.search(r"rows 7, 10 (and|,) ?11", said), said


def test_sparse_rows_are_left_out_for_sparsity(run: Run) -> None:
    said = words(run("check", case("c04_oom.csv"), "--skip-bad", "-l", "kumar2024-ptq"))
    assert re.search(r"left out[^.]*spars", said), said


def test_shares_are_read_or_refused() -> None:
    """Per cent is a share, and 16:32 keeps half."""
    table = pd.read_csv(case("c04_oom.csv")).query("perplexity != 'OOM'")
    for half in ("50%", "16:32"):
        written = table.assign(sparsity=np.where(table["sparsity"] == 0.5, half, "0"))
        try:
            runs = bayesq.read_runs(written)
        except BayesqError as error:
            assert half in str(error)
            assert "sparsity" in str(error)
        else:
            np.testing.assert_array_equal(runs.columns["sparsity"], table["sparsity"])
    # All weights zero is no network.
    assert "100%" in refusal(table.assign(sparsity="100%"))


# --- c05: checkpoints --------------------------------------------------------------------------


def test_rows_of_few_runs_are_said_to_be() -> None:
    found = bayesq.check(bayesq.read_runs(case("c05_checkpoints_same_D.csv")), "chinchilla")
    notes = [*found.notes, *(n for law in found.laws for n in law.notes)]
    assert about(notes, r"\b6 training runs|six"), notes
    # Nothing says whether the rate was brought down for each D.
    assert about(loud(tuple(notes)), "anneal|schedule"), notes


@pytest.mark.slow
def test_equal_exponents_are_indistinguishable(run: Run) -> None:
    laws = ("--laws", "chinchilla,chinchilla:alpha=beta", "--outside", "none", "--cure", "none")
    answer = run("compare", case("c05_checkpoints_same_D.csv"), *laws, *FEW)
    assert "indistinguishable" in words(answer)


# --- c06: lines of equal compute ---------------------------------------------------------------


@pytest.mark.slow
def test_an_optimum_near_what_was_measured_and_corners_outside(run: Run, tmp_path: Path) -> None:
    saved = tmp_path / "fit.nc"
    more = ("--draws", 500, "--tune", 500, "--chains", 2, "--seed", 1, "-q")
    assert run("fit", case("c06_isoflop.csv"), "-l", "chinchilla", "-o", saved, *more).code == 0
    fit = bayesq.load_fit(saved)
    optimum = bayesq.decide.compute_optimal(fit, compute=1e19)
    assert float(optimum.draws["D"].median()) == pytest.approx(9.83e9, rel=0.06)
    corners = {"N=318M,D=17.3B": r"\b11 times", "N=28.9M,D=1B": "outside"}
    for scenario, told in corners.items():
        assert re.search(told, words(run("predict", saved, "--at", scenario))), scenario
    inside = words(run("predict", saved, "--at", "N=100M,D=3.5B"))
    assert "outside" not in inside


# --- c07: three runs ---------------------------------------------------------------------------


@pytest.mark.slow
def test_three_rows_do_not_diverge(run: Run, tmp_path: Path) -> None:
    law, saved = case("c07_compute_law.py"), tmp_path / "fit.nc"
    answer = run("fit", case("c07_anchors.csv"), "-l", law, "-o", saved, "--seed", 1, "-q")
    assert answer.code == 0
    assert "divergences" not in words(answer)
    far = words(run("predict", saved, "--law", law, "--at", "N=1B,D=4T"))
    assert re.search(r"\b(7\.4|54) times", far), far


# --- c09: trained in 2 bits, then rounded ------------------------------------------------------


def test_a_network_of_2_bits_has_no_partner_in_another_run(run: Run) -> None:
    runs = bayesq.read_runs(case("c09_qat_then_ptq.csv"))
    after = (runs.columns["run"] == "qat2") & (runs.columns["stage"] == "post")
    assert (runs.partner[after] == -1).all()
    assert np.isnan(runs.columns["loss_full"][after]).all()
    own = (runs.columns["run"] == "base") & (runs.columns["stage"] == "post")
    assert (runs.partner[own] == 0).all()
    said = words(run("check", case("c09_qat_then_ptq.csv"), "-l", "kumar2024-ptq"))
    assert re.search(r"left out[^.]*(trained|train_w_bits|full.precision partner)", said), said


# --- c10: known errors -------------------------------------------------------------------------


def test_known_errors_that_are_not_known_are_refused(run: Run, tmp_path: Path) -> None:
    table = pd.read_csv(case("c10_loss_se.csv"))
    none = table.drop(columns="loss_se")
    with pytest.raises(BayesqError, match="loss_se"):
        bayesq.fit(bayesq.read_runs(none), "chinchilla", noise="known-se", **SOME)
    table.loc[4, "loss_se"] = np.nan
    path = tmp_path / "one.csv"
    table.to_csv(path, index=False)
    output = ("-o", tmp_path / "fit.nc")
    answer = run("fit", path, "-l", "chinchilla", "--noise", "known-se", *output, *FEW)
    assert answer.code == 2
    assert re.search(r"\brow 5\b", answer.err), answer.err


@pytest.mark.slow
@pytest.mark.parametrize("noise", [None, "known-se"])
def test_errors_far_above_the_scatter_are_noted(noise: str | None) -> None:
    """Errors of 0.064 nats about a curve that the rows follow within some hundredths."""
    runs = bayesq.read_runs(case("c10_loss_se.csv"))
    fit = bayesq.fit(runs, "chinchilla", noise=noise, **SOME)
    assert about(loud(fit.notes), r"errors?\b.*(scatter|residual|large)"), fit.notes


@pytest.mark.slow
@pytest.mark.parametrize("noise", [None, "known-se"])
def test_an_asymptote_near_the_least_loss_is_sampled(noise: str | None) -> None:
    """E may come to 3.5 of a least loss of 3.64; there the rows tell little of the misfit."""
    runs = bayesq.read_runs(case("c10_loss_se.csv"))
    fit = bayesq.fit(runs, "chinchilla", noise=noise, seed=1, progress=False)
    assert not [n for n in fit.notes if n.code in ("r-hat", "ess")], fit.notes
    assert not [n for n in fit.notes if (n.code, n.severity) == ("divergences", "severe")]
    assert fit.summary()["ess_bulk"].min() > 1500


# --- c11: a law that changed -------------------------------------------------------------------


@pytest.mark.slow
def test_a_law_that_was_edited_is_not_asked(run: Run, tmp_path: Path) -> None:
    law, saved = tmp_path / "team_law.py", tmp_path / "fit.nc"
    text = case("c11_team_law.py").read_text()
    law.write_text(text)
    assert run("fit", case("c06_isoflop.csv"), "-l", law, "-o", saved, *FEW).code == 0
    at = ("--at", "N=100M,D=3B", "--law", law)
    assert run("predict", saved, *at).code == 0
    law.write_text(text.replace("A * N", "2 * A * N"))
    for asked in (
        ("predict", saved, *at),
        ("decide", "compute_optimal", saved, "compute=1e19", "--law", law),
    ):
        answer = run(*asked)
        assert answer.code == 2, asked
        assert re.search("changed|differs|not the law", answer.err), answer.err
    assert run("show", saved, "--law", law).code == 0


# --- c14: a log from its first step ------------------------------------------------------------


def test_rows_are_chosen_before_cells_are_judged(run: Run) -> None:
    path = case("c14_first_step.csv")
    assert "column D" in refusal(path) or "D" in refusal(path)
    runs = bayesq.read_runs(path, where="step > 0")
    first = pd.read_csv(path)["step"] == 0
    assert len(runs) == int((~first).sum())
    assert set(runs.numbers) == set(np.flatnonzero(~first) + 1)
    answer = run("check", path, "--where", "step > 0", "-l", "chinchilla")
    assert str(len(runs)) in answer.out
    # In the field's words, too.
    few = bayesq.read_runs(path, where="step > 0 and N >= 1B")
    assert (few.columns["N"] >= 1e9).all()


def test_the_columns_that_make_a_compression_are_said() -> None:
    """A column of one's own, such as experts, makes none."""
    rows = [
        {"N": n, "D": d, "loss": 2 + n**-0.1 + d**-0.1 + 0.1 * (bits == 4)}
        | {"stage": "train" if bits == 4 else "none", "w_bits": bits, "experts": experts}
        for n, d, bits, experts in product((1e7, 1e8, 1e9), (1e9, 1e10), (4, 16), (1, 8))
    ]
    found = bayesq.check(bayesq.read_runs(pd.DataFrame(rows)), "frantar2025")
    said = " ".join(
        [*map(str, found.notes), *map(str, found.laws[0].notes), *map(str, found.facts.items())]
    )
    assert re.search("compression", said, re.I), said
    assert "w_bits" in said


# --- c16: billions and trillions ---------------------------------------------------------------


def test_billions_are_asked_about(run: Run) -> None:
    try:
        runs = bayesq.read_runs(case("c16_units.csv"))
    except BayesqError as error:
        said = str(error)
        answer = run("check", case("c16_units.csv"))
        assert answer.code == 2
        assert "illion" in answer.err
    else:
        said = " ".join(map(str, about(loud(bayesq.check(runs).notes), "billion")))
        named_loudly(run, case("c16_units.csv"), "billion")
    assert "billion" in said
    assert re.search(r"0\.5B|\b\d+B\b|\(B\)|1e9|suffix", said), "says how to write them"


# --- c17: a broken upload ----------------------------------------------------------------------


def test_a_broken_row_is_named_before_sampling(run: Run) -> None:
    found = bayesq.check(bayesq.read_runs(case("c17_broken_row.csv")))
    assert [n for n in loud(found.notes) if set(n.rows) == {3}], found.notes
    assert re.search(r"\b[Rr]ow 3\b", words(run("check", case("c17_broken_row.csv"))))


@pytest.mark.slow
def test_the_curve_stands_in_spite_of_it() -> None:
    runs = bayesq.read_runs(case("c17_broken_row.csv"))
    fit = bayesq.fit(runs, "ptq-without-d", seed=1, progress=False)
    assert [n for n in fit.notes if 3 in n.rows], fit.notes
    lost = [n for n in fit.notes if n.code == "divergences" and n.severity == "severe"]
    assert not lost
    at = pd.DataFrame({"N": "7.24B", "w_bits": [8.5, 3.91]})
    eight, four = bayesq.predict(fit, at).to_frame()["median"]
    assert eight < 0.02
    assert four == pytest.approx(math.log(7.26 / 6.954), rel=0.5)


# --- c18: bits per byte ------------------------------------------------------------------------


def test_bits_per_byte_are_read_with_bytes_per_token(run: Run) -> None:
    said = refusal(case("c18_bpb.csv"), skip_bad=True)
    assert re.search("bytes.per.token", said), said
    assert not re.search(r"rename one of|=loss\b", said), "does not invite to call them losses"
    answer = run("check", case("c18_bpb.csv"))
    assert answer.code == 2
    assert "bytes" in answer.err
    runs = bayesq.read_runs(case("c18_bpb.csv"), skip_bad=True, bytes_per_token=4.2)
    assert len(runs) == 12
    first = 1.0740 * math.log(2) * 4.2
    assert float(runs.columns["loss"][0]) == pytest.approx(first, rel=1e-9)
    read = run("check", case("c18_bpb.csv"), "--skip-bad", "--bytes-per-token", 4.2)
    assert read.code == 0, read.err


def test_every_case_is_read_or_refused_in_a_sentence(run: Run) -> None:
    for path in sorted(CASES.glob("*.csv")):
        answer = run("check", path)
        assert answer.code in (0, 2)
        assert "Traceback" not in words(answer)
