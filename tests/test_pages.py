"""What the README and the documentation show is what their examples print."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "docs" / "making"))

import outputs  # noqa: E402 - it lies in the folder above

README = ROOT / "README.md"
PAGES = {
    str(page.relative_to(ROOT)): page
    for page in (README, *sorted((ROOT / "docs").rglob("*.md")))
    if "made" not in page.parts and outputs.examples(page.read_text(encoding="utf-8"))
}
SHOWN = """# A page

```python
x = 21
print("answer", 2 * x)
```

```text
answer 42
```

```console
$ echo one \\
    two
one two
$ ls runs.csv
runs.csv
```

```python
y = x
```

```{code-block} python
:caption: mine.py

z = 3
```

```python
from mine import z

print(z)
```

```text
3
```
"""


# The others are run with the documentation: make test-docs.
QUICK = {"README.md", "docs/start.md"}


@pytest.mark.parametrize(
    "page", [pytest.param(p, marks=() if p in QUICK else pytest.mark.slow) for p in PAGES]
)
def test_examples_print_what_the_page_shows(page: str) -> None:
    wrong = outputs.compare(PAGES[page])
    assert not wrong, "\n\n".join(wrong)


def test_every_block_that_could_be_run_is(tmp_path: Path) -> None:
    for page in (README, *sorted((ROOT / "docs").rglob("*.md"))):
        text = page.read_text(encoding="utf-8")
        opened = len(re.findall(r"^```(?:python|sh)$", text, re.MULTILINE))
        found = [e for e in outputs.examples(text) if e.language in ("python", "sh")]
        commands = [e for e in outputs.examples(text) if e.language == "console"]
        assert len(found) == opened, page
        assert len(commands) == len(re.findall(r"^\$ ", text, re.MULTILINE)), page
        # Python that prints says what.
        assert all(e.shown is not None for e in found if "print(" in e.code), page


def test_a_page_is_one_session_and_is_written_as_it_prints(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(SHOWN.replace("answer 42", "answer 12").replace("one two\n$", "$"))
    said = outputs.compare(page)
    assert len(said) == 2
    assert "shows 12 and the example prints 42" in said[0]
    outputs.write(page)
    assert page.read_text() == SHOWN
    assert outputs.compare(page) == []


def test_an_example_that_fails_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```python\nprint(1 / 0)\n```\n")
    with pytest.raises(RuntimeError, match=r"1 / 0[\s\S]*ZeroDivisionError"):
        outputs.compare(page)


def test_numbers_agree_within_what_draws_may_do() -> None:
    assert outputs.agree("76 rows, E 0.700", "76 rows, E 0.75") == ""
    assert "shows 76" in outputs.agree("76 rows", "77 rows")
    assert "shows 0.7 " in outputs.agree("E 0.7 of it", "E 0.9 of it")
    assert (
        outputs.agree("hold 17 of 20 rows left out (85%)", "hold 16 of 20 rows left out (80%)")
        == ""
    )
    assert "shows 17" in outputs.agree("hold 17 of 20 rows (85%)", "hold 15 of 20 rows (75%)")
    assert "the page shows\na" in outputs.agree("a 1", "b 1")
