"""What a decision asks, taken from its signature and its documentation, as a command's help."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Another fit, which has an option of its own.
_OPTIONS = ("fit", "base")
# How the documentation writes in Python what a command line writes plainly.
_SPELLED = (
    (r"``\{(\d[^}]*)\}``", lambda found: re.sub(r":\s*", ":", found[1]).replace(", ", ",")),
    (r"``\[([^\]]*)\]``", lambda found: found[1].replace('"', "").replace(", ", ",")),
    (r"``\{([^}]*)\}``", lambda found: re.sub(r"[\" ]", "", found[1])),
    (r"``([^`]*)``", lambda found: found[1].replace('"', "").replace(", ", " ")),
    (r":(?:func|mod|meth):`(?:bayesq\.)?([^`]*)`", lambda found: found[1]),
    (r"`([^`]*)`", lambda found: found[1]),
)


@dataclass(frozen=True)
class Asked:
    """What a decision asks and says, in words for a terminal.

    Parameters
    ----------
    title : str
        What it finds, in a line.
    more : tuple of str
        What else there is to say, in paragraphs.
    fit : str
        What it may be asked of.
    questions : tuple of (str, str)
        What can be asked: ``level=...``, and what it means with unit and default; those first
        that must be given.
    setting : str
        What else can be given, as columns of a setting; empty where nothing can.
    answer : str
        What comes back, with its unit.
    """

    title: str
    more: tuple[str, ...]
    fit: str
    questions: tuple[tuple[str, str], ...]
    setting: str
    answer: str


@dataclass(frozen=True)
class Described:
    """What a function's documentation says, in words for a terminal.

    Parameters
    ----------
    title : str
        What it does, in a line.
    more : tuple of str
        What else there is to say, in paragraphs.
    entries : mapping of str to str
        What each parameter means.
    answer : str
        What comes back.
    """

    title: str
    more: tuple[str, ...]
    entries: Mapping[str, str]
    answer: str


def described(function: Callable[..., Any]) -> Described:
    """Read a function's numpydoc."""
    text = inspect.cleandoc(function.__doc__ or "")
    parts = re.split(r"^(\w+)\n-{3,}\n", text, flags=re.MULTILINE)
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    title, *more = [_plain(p) for p in parts[0].strip().split("\n\n")]
    answer = next(iter(_entries(sections.get("Returns", "")).values()), "")
    return Described(title, tuple(more), _entries(sections.get("Parameters", "")), answer)


def asked_by(decision: Callable[..., Any]) -> Asked:
    """Read what a decision asks off its signature and its numpydoc."""
    told = described(decision)
    must, may = [], []
    for name, argument in inspect.signature(decision).parameters.items():
        if argument.kind is not inspect.Parameter.KEYWORD_ONLY or name in _OPTIONS:
            continue
        said = told.entries.get(name, "")
        if argument.default is inspect.Parameter.empty:
            must.append((name, f"{said} [required]"))
        else:
            may.append((name, f"{said}{_default(argument.default)}"))
    return Asked(
        told.title,
        told.more,
        told.entries.get("fit", ""),
        tuple((f"{name}=...", said) for name, said in (*must, *may)),
        told.entries.get("**scenario", ""),
        told.answer,
    )


def _entries(section: str) -> dict[str, str]:
    """Read entries of a section, ``name : type`` or ``one, two : type`` above what each means."""
    found: dict[str, list[str]] = {}
    names: list[str] = []
    for line in section.splitlines():
        if line and not line.startswith(" "):
            names = [name.strip() for name in line.partition(" : ")[0].split(",")]
            found |= {name: [] for name in names}
        else:
            for name in names:
                found[name].append(line)
    return {name: _plain("\n".join(lines)) for name, lines in found.items()}


def _plain(text: str) -> str:
    """Write a paragraph as a command line has it: N=1B, not ``N="1B"``."""
    text = " ".join(text.split())
    for pattern, spelled in _SPELLED:
        text = re.sub(pattern, spelled, text)
    return re.sub(r"\bFalse for\b", "false for", text)


def _default(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f" [default: {str(value).lower() if isinstance(value, bool) else value}]"
