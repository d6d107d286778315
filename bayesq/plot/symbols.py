"""Symbols as papers print them: gamma_post is a Greek letter with an index."""

from __future__ import annotations

from bayesq.latex import letter_of


def mathtext(symbol: str) -> str:
    r"""Write a parameter as Matplotlib typesets it: ``$\gamma_{\mathrm{post}}$``, ``$A$``."""
    letter, rest = letter_of(symbol)
    # What stands in brackets is a name from a table.
    return f"${letter}${plain(rest)}" if letter else plain(rest)


def plain(text: str) -> str:
    """Keep Matplotlib from typesetting what stands between two dollars, as in a user's names."""
    return text.replace("$", r"\$")


def short(text: str, most: int = 14) -> str:
    """Leave out the middle of a name that is longer than there is room for: ``W4A4 i…lTrust``."""
    if len(text) <= most:
        return text
    last = most // 2
    return f"{text[: most - last - 1].rstrip()}…{text[-last:].lstrip()}"
