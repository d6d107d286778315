"""Symbols as papers print them: gamma_post is a Greek letter with an index."""

from __future__ import annotations

import re

_GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda"),
    *("mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
)
_NAME = re.compile(r"^([A-Za-z]+\d*)((?:_\w+)?)(.*)$")


def mathtext(symbol: str) -> str:
    r"""Write a parameter as Matplotlib typesets it: ``$\gamma_{\mathrm{post}}$``, ``$A$``."""
    found = _NAME.match(symbol)
    if found is None:
        return symbol
    name, index, rest = found.groups()
    letter = f"\\{name}" if name in _GREEK else name if len(name) == 1 else rf"\mathrm{{{name}}}"
    below = index[1:].replace("_", r"\_")
    if below:
        letter += f"_{{{below}}}" if len(below) == 1 else rf"_{{\mathrm{{{below}}}}}"
    # What stands in brackets is a name from a table.
    return f"${letter}${rest.replace('$', r'\$')}"
