"""The page of notes: every code that bayesq can give, with its severities, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "how_to" / "notes.md"
_ROW = re.compile(r"^\| (?P<codes>`[\w-]+`(?:, `[\w-]+`)*) \| (?P<severities>[a-z, ]+) \|", re.M)
SEVERITIES = {"info", "warning", "severe"}


def calls() -> Iterator[ast.Call]:
    """List the calls of names in bayesq's code."""
    for path in sorted((ROOT / "bayesq").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                yield node


def words(expression: ast.expr) -> set[str]:
    """List the texts in an expression, whichever of them it takes."""
    return {
        str(n.value)
        for n in ast.walk(expression)
        if isinstance(n, ast.Constant) and isinstance(n.value, str)
    }


def codes_of(expression: ast.expr) -> list[str]:
    """List the codes that an expression can be."""
    if isinstance(expression, ast.Constant):
        return [str(expression.value)]
    # f"{name.lower()}-in-billions", where name is N or D.
    assert isinstance(expression, ast.JoinedStr), ast.unparse(expression)
    assert ast.unparse(expression).startswith("f'{name.lower()}-"), ast.unparse(expression)
    end = expression.values[-1]
    assert isinstance(end, ast.Constant)
    assert isinstance(end.value, str)
    return [f"{name}{end.value}" for name in ("n", "d")]


def given() -> dict[str, set[str]]:
    """List every code in the source, with the severities that it can have."""
    found: dict[str, set[str]] = {}
    for call in calls():
        assert isinstance(call.func, ast.Name)
        told = {k.arg: k.value for k in call.keywords}
        if call.func.id != "Note" or None in told:
            continue
        both = dict(zip(("code", "severity"), call.args, strict=False)) | told
        for code in codes_of(both["code"]):
            found.setdefault(code, set()).update(words(both["severity"]) & SEVERITIES)
    # bayesq/checks/schedules.py: severe where a question lies beyond the checkpoints.
    found["one-schedule"].add("severe")
    return found


def shown() -> dict[str, set[str]]:
    """List every code in the page, with the severities beside it."""
    found: dict[str, set[str]] = {}
    for row in _ROW.finditer(PAGE.read_text(encoding="utf-8")):
        for code in re.findall(r"`([\w-]+)`", row["codes"]):
            assert code not in found, code
            found[code] = set(row["severities"].split(", "))
    return found


def test_the_page_has_every_code_with_its_severities() -> None:
    assert shown() == given()


def test_severities_change_in_one_place_only() -> None:
    changed = [
        ast.unparse(call)
        for call in calls()
        if isinstance(call.func, ast.Name)
        and call.func.id == "replace"
        and any(k.arg in ("severity", "code") for k in call.keywords)
    ]
    assert changed == ["replace(note, severity='severe')"]
