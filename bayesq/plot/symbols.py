"""Symbols as papers print them: gamma_post is a Greek letter with an index."""

from __future__ import annotations

from bayesq.latex import letter_of


def mathtext(symbol: str) -> str:
    r"""Write a parameter as Matplotlib typesets it: ``$\gamma_{\mathrm{post}}$``, ``$A$``."""
    letter, rest = letter_of(symbol)
    # What stands in brackets is a name from a table.
    return f"${letter}${rest.replace('$', r'\$')}" if letter else rest
