"""What is wrong in built pages: dead links, pictures without words, requests to the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import override
from urllib.parse import unquote, urlsplit

# Asked for as a page is read, unlike a link.
_ASKED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}
_NOT_ASKED = ("canonical", "search", "next", "prev", "index", "author")


@dataclass
class Page(HTMLParser):
    """What a page has and asks for.

    Parameters
    ----------
    path : Path
        Its file.
    """

    path: Path
    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    without_words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.ids |= {has[name] for name in ("id", "name") if name in has}
        if tag == "a" and "href" in has:
            self.links.add(has["href"])
        where = _ASKED.get(tag)
        if where in has and has.get("rel") not in _NOT_ASKED:
            self.asked.add(has[where])
        # Sphinx writes the file's name where nobody gave words.
        if tag == "img" and (not has.get("alt") or has["alt"] == has["src"]):
            self.without_words.append(has["src"])


def faults(site: Path) -> Iterator[str]:
    """List what is wrong in the pages of a folder, a sentence each."""
    own = (p for p in sorted(site.rglob("*.html")) if "_static" not in p.relative_to(site).parts)
    pages = {path.resolve(): Page(path) for path in own}
    for path, page in pages.items():
        name = path.relative_to(site.resolve())
        for picture in page.without_words:
            yield f"{name} shows {picture} without words; give it an alternative text."
        for link in sorted(page.asked):
            if urlsplit(link).scheme not in ("", "data"):
                yield f"{name} asks the network for {link}; take it from the site itself."
        for link in sorted(page.links | page.asked):
            if not _found(link, path, pages):
                yield f"{name} links to {link}, which is not there; mend the link."


def _found(link: str, path: Path, pages: dict[Path, Page]) -> bool:
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return True
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    if not target.exists():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target not in pages or anchor in pages[target].ids
