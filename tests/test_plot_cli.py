"""``bayesq plot``: every figure is a command, and says in the file and beside it what it shows."""

from __future__ import annotations

import inspect
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from made_up_fits import around
from PIL import Image

import bayesq
from bayesq import plot
from bayesq.cli.figures import drawn_of, find_figure, keywords_of, names_of, options_of
from bayesq.errors import BayesqError
from command import Run
from made_up_runs import made_up

ABOUT = {"E": 1.7, "A": 400.0, "B": 1100.0, "alpha": 0.34, "beta": 0.37}
NAMES = names_of(plot)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    fit = around(made_up(18), "chinchilla", "loss", ABOUT | {"sigma": 0.01, "dof": 5.0})
    return fit.save(tmp_path_factory.mktemp("fits") / "fit.nc")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_figure_is_a_command() -> None:
    assert [n[5:] for n in plot.__all__ if n.startswith("plot_")] == NAMES
    assert find_figure(plot, "prior-posterior") is plot.plot_prior_posterior


@pytest.mark.parametrize("name", NAMES)
def test_every_keyword_is_an_option_or_python_s(name: str) -> None:
    """Nothing is left out but axes, size and what is handed on to Matplotlib and arviz-plots."""
    figure = find_figure(plot, name)
    takes = [
        n
        for n, a in inspect.signature(figure).parameters.items()
        if a.kind is inspect.Parameter.KEYWORD_ONLY
    ]
    own = {p.name for p in options_of(figure)}
    left = set(takes) - own
    assert all(n in ("ax", "figsize", "visuals") or n.endswith("_kwargs") for n in left)
    assert drawn_of(figure)
    for option in options_of(figure):
        (declared,) = option.annotation.__metadata__
        assert declared.help, f"{name} does not say what {option.name} is"


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_80_columns(name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = run("plot", name.replace("_", "-"), "--help")
    assert told.code == 0
    assert f"Usage: bayesq plot {name.replace('_', '-')}" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    assert ":func:" not in told.out
    assert "--output" in told.out


def test_a_figure_is_saved_beside_what_is_there(saved: Path, here: Path, run: Run) -> None:
    first, second = (run("plot", "law", saved, "-q") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert first.out.splitlines()[-1] == "saved to law.png"
    assert "saved to law-2.png; law.png was there already" in second.out
    with Image.open(here / "law.png") as picture:
        kept = str(picture.info["Description"])
    said = " ".join(first.out.splitlines()[:-1])
    assert " ".join(kept.split()) == " ".join(said.split())
    assert re.search(r"\d", said)
    assert not plt.get_fignums()


@pytest.mark.parametrize("ending", ["svg", "pdf"])
def test_formats_carry_the_words(ending: str, saved: Path, here: Path, run: Run) -> None:
    told = run("plot", "law", saved, "-o", f"law.{ending}", "--json", "-q")
    facts = json.loads(told.out)
    assert facts["path"] == f"law.{ending}"
    assert facts["text"]
    written = (here / f"law.{ending}").read_bytes()
    if ending == "svg":
        page = ET.fromstring(written)
        title, told = (e for e in list(page)[:2])
        assert page.attrib["aria-labelledby"].split() == [title.attrib["id"], told.attrib["id"]]
        assert title.text == "bayesq plot law"
        assert told.text == facts["text"]
    else:
        assert b"/Subject" in written


def test_width_and_dots(saved: Path, here: Path, run: Run) -> None:
    run("plot", "law", saved, "-o", "a.png", "--width", "3.25", "--dpi", "100", "-q")
    with Image.open(here / "a.png") as picture:
        assert picture.size == (325, 201)


def test_keywords_reach_the_figure(saved: Path, here: Path, run: Run) -> None:
    part = run("plot", "law", saved, "-q", "--json", "--at", "N=30M", "--limits", "1B,1T")
    text = json.loads(part.out)["text"]
    assert "over D 1B to 1T" in text
    assert set(re.findall(r"N ([\d.]+[MB])", text)) == {"30M"}
    wrong = run("plot", "law", saved, "--kind", "mode")  # refused before it is drawn
    assert wrong.code == 2
    assert "mode" in wrong.err


def test_options_are_read() -> None:
    law = plot.plot_law
    given = {"at": ["N=7M", "P=4"], "limits": "1B,10T", "misfit": "false", "x": None, "kind": "run"}
    assert keywords_of(law, given) == {
        "at": {"N": "7M", "P": "4"},
        "limits": ("1B", "10T"),
        "misfit": False,
        "kind": "run",
    }
    with pytest.raises(BayesqError, match="--limits is '1B'; write both ends"):
        keywords_of(law, {"limits": "1B"})


WRONG = {
    "another format": (
        ["law", "FIT", "-o", "a.jpg"],
        "a.jpg ends in no format .* .png, .svg, .pdf",
    ),
    "a folder that is not there": (["law", "FIT", "-o", "none/a.png"], "none"),
    "no such figure": (["lew", "FIT"], "No figure is called 'lew'; did you mean law"),
    "no fit": (["law", "sun2025"], "cannot be drawn of sun2025; give it a fit that was saved"),
    "two fits": (["law", "FIT", "FIT"], "is of one thing"),
    "one fit to compare": (["comparison", "FIT"], "several fits of the same rows"),
    "no decision": (["decision", "FIT"], "--decide 'fewest_bits"),
    "no size": (["law", "FIT", "--width", "0"], "--width is 0; give inches"),
    "too narrow": (["law", "FIT", "--width", "0.6"], "--width is 0.6; give inches from 1.5 to"),
    "no room": (["law", "FIT", "--width", "1.5"], "no room for law .* larger --width"),
    "no dots": (["law", "FIT", "--dpi", "0"], "--dpi is 0; give dots per inch from 10 to 600"),
    "dots that are no number": (["law", "FIT", "--dpi", "nan"], "--dpi is nan; give dots"),
    "a broken pair": (["law", "FIT", "--at", "N"], "--at 'N' is not NAME=VALUE"),
}


@pytest.mark.parametrize(("words", "said"), WRONG.values(), ids=WRONG)
def test_mistakes_are_one_sentence(
    words: list[str], said: str, saved: Path, here: Path, run: Run
) -> None:
    told = run("plot", *[str(saved) if w == "FIT" else w for w in words], "-q")
    assert told.code == 2
    assert re.search(said, told.err), told.err
    assert len(told.err.strip().splitlines()) == 1
    assert not list(here.iterdir())
    assert not plt.get_fignums()


def test_a_decision_is_drawn(here: Path, run: Run) -> None:
    told = run("plot", "decision", "chinchilla", "--decide", "compute_optimal compute=1e20", "-q")
    assert told.code == 0, told.err
    assert (here / "decision.png").exists()
    decision = bayesq.decide.compute_optimal(bayesq.published("chinchilla"), compute=1e20)
    assert plot.alt_text(plot.plot_decision(decision)) in " ".join(told.out.split())
    plt.close("all")


def test_fits_are_compared_inside_the_data_unless_asked(
    saved: Path, here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nothing is fitted: without a sampler a comparison that foretells rows would fail.
    monkeypatch.delattr("bayesq.sampling.compiled.find_program")
    fit = bayesq.load_fit(saved)
    other = fit.save(here / "other.nc")
    told = run("plot", "comparison", saved, other, "--cure", "none")
    assert told.code == 0, told.err
    assert "comparing inside the data alone; --outside largest-compute" in told.err
    assert "Inside the data" in told.out
    wrong = run("plot", "comparison", saved, other, "--outside", "half", "-q")
    assert (wrong.code, wrong.out) == (2, "")
    assert "outside is 'half'" in wrong.err
