"""The catalogue of pools, and every way in which a pool's rows are had."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler
from importlib.resources import files
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pooch
import pytest

import bayesq
from bayesq.catalogue import Catalogue
from bayesq.errors import BayesqError
from bayesq.pool import load_pool as room
from bayesq.pool.load_pool import load_pool
from bayesq.pool.pools import Upstream, pools
from bayesq.runs.runs import Runs

SHARED = Path(__file__).parents[2] / "shared" / "data"
PUBLIC = [name for name in pools() if name != "grid"]
# Upstream's file in the folder of public pools, how the runs are named that come from it, and how
# many they are.
FILES = {
    "epoch_chinchilla": ("svg_extracted_data.csv", "fig4-", 245),
    "quest": ("runs_for_scaling.json", "json-", 104),
}
FIGURE = """x,y,color,Model Size,Training FLOP,hex_color,loss
1.5,2.5,#faebdd,1000000000.4,6.0000000024e+19,#faebdd,2.512345678912
1.6,2.6,#f8d1b8,2000000000.1,2.4e+20,#f8d1b8,2.25
"""
CHECKSUM = hashlib.sha256(FIGURE.encode()).hexdigest()


@pytest.fixture
def public() -> Path:
    folder = SHARED / "public"
    if not folder.is_dir():
        pytest.skip("the folder of public pools is not beside this checkout")
    return folder


@pytest.fixture(autouse=True)
def _no_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BAYESQ_DATA", raising=False)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setattr("pooch.os_cache", lambda _: folder)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@contextmanager
def served(folder: Path) -> Iterator[str]:
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def nobody_listens() -> str:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{sock.getsockname()[1]}"


def upstream_of(name: str) -> Upstream:
    upstream = pools()[name].upstream
    assert upstream is not None
    return upstream


def move_upstream(monkeypatch: pytest.MonkeyPatch, name: str, **changes: Any) -> None:
    catalogue = pools()
    upstream = replace(upstream_of(name), **changes)
    catalogue[name] = replace(catalogue[name], upstream=upstream)
    monkeypatch.setattr(room, "pools", lambda: catalogue)


@pytest.fixture
def figure(tmp_path: Path) -> Path:
    """Write a small file in the form of epoch_chinchilla's upstream."""
    path = tmp_path / "site" / "figure.csv"
    path.parent.mkdir()
    path.write_bytes(FIGURE.encode())
    return path


@pytest.fixture
def small_upstream(figure: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Serve the small file in the place of epoch_chinchilla's upstream."""
    with served(figure.parent) as site:
        move_upstream(monkeypatch, "epoch_chinchilla", url=f"{site}/figure.csv", sha256=CHECKSUM)
        yield


def assert_same_rows(got: Runs, expected: Runs, joined: tuple[str, ...] = ()) -> None:
    """Compare all columns but those that are joined from a table beside the rows."""
    assert set(got.columns) == set(expected.columns)
    for name, values in expected.columns.items():
        if name not in joined:
            np.testing.assert_array_equal(got.columns[name], values, err_msg=name)


def one_sentence(error: pytest.ExceptionInfo[BayesqError], *says: str) -> None:
    message = str(error.value)
    assert message.endswith(".")
    assert not re.search(r"\.\s|\n", message)
    for words in says:
        assert words in message


def ways_out(name: str) -> tuple[str, ...]:
    return (f"BAYESQ_DATA to a folder that holds {name}/runs.csv", "bayesq.read_runs")


# The catalogue


def test_catalogue_needs_no_heavy_import() -> None:
    check = (
        "import sys, bayesq.pool.pools\n"
        "print({'numpy', 'pandas', 'pooch', 'pydantic', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("name", PUBLIC)
def test_facts_are_those_of_the_table(name: str, public: Path) -> None:
    pool, runs = pools()[name], bayesq.read_runs(public / name / "runs.csv")
    assert pool.name == name
    assert pool.rows == len(runs)
    assert pool.runs == len(set(runs.columns["run"]))
    for column, ends in (("N", pool.N), ("D", pool.D), ("loss", pool.loss)):
        assert ends == (runs.columns[column].min(), runs.columns[column].max())
    assert set(pool.studies) == set(runs.columns["study"])


def test_the_folder_holds_no_pool_that_is_not_listed(public: Path) -> None:
    assert sorted(path.parent.name for path in public.glob("*/runs.csv")) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_source_and_licence_are_those_of_the_readme(name: str, public: Path) -> None:
    pool = pools()[name]
    readme = (public / name / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b[0-9a-f]{40}\b", readme)) == set(
        re.findall(r"\b[0-9a-f]{40}\b", pool.source)
    )
    for repository in re.findall(r"[\w-]+/[\w-]+", pool.source):
        assert repository in readme
    stated = re.search(r"^Licence: (none found|[\w.-]*\d|MIT|per source)", readme, re.MULTILINE)
    assert stated is not None
    assert pool.licence == stated[1].replace("per source", "differs by source")


@pytest.mark.parametrize("name", FILES)
def test_upstream_is_at_the_pinned_commit_and_checksum(name: str, public: Path) -> None:
    pool, file = pools()[name], FILES[name][0]
    repository, commit = pool.source.split("@")
    upstream = upstream_of(name)
    assert upstream.url.startswith(f"https://raw.githubusercontent.com/{repository}/{commit}/")
    assert upstream.url.endswith(f"/{file}")
    assert hashlib.sha256((public / name / file).read_bytes()).hexdigest() == upstream.sha256


def test_facts_of_the_packaged_pool() -> None:
    pool, runs = pools()["grid"], load_pool("grid")
    assert (pool.rows, pool.runs) == (len(runs), len(set(runs.cluster)))
    for column, ends in (("N", pool.N), ("D", pool.D), ("loss", pool.loss)):
        assert ends == (runs.columns[column].min(), runs.columns[column].max())
    assert set(pool.studies) == set(runs.columns["study"])


def test_catalogue_as_a_frame() -> None:
    frame = pools().to_frame()
    assert list(frame.index) == list(pools())
    assert frame.index.name == "pool"
    assert frame.loc["quest", "rows"] == 133
    assert frame.loc["gadre", "licence"] == "MIT"
    assert frame.loc["misfitting", "N"] == "12M to 1B"


def test_catalogue_prints_as_a_table() -> None:
    lines = repr(pools()).splitlines()
    assert len(lines) == 12
    assert lines[0].split() == ["pool", *pools()["grid"].summary_row()]
    rows_end = lines[0].index("rows") + len("rows")
    assert [line[:rows_end].split()[-1] for line in lines[1:3]] == ["1068", "245"]


def test_catalogue_of_other_things() -> None:
    @dataclass
    class Thing:
        size: float

        def summary_row(self) -> dict[str, object]:
            return {"size": self.size, "what": "x" * 99}

    things = Catalogue("thing", {"small": Thing(1 / 3), "large": Thing(4e9)})
    assert repr(things) == "\n".join(
        [
            "thing    size  what",
            f"small  0.3333  {'x' * 37}...",
            f"large   4e+09  {'x' * 37}...",
        ]
    )
    assert repr(Catalogue("thing", {})) == "thing"
    with pytest.raises(BayesqError, match=r"No thing is called 'smal'; did you mean small\?"):
        things["smal"]
    assert "smal" not in things
    assert things.get("smal") is None


def test_unknown_pool() -> None:
    with pytest.raises(
        BayesqError, match="No pool is called 'chinchilla'; did you mean epoch_chin"
    ):
        load_pool("chinchilla")


# The packaged pool and the local folder


def test_grid_is_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(tmp_path / "nowhere"))
    grid = load_pool("grid")
    assert (len(grid), grid.source) == (1068, "pool grid")
    assert (grid.partner[grid.quantized] >= 0).all()


def test_packaged_grid_is_the_project_s_own_table() -> None:
    table = SHARED / "grid" / "runs.csv"
    if not table.exists():
        pytest.skip("the project's data are not beside this checkout")
    assert (files("bayesq.data") / "grid.csv").read_bytes() == table.read_bytes()


@pytest.mark.parametrize("name", PUBLIC)
def test_local_folder(name: str, public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(public))
    runs = load_pool(name)
    assert runs.source == f"pool {name}"
    pool = pools()[name]
    joined = ("annealed",) if pool.unique_tokens is None else ("annealed", "U")
    assert_same_rows(runs, bayesq.read_runs(public / name / "runs.csv"), joined)
    assert set(runs.columns["annealed"]) == {pool.annealed}


def test_only_datablations_has_unique_tokens_beside_its_rows() -> None:
    assert [name for name, pool in pools().items() if pool.unique_tokens] == ["datablations"]


def test_unique_tokens_of_datablations(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(public))
    columns = load_pool("datablations").columns
    unique = dict(zip(columns["run"], columns["U"], strict=True))
    # The same four billion tokens, seen once and twice.
    assert (unique["2b84b4b"], unique["2b88b4b"]) == (4e9, 4e9)
    with (public / "datablations" / "tidy_return_alloc_losses.csv").open() as file:
        tidy = {row["name"]: row for row in csv.DictReader(file)}
    for run, D, U in zip(*(columns[c] for c in ("run", "D", "U")), strict=True):
        assert float(tidy[run]["U"]) == U
        assert float(tidy[run]["epochs"]) * U == pytest.approx(D, rel=0.02)
    once = columns["study"] == "datablations-1ep"
    np.testing.assert_allclose(columns["U"][once], columns["D"][once], rtol=1e-3)


def test_without_the_tidied_table_there_are_no_unique_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(tmp_path))
    folder = tmp_path / "datablations"
    folder.mkdir()
    (folder / "runs.csv").write_text("run,N,D,loss\none,1B,20B,2.5\ntwo,1B,40B,2.4\n")
    assert np.isnan(load_pool("datablations").columns["U"]).all()
    # With it, each run has the tokens that stand there under its name, if any do.
    tidy = "name,loss,U\ntwo,2.4,5e9\nthree,2.3,6e9\none,2.5,\n"
    (folder / "tidy_return_alloc_losses.csv").write_text(tidy)
    np.testing.assert_array_equal(load_pool("datablations").columns["U"], [np.nan, 5e9])


def test_the_240_rows_of_epoch_chinchilla(public: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(public))
    runs = load_pool("epoch_chinchilla")
    selection = re.search(r"select\('(.+?)'\)", pools()["epoch_chinchilla"].description)
    assert selection is not None
    loss = runs.columns["loss"]
    assert sorted(runs.select(selection[1]).columns["loss"]) == sorted(loss)[:240]
    assert (loss < np.sort(loss)[-5]).sum() == 240


def test_local_folder_is_relative_to_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tables" / "gadre").mkdir(parents=True)
    (tmp_path / "tables" / "gadre" / "runs.csv").write_text("N,D,loss\n1B,20B,2.5\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BAYESQ_DATA", "~/tables")
    assert len(load_pool("gadre")) == 1


def test_local_folder_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(BayesqError) as error:
        load_pool("quest")
    one_sentence(error, f"BAYESQ_DATA={tmp_path / 'nowhere'} is not a folder", "quest/runs.csv")


def test_pool_that_cannot_be_fetched() -> None:
    with pytest.raises(BayesqError) as error:
        load_pool("gadre")
    one_sentence(error, "BAYESQ_DATA is not set", "mlfoundations/scaling@a003", *ways_out("gadre"))


def test_pool_that_is_not_in_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(tmp_path))
    with pytest.raises(BayesqError) as error:
        load_pool("gadre")
    one_sentence(error, f"{tmp_path / 'gadre' / 'runs.csv'} does not exist", *ways_out("gadre"))


# Upstream


@pytest.mark.parametrize("name", FILES)
def test_fetched_rows_are_those_of_the_folder(
    name: str, public: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, prefix, rows = FILES[name]
    table = bayesq.read_runs(public / name / "runs.csv")
    expected = table.select(np.array([run.startswith(prefix) for run in table.columns["run"]]))
    with served(public / name) as site:
        move_upstream(monkeypatch, name, url=f"{site}/{file}")
        fetched = load_pool(name)
    assert (len(fetched), fetched.source) == (rows, f"pool {name}")
    assert_same_rows(fetched, expected)
    assert fetched.fingerprint == expected.fingerprint
    # The server is down now: these rows come from the cache.
    assert load_pool(name).fingerprint == expected.fingerprint
    assert [path.name for path in cache.iterdir()] == [f"{name}-{file}"]


def test_parse_of_a_figure(figure: Path) -> None:
    first, second = upstream_of("epoch_chinchilla").parse(figure)
    assert (first["run"], first["N"], first["loss"]) == ("fig4-000", 1_000_000_000, "2.512345679")
    # D comes from N as it stands in the file: from the rounded N it would be 10000000004.
    assert first["D"] == 10_000_000_000
    assert (second["run"], second["N"], second["D"]) == ("fig4-001", 2_000_000_000, 19_999_999_999)


@pytest.mark.parametrize(
    ("weights", "activations", "bits", "says"),
    [
        ("NoQuantizer", "NoQuantizer", (16, 16), {"stage": "none", "method": None}),
        (
            "TrustQuantizer",
            "TrustQuantizer",
            (3, 3),
            {"method": "Trust", "w_kind": "int", "w_bits": 3, "a_bits": 3, "a_group": -1},
        ),
        (
            "HalfHadamardTrustQuantizer",
            "NoQuantizer",
            (2, 16),
            {"stage": "train", "method": "HalfHadamardTrust|A:none", "w_bits": 2, "w_group": -1},
        ),
        (
            "HadamardFourEightTrustQuantizer",
            "HadamardTrustQuantizer",
            (4, 4),
            {"method": "HadamardFourEightTrust|A:HadamardTrust", "sparsity": 0.5},
        ),
        # The file says 16 bits for FP4.
        (
            "HalfHadamardFP4TrustQuantizer",
            "HalfHadamardFP4TrustQuantizer",
            (16, 16),
            {"w_kind": "fp", "w_bits": 4, "w_exponent": 2, "w_mantissa": 1, "a_bits": 4},
        ),
    ],
)
def test_parse_of_a_quest_run(
    weights: str, activations: str, bits: tuple[int, int], says: dict[str, Any], tmp_path: Path
) -> None:
    entry = {
        "non_embedding_parameters": 30482560,
        "tokens": 2999975936,
        "w_quant": weights,
        "a_quant": activations,
        "w_bits": bits[0],
        "a_bits": bits[1],
        "loss": 3.2071399688720703,
        "args": {"wandb_run_prefix": "30M", "seed": 0, "dataset": "c4"},
    }
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([entry]))
    (record,) = upstream_of("quest").parse(path)
    assert (record["run"], record["corpus"]) == ("json-000:30M", "c4-val")
    assert record["loss"] == "3.207139969"
    assert {name: record[name] for name in says} == says
    assert ("a_bits" in record) == (activations != "NoQuantizer")


@pytest.mark.usefixtures("small_upstream")
def test_folder_without_the_pool_goes_on_to_upstream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAYESQ_DATA", str(tmp_path))
    assert len(load_pool("epoch_chinchilla")) == 2


@pytest.mark.usefixtures("small_upstream")
def test_fetching_is_silent(capfd: pytest.CaptureFixture[str]) -> None:
    level = pooch.get_logger().level
    load_pool("epoch_chinchilla")
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


def test_a_file_with_another_checksum_is_refused(
    figure: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(figure.parent) as site:
        move_upstream(monkeypatch, "epoch_chinchilla", url=f"{site}/figure.csv")
        with pytest.raises(BayesqError) as error:
            load_pool("epoch_chinchilla")
    one_sentence(error, upstream_of("epoch_chinchilla").sha256, *ways_out("epoch_chinchilla"))
    assert not list(cache.iterdir())


def test_a_file_is_checked_before_it_is_parsed(
    figure: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Path] = []
    with served(figure.parent) as site:
        url = f"{site}/figure.csv"
        move_upstream(monkeypatch, "epoch_chinchilla", url=url, parse=lambda p: parsed.append(p))
        # Neither what comes from there nor what lies in the cache is the file that was pinned.
        for _ in range(2):
            with pytest.raises(BayesqError, match="is not the file of pool epoch_chinchilla"):
                load_pool("epoch_chinchilla")
            (cache / "epoch_chinchilla-figure.csv").write_bytes(figure.read_bytes())
    assert parsed == []


@pytest.mark.usefixtures("small_upstream")
def test_a_damaged_file_in_the_cache_is_fetched_again(cache: Path) -> None:
    whole = load_pool("epoch_chinchilla")
    (kept,) = cache.iterdir()
    kept.write_text(FIGURE[:150])
    assert load_pool("epoch_chinchilla").fingerprint == whole.fingerprint


def test_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"{nobody_listens()}/runs_for_scaling.json"
    move_upstream(monkeypatch, "quest", url=url)
    with pytest.raises(BayesqError) as error:
        load_pool("quest")
    one_sentence(error, f"could not be fetched from {url}", "ConnectionError", *ways_out("quest"))


def test_a_file_that_is_gone(figure: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(figure.parent) as site:
        move_upstream(monkeypatch, "quest", url=f"{site}/gone.json")
        with pytest.raises(BayesqError) as error:
            load_pool("quest")
    one_sentence(error, "HTTPError", *ways_out("quest"))
    # The refused answer hangs on the error, still open, and would warn when it is collected.
    cause: Any = error.value.__cause__
    cause.response.close()


def test_a_cache_that_is_no_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.write_text("in the way")
    move_upstream(monkeypatch, "quest", url=f"{nobody_listens()}/runs_for_scaling.json")
    with pytest.raises(BayesqError) as error:
        load_pool("quest")
    one_sentence(error, str(cache), *ways_out("quest"))
