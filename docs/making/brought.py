"""Pages of the case studies, brought from their folders: notebooks as they ran, and READMEs."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown import plain, write
from sphinx.util.logging import getLogger

ROOT = Path(__file__).parents[2]
STUDIES = ROOT / "case_studies"
# In the order to read them; a folder that is not named here comes after these.
ORDER = (
    "chinchilla_replicated",
    "ptq_overtraining",
    "low_bit_training",
    "float_formats",
    "precision_70b",
    "gguf",
    "grid",
    "pooled_w4a4",
    "backtests",
    "comparisons",
    "decisions",
    "calibration",
)
_ROOM = 200  # letters of a card
# No study: its figures have a page of their own.
_NONE = ("gallery",)
_LINK = r"\[(?P<words>(?:[^\[\]]|\[[^\]]*\])*)\]\((?P<link>[^()\s]+)\)"
_CODE_OR_LINK = re.compile(rf"^```.*?^```|{_LINK}|`[^`\n]+`", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Study:
    """A page of a case study.

    Parameters
    ----------
    name : str
        Of its folder.
    path : Path
        The notebook or README that is its page.
    text : str
        Its Markdown, without what code showed.
    """

    name: str
    path: Path
    text: str

    @property
    def title(self) -> str:
        """Its first heading."""
        found = re.search(r"^# (.+)$", self.text, re.MULTILINE)
        if found is None:
            raise ValueError(f"{self.path} has no title; begin it with one: # Title")
        return found[1].strip()

    @property
    def answers(self) -> str:
        """The first sentences of its first paragraph, without links."""
        after = self.text.partition(f"# {self.title}")[2].strip()
        first = " ".join(re.split(r"\n\s*\n", after)[0].split())
        told = ""
        for sentence in re.split(r"(?<=[.?]) (?=[A-Z`])", re.sub(_LINK, r"\1", first)):
            if told and len(told) + len(sentence) > _ROOM:
                break
            told += f"{sentence} "
        return told.strip()


def bring(docs: Path) -> None:
    """Write the pages of all studies, and what the list of them includes."""
    made = docs / "case_studies" / "made"
    found = {one.name: one for one in studies()}
    made.mkdir(parents=True, exist_ok=True)
    for kept in (*made.glob("*.md"), *made.glob("*.ipynb")):
        if kept.stem not in found or kept.suffix != found[kept.stem].path.suffix:
            kept.unlink()
    for one in found.values():
        mend = _mender(one, found, made)
        if one.path.suffix == ".ipynb":
            _bring_notebook(one, made / f"{one.name}.ipynb", mend)
        else:
            text = _mended(one.path.read_text(encoding="utf-8"), mend)
            write(made / f"{one.name}.md", text)
    write(made / "cards.inc", "\n\n".join(map(_card, found.values())) + "\n")
    listed = "\n".join(f"made/{name}" for name in found)
    write(made / "tree.inc", f"```{{toctree}}\n:hidden:\n\n{listed}\n```\n")


def studies() -> Iterator[Study]:
    """List the studies in the order to read them: a folder's notebook, or else its README."""
    folders = {path.name: path for path in sorted(STUDIES.iterdir()) if path.is_dir()}
    for name in (*ORDER, *(name for name in folders if name not in ORDER)):
        if name not in folders or name in _NONE:
            continue
        for path in (folders[name] / f"{name}.ipynb", folders[name] / "README.md"):
            if path.exists():
                yield Study(name, path, _markdown_of(path))
                break


def _markdown_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


def _bring_notebook(one: Study, target: Path, mend: Callable[[str], str]) -> None:
    notebook = json.loads(one.path.read_text(encoding="utf-8"))
    # What jupytext and ruff read at the head of a program is not for readers.
    notebook["cells"] = [cell for cell in notebook["cells"] if not _is_head(cell)]
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _mended("".join(cell["source"]), mend)
    write(target, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _is_head(cell: dict[str, Any]) -> bool:
    lines = "".join(cell["source"]).splitlines()
    return cell["cell_type"] == "code" and all(line[:1] in ("", "#") for line in lines)


def _card(one: Study) -> str:
    options = f":link: made/{one.name}\n:link-type: doc"
    return f":::{{grid-item-card}} {plain(one.title)}\n{options}\n\n{one.answers}\n:::"


def _mended(text: str, mend: Callable[[str], str]) -> str:
    """Mend the links of a text, but not what code shows."""

    def mended(found: re.Match[str]) -> str:
        return f"[{found['words']}]({mend(found['link'])})" if found["link"] else found[0]

    return _CODE_OR_LINK.sub(mended, text)


def _mender(one: Study, found: dict[str, Study], made: Path) -> Callable[[str], str]:
    """Give what makes of a link in a study's folder one in the site."""
    docs = made.parents[1]

    def mend(link: str) -> str:
        path, _, anchor = link.partition("#")
        if not path or "://" in link or link.startswith("mailto:"):
            return link
        target = (one.path.parent / path).resolve()
        page = _page_of(target, found, docs)
        if page is None and not target.exists():
            getLogger(__name__).warning("%s links to %s, which is not there", one.path, link)
            return link
        if page is None and target.suffix in (".png", ".webp", ".svg"):
            # An image travels with its page.
            shutil.copyfile(target, made / f"{one.name}-{target.name}")
            return f"{one.name}-{target.name}"
        return os.path.relpath(page or target, made) + (f"#{anchor}" if anchor and page else "")

    return mend


def _page_of(target: Path, found: dict[str, Study], docs: Path) -> Path | None:
    """Find the page of a file of the repository, if it has one."""
    made = docs / "case_studies" / "made"
    name = target.name if target.is_dir() else target.parent.name
    ours = STUDIES in target.parents and name in found
    if ours and (target.is_dir() or target.name in ("README.md", f"{name}.ipynb")):
        return made / f"{name}{found[name].path.suffix}"
    if target.parent == ROOT / "models":
        from law_pages import law_files

        laws = {path.name: law.name for law, path in dict(law_files()).values()}
        if target.name in laws:
            return docs / "laws" / "made" / f"{laws[target.name]}.md"
    if target in (ROOT / "models", ROOT / "models" / "README.md"):
        return docs / "laws" / "index.md"
    if docs in target.parents and target.suffix == ".md":
        return target
    return None
