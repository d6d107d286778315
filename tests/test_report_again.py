"""How a report says that its fits are made again: by a command, or why by none, and a script."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_fits import around

import bayesq
from bayesq import Fit, Prior
from bayesq.model.noise import Noise
from bayesq.reporting.refitting import NoCommandError, fit_command, script, table_of
from bayesq.reporting.subjects import Part, subjects
from bayesq.runs.where_from import take_apart
from bayesq.sampling.reduction import Reduction
from command import Run
from reported import ADDED, BASE, NOISE, Page

LAW = """
from dataclasses import replace

from bayesq import Prior, laws

law = laws()["chinchilla"].with_prior("alpha", Prior("LogNormal", mu=-1.2, sigma=0.3))
law = replace(law, name="mine")
"""


@pytest.fixture(scope="module")
def fit(grid: bayesq.Runs) -> Fit:
    return around(grid, "chinchilla", "loss", BASE)


def part(of: object, **more: object) -> Part:
    (found,) = subjects(of, None, None, **more).parts  # type: ignore[arg-type]
    return found


def test_its_commands_make_the_same_draws(
    small_base: Fit, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(bayesq.report(small_base, figures=False, progress=False).html)
    commands = next(page.all("pre", within="reproduce")).text.splitlines()
    monkeypatch.chdir(tmp_path)
    for command in commands:
        name, *words = shlex.split(command)
        assert name == "bayesq"
        assert run(*words, "--quiet").code == 0
    again = bayesq.load_fit("chinchilla.nc")
    assert np.array_equal(again.posterior["alpha"], small_base.posterior["alpha"])
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@pytest.mark.slow
def test_its_script_makes_the_same_draws(
    small_base: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = small_base.save(tmp_path / "small.nc")
    page = Page(bayesq.report(path, figures=False, progress=False).html)
    script = [pre.text for pre in page.all("pre", within="reproduce")][1]
    found: dict[str, Fit] = {}
    exec(script, found)
    assert np.array_equal(found["again"].posterior["alpha"], small_base.posterior["alpha"])


def test_a_choice_of_rows_is_in_the_command(ptq_runs: bayesq.Runs) -> None:
    chosen = ptq_runs.select("N > 1M").select("D > 30M")
    fit = around(chosen, "kumar2024-ptq", "degradation", ADDED | NOISE)
    words = shlex.split(fit_command(part(fit)))
    assert words[:3] == ["bayesq", "fit", "grid"]
    where = words[words.index("--where") + 1]
    assert bayesq.load_pool("grid").select(where).fingerprint == chosen.fingerprint


def test_what_a_command_cannot_choose_or_name_is_said(grid: bayesq.Runs, fit: Fit) -> None:
    by_hand = grid.select(grid.columns["N"] > 1e6)
    why = "its rows were chosen by hand"
    for runs in (by_hand, by_hand.select("D > 1M"), grid.select("D > 1M").select(grid.numbers > 9)):
        with pytest.raises(NoCommandError, match=why):
            table_of(runs.source)
    with pytest.raises(NoCommandError, match="data frame"):
        table_of(bayesq.read_runs(grid.frame).source)
    made = bayesq.report(around(by_hand, "chinchilla", "loss", BASE), figures=False, progress=False)
    page = Page(made.html)
    said = f"No command makes fit chinchilla again: {why}; use the script."
    assert said in [" ".join(p.text.split()) for p in page.all("p", within="reproduce")]
    commands, lines = (pre.text for pre in page.all("pre", within="reproduce"))
    assert "bayesq fit" not in commands
    assert "fit_specification" in lines


def test_another_noise_or_discrepancy_has_no_command(grid: bayesq.Runs, fit: Fit) -> None:
    noise = fit.noise
    assert "--noise student-t" in fit_command(part(fit))
    wider = [replace(p, prior=Prior("HalfNormal", sigma=0.2)) for p in noise.parameters[:1]]
    mine = Noise("student-t", noise.width, (*wider, *noise.parameters[1:]), remember=False)
    described = replace(fit.specification, noise=mine)
    with pytest.raises(NoCommandError, match="its noise student-t is none of bayesq's"):
        fit_command(part(replace(fit, specification=described)))
    own = bayesq.Discrepancy(Prior("HalfNormal", sigma=0.5))
    usual = bayesq.model.specification.specify(grid, "chinchilla")
    other = bayesq.model.specification.specify(grid, "chinchilla", discrepancy=own)
    assert "--no-discrepancy" not in fit_command(part(replace(fit, specification=usual)))
    with pytest.raises(NoCommandError, match="its discrepancy is one of its own"):
        fit_command(part(replace(fit, specification=other)))


def test_a_sampler_is_in_command_and_script(fit: Fit) -> None:
    tree = fit.data.copy()
    tree.attrs["sampler"] = "numpyro"
    other = part(replace(fit, data=tree))
    assert "--sampler numpyro" in fit_command(other)
    assert "sampler='numpyro'" in script(other)[-1]


def test_weighted_rows_and_a_gpu_are_in_command_and_script(fit: Fit) -> None:
    tree = fit.data.copy()
    tree.attrs |= Reduction(48, 40, 400, 390.0, 0.1).to_attributes() | {"draws": 77}
    weighted = part(replace(fit, data=tree))
    words = shlex.split(fit_command(weighted))
    assert "--coreset" in words
    # As many as were asked for: of very many rows fewer are kept.
    assert words[words.index("--draws") + 1] == "77"
    assert "draws=77" in script(weighted)[-1]
    assert "coreset=True" in script(weighted)[-1]
    assert "coreset" not in fit_command(part(fit))
    assert "coreset" not in script(part(fit))[-1]
    tree.attrs |= {"device": "gpu", "sampler": "numpyro"}
    on_gpu = part(replace(fit, data=tree))
    assert "--device gpu" in fit_command(on_gpu)
    assert "device='gpu'" in script(on_gpu)[-1]


def test_a_law_s_file_is_named(grid: bayesq.Runs, tmp_path: Path) -> None:
    file = tmp_path / "own.py"
    file.write_text(LAW, encoding="utf-8")
    law = bayesq.law.registry.find_law(file)
    fit = around(grid, law, "loss", BASE)
    path = fit.save(tmp_path / "own.nc")
    words = shlex.split(fit_command(part(path, law=str(file))))
    assert words[words.index("--law") + 1] == str(file)
    assert f"load_fit({str(path)!r}, law={str(file)!r})" in script(part(path, law=str(file)))[0]
    with pytest.raises(NoCommandError, match="neither ships nor is in a file named here"):
        fit_command(part(fit))
    page = Page(bayesq.report(path, law=file, figures=False, progress=False).html)
    words = shlex.split(next(page.all("pre", within="reproduce")).text.splitlines()[-1])
    assert words[:3] == ["bayesq", "report", str(path)]
    assert words[words.index("--law") + 1] == str(file)


@pytest.mark.parametrize(
    ("source", "table", "choice"),
    [
        ("a.csv", "a.csv", None),
        ("a.csv where N > 1", "a.csv", "N > 1"),
        ("runs where x.csv", "runs where x.csv", None),
        ("runs where x.csv where N > 1", "runs where x.csv", "N > 1"),
        ("N where N > 1", "N", "N > 1"),
        ("N where N > 1 where D > 1", "N where N > 1", "D > 1"),
    ],
)
def test_a_source_is_taken_apart(source: str, table: str, choice: str | None) -> None:
    assert take_apart(source) == (table, choice)


def test_a_file_that_is_there_is_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("N where N > 1").touch()
    assert take_apart("N where N > 1") == ("N where N > 1", None)
    assert take_apart("N where N > 1 where D > 1") == ("N where N > 1", "D > 1")


def test_the_fingerprint_is_the_one_that_a_fit_prints(fit: Fit, tmp_path: Path, run: Run) -> None:
    """Of the rows that the law takes, which are not all of the table."""
    page = Page(bayesq.report(fit, figures=False, progress=False).html)
    text = next(s.text for s in page.all("section") if s.attrs["id"] == "reproduce")
    shown = run("show", fit.save(tmp_path / "fit.nc"), "--json").json()
    assert f"fingerprint of the law's rows{shown['fingerprint']}" in text
