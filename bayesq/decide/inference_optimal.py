"""The size and tokens that are cheapest, or best, over training and serving together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bayesq.decide.decision import Decision
from bayesq.decide.full import ask_any
from bayesq.decide.lifetime import Lifetime
from bayesq.decide.lifetime_told import tell_at_budget, tell_at_loss
from bayesq.decide.over_laws import over_laws
from bayesq.decide.prices import EXAMPLE, Prices
from bayesq.decide.question import Setting, needs, number
from bayesq.decide.widths import Widths, ask_widths, read_bits
from bayesq.errors import BayesqError
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior

_NAME = "inference_optimal"


@over_laws
def inference_optimal(
    fit: Posterior,
    /,
    *,
    inference_tokens: float | str,
    loss: float | str | None = None,
    compute: float | str | None = None,
    budget: float | str | None = None,
    bits: float | str | Sequence[float] | None = None,
    serving: float | str | Mapping[Any, float] | None = None,
    train_price: float | str | None = None,
    base: Posterior | None = None,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find N and D of a network that is trained once and then serves tokens.

    The least 6 N D + 2 N D_inf subject to L(N, D) = target (Sardana et al. 2024, arXiv:2401.00448),
    or the least loss for so much of it: the more tokens are served, the smaller the network and the
    longer its training. Where none are, it is compute-optimal.

    What serving at fewer bits saves depends on hardware, so it is never assumed: the user says it
    with `serving`. This, and the comparison of widths, are bayesq's extension of the paper.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a base law, or of a quantization law, or a paper's constants.
    inference_tokens : float or str
        Tokens served over the lifetime, D_inf: ``"2T"``; prompts count as much as answers.
    loss : float or str, optional
        Nats per token that are to be reached.
    compute : float or str, optional
        In place of `loss`: floating-point operations of training and serving together.
    budget : float or str, optional
        The same in the unit of `train_price`.
    bits : float, str or sequence of float, optional
        Widths of the weights to compare, ``[4, 8, 16]``; 16 is full precision. By default those of
        `serving`, where it is a mapping.
    serving : float, str or mapping, optional
        What serving a parameter and token costs, relative to 16 bits, whose 2 FLOP count as 1: a
        number for the one format of the setting, or by bits or name of a compression, ``{16: 1, 8:
        0.55, 4: 0.35}``. By default 1, whatever the bits.
    train_price : float or str, optional
        What a FLOP of training costs in a unit of the user's own, such as dollars or seconds.
        `serving` is then in this unit a parameter and token, and so is the cost.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    discrepancy : bool
        False for the law's own formula, as papers work it out.
    **scenario
        The format, for a quantization law of which one width is asked: ``w_bits=4``.

    Returns
    -------
    Decision
        A dataset of ``N`` (parameters), ``D`` (tokens of training) and ``cost`` (FLOP, or the unit
        of `train_price`), of a budget also ``loss`` (nats per token); along ``bits`` where several
        are compared. Infinite where nothing that was searched reaches the loss, NaN where the best
        lies at an end of what was searched. ``choices`` compares the widths: the probability of
        being best, and the expected regret in per cent of the cost, or of a budget in nats; at an
        end of the search a width counts as that end. Of one format and a loss it has the median
        cost of compute-optimal sizes beside that of the cheapest, on the same draws, and their
        expected regret over the share ``probability_compared`` of the draws that reach the loss.

    Raises
    ------
    BayesqError
        If there is not one target or budget, the law lacks N or D, or a width has no figure.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("chinchilla")
    >>> answer = bayesq.decide.inference_optimal(paper, inference_tokens="2T", loss=2.1)
    >>> print(answer.answer)
    Trained on 747B tokens, 6.31B parameters are cheapest for a loss of 2.1 ...
    """
    prices = Prices.read(inference_tokens, serving, train_price)
    goal, amount = _goal({"loss": loss, "compute": compute, "budget": budget}, prices)
    fit = joined(fit, base)
    needs(fit, "loss", "N", "D")
    setting = Setting(fit, scenario, _NAME, discrepancy)
    lifetime = Lifetime(_widths(setting, bits, prices), prices)
    if goal == "loss":
        return tell_at_loss(lifetime, amount)
    return tell_at_budget(lifetime, amount)


def _goal(goals: Mapping[str, Any], prices: Prices) -> tuple[str, float]:
    given = {name: value for name, value in goals.items() if value is not None}
    if len(given) != 1:
        raise BayesqError(
            f"{_NAME} needs one goal: loss= in nats per token, compute= in FLOP, or budget= in the "
            f"unit of train_price; {f'{len(given)} are' if given else 'none is'} given."
        )
    ((name, value),) = given.items()
    if name == "compute" and prices.flop is not None:
        raise BayesqError(
            "With train_price= the budget is in its unit; give it as budget=, not compute=."
        )
    if name == "budget" and prices.flop is None:
        raise BayesqError(
            "budget= is in the unit of train_price=; give that too, or compute= in FLOP."
        )
    return name, number(name, value)


def _widths(setting: Setting, bits: Any, prices: Prices) -> Widths:
    free = ("N", "D")
    asked = [*prices.by_width] if bits is None else list[Any](read_bits("bits", bits))
    if not asked:
        return Widths(ask_any(setting, free), "bits", [16.0], np.array([16.0]), {})
    if len(asked) > 1 and not prices.by_width:
        raise BayesqError(
            "Of several bits say what serving at each costs relative to 16, in figures of your "
            f"own: {EXAMPLE}."
        )
    return ask_widths(setting, asked, free)
