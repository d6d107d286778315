"""The formula of a law, typeset from its own code."""

from __future__ import annotations

from typing import Literal

from bayesq.law.law import Law, Response


def typeset(law: Law, response: Response, form: Literal["mathml", "tex"] = "mathml") -> str:
    """Typeset what a law says of a response, as MathML for a page or as LaTeX.

    Parameters
    ----------
    law : Law
        The law.
    response : {"loss", "degradation"}
        What it says something of.
    form : {"mathml", "tex"}
        ``<math>…</math>``, or LaTeX without dollar signs.
    """
    raise NotImplementedError
