"""The tokens per parameter at which the weights' error overtakes the activations'."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide import knots
from bayesq.decide.decision import Decision
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import Question, Setting, number
from bayesq.decide.solve import crossing
from bayesq.decide.words import interval, searched_note, share_in_words
from bayesq.errors import BayesqError
from bayesq.posterior.posterior import Posterior, check_posterior
from bayesq.prediction.curve import listed
from bayesq.runs.counts import format_count

_NAME = "weight_activation_crossover"
_RARE = 0.05  # an interval over fewer draws would be one of accidents


@over_laws
def weight_activation_crossover(
    fit: Posterior,
    /,
    *,
    N: float | str,
    group: float | Iterable[float] = (32, 64, 128, 256),
    bits: float = 4,
    discrepancy: bool = True,
    closed_form: bool = True,
) -> Decision:
    """Find the D/N above which quantizing the weights costs more than quantizing the activations.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law that knows weights and activations apart, such as chen2025-schemes, or a
        paper's constants.
    N : float or str
        Parameters.
    group : float or list of float
        Elements that share a scale; the answer is given for each.
    bits : float
        Bits of what is quantized.
    discrepancy : bool
        False for the law's own formula.
    closed_form : bool
        Whether to use the law's closed form, where it has one and its formula is asked.

    Returns
    -------
    Decision
        Tokens per parameter for each draw and group, NaN where the weights' error never overtakes.

    Raises
    ------
    BayesqError
        If the law does not know weights and activations apart.
    """
    size = number("N", N)
    check_posterior(fit)
    if fit.law.base is None or not _apart(fit):
        raise BayesqError(
            f"Law {fit.law.name} does not know weights and activations apart; fit one that does, "
            "such as chen2025-schemes."
        )
    each: Any = group
    groups = [number("group", g) for g in (each if np.ndim(each) else [each])]
    if not groups:
        raise BayesqError("group is empty; give at least one group size.")
    answers, asked, said = [], [], []
    for g in groups:
        sides = ({"N": size, f"{side}_bits": bits, f"{side}_group": g} for side in "wa")
        weights, activations = (
            Setting(fit, given, _NAME, discrepancy).ask("degradation", ["D"]) for given in sides
        )
        asked.append(weights)
        grid = knots.tokens(weights)
        ahead = _ahead(weights, activations, grid)
        found = 10.0 ** crossing(ahead, grid[0], grid[-1], grid if weights.bent else None)
        closed = weights.closed(_NAME) if closed_form else None
        if closed is not None:
            # The closed form does not ask which of the two is ahead before.
            found = closed.where(found.notnull())
        answers.append(found / size)
        said.append(f"with groups of {g:g} {_words(ahead, grid, answers[-1])}")
    answer = xr.concat(answers, xr.IndexVariable("group", groups)).transpose("chain", "draw", ...)
    answer = answer.rename("D/N").assign_attrs(units="tokens per parameter")
    # The farthest answer speaks for all: beyond the data, each says the same.
    far = max(range(len(groups)), key=lambda i: float(answers[i].median().fillna(0.0)))
    first, last = (float(10.0**end) for end in knots.tokens(asked[far])[[0, -1]])
    beyond = searched_note(answer, "tokens", first, last)
    notes = asked[far].notes({"D": float(answers[far].median()) * size}, beyond)
    text = f"At N {format_count(size)}, the error of the weights is the larger one "
    return Decision(answer, f"{text}{'; '.join(said)}.", notes)


def _ahead(
    weights: Question, activations: Question, grid: np.ndarray
) -> Callable[[Any], xr.DataArray]:
    """By how much the weights' error is the larger one, as a function of log tokens."""
    sides = [weights.inputs, activations.inputs]
    of_both = {s: np.array([side[s] for side in sides]) for s in sides[0]}

    def at(side: Any, log_d: Any) -> dict[str, Any]:
        return {**listed(of_both)(side), "D": 10.0**log_d}

    # Both on one draw of the field: what the two share does not set them apart.
    curve = weights.curve("degradation", {"side": np.array([0.0, 1.0]), "log_d": grid}, at)
    return lambda log_d: curve(side=0.0, log_d=log_d) - curve(side=1.0, log_d=log_d)


def _words(ahead: Callable[[Any], xr.DataArray], grid: np.ndarray, found: xr.DataArray) -> str:
    """Word when the weights are ahead: from an answer on, always, never, or only before."""
    low, high = (ahead(xr.DataArray(end)) for end in grid[[0, -1]])
    shares = {
        "at any number of tokens": float(((low > 0) & (high > 0)).mean()),
        "never": float(((low <= 0) & (high <= 0)).mean()),
        "at few tokens only: the activations overtake": float(((low > 0) & (high <= 0)).mean()),
    }
    parts = []
    share = float(found.notnull().mean())
    if share >= _RARE:
        from_ = interval(found, unit="tokens per parameter")
        rest = "" if share == 1 else f" in {share_in_words(share)} of the draws"
        parts.append(f"from {from_} on{rest}")
    for words, share in sorted(shares.items(), key=lambda item: -item[1]):
        if share == 1:
            parts.append(words)
        elif share >= _RARE:
            parts.append(f"{words} in {share_in_words(share)} of the draws")
    return ", ".join(parts)


def _apart(fit: Posterior) -> bool:
    """Whether the law looks at bits of weights and of activations by different inputs."""
    if any({"w_bits", "a_bits"} <= set(k.columns) for k in fit.law.levels_of("loss").values()):
        return True
    by_column = {
        column: {i.symbol for i in fit.law.own_inputs if column in (i.accounts_for or i.columns)}
        for column in ("w_bits", "a_bits")
    }
    return all(by_column.values()) and by_column["w_bits"] != by_column["a_bits"]
