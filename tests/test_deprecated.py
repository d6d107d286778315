"""A renamed public name, and a renamed argument, work under the old name and warn once."""

from __future__ import annotations

import importlib.metadata
import inspect
import subprocess
import sys
import warnings

import numpy as np
import pytest

import bayesq
from bayesq import deprecated
from bayesq.deprecated import renamed_arguments
from bayesq.law import Levels


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rename two names, and forget what was warned of."""
    renamed = {"bayesq.read_table": "bayesq.read_runs", "bayesq.draw": "bayesq.plot"}
    monkeypatch.setattr(deprecated, "RENAMED", renamed)
    monkeypatch.setattr(deprecated, "_told", set())


@renamed_arguments(draws_per_chain="draws", burn="tune")
def sample(name: str, *, draws: int = 1000, tune: int = 1000) -> tuple[str, int, int]:
    """Sample."""
    return name, draws, tune


@pytest.mark.parametrize(("old", "new"), [("read_table", "read_runs"), ("draw", "plot")])
def test_an_old_name_is_the_new_one_and_warns_once(old: str, new: str) -> None:
    with pytest.warns(DeprecationWarning, match=rf"^bayesq\.{old} is now bayesq\.{new};") as told:
        found = getattr(bayesq, old)
    assert found is getattr(bayesq, new)
    # It points to the line that used the name.
    assert told[0].filename == __file__
    with warnings.catch_warnings(record=True) as again:
        warnings.simplefilter("always")
        assert getattr(bayesq, old) is found
    assert not again


def test_an_old_name_is_imported_with_one_warning() -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        from bayesq import read_table

    assert read_table is bayesq.read_runs
    assert [(w.category, w.filename) for w in told] == [(DeprecationWarning, __file__)]


def test_a_name_that_never_was_is_none() -> None:
    with pytest.raises(AttributeError, match="module 'bayesq' has no attribute 'fits'"):
        bayesq.fits  # noqa: B018


def test_an_old_name_is_not_shown_among_the_names() -> None:
    assert "read_table" not in dir(bayesq)
    assert "read_table" not in bayesq.__all__


def test_an_old_argument_is_taken_for_the_new_one_and_warns_once() -> None:
    words = r"^argument burn of sample\(\) is now tune;"
    with pytest.warns(DeprecationWarning, match=words) as told:
        assert sample("a", burn=5) == ("a", 1000, 5)
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert sample("a", burn=6, draws=7) == ("a", 7, 6)
    with pytest.warns(DeprecationWarning, match="argument draws_per_chain"):
        assert sample("a", draws_per_chain=8) == ("a", 8, 1000)


def test_an_argument_by_both_names_is_refused() -> None:
    with pytest.raises(TypeError, match=r"sample\(\) got tune and its old name burn; give tune\."):
        sample("a", tune=1, burn=2)


def test_a_function_is_described_by_its_new_names() -> None:
    assert list(inspect.signature(sample).parameters) == ["name", "draws", "tune"]
    assert (sample.__name__, sample.__doc__) == ("sample", "Sample.")


def test_every_renamed_name_leads_to_one_that_is() -> None:
    # The real table, which the fixture has put aside.
    code = (
        "import bayesq, importlib\n"
        "from bayesq.deprecated import RENAMED\n"
        "for old, new in RENAMED.items():\n"
        "    module, _, name = new.rpartition('.')\n"
        "    getattr(importlib.import_module(module), name)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_version_is_the_one_of_the_package() -> None:
    assert bayesq.__version__ == importlib.metadata.version("bayesq")


def test_what_a_fit_had_under_other_names_is_still_there(base_fit: bayesq.Fit) -> None:
    described = base_fit.specification
    for old, new, wanted in (
        ("scatter", "noise", described.noise),
        ("wrong", "field", (described.discrepancy, described.field)),
    ):
        with pytest.warns(DeprecationWarning, match=rf"^Fit\.{old} is now Fit\.{new};") as told:
            assert getattr(base_fit, old) == wanted
        assert told[0].filename == __file__


def test_levels_take_their_reader_by_its_old_name() -> None:
    def read(columns: object) -> np.ndarray:
        return np.array(["W4"])

    with pytest.warns(DeprecationWarning, match="argument label of .* is now read"):
        levels = Levels("compression", ("w_bits",), label=read)  # type: ignore[call-arg]
    assert levels.read is read
