"""The wheel: what is in it, and that it works where no checkout is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A copy, so that no build folder of the checkout leaks in, and none is left there.
BUILT_FROM = ("bayesq", "models", "pyproject.toml", "MANIFEST.in", "README.md")
SHIPPED = (*BUILT_FROM, "LICENSE", "CHANGELOG.md", "CITATION.cff")
DATA = {"py.typed", "data/grid.csv", "reporting/page.css", "reporting/page.html.jinja"}
ASK = """
import bayesq, bayesq.models
print(bayesq.__file__)
print(*bayesq.models.__path__)
print(bayesq.__version__)
print(len(bayesq.laws()), len(bayesq.load_pool("grid")))
source = bayesq.published("sun2025")
print(bayesq.decide.critical_tokens(source, N="1B", exponent=4, mantissa=3, group=128).text)
"""


def run(*command: str | Path, at: Path, **environment: str) -> str:
    """Run a command in a folder, blind to the checkout; return what it prints."""
    blind = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "BAYESQ_DATA")}
    done = subprocess.run(
        [*map(str, command)], cwd=at, env=blind | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy_of_the_checkout(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, folder)
    return folder


def pip(*arguments: str | Path, at: Path) -> str:
    quiet = ("--quiet", "--disable-pip-version-check", "--no-deps")
    return run(sys.executable, "-m", "pip", arguments[0], *quiet, *arguments[1:], at=at)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of a copy of the checkout, with the packages that are installed here."""
    folder = tmp_path_factory.mktemp("built")
    copy = copy_of_the_checkout(folder / "copy")
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, copy, at=folder)
    (built,) = folder.glob("*.whl")
    return built


def described(wheel: Path) -> tuple[dict[str, list[str]], str]:
    """Read the fields of a wheel's metadata, and its long description."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        told = HeaderParser().parsestr(archive.read(name).decode("utf-8"))
    fields: dict[str, list[str]] = {}
    for field, value in told.items():
        fields.setdefault(field, []).append(value)
    return fields, told.get_payload()


def test_the_wheel_has_the_package_its_laws_and_its_data_and_nothing_else(wheel: Path) -> None:
    def code(folder: str) -> set[str]:
        return {p.relative_to(ROOT / folder).as_posix() for p in (ROOT / folder).rglob("*.py")}

    wanted = {f"bayesq/{name}" for name in code("bayesq") | DATA}
    wanted |= {f"bayesq/models/{name}" for name in code("models")}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    info = {n for n in names if ".dist-info/" in n}
    assert names - info == wanted
    assert any(n.endswith("licenses/LICENSE") for n in info)
    assert wheel.name.endswith("-py3-none-any.whl")


def test_the_metadata_say_what_it_is(wheel: Path) -> None:
    fields, _ = described(wheel)
    assert fields["Name"] == ["bayesq"]
    assert fields["Requires-Python"] == [">=3.12"]
    assert fields["License-Expression"] == ["Apache-2.0"]
    assert fields["Author"] == ["The bayesq developers"]
    assert set(fields["Provides-Extra"]) == {"dask", "samplers", "docs", "dev"}
    assert any(one.startswith("pymc>=") for one in fields["Requires-Dist"])
    # No address is known, and none is made up.
    assert not {"Home-Page", "Project-URL", "Author-email"} & set(fields)


def test_the_long_description_is_the_readme(wheel: Path) -> None:
    fields, told = described(wheel)
    assert fields["Description-Content-Type"] == ["text/markdown"]
    assert told.strip() == (ROOT / "README.md").read_text(encoding="utf-8").strip()


def test_what_is_installed_works_where_no_checkout_is(wheel: Path, tmp_path: Path) -> None:
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    empty.mkdir()
    pip("install", "--target", installed, wheel, at=empty)
    first = f"import sys; sys.path.insert(0, {str(installed)!r})\n"
    # Isolated: neither the folder that it runs in nor PYTHONPATH is looked at.
    told = run(sys.executable, "-I", "-c", first + ASK, at=empty).splitlines()
    assert told[0] == str(installed / "bayesq" / "__init__.py")
    assert told[1] == str(installed / "bayesq" / "models")
    assert told[2] == wheel.name.split("-")[1]
    assert told[3] == "15 1068"
    assert told[4].startswith("At N 1B, E 4, M 3, B 128, more than 27.3T tokens raise the loss.")
    asked = "from bayesq.cli.app import main; main(['check', sys.argv[1]])"
    runs = ROOT / "docs" / "tables" / "runs.csv"
    checked = run(sys.executable, "-I", "-c", first + asked, runs, at=empty)
    assert "104" in checked
    assert "kumar2024-ptq" in checked
    assert not list(empty.iterdir())


def fresh_environment(folder: Path, how: str) -> Path:
    """Make a virtual environment with what bayesq needs, and without bayesq."""
    run(sys.executable, "-m", "venv", folder, at=folder.parent)
    python = folder / "bin" / "python"
    if how == "pinned":
        run(
            *(python, "-m", "pip", "install", "--quiet", "--require-hashes"),
            *("--only-binary", ":all:", "-r", ROOT / "requirements.txt"),
            at=folder.parent,
        )
    else:
        # The packages that are installed here, but not what makes this checkout one of them: a
        # path that a .pth file names is looked at last, and its own .pth files are not read.
        (site,) = folder.glob("lib/python3*/site-packages")
        here = sysconfig.get_paths()["purelib"]
        (site / "of_the_tests.pth").write_text(here + "\n", encoding="utf-8")
    return python


@pytest.mark.slow
@pytest.mark.parametrize(
    "how",
    [
        "borrowed",
        # Downloads about 1 GB.
        pytest.param(
            "pinned",
            marks=pytest.mark.skipif(
                not os.environ.get("BAYESQ_INSTALL"), reason="BAYESQ_INSTALL=1 downloads packages"
            ),
        ),
    ],
)
def test_a_wheel_of_the_source_distribution_fits_and_decides_in_a_fresh_environment(
    how: str, tmp_path: Path
) -> None:
    copy, out = copy_of_the_checkout(tmp_path / "copy"), tmp_path / "dist"
    # As make dist does: the wheel is built from the source distribution.
    run(
        *(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, copy),
        at=tmp_path,
    )
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    with tarfile.open(source) as archive:
        names = {n.partition("/")[2] for n in archive.getnames()}
    assert {*SHIPPED, "bayesq/py.typed", "bayesq/data/grid.csv"} <= names
    assert not any(n.startswith("tests") for n in names)

    shutil.rmtree(copy)
    python = fresh_environment(tmp_path / "fresh", how)
    at = tmp_path / "work"
    at.mkdir()
    shutil.copy(ROOT / "docs" / "tables" / "runs.csv", at)
    # Where the borrowed packages have a bayesq, pip would think that it is there.
    alone = ("--no-deps", "--ignore-installed")
    run(python, "-m", "pip", "install", "--quiet", *alone, wheel, at=at)
    told = run(python, "-c", ASK, at=at).splitlines()
    assert all(Path(line).is_relative_to(tmp_path / "fresh") for line in told[:2])

    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    assert run("bayesq", "--version", at=at, PATH=path).strip() == f"bayesq {told[2]}"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [line[2:] for line in readme.splitlines() if line.startswith("$ bayesq")]
    assert [c.split()[1] for c in commands[:3]] == ["check", "fit", "decide"]
    said = [run("bash", "-c", c, at=at, PATH=path) for c in commands]
    assert "kumar2024-ptq" in said[0]
    assert "saved to fit.nc" in said[1]
    assert re.search(r"4\.\d+ bits \(90 % interval [\d.]+ to [\d.]+\) keep the degrad", said[2])
    for example in re.findall(r"^```python\n(.*?)^```$", readme, re.M | re.S):
        assert run(python, "-c", example, at=at)
    run("bayesq", "report", "fit.nc", "-o", "report.html", at=at, PATH=path)
    assert "<html" in (at / "report.html").read_text(encoding="utf-8")
