"""Symbols as papers print them: gamma_post is a Greek letter with an index."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
    *("lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
)


@dataclass(frozen=True)
class Letter:
    """A symbol's letter or word, and its index.

    Parameters
    ----------
    name : str
        ``"gamma"``.
    index : str
        ``"post"``; empty where there is none.
    """

    name: str
    index: str

    @property
    def shown(self) -> str:
        """The letter or word itself, Greek letters as such."""
        if self.name not in GREEK:
            return self.name
        unicode_name = self.name.replace("lambda", "lamda").upper()
        return unicodedata.lookup(f"GREEK SMALL LETTER {unicode_name}")

    @property
    def tex(self) -> str:
        r"""In LaTeX: ``\gamma_{\mathrm{post}}``; words and indices of several letters upright."""
        letter = rf"\{self.name}" if self.name in GREEK else _upright(self.name)
        return f"{letter}_{{{_upright(self.index)}}}" if self.index else letter


def read_letter(symbol: str) -> Letter:
    """Take a symbol apart at its first underscore."""
    name, _, index = symbol.partition("_")
    return Letter(name, index) if name and index else Letter(symbol, "")


def _upright(text: str) -> str:
    safe = re.sub(r"([_&%$#{}])", r"\\\1", text)
    return safe if len(text) == 1 else rf"\mathrm{{{safe}}}"
