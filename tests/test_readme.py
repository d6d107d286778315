"""What the README shows is what its examples print."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[1] / "README.md"
NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")
BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)


def blocks() -> list[tuple[str, str]]:
    return BLOCK.findall(README.read_text(encoding="utf-8"))


def run(command: list[str], folder: Path) -> str:
    # The commands of this environment come first, as they do once it is activated.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def tolerance(number: str) -> float:
    """How far a number may lie from another machine's.

    Over twelve seeds of these examples nothing moved by more than 0.13 of itself but the effective
    draws, whole numbers of some hundreds, which moved by up to 0.65.
    """
    return 0.7 if number.isdigit() and int(number) > 300 else 0.2


def assert_same(shown: str, printed: str) -> None:
    """Compare text word by word; numbers may differ as two machines' draws do."""
    skeleton = [" ".join(NUMBER.sub("#", text).split()) for text in (shown, printed)]
    assert skeleton[0] == skeleton[1]
    for a, b in zip(NUMBER.finditer(shown), NUMBER.finditer(printed), strict=True):
        first, second = (float(found.group().replace(",", "")) for found in (a, b))
        counted = shown[a.end() :].startswith(" rows")
        assert second == pytest.approx(first, rel=0 if counted else tolerance(a.group())), a


def python_examples() -> list[Any]:
    """List the examples with what they print; the later ones fit a law many times over."""
    found = blocks()
    pairs = [
        (code, found[i + 1][1])
        for i, (language, code) in enumerate(found[:-1])
        if language == "python"
    ]
    marks = [(), (), *[(pytest.mark.slow,)] * (len(pairs) - 2)]
    return [pytest.param(*pair, marks=m) for pair, m in zip(pairs, marks, strict=True)]


@pytest.mark.parametrize(("code", "shown"), python_examples())
def test_python_example(code: str, shown: str, tmp_path: Path) -> None:
    assert_same(shown, run([sys.executable, "-c", code], tmp_path))


def test_shell_example(tmp_path: Path) -> None:
    (text,) = [text for language, text in blocks() if language == "console"]
    examples = re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]
    assert len(examples) == 3
    for example in examples:
        command, _, shown = example.partition("\n")
        assert_same(shown, run(["bash", "-c", command], tmp_path))


def test_the_two_commands_are_in_the_makefile() -> None:
    makefile = (README.parent / "Makefile").read_text(encoding="utf-8")
    named = re.findall(r"^    make ([\w-]+)", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert named == ["demo", "test"]
    assert all(f"\n{name}:" in makefile for name in named)
