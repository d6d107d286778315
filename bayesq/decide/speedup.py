"""What factor of training compute one recipe saves over another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision, answers
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Setting, number
from bayesq.decide.recipe import Recipe, of_fits, of_settings
from bayesq.decide.words import interval, share_in_words, short
from bayesq.errors import BayesqError
from bayesq.notes import Note, by_severity, worst_of_each
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

_FACTORS = (0.5, 0.8, 1.0, 1.1, 1.25, 1.5, 2.0)
_EXAMPLE = 'over=w_bits:16 on a command line, over={"w_bits": 16} in Python'
_ROUND_OFF = 1e-6  # a recipe against itself saves nothing, but for so much


@over_laws
def speedup(
    fit: Posterior,
    /,
    *,
    over: Posterior | Mapping[str, Any],
    compute: float | str,
    base: Posterior | None = None,
    over_base: Posterior | None = None,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the factor of training compute that one recipe saves over another.

    The other recipe, trained at its best size with `compute`, reaches some loss; the speedup is
    `compute` divided by the compute that this recipe, at its own best size, needs for that loss.
    Above 1 this recipe is the better one. Of two laws L_inf + A * C^-alpha with common L_inf and
    alpha it is (L_worse - L_inf) / (L_better - L_inf) to the power 1 / alpha, at every compute: the
    "effective speedup" of the Marin project (marin-community/marin, issue 8096).

    Parameters
    ----------
    fit : Posterior or Average
        A fit of the recipe, or a paper's constants. Its law knows N and D, whose compute is 6 N D,
        or one input alone that the setting leaves open, which is the compute in the unit of
        `compute`.
    over : Posterior or mapping
        The other recipe: another fit, which is taken as independent; or what is different in
        another setting of the same fit, such as ``{"w_bits": 16}``, which is full precision. Two
        settings share each draw of the law's misfit.
    compute : float or str
        Floating-point operations of training with the other recipe. Bits do not count.
    base, over_base : Posterior, optional
        Fits of the base laws, where `fit` and `over` are of a degradation alone.
    discrepancy : bool
        False for the laws' own formulas.
    **scenario
        The format of both, for quantization laws: ``w_bits=4``.

    Returns
    -------
    Decision
        A dataset of ``speedup`` (a ratio), ``compute`` (FLOP that the recipe needs) and ``loss``
        (nats per token that both reach). A speedup of 0 and infinite compute: nothing that was
        searched reaches the loss; the other way round, the least that was searched does.
        ``choices`` has the probability of a speedup of at least 1, where the recipe needs no more
        compute than the other, and of at least other factors.

    Raises
    ------
    BayesqError
        If `over` is neither a fit nor a setting, or a law lacks what compute is made of.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("kumar2024-qat")
    >>> found = bayesq.decide.speedup(paper, over={"w_bits": 16}, compute=1e21, w_bits=4)
    >>> round(found.draws["speedup"].item(), 2)
    0.78
    """
    budget = number("compute", compute)
    fit = joined(fit, base)
    said = "the other recipe"
    if isinstance(over, Mapping):
        if over_base is not None:
            raise BayesqError("over= is a setting of the same fit; leave over_base= out.")
        if not over:
            raise BayesqError(f"over= is empty; say what is different, {_EXAMPLE}.")
        own, other = (
            Recipe.read(Setting(fit, given, "speedup", discrepancy))
            for given in (scenario, {**scenario, **over})
        )
        said = ", ".join(f"{k} {v}" for k, v in over.items())
        target, needed = of_settings(own, other, budget)
    elif isinstance(over, Posterior):
        theirs = joined(over, over_base)
        # A base law knows no format: what the setting says of one is about the other recipe.
        quantized = fit.law.base is not None or theirs.law.base is not None
        own, other = (
            Recipe.read(Setting(f, given, "speedup", discrepancy))
            for f in (fit, theirs)
            for given in ({} if quantized and f.law.base is None else scenario,)
        )
        target, needed = of_fits(own, other, budget)
    else:
        raise BayesqError(
            f"over is of type {type(over).__name__}; pass the fit of the other recipe, or what is "
            f"different in its setting, {_EXAMPLE}."
        )
    with np.errstate(divide="ignore"):
        saved = budget / needed
    draws = answers(speedup=(saved, "1"), compute=(needed, "FLOP"), loss=(target, "nats/token"))
    return _decision(own, other, budget, draws, said)


def _decision(own: Recipe, other: Recipe, budget: float, draws: xr.Dataset, said: str) -> Decision:
    found, needed = draws["speedup"], draws["compute"]
    where = own.question.where()
    unreached = float(np.isposinf(needed).mean())
    many = found.size > 1
    shares = [float((found >= f * (1 - _ROUND_OFF)).mean()) for f in _FACTORS]
    factors = pd.Index(_FACTORS, name="speedup")
    choices = pd.DataFrame({"probability_at_least": shares}, index=factors)
    never = f"no compute that was searched reaches the loss of {said}"
    reached = np.isfinite(needed) if unreached >= 0.5 else xr.ones_like(needed, dtype=bool)
    takes = f"the loss that {said} reaches with {budget:.3g} FLOP takes "
    if unreached < 1:
        flop = interval(needed.where(reached), short, "FLOP", among=draws)
        takes += f"{flop}, a speedup of {interval(found.where(reached), short, among=draws)}"
    share = share_in_words(unreached)
    if unreached == 1:
        text = f"{where}{never}"
    elif unreached >= 0.5:
        text = f"{where}in {share} of the draws {never}; in the others {takes}"
    else:
        text = f"{where}{takes}"
    no_more = share_in_words(shares[_FACTORS.index(1.0)])
    text += f"; it needs no more compute in {no_more} of the draws." if many else "."
    if 0 < unreached < 0.5:
        text += f" In {share} of the draws {never}."
    mine, theirs = own.notes(needed), other.notes(budget)
    # Two settings of one fit have its own notes in common, two fits have each their own.
    same = own.question.fit is other.question.fit
    names = [recipe.question.fit.title for recipe in (own, other)]
    each = worst_of_each([*mine, *theirs]) if same else _of_each(mine, theirs, names)
    return Decision(draws, text, by_severity(each), choices=choices, evidence=own.evidence(budget))


def _of_each(mine: Sequence[Note], theirs: Sequence[Note], titles: Sequence[str]) -> list[Note]:
    """Say of each note about two fits whose it is, and what that fit is called."""
    whose = ["This recipe", "The other recipe"]
    if titles[0] != titles[1]:
        whose = [f"{who} ({title})" for who, title in zip(whose, titles, strict=True)]

    def of(note: Note) -> str:
        if note in mine and note in theirs:
            return "Both recipes"
        return whose[0] if note in mine else whose[1]

    each = dict.fromkeys([*mine, *theirs])
    return [replace(note, message=f"{of(note)}: {note.message}") for note in each]
