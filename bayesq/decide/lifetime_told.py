"""What is told of sizes that are best over a lifetime: in words and in tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.choice import regrets
from bayesq.decide.decision import Decision
from bayesq.decide.evidence import evidence
from bayesq.decide.lifetime import Lifetime
from bayesq.decide.nats import Nats, read_nats
from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.options import OverOptions, over_options
from bayesq.decide.solve import log10
from bayesq.decide.widths import Widths
from bayesq.decide.words import interval, share_in_words, short

_NEAR_COST = Nats(float(np.log(1.02)), "2% of the cost")
_NEAR_LOSS = 0.005


def tell_at_loss(lifetime: Lifetime, target: float) -> Decision:
    """Answer for a loss that is to be reached, in nats per token."""
    draws, training = lifetime.at_loss(target)
    cost = draws["cost"]
    widths, several = lifetime.widths, cost.sizes["width"] > 1
    goal = f"for a loss of {target:g} with {lifetime.prices.words(lifetime.served.values)}"
    options = None
    if several:
        named = widths.named(draws)["cost"]
        options = over_options(log10(named) * np.log(10.0), widths.dim, _NEAR_COST)
    best = _best(options, widths)
    text = _words(lifetime, draws, best, options, f"cheapest {goal}")
    if options is not None:
        reaches = (widths.named(draws)["cost"] < np.inf).mean(("chain", "draw")).to_series()
        choices = options.table.drop(columns=["expected_regret", "regret", "lower", "upper"])
        choices.insert(1, "probability_reaches", reaches)
        return _decision(lifetime, draws, best, text, choices)
    assert training is not None  # of one width
    more = 100 * (training / cost - 1)
    more = more.where(np.isfinite(more))
    choices = pd.DataFrame(
        {
            "cost": [float(v.where(np.isfinite(v)).median()) for v in (cost, training)],
            "expected_regret_percent": [0.0, float(more.mean())],
        },
        index=pd.Index(["cheapest", "compute-optimal"], name="choice"),
    )
    if more.notnull().mean() > 0.5 and lifetime.prices.tokens:
        text += (
            " Sizes that are compute-optimal for that loss would cost "
            f"{interval(more, lambda v: f'{short(v)} %')} more over the lifetime."
        )
    return _decision(lifetime, draws, best, text, choices)


def tell_at_budget(lifetime: Lifetime, spent: float) -> Decision:
    """Answer for a budget, in the unit of the prices."""
    draws, (loss, grid) = lifetime.at_budget(spent)
    widths = lifetime.widths
    tokens = lifetime.prices.words(lifetime.served.values)
    goal = f"best for {spent:.3g} {lifetime.prices.unit} with {tokens}"
    options = None
    if draws["loss"].sizes["width"] > 1:
        named = widths.named(draws)["loss"]
        options = over_options(named, widths.dim, read_nats("tolerance", _NEAR_LOSS))
        draws["regret"] = (draws["loss"] - draws["loss"].min("width")).assign_attrs(
            units="nats/token"
        )
    best = _best(options, widths)
    text = _words(lifetime, draws, best, options, goal)
    chosen = draws["D"].isel(width=best)
    choices = None if options is None else options.table
    if options is None and chosen.notnull().any():
        at = {"median": float(chosen.median())}
        choices = regrets(lambda d: loss(d).isel(width=0), grid, at, "D", np.log10)
    return _decision(lifetime, draws, best, text, choices)


def _best(options: OverOptions | None, widths: Widths) -> int:
    return 0 if options is None else widths.names.index(options.table.index[0])


def _words(
    lifetime: Lifetime, draws: xr.Dataset, best: int, options: OverOptions | None, goal: str
) -> str:
    """Word the sizes of the best width, and how the widths compare."""
    widths, one = lifetime.widths, draws.isel(width=best)
    question = widths.question
    where = question.where(*widths.symbols)
    size, tokens = one["N"], one["D"]
    found = np.isfinite(size)
    if not found.any():
        why = (
            "nothing that was searched reaches the loss"
            if np.isposinf(size).any()
            else "there is no optimum in what was searched"
        )
        return f"{where}{why}."
    at = f"at {widths.called(best)}, " if options is not None else ""
    text = (
        f"{where}{at}trained on {interval(tokens.where(found), unit='tokens')}, "
        f"{interval(size.where(found), unit='parameters')} are {goal}"
    )
    cost = one["cost"]
    if "loss" in one:
        text += f"; the loss is {interval(one['loss'], lambda v: f'{v:.4g}')}."
    else:
        unit = lifetime.prices.unit
        text += f"; the lifetime costs {interval(cost, lambda v: f'{v:.3g}', unit)}."
    unreached, none = float(np.isposinf(size).mean()), float(size.isnull().mean())
    if unreached:
        text += f" In {share_in_words(unreached)} of the draws nothing searched reaches the loss."
    if none:
        text += f" In {share_in_words(none)} of the draws there is no optimum in what was searched."
    if options is not None:
        text += f" {options.words('width')[0].upper()}{options.words('width')[1:]}."
    return text


def _decision(
    lifetime: Lifetime,
    draws: xr.Dataset,
    best: int,
    text: str,
    choices: pd.DataFrame | None,
) -> Decision:
    widths = lifetime.widths
    one = draws.isel(width=best)
    at = {s: float(one[s].where(np.isfinite(one[s])).median()) for s in ("N", "D")}
    question = widths.at(best)
    trained = cost_per_pair() * at["N"] * at["D"]
    seen = None
    if np.isfinite(trained):
        seen = evidence(question, "loss", ("N", "D"), compute=trained)
    for name, values in draws.items():
        if name == "cost":
            values.attrs["units"] = "FLOP" if lifetime.prices.flop is None else "1"
    draws = draws.isel(width=0) if len(widths.names) == 1 else widths.named(draws)
    return Decision(
        draws.transpose("chain", "draw", ...),
        text,
        question.notes(at),
        choices=choices,
        evidence=None if seen is None else seen.table,
    )
