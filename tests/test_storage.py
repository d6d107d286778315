"""Saved fits: nothing is lost, nothing is run, and no file is ever half written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import bayesq
from bayesq import Fit, Parameter, Prior
from bayesq.errors import BayesqError
from bayesq.posterior.netcdf import FORMAT, write_tree

AT = {"N": "7M", "D": "200M", "w_bits": [3, 4]}


@pytest.fixture(scope="module")
def saved(ptq_fit: Fit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ptq_fit.save(tmp_path_factory.mktemp("saved") / "fit.nc")


def refusal(path: Path) -> str:
    """Return the one sentence with which a file is refused."""
    with pytest.raises(BayesqError) as caught:
        bayesq.load_fit(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert said.endswith(".")
    assert "\n" not in said
    return said


# --- nothing is lost ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ptq_fit", "base_fit"])
def test_a_fit_comes_back_as_it_was(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    fit: Fit = request.getfixturevalue(name)
    path = fit.save(str(tmp_path / "fit.nc"))
    assert path == tmp_path / "fit.nc"
    back = bayesq.load_fit(str(path))
    # Values to the last bit, coordinates, units and all other attributes.
    for group in fit.data.children:
        one, other = fit.data[group].to_dataset(), back.data[group].to_dataset()
        xr.testing.assert_identical(one.drop_attrs(), other.drop_attrs())
        for variable in one.variables:
            assert one[variable].dtype == other[variable].dtype, variable
            assert dict(one[variable].attrs) == dict(other[variable].attrs), variable
    assert set(back.data.children) == set(fit.data.children)
    assert dict(back.data.attrs) == dict(fit.data.attrs)
    assert back.notes == fit.notes
    assert back.law is fit.law
    assert repr(back) == repr(fit)


def test_a_loaded_fit_predicts_the_same(ptq_fit: Fit, saved: Path) -> None:
    back = bayesq.load_fit(saved)
    for kind in ("mean", "run"):
        one, other = (bayesq.predict(f, AT, kind=kind) for f in (ptq_fit, back))  # type: ignore[arg-type]
        xr.testing.assert_identical(one.draws, other.draws)
        assert one.notes == other.notes


def test_the_file_names_what_made_it(saved: Path, ptq_fit: Fit) -> None:
    with xr.open_datatree(saved, engine="h5netcdf") as tree:
        attrs = tree.attrs
        assert attrs["format"] == FORMAT
        assert json.loads(attrs["law"]) == ptq_fit.law.to_dict()
        assert {f"version_{n}" for n in ("bayesq", "pymc", "nutpie")} <= set(attrs)
        assert set(json.loads(attrs["pivots"])) == {"N", "D", "P"}


def test_a_saved_fit_is_as_public_as_any_file(ptq_fit: Fit, tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        path = ptq_fit.save(tmp_path / "fit.nc")
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["fit.nc"]


# --- laws that changed -------------------------------------------------------------------------


def test_a_law_that_changed_is_pointed_out(ptq_fit: Fit, saved: Path) -> None:
    law = ptq_fit.law
    wider = Parameter("gamma_D", Prior("Normal", mu=0.4, sigma=3.0), term=None)
    changed = replace(
        law,
        parameters=tuple(wider if p.symbol == "gamma_D" else p for p in law.parameters),
        remember=False,
    )
    back = bayesq.load_fit(saved, law=changed)
    (note,) = (n for n in back.notes if n not in ptq_fit.notes)
    assert (note.code, note.severity) == ("law-changed", "severe")
    assert "(prior of gamma_D)" in note.message
    # What the file holds can be read.
    xr.testing.assert_identical(back.posterior, ptq_fit.posterior)
    pd.testing.assert_frame_equal(back.summary(), ptq_fit.summary())
    assert str(note) in repr(back)
    at = {"N": "7M", "D": "200M", "w_bits": 4}
    asked: list[Callable[[], object]] = [
        lambda: bayesq.predict(back, at),
        lambda: bayesq.decide.fewest_bits(back, level=0.01, N="7M", D="200M"),
        lambda: bayesq.decide.critical_tokens(back, N="7M", w_bits=4),
        lambda: bayesq.plot.plot_law(back, at={"N": "7.1M"}),
        lambda: back.evaluate("degradation", {"N": 7e6, "D": 2e8, "P": 4.0}),
        lambda: bayesq.backtest(ptq_fit.design.runs, back.law),
        lambda: bayesq.fit(ptq_fit.design.runs, back.law),
        lambda: bayesq.predict(
            bayesq.average({"then": back, "now": ptq_fit}, weights={"then": 1.0}), at
        ),
        lambda: bayesq.suggest_runs(
            back, at, 1e20, lambda fit: bayesq.predict(fit, at), progress=False
        ),
    ]
    for ask in asked:
        with pytest.raises(BayesqError, match=r"has changed since this fit .*prior of gamma_D"):
            ask()
    # By name, and with the law as it was, there is nothing to point out.
    assert bayesq.load_fit(saved, law="kumar2024-ptq").notes == ptq_fit.notes


def test_another_law_is_refused(saved: Path) -> None:
    with pytest.raises(BayesqError, match=r"chinchilla has parameters E, .*gamma_post; pass the"):
        bayesq.load_fit(saved, law="chinchilla")
    with pytest.raises(BayesqError, match=r"did you mean [^?]*\bkumar2024-ptq\b"):
        bayesq.load_fit(saved, law="kumar")


def test_a_noise_that_is_none_is_refused(saved: Path) -> None:
    with pytest.raises(BayesqError, match=r"^noise is 'normal'; pass a bayesq\.Noise, or none for"):
        bayesq.load_fit(saved, noise="normal")  # type: ignore[arg-type]


# --- files that are no fit ---------------------------------------------------------------------


def test_a_file_that_was_cut_short_is_refused_at_every_length(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    path = tmp_path / "cut.nc"
    lengths = {0, 1, 8, 100, 1000, len(whole) // 2, len(whole) - 1, len(whole) - 4096}
    lengths |= set(np.random.default_rng(0).integers(0, len(whole), 40).tolist())
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        assert "it was cut short or" in refusal(path), length


def test_a_file_with_a_hole_in_its_description_is_refused(saved: Path, tmp_path: Path) -> None:
    whole = saved.read_bytes()
    start = whole.index(b'{"name": "kumar2024-ptq"')
    path = tmp_path / "hole.nc"
    path.write_bytes(whole[:start] + b"x" * 200 + whole[start + 200 :])
    assert "is damaged" in refusal(path)


@pytest.mark.parametrize("content", [b"N,D,loss\n1,2,3\n", b"\x89PNG\r\n" * 50, b"CDF\x01" * 99])
def test_another_kind_of_file_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.nc"
    path.write_bytes(content)
    assert "is another kind of file" in refusal(path)


@pytest.mark.parametrize(
    ("attrs", "words"),
    [
        ({}, "is not a fit saved by bayesq (format unknown)"),
        ({"format": "bayesq fit 0"}, "is not a fit saved by bayesq (format bayesq fit 0)"),
        ({"format": [1, 2]}, "is not a fit saved by bayesq"),
        ({"format": FORMAT}, "is damaged"),
        ({"format": FORMAT, "law": "3", "notes": "[]"}, "is damaged"),
    ],
)
def test_a_netcdf_of_others_is_refused(
    attrs: dict[str, object], words: str, tmp_path: Path
) -> None:
    path = tmp_path / "other.nc"
    posterior = xr.Dataset({"E": (("chain", "draw"), np.ones((2, 5)))})
    write_tree(xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), "posterior": posterior}), path)
    assert words in refusal(path)


def test_a_path_that_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "is a directory; name a saved fit in it" in refusal(tmp_path)
    assert "does not exist" in refusal(tmp_path / "none.nc")
    assert "does not exist" in refusal(tmp_path / ("long" * 100))


def test_nothing_in_a_file_is_run(saved: Path, tmp_path: Path) -> None:
    # Every text of the file is replaced by one that would leave a mark, were it run.
    mark = tmp_path / "mark"
    code = f"__import__('pathlib').Path({str(mark)!r}).touch()"
    tree = bayesq.load_fit(saved).data
    ptq_law = json.loads(tree.attrs["law"])
    described = json.loads(tree.attrs["law"]) | {"name": code, "title": code, "source": code}
    described["parameters"] = [p | {"meaning": code} for p in described["parameters"]]
    noise = json.loads(tree.attrs["noise"]) | {"name": code}
    noise["parameters"] = [p | {"meaning": code} for p in noise["parameters"]]
    tree.attrs |= {"law": json.dumps(described), "noise": json.dumps(noise)}
    tree.attrs |= {"source": code, "law_digest": code}
    write_tree(tree, path := tmp_path / "evil.nc")
    back = bayesq.load_fit(path)
    assert repr(back).startswith("Fit of __import__")
    with pytest.raises(BayesqError, match="not at hand"):
        bayesq.predict(back, AT)
    # A prior is looked up among known names, never evaluated.
    described["parameters"][0]["prior"]["distribution"] = code
    tree.attrs["law"] = json.dumps(described)
    write_tree(tree, path)
    with pytest.raises(BayesqError):
        bayesq.load_fit(path)
    # Nor is a noise whose description is none.
    for broken in (code, "3", "{}", json.dumps(noise | {"on": code})):
        tree.attrs |= {"law": json.dumps(ptq_law), "noise": broken}
        write_tree(tree, path)
        assert "is damaged" in refusal(path)
    assert not mark.exists()


# --- never half a file -------------------------------------------------------------------------

SAVER = """
import sys
import bayesq

fits = [bayesq.load_fit(path) for path in sys.argv[1:3]]
print("ready", flush=True)
while True:
    for fit in fits:
        fit.save(sys.argv[3])
"""


def test_a_killed_save_leaves_the_old_fit_or_the_new_one(
    ptq_fit: Fit, saved: Path, tmp_path: Path
) -> None:
    # Two fits that differ in their draws, so that a mixture of them would show.
    other = replace(ptq_fit, data=ptq_fit.data.copy(deep=True))
    for values in other.data["posterior"].data_vars.values():
        values += 1
    second, target = other.save(tmp_path / "second.nc"), tmp_path / "target.nc"
    allowed = [f.posterior["gamma_D"].values.tobytes() for f in (ptq_fit, other)]
    ptq_fit.save(target)
    rng = np.random.default_rng(0)
    seen = set()
    with subprocess.Popen(
        [sys.executable, "-c", SAVER, saved, second, target], stdout=subprocess.PIPE
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            # Stopped, the process is in the middle of saving for as long as it takes to look.
            deadline = time.monotonic() + 60
            looks = 0
            while looks < 8 or (len(seen) < 2 and time.monotonic() < deadline):
                looks += 1
                time.sleep(rng.uniform(0, 0.3))
                process.send_signal(signal.SIGSTOP)
                seen.add(
                    allowed.index(bayesq.load_fit(target).posterior["gamma_D"].values.tobytes())
                )
                process.send_signal(signal.SIGCONT)
            time.sleep(rng.uniform(0, 0.3))
        finally:
            # A stopped process would be waited for without end.
            process.kill()
    assert seen == {0, 1}, "the target was replaced while it was watched"
    back = bayesq.load_fit(target)
    assert back.posterior["gamma_D"].values.tobytes() in allowed
    # What the killed process leaves behind does not stand in the way.
    left = [n for n in os.listdir(tmp_path) if n.endswith(".tmp")]
    assert len(left) <= 1
    assert ptq_fit.save(target) == target
    assert bayesq.load_fit(target).posterior["gamma_D"].values.tobytes() == allowed[0]


@pytest.mark.parametrize("times", range(3))
def test_a_save_killed_at_once_leaves_the_old_fit(saved: Path, tmp_path: Path, times: int) -> None:
    target = tmp_path / "target.nc"
    target.write_bytes(b"old")
    # Killed at the very moment at which the temporary file is whole, empty, or about to be renamed.
    moment = ["os.fsync", "xr.DataTree.to_netcdf", "pathlib.Path.replace"][times]
    code = (
        "import os, pathlib, signal, sys; import xarray as xr; import bayesq\n"
        "fit = bayesq.load_fit(sys.argv[1])\n"
        f"{moment} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "fit.save(sys.argv[2])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, saved, target])
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"


def test_a_save_that_fails_leaves_the_old_fit_and_nothing_else(
    ptq_fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "fit.nc"
    target.write_bytes(b"old")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", full)
    with pytest.raises(BayesqError, match=r"fit\.nc cannot be written to \(No space left on dev"):
        ptq_fit.save(target)
    assert os.listdir(tmp_path) == ["fit.nc"]
    assert target.read_bytes() == b"old"


def test_a_target_that_cannot_be_written_is_refused(ptq_fit: Fit, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, words in {
        "": r"is a directory; name the file to write, such as .*fit\.nc",
        "none/fit.nc": r"Folder .*none does not exist; make it first",
        "pipe": r"is not an ordinary file",
        "n" * 300: r"cannot be written to \(File name too long\)",
    }.items():
        with pytest.raises(BayesqError, match=words):
            ptq_fit.save(tmp_path / name)
    assert os.listdir(tmp_path) == ["pipe"]
    # A name that the folder just takes needs no longer one on the way.
    ptq_fit.save(tmp_path / ("n" * 252 + ".nc"))
