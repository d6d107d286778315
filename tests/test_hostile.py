"""What comes from outside runs nothing: texts of tables, files, names and questions."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr
from made_up_fits import made_up_fit

import bayesq
from bayesq import BayesqError
from bayesq.model.specification import specify
from bayesq.posterior import sealed
from bayesq.posterior.netcdf import complete, write_tree
from bayesq.posterior.several import tree_of_several
from bayesq.runs.choice import Choice
from command import Run

TOUCH = "__import__('pathlib').Path('mark').touch()"
TABLE = "N,D,loss,method,run\n1B,20B,2.7,rtn,a\n2B,20B,2.6,gptq,b\n"


class Planted:
    """A pickle that would leave a mark where it is opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("mark").absolute(),)


@pytest.fixture(autouse=True)
def nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Stand in an empty folder, and look for a mark in it afterwards."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs.csv").write_text(TABLE)
    yield tmp_path
    assert "mark" not in os.listdir(tmp_path)


def test_a_mark_would_be_found(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Planted()))
    assert "mark" in os.listdir(tmp_path)
    (tmp_path / "mark").unlink()


# --- choices of rows ---------------------------------------------------------------------------

HOSTILE = [
    "N.to_csv('mark')",
    "@self.frame.to_csv('mark')",
    "`N`.to_csv('mark')",
    "N.to_frame().to_pickle('mark')",
    "N.apply('to_csv', path_or_buf='mark')",
    "N.__class__.__mro__[1].__subclasses__()",
    "N.__init__.__globals__['__builtins__']['open']('mark', 'w')",
    TOUCH,
    f"loss > 0 and {TOUCH}",
    f"loss > 0 or {TOUCH} == None",
    f"[{TOUCH} for x in [1]]",
    f"(lambda: {TOUCH})()",
    f"method == f'{{{TOUCH}}}'",
    "open('mark', 'w')",
    "exec('import os')",
    "eval(method)",
    "loss > 0; open('mark', 'w')",
    "loss > 0\nopen('mark', 'w')",
    "(mark := 3) > 1",
    "@pd.eval('1')",
    "method.format(open)",
    "method.startswith(open('mark', 'w'))",
    "method.startswith('q', open('mark', 'w'))",
    "method.startswith(prefix=open('mark', 'w'))",
    "method.str.startswith.__globals__",
    "isempty(open('mark', 'w'))",
    "isempty.__globals__",
    "column0.to_csv('mark')",
    "atom0('mark')",
    "not yield(loss)",
    "await(loss)",
    "loss.__gt__(2)",
    "9**9**9**9 > N",
    "'a' * 9999999999 == method",
    "N > " + "9" * 5000,
    "(" * 9000 + "N > 1",
    "[" * 150 + "N > 1",
    "not " * 2400 + "N > 1",
    "-" * 9000 + "N > 1",
    "N" + " + N" * 2000 + " > 1",
    "N" + " ** N" * 2000 + " > 1",
    "1 < " * 2000 + "N",
    "N > 1 and " * 100_000 + "N > 1",
    "\x00",
    "N > 1 # \x1b[31m",
    "N == \ud800",
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_choice_is_refused_before_anything_is_worked_out(text: str) -> None:
    # No column would do: it is not even looked for.
    with pytest.raises(BayesqError) as caught:
        Choice.parse(text)
    said = str(caught.value)
    assert "cannot be read as a choice of rows" in said
    assert said.isprintable()
    assert len(said) < 700


def test_the_command_line_refuses_it_too(run: Run) -> None:
    for text in HOSTILE[:12]:
        answer = run("check", "runs.csv", f"--where={text}")
        assert (answer.code, answer.out) == (2, "")
        assert "cannot be read as a choice of rows" in answer.err


# --- tables ------------------------------------------------------------------------------------


def test_cells_headers_and_names_of_columns_are_text(run: Run, tmp_path: Path) -> None:
    frame = pd.DataFrame({"N": ["1B", "2B"], "D": ["20B"] * 2, "loss": [2.7, 2.6]})
    frame = frame.assign(**{TOUCH: TOUCH, "method": TOUCH, "study": "@self.to_csv('mark')"})
    frame.to_csv("hostile.csv", index=False)
    runs = bayesq.read_runs("hostile.csv")
    assert set(runs.columns[TOUCH]) == set(runs.columns["method"]) == {TOUCH}
    assert len(runs.select(f'`{TOUCH}` == "{TOUCH}"')) == 2
    # Of two rows no law can be fitted, which is all that is said.
    answer = run("check", "hostile.csv", "--json")
    assert (answer.code, answer.err) == (2, "")
    assert json.loads(answer.out)["advice"].startswith("No law can be fitted")
    for cell in (TOUCH, "=cmd|'/c touch mark'!A1", "!!python/object/apply:os.system [touch mark]"):
        bad = frame.assign(N=cell)
        with pytest.raises(BayesqError, match="column N"):
            bayesq.read_runs(bad)
    named = {"loss": TOUCH, TOUCH: "loss"}
    assert (
        bayesq.read_runs(frame.assign(**{TOUCH: [2.0, 3.0]}), columns=named).columns[TOUCH][0]
        == 2.7
    )
    assert run("check", "runs.csv", "-c", f"{TOUCH}=N").code == 2


def test_pickles_in_the_place_of_tables_are_not_opened(tmp_path: Path) -> None:
    planted = pickle.dumps(Planted())
    for name in ("runs.csv", "runs.pkl", "runs.parquet", "runs.jsonl", "runs.npy", "runs.py"):
        (tmp_path / name).write_bytes(planted)
        with pytest.raises(BayesqError):
            bayesq.read_runs(name)
    # What pyarrow once opened by itself.
    told = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": planted,
    }
    schema = pa.schema([pa.field(name, pa.float64(), metadata=told) for name in ("N", "D", "loss")])
    table = pa.table([[1e9, 2e9], [2e10, 2e10], [2.7, 2.6]], schema=schema)
    pq.write_table(table.replace_schema_metadata({b"pandas": planted}), "planted.parquet")
    with contextlib.suppress(BayesqError):
        assert len(bayesq.read_runs("planted.parquet")) == 2


@pytest.mark.parametrize("name", ["../runs", "../../etc/passwd", TOUCH, "pickle", "\x1b[31m", ""])
def test_names_of_pools_lead_nowhere(name: str, run: Run) -> None:
    with pytest.raises(BayesqError, match="pool"):
        bayesq.load_pool(name)
    answer = run("check", name)
    assert (answer.code, answer.out) == (2, "")
    assert "\x1b" not in answer.err


# --- laws, scenarios, questions ----------------------------------------------------------------


def test_names_of_variants_are_read_and_not_run(run: Run) -> None:
    for spec in (TOUCH, f"beta={TOUCH}", f"without={TOUCH}", "beta=__import__('os')", "beta=1e999"):
        with pytest.raises(BayesqError):
            bayesq.laws()[f"chinchilla:{spec}"]
        assert run("fit", "runs.csv", "--law", f"chinchilla:{spec}").code == 2
    for law in (TOUCH, "os", "bayesq.models.chinchilla", "../chinchilla", "chinchilla.__class__"):
        assert run("fit", "runs.csv", "--law", law).code == 2


@pytest.mark.parametrize(
    "texts",
    [
        [f"N={TOUCH}", "D=1T"],
        ["N=1B", "D=1T", f"{TOUCH}=3"],
        ["N=1B", "D=1T", "__class__=3"],
        ["N=9**9**9", "D=1T"],
    ],
)
def test_scenarios_are_read_and_not_run(texts: list[str], run: Run) -> None:
    for command in (["predict", "chinchilla"], ["decide", "fewest_bits", "kumar2024-ptq"]):
        answer = run(*command, *texts)
        assert (answer.code, answer.out) == (2, "")


@pytest.mark.parametrize(
    "name", ["__import__", "os.system", "decision", "np", "Decision", "__all__"]
)
def test_only_decisions_are_asked(name: str, run: Run) -> None:
    answer = run("decide", name, "kumar2024-ptq", "N=1B", "D=1T")
    assert (answer.code, answer.out) == (2, "")
    assert "No decision is called" in answer.err


# --- saved fits --------------------------------------------------------------------------------


def made() -> xr.DataTree:
    """Make up a fit of a few rows, and what its file would hold."""
    return _made().copy()


@functools.cache
def _made() -> xr.DataTree:
    frame = pd.DataFrame([{"N": n, "D": d} for n in (1e7, 1e8, 1e9) for d in (1e9, 1e10)])
    about = specify(bayesq.read_runs(frame.assign(loss=3.0)), "chinchilla", discrepancy=False)
    rng = np.random.default_rng(0)
    draws = {p.symbol: (("chain", "draw"), rng.lognormal(size=(2, 5))) for p in about.parameters}
    fit = made_up_fit(about, xr.Dataset(draws))
    return complete(fit.data, fit.specification, fit._convergence)


@pytest.fixture(scope="module")
def content() -> bytes:
    return sealed.to_bytes(made())


def planted(content: bytes, change: Callable[[h5py.File], object]) -> Path:
    """Change a saved fit as somebody would who knows how it is sealed."""
    held = io.BytesIO(content[: -sealed._LENGTH])
    with h5py.File(held, "r+") as file:
        change(file)
    changed = held.getvalue()
    path = Path("fit.nc").absolute()
    path.write_bytes(changed + sealed._seal(changed))
    return path


def rewritten(**attributes: object) -> Path:
    """Write a fit with other attributes."""
    tree = made()
    tree.attrs |= attributes
    return write_tree(tree, Path("fit.nc").absolute())


def virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout(shape=(10,), dtype=float)
    layout[:] = h5py.VirtualSource("secret.h5", "secret", shape=(10,))
    file.create_virtual_dataset("runs/secret", layout)


def external(file: h5py.File) -> None:
    file.create_dataset("runs/secret", (10,), float, external=[("secret.raw", 0, 80)])


def filtered(file: h5py.File) -> None:
    how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    how.set_chunk((10,))
    how.set_filter(h5py.h5z.FILTER_SZIP + 28_000, h5py.h5z.FLAG_OPTIONAL, (1,))
    space = h5py.h5s.create_simple((10,))
    h5py.h5d.create(file["runs"].id, b"secret", h5py.h5t.NATIVE_DOUBLE, space, how)


def bomb(file: h5py.File) -> None:
    file.create_dataset("runs/bomb", (10**12,), float, chunks=(1000,))


def circle(file: h5py.File) -> None:
    file["runs/again"] = file["/"]


REACHING = {
    "a link of another file": lambda file: file.__setitem__(
        "runs/secret", h5py.ExternalLink("secret.h5", "/secret")
    ),
    "a soft link": lambda file: file.__setitem__("runs/secret", h5py.SoftLink("/posterior/A")),
    "a virtual dataset": virtual,
    "raw data elsewhere": external,
    "a plugin": filtered,
    "a bomb": bomb,
    "a circle": circle,
    "a type": lambda file: file.__setitem__("runs/secret", np.dtype("f8")),
}


@pytest.mark.parametrize("name", REACHING)
def test_a_file_that_reaches_beyond_itself_is_refused(
    name: str, content: bytes, tmp_path: Path
) -> None:
    with h5py.File("secret.h5", "w") as file:
        file["secret"] = np.arange(10.0)
    (tmp_path / "secret.raw").write_bytes(np.arange(10.0).tobytes())
    path = planted(content, REACHING[name])
    with pytest.raises(BayesqError, match=r"holds what no saved fit does \(.*\), and nothing"):
        bayesq.load_fit(path)


def test_pickles_and_code_in_attributes_stay_what_they_are(run: Run, content: bytes) -> None:
    bytes_of = pickle.dumps(Planted())

    def change(file: h5py.File) -> None:
        file.attrs["pickle"] = np.void(bytes_of)
        file.attrs["text"] = TOUCH
        file["posterior"].attrs["__reduce__"] = TOUCH

    path = planted(content, change)
    back = bayesq.load_fit(path)
    assert back.data.attrs["text"] == TOUCH
    assert run("show", path).code == 0
    values = np.frombuffer(bytes_of, dtype="u1")
    with pytest.raises(BayesqError, match="cannot be read as a saved fit"):
        bayesq.load_fit(
            planted(content, lambda file: file["runs"].create_dataset("pickle", data=values))
        )


def test_a_law_that_a_file_names_is_looked_up_and_not_run(tmp_path: Path) -> None:
    (tmp_path / "evil.py").write_text("open('mark', 'w')\n")
    law = json.loads(made().attrs["law"])
    for name in ("./evil.py", "evil.py:beta=1", TOUCH, "os"):
        back = bayesq.load_fit(rewritten(law=json.dumps(law | {"name": name})))
        assert "law-not-importable" in [note.code for note in back.notes]
        with pytest.raises(BayesqError, match="not at hand"):
            bayesq.predict(back, {"N": "1B", "D": "1T"})


def averaged(**changes: object) -> Path:
    """Write an average of papers' constants, with other entries for the first of them."""
    papers = [bayesq.published(name) for name in ("sun2025", "kumar2024-qat")]
    whole = tree_of_several(
        {paper.law.name: paper for paper in papers},
        {"sun2025": 0.25, "kumar2024-qat": 0.75},
        "given weights",
        (),
    )
    first, second = json.loads(whole.attrs["fits"])
    whole.attrs["fits"] = json.dumps([first | changes, second])
    return write_tree(whole, Path("both.nc").absolute())


PAPER = {"law": "sun2025", "which": "sun2025", "response": "loss", "digest": ""}


def test_a_law_that_an_average_names_is_looked_up_and_not_run(tmp_path: Path, run: Run) -> None:
    (tmp_path / "evil.py").write_text("open('mark', 'w')\n")
    assert bayesq.load_fit(averaged()).weights == {"sun2025": 0.25, "kumar2024-qat": 0.75}
    for name in (str(tmp_path / "evil.py"), "evil.py", "evil.py:beta=1", "./evil.py", TOUCH):
        path = averaged(published=PAPER | {"law": name})
        with pytest.raises(BayesqError, match="No law is called"):
            bayesq.load_fit(path)
        assert run("show", path).code == 2


UNFIT: list[dict[str, object]] = [
    {"published": 3},
    {"published": {}},
    {"published": PAPER | {"law": "evil.py", "which": None}},
    {"published": PAPER | {"law": 3}},
    {"published": PAPER | {"response": []}},
    {"published": None},
    {"name": "kumar2024-qat"},
    {"name": 3},
    *({"weight": weight} for weight in (float("nan"), 1e308, -0.5, 0.5, None, "much")),
]


@pytest.mark.parametrize("changes", UNFIT, ids=range(len(UNFIT)))
def test_a_hostile_average_is_refused_in_a_sentence(changes: dict[str, object]) -> None:
    with pytest.raises(BayesqError, match=r"is damaged: what it says of its law and rows .*\.$"):
        bayesq.load_fit(averaged(**changes))


def test_an_average_of_nothing_is_refused() -> None:
    tree = sealed.from_bytes(averaged().read_bytes())[0].copy()
    tree.attrs["fits"] = "[]"
    with pytest.raises(BayesqError, match="is damaged"):
        bayesq.load_fit(write_tree(tree, Path("none.nc").absolute()))


HARM: list[dict[str, str]] = [
    {"law": "{}"},
    {"law": "[" * 100_000},
    {"law": '{"name": {}, "base": null, "parameters": []}'},
    {"law_parts": "3"},
    {"law_digest": "another", "law_parts": "[[]]"},
    {"noise": '{"name": "normal", "parameters": [], "effects": 3, "on": "value"}'},
    {"pivots": '{"N": "' + TOUCH + '"}'},
    {"pivots": '{"N": 1e999}'},
    {"pivots": "{}"},
    {"pivots": '{"N": 1e9, "D": 1e10, "P": 4}'},
    {"kinds": "{}", "pivots": '{"N": 1e9}'},
    {"kinds": "[]"},
    {"formats": "3"},
    {"notes": '[{"code": 3}]'},
    {"notes": '[{"code": "a", "severity": "fatal", "message": "m", "remedy": "r"}]'},
    {"discrepancy": '{"hurst": "' + TOUCH + '"}'},
    {"pooling": "[]"},
    {"response": TOUCH},
    {"typical_loss": TOUCH},
]


@pytest.mark.parametrize("harm", HARM, ids=range(len(HARM)))
def test_a_hostile_description_is_refused_in_a_sentence(harm: dict[str, str]) -> None:
    with pytest.raises(BayesqError, match=r"is damaged: what it says of its law and rows .*\.$"):
        bayesq.load_fit(rewritten(**harm))


def test_a_prior_is_looked_up_among_known_names() -> None:
    law = json.loads(made().attrs["law"]) | {"name": "mine"}
    for distribution in ("__import__", "sample", "pymc.Normal", TOUCH):
        law["parameters"][0]["prior"]["distribution"] = distribution
        with pytest.raises(BayesqError, match="is damaged"):
            bayesq.load_fit(rewritten(law=json.dumps(law)))


# --- what is damaged ---------------------------------------------------------------------------


@pytest.mark.parametrize("count", [60, pytest.param(500, marks=pytest.mark.slow)])
def test_of_many_damaged_files_none_loads(count: int, content: bytes, tmp_path: Path) -> None:
    """A bit is turned, or the end is cut off: the seal is looked at before HDF5 sees anything."""
    rng = np.random.default_rng(0)
    path = tmp_path / "fit.nc"
    places = [*rng.integers(len(content), size=count - 10), *range(len(content) - 10, len(content))]
    for number, place in enumerate(places):
        if number % 2:
            path.write_bytes(content[:place])
        else:
            turned = content[place] ^ (1 << int(rng.integers(8)))
            path.write_bytes(content[:place] + bytes([turned]) + content[place + 1 :])
        with pytest.raises(BayesqError, match=r"is damaged|was cut short"):
            bayesq.load_fit(path)


def test_each_byte_of_the_seal_counts(content: bytes) -> None:
    assert sealed.from_bytes(content)[1]
    start = len(content) - sealed._LENGTH
    for place in range(start, len(content)):
        turned = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        if place < start + len(sealed._MARK):
            assert not sealed.is_sealed(turned)
        else:
            with pytest.raises(sealed.BrokenSealError):
                sealed.from_bytes(turned)


def test_a_pipe_is_no_saved_fit(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.nc")
    with pytest.raises(BayesqError, match="not an ordinary file"):
        bayesq.load_fit(tmp_path / "pipe.nc")


# --- what is shown -----------------------------------------------------------------------------

SCRIPT = "<script>alert(1)</script>"


def test_tables_of_notebooks_escape_names() -> None:
    frame = pd.DataFrame({"N": ["1B", "2B"], "D": ["20B"] * 2, "loss": [2.7, 2.6]})
    runs = bayesq.read_runs(frame.assign(study=SCRIPT, method=SCRIPT))
    fit = bayesq.load_fit(rewritten(source=SCRIPT))
    paper = bayesq.predict(bayesq.published("chinchilla"), {"N": ["1B"], "D": ["20B"]})
    shown: list[Any] = [runs.frame, fit.data, fit.posterior, fit.summary(), paper.to_frame()]
    shown += [bayesq.check(runs).to_frame()]
    for table in shown:
        assert SCRIPT not in table._repr_html_()
    assert "&lt;script&gt;" in runs.frame._repr_html_()
    for thing in (runs, fit, paper, bayesq.check(runs), bayesq.laws(), bayesq.pools()):
        assert SCRIPT not in thing._repr_html_()
    assert "&lt;script&gt;" in fit._repr_html_()


def test_a_terminal_shows_control_characters_and_obeys_none(run: Run) -> None:
    evil = "\x1b[31m\x1b]0;title\x07\x9b2J\u202e[bold]a[/bold]"
    frame = pd.DataFrame({"N": ["1B", "2B"], "D": ["20B"] * 2, "loss": [2.7, 2.6]})
    frame.assign(study=evil, run=[evil, "b"]).to_csv("a.csv", index=False)
    frame.assign(loss=evil).to_csv("b.csv", index=False)
    name = "\x1b[31m.csv"
    answers = [run("check", path, "--law", "chinchilla") for path in ("a.csv", "b.csv", name)]
    answers += [run("check", "a.csv", f"--where={evil} > 1"), run("show", "\x1b[2J.nc")]
    for answer in answers:
        told = answer.out + answer.err
        assert told
        assert all(c.isprintable() or c == "\n" for c in told)
    path = rewritten(source=evil)
    told = run("show", path).out
    assert "\\x1b[31m" in told
    assert all(c.isprintable() or c == "\n" for c in told)
    assert xr.open_datatree(path, engine="h5netcdf").attrs["source"] == evil
