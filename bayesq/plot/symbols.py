"""Symbols as papers print them, for Matplotlib."""

from __future__ import annotations

from bayesq.law.letters import read_letter


def mathtext(symbol: str) -> str:
    r"""Write a parameter as Matplotlib typesets it: ``$\gamma_{\mathrm{post}}$``, ``$A$``."""
    name, bracket, rest = symbol.partition("[")  # of a kind or study: eff[W4A4]
    # What stands in brackets is a name from a table.
    rest = rest.replace("$", r"\$")
    return f"${read_letter(name).tex}${bracket}{rest}" if name else symbol
