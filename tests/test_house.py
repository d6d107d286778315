"""The house: every room imports only from the rooms before it, and no files each other."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

import bayesq

ROOT = Path(__file__).parents[1]
# From the ground up; the rooms of one line do not know each other.
FLOORS = [
    {"counted", "laid_out", "terminal", "threads"},
    {"deprecated", "errors", "notes", "progress", "stopped"},
    {"html", "intervals"},
    {"catalogue", "files", "runs"},
    {"draws", "jobs", "latex"},
    {"pool", "law"},
    {"model", "models"},
    {"sampling"},
    {"posterior"},
    {"checks"},
    {"fitting"},
    {"prediction", "sweeping"},
    {"backtesting"},
    {"comparison"},
    {"decide"},
    {"planning", "proving"},
    {"plot"},
    {"reporting"},
    {"cli"},
]
FLOOR = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# The list of laws looks into the folder of laws, whose files say what they are in words of `law`.
LOOKS_UP = {("law", "models")}


def imported(path: Path) -> set[str]:
    """List what a file imports of bayesq, wherever in it: modules, and names in modules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports by a relative name; write it out"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return {name for name in found if name.partition(".")[0] == "bayesq"}


def rooms_of(path: Path) -> set[str]:
    """Rooms of bayesq that a file imports."""
    return {name.split(".")[1] for name in imported(path) if "." in name}


def files() -> list[tuple[str, Path]]:
    engine = ROOT / "bayesq"
    rooms = [(p.relative_to(engine).parts[0].removesuffix(".py"), p) for p in engine.rglob("*.py")]
    return sorted([*rooms, *(("models", p) for p in (ROOT / "models").glob("*.py"))])


def module_of(path: Path) -> str:
    """Name the module of a file; the folder of laws is installed as ``bayesq.models``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join([*(["bayesq"] if parts[0] == "models" else []), *parts]).removesuffix(
        ".__init__"
    )


@pytest.mark.parametrize(
    ("room", "path"), [pytest.param(r, p, id=str(p.relative_to(ROOT))) for r, p in files()]
)
def test_imports_go_one_way(room: str, path: Path) -> None:
    if room in ("__init__", "__main__", "data"):
        return  # the door knows every room; data knows none
    assert room in FLOOR, f"give the room {room} a floor"
    for other in rooms_of(path) - {room}:
        assert (room, other) in LOOKS_UP or FLOOR[other] < FLOOR[room], f"{room} imports {other}"


def circles(imports: dict[str, set[str]]) -> set[tuple[str, ...]]:
    """Find the largest groups of modules in which each one leads to every other."""

    def reached(start: str) -> set[str]:
        found, ahead = set(), [start]
        while ahead:
            new = imports[ahead.pop()] - found
            found |= new
            ahead += new
        return found

    leads = {name: reached(name) for name in imports}
    return {
        tuple(sorted(other for other in leads[name] if name in leads[other]))
        for name in imports
        if name in leads[name]
    }


def test_circles_are_found() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == set()
    given = {"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": {"e"}, "e": {"c"}, "f": {"a"}}
    assert circles(given) == {("a", "b"), ("c", "d", "e")}


def test_no_file_imports_one_that_imports_it() -> None:
    """Not even inside a function, or for the types alone: such files are one idea in two."""
    paths = {module_of(path): path for _, path in files()}
    # A name in a module is the module's.
    imports = {
        module: {name if name in paths else name.rpartition(".")[0] for name in imported(path)}
        & set(paths)
        for module, path in paths.items()
    }
    assert imports["bayesq.law.law"] >= {"bayesq.law.definition", "bayesq.law.variants"}
    assert "bayesq.models.chinchilla" in imports["bayesq.models.kumar2024_ptq"]
    assert circles(imports) == set()


def test_no_two_files_of_one_name_mean_different_things() -> None:
    # A command goes by the name of what it calls.
    names = [path.stem for room, path in files() if room != "cli" and path.stem != "__init__"]
    assert sorted(n for n in set(names) if names.count(n) > 1) == []


def calls_of(name: str) -> dict[str, int]:
    """Count the calls of a function or class by the file that makes them."""
    found: dict[str, int] = {}
    for _, path in files():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
        count = sum(isinstance(f, ast.Name) and f.id == name for f in calls)
        if count:
            found[str(path.relative_to(ROOT / "bayesq"))] = count
    return found


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        # Put together where it is asked for, and where it is read from a file.
        ("Specification", {"model/specification.py": 1, "posterior/netcdf.py": 1}),
        ("Design", {"model/design.py": 1, "posterior/netcdf.py": 1}),
        ("lay", {"model/specification.py": 1}),
        # For rows, and before there are any.
        ("find_discrepancy", {"model/specification.py": 2}),
        ("find_noise", {"model/specification.py": 2, "posterior/saved.py": 1}),
        ("pool", {"model/specification.py": 1}),
        # In the sampler's coordinates and as it is stated; and as stated, for the prior, for tables
        # that are drawn from it, and for what draws say of a large table's rows.
        (
            "compose",
            {
                "sampling/translate.py": 2,
                "sampling/by_row.py": 1,
                "posterior/from_prior.py": 1,
                "sweeping/simulation.py": 1,
            },
        ),
        # When it is made; and read again from its file, and from what a sweep keeps of it.
        ("Fit", {"fitting.py": 1, "posterior/saved.py": 1, "sweeping/outcomes.py": 1}),
    ],
)
def test_one_place_assembles_a_fit(name: str, wanted: dict[str, int]) -> None:
    assert calls_of(name) == wanted


def test_every_room_is_packaged() -> None:
    described = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rooms = {p.parent.relative_to(ROOT) for p in (ROOT / "bayesq").rglob("__init__.py")}
    found = {".".join(room.parts) for room in rooms} | {"bayesq.models"}
    assert set(described["tool"]["setuptools"]["packages"]) == found


def test_public_names_are_one_list() -> None:
    """``__all__``, the table of imports and what a type checker sees name the same."""
    source = (ROOT / "bayesq" / "__init__.py").read_text(encoding="utf-8")
    typed = next(
        n
        for n in ast.parse(source).body
        if isinstance(n, ast.If) and ast.unparse(n.test) == "TYPE_CHECKING"
    )
    seen = {
        (alias.name, node.module)
        for node in typed.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    modules = {"decide", "plot"}
    assert {name for name, _ in seen} == set(bayesq.__all__)
    assert {name: home for name, home in seen if name not in modules} == bayesq._HOME
    assert set(bayesq._HOME) == set(bayesq.__all__) - modules
    assert (ROOT / "bayesq" / "py.typed").exists()


def test_decisions_take_an_average_by_their_types(tmp_path: Path) -> None:
    from mypy import api

    asks = tmp_path / "asks.py"
    asks.write_text(
        "import bayesq\n"
        "def ask(fit: bayesq.Average, noise: bayesq.Noise) -> float:\n"
        "    reveal_type(noise)\n"
        "    bayesq.decide.fewest_bits(fit, level=0.01, N='1B', D='20B')\n"
        "    return bayesq.decide.critical_tokens(fit, N='1B').without_answer\n",
        encoding="utf-8",
    )
    told, errors, status = api.run(["--config-file", str(ROOT / "pyproject.toml"), str(asks)])
    assert status == 0, told + errors
    assert "bayesq.model.noise.Noise" in told
