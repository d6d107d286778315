"""What bayesq takes from other libraries: by their public doors, and left as it was found."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import jax
import pytest

from bayesq.sampling.processor import compiling, processor

ROOT = Path(__file__).parents[1]
FILES = [p for room in ("bayesq", "models") for p in sorted((ROOT / room).rglob("*.py"))]
# Modules that the libraries' own manuals import from.
DOORS = {
    "arviz_base",
    "arviz_plots",
    "arviz_stats",
    "arviz_stats.base",
    "blackjax",
    "cloudpickle",
    "distributed",
    "h5py",
    "jax",
    "jax.numpy",
    "jinja2",
    "loky",
    "markupsafe",
    "matplotlib",
    "numpy",
    "numpy.typing",
    "nutpie",
    "pandas",
    "platformdirs",
    "pooch",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.parquet",
    "pydantic",
    "pydantic_core",
    "pymc",
    "pytensor.compile",
    "pytensor.graph",
    "pytensor.tensor",
    "scipy",
    "scipy.interpolate",
    "scipy.linalg",
    "scipy.ndimage",
    "scipy.optimize",
    "scipy.optimize.elementwise",
    "scipy.special",
    "scipy.stats",
    "sympy",
    "threadpoolctl",
    "typer",
    "xarray",
    "xarray.backends",
}
# Each class has a module of its own, and that is its documented place.
WHOLE = {"matplotlib", "rich"}
# Deeper modules, and why there is no door to what they have.
BORROWED = {
    "distributed.comm": "the host and port of a scheduler's address, of whatever transport",
    "jax.experimental.compilation_cache": "closes a cache on disk, so that another folder counts",
    "jax.custom_batching": "tables side by side of an exported function, which JAX cannot batch",
    "numpyro.infer.hmc": "the sampler for a density of rows that are given when it runs",
    "nutpie.compiled_pyfunc": "the sampler for a density that is a Python function",
    "pymc.initial_point": "the middle of the priors as a graph: the model's own is for fixed rows",
    "pymc.model.transform.conditioning": "priors on the scale on which they are stated",
    "pytensor.graph.traversal": "on which variables of a model others depend",
    "pytensor.link.jax.dispatch": "a graph as a JAX function; PyTensor's own would be compiled",
    "sympy.printing.latex": "a printer whose symbols are given",
    "sympy.printing.mathml": "a printer whose factors stay in their order",
    "sympy.printing.precedence": "which parts of a formula stand in brackets",
    "xarray.core": "arrays that are made when they are looked at, as its manual on backends has it",
    "typer.core": "what Typer's manual has a group of commands derive from",
}
# Calls that change a library for all who use it.
LASTING = {"config.update", "set_option", "set_options", "rcParams.update", "seterr", "setLevel"}
# They put back what they change.
PUT_BACK = {
    "bayesq/sampling/processor.py": {"config.update"},
    "bayesq/pool/load_pool.py": {"setLevel"},
}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Modules of other libraries that a file imports, and what it takes from them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found = [(alias.name, [str(alias.asname)]) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [(node.module, [alias.name for alias in node.names])]
        else:
            continue
        for module, names in found:
            if module.partition(".")[0] not in {*sys.stdlib_module_names, "bayesq"}:
                yield module, names


def called(tree: ast.Module) -> Iterator[str]:
    """Write out what is called, or given a value by a key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)
        elif isinstance(node, ast.Assign):
            yield from (ast.unparse(t.value) for t in node.targets if isinstance(t, ast.Subscript))


def test_borrowed_modules_are_listed() -> None:
    deeper = {
        module
        for path in FILES
        for module, _ in imported(tree_of(path))
        if module not in DOORS and module.partition(".")[0] not in WHOLE
    }
    assert deeper == set(BORROWED)


def test_nothing_is_taken_that_is_private() -> None:
    for path in FILES:
        tree = tree_of(path)
        theirs = set()
        for module, names in imported(tree):
            theirs |= {module.partition(".")[0], *names}
            parts = [*module.split("."), *names]
            assert not any(part.startswith("_") for part in parts), (path, module, names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                of = ast.unparse(node.value)
                assert of.partition(".")[0] not in theirs, (path, f"{of}.{node.attr}")


def test_no_library_is_set_up_for_others() -> None:
    for path in FILES:
        tree, place = tree_of(path), str(path.relative_to(ROOT))
        lasting = {
            name
            for call in called(tree)
            for name in LASTING
            if call == name or call.endswith(f".{name}")
        }
        assert lasting == PUT_BACK.get(place, set()), place
        assert not any(c.endswith(("rcParams", "environ")) for c in called(tree)), place


def test_warnings_are_silenced_in_a_block() -> None:
    for path in FILES:
        tree = tree_of(path)
        blocks = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.With)
            and any("catch_warnings" in ast.unparse(i.context_expr) for i in node.items)
        ]
        inside = {id(node) for block in blocks for node in ast.walk(block)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
                ("simplefilter", "filterwarnings")
            ):
                assert id(node) in inside, (path, node.lineno)


def test_no_text_of_an_error_is_taken_apart() -> None:
    for path in FILES:
        for handler in ast.walk(tree_of(path)):
            if not isinstance(handler, ast.ExceptHandler) or handler.name is None:
                continue
            if ast.unparse(handler.type or handler) == "BayesqError":
                continue  # our own words
            for node in ast.walk(handler):
                if isinstance(node, ast.Attribute | ast.Subscript):
                    of = ast.unparse(node.value)
                    assert of not in (f"str({handler.name})", f"repr({handler.name})"), path


@pytest.mark.parametrize("folder", [None, "theirs"])
def test_jax_is_as_it_was_after_compiling(folder: str | None, tmp_path: Path) -> None:
    name = "jax_compilation_cache_dir"
    found = jax.config.values[name]
    jax.config.update(name, folder and str(tmp_path / folder))
    try:
        before = dict(jax.config.values)
        processor()
        with compiling():
            assert jax.config.values["jax_persistent_cache_min_compile_time_secs"] == 0
            assert (jax.config.values[name] == before[name]) == (folder is not None)
        assert dict(jax.config.values) == before
    finally:
        jax.config.update(name, found)
