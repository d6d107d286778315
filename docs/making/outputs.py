"""Run the examples of pages, and compare what they print with what the pages show.

    python docs/making/outputs.py README.md docs/start.md          # compare
    python docs/making/outputs.py --write README.md docs/start.md  # write what they print

The examples of a page are one session, from top to bottom, in a folder that holds the tables of
docs/tables. Blocks of ``python`` share their names, and a block of ``text`` right below one is what
it prints. In a block of ``console`` each line that starts with ``$`` is a command, with what it
prints below it. Commands in blocks of ``sh`` are run as well. A ``{code-block}`` of Python whose
caption is a file's name is written to that file. Nothing else is run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_TABLES = Path(__file__).parents[1] / "tables"
_BLOCK = re.compile(
    r"^```(?P<language>python|console|sh)\n(?P<code>.*?)^```\n"
    r"(?:\n```text\n(?P<shown>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
_FILE = re.compile(
    r"^```\{code-block\} python\n:caption: (?P<name>\w+\.py)\n\n(?P<code>.*?)^```\n",
    re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(
    r"^\$ (?P<code>.*(?:(?<=\\)\n.*)*)\n(?P<shown>(?:(?!\$ ).*\n)*)", re.MULTILINE
)
_NUMBER = re.compile(r"-?\d[\d,]*\.?\d*(?:e[+-]?\d+)?")
# As wide as a page shows without a scroll bar.
_COLUMNS = "110"

# Runs in a process of its own: takes [language, code] pairs, says what each prints.
_SESSION = """
import contextlib, importlib, io, json, subprocess, sys, traceback
names = {"__name__": "__main__"}
printed = []
for language, code in json.load(sys.stdin):
    if language.endswith(".py"):
        with open(language, "w") as file:
            file.write(code)
        importlib.invalidate_caches()  # or it is not found to import
        printed.append("")
    elif language == "python":
        told = io.StringIO()
        try:
            with contextlib.redirect_stdout(told):
                exec(compile(code, "<page>", "exec"), names)
        except Exception:
            sys.exit(f"{code}\\n{traceback.format_exc()}")
        printed.append(told.getvalue())
    else:
        done = subprocess.run(["bash", "-ec", code], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{code}\\nended with {done.returncode}:\\n{done.stdout}{done.stderr}")
        printed.append(done.stdout)
json.dump(printed, sys.stdout)
"""


@dataclass(frozen=True)
class Example:
    """Code of a page, what the page shows below it, and where that stands.

    Parameters
    ----------
    language : str
        ``python``, ``console`` or ``sh``; or the name of a file to be written.
    code : str
        What is run, or written.
    shown : str or None
        What the page says that it prints; None where it says nothing.
    start, end : int
        Where that is in the text of the page.
    """

    language: str
    code: str
    shown: str | None
    start: int
    end: int


def examples(text: str) -> list[Example]:
    """List the examples of a page in their order."""
    found = []
    for block in _BLOCK.finditer(text):
        language, code = block["language"], block["code"]
        if language != "console":
            place = block.span("code" if block["shown"] is None else "shown")
            found.append(Example(language, code, block["shown"], *place))
            continue
        at = block.start("code")
        for command in _COMMAND.finditer(code):
            start, end = command.span("shown")
            found.append(Example(language, command["code"], command["shown"], at + start, at + end))
    found += [
        Example(file["name"], file["code"], None, *file.span("code"))
        for file in _FILE.finditer(text)
    ]
    return sorted(found, key=lambda example: example.start)


def run(asked: Sequence[Example]) -> list[str]:
    """Run examples as one session in a folder of its own; return what each prints.

    Raises
    ------
    RuntimeError
        Where one fails; with the example and what it said.
    """
    with TemporaryDirectory() as folder:
        for table in _TABLES.iterdir():
            shutil.copy(table, folder)
        environment = {
            **os.environ,
            # The commands of this environment come first, as they do once it is activated.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": _COLUMNS,
            "MPLBACKEND": "agg",
        }
        done = subprocess.run(
            [sys.executable, "-c", _SESSION],
            input=json.dumps([(e.language, e.code) for e in asked]),
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)


def agree(shown: str, printed: str) -> str:
    """Compare two texts word by word; numbers may differ as two machines' draws do.

    Returns
    -------
    str
        Empty where they agree, otherwise what does not.
    """
    skeleton = [" ".join(_NUMBER.sub("#", text).split()) for text in (shown, printed)]
    if skeleton[0] != skeleton[1]:
        return f"the page shows\n{shown}\nand the example prints\n{printed}"
    for a, b in zip(_NUMBER.finditer(shown), _NUMBER.finditer(printed), strict=True):
        first, second = (float(found.group().replace(",", "")) for found in (a, b))
        if abs(second - first) > tolerance(a.group(), shown[a.end() :]):
            return f"the page shows {a.group()} and the example prints {b.group()} in\n{printed}"
    return ""


def tolerance(number: str, after: str) -> float:
    """How far a number may lie from another machine's; `after` is the text behind it.

    Over twelve seeds of the README's examples nothing moved by more than 0.13 of itself but the
    effective draws, whole numbers of some hundreds, which moved by up to 0.65; and rows at the very
    edge of an interval, which are counted in or out: one row in twenty.
    """
    if after.startswith(" rows"):
        return 0.0
    size = abs(float(number.replace(",", "")))
    if re.match(r" of \d+ rows| \(\d+%\)", after):
        return 1.0
    if after.startswith("%)"):
        return max(5.1, 0.2 * size)
    return (0.7 if number.isdigit() and size > 300 else 0.2) * size


def compare(page: Path) -> list[str]:
    """Run the examples of a page; list what does not agree with what it shows."""
    asked = examples(page.read_text(encoding="utf-8"))
    return [
        f"{example.code}: {said}"
        for example, printed in zip(asked, run(asked), strict=True)
        if example.shown is not None and (said := agree(example.shown, printed))
    ]


def write(page: Path) -> None:
    """Run the examples of a page, and write what they print into it."""
    text = page.read_text(encoding="utf-8")
    asked = examples(text)
    for example, printed in reversed(list(zip(asked, run(asked), strict=True))):
        if example.shown is not None:
            lines = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
            text = text[: example.start] + lines + text[example.end :]
    beside = page.with_suffix(".tmp")
    beside.write_text(text, encoding="utf-8")
    beside.replace(page)


def main() -> None:
    """Read the command line, and compare or write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path, help="Markdown files")
    parser.add_argument("--write", action="store_true", help="write what the examples print")
    arguments = parser.parse_args()
    wrong = []
    for page in arguments.pages:
        if arguments.write:
            write(page)
        else:
            wrong += [f"{page}: {said}" for said in compare(page)]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
