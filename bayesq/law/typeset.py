"""The formula of a law, typeset from its own code."""

from __future__ import annotations

import inspect
import re
from html import escape
from typing import Literal

from bayesq.law.definition import Definition, Response
from bayesq.terminal import printable


def typeset(law: Definition, response: Response, form: Literal["mathml", "tex"] = "mathml") -> str:
    r"""Typeset what a law says of a response, as MathML for a page or as LaTeX.

    Parameters
    ----------
    law : Law
        The law.
    response : {"loss", "degradation"}
        What it says something of.
    form : {"mathml", "tex"}
        ``<math>…</math>``, or LaTeX without dollar signs.

    Returns
    -------
    str
        One line for the response, and one for each effective input, base loss and degradation
        that stands in it. Of a formula that does more than arithmetic, its source text: in
        ``<pre>``, or as ``\texttt``.
    """
    from bayesq.law.equations import Equations
    from bayesq.law.printers import as_mathml, as_tex

    try:
        lines = [line for line in Equations(law, response).lines if line.shown]
        return as_mathml(lines) if form == "mathml" else as_tex(lines)
    except Exception:  # whatever a user's formula does with what is no number
        return _source(law, form)


def _source(law: Definition, form: str) -> str:
    """Give the text of a law's formulas, or what is known of them."""
    found = []
    for formula in law.formulas:
        try:
            found.append(inspect.getsource(inspect.unwrap(formula)).strip())
        except (OSError, TypeError):
            found = [repr(law)]
            break
    text = printable("\n".join(found))
    if form == "mathml":
        return f"<pre><code>{escape(text)}</code></pre>"
    safe = re.sub(r"([_&%$#{}])", r"\\\1", re.sub(r"\\", r"\\textbackslash ", text))
    safe = re.sub(r"([~^])", r"\\\1{}", safe)
    return " \\\\\n".join(rf"\texttt{{{line}}}" for line in safe.splitlines())
