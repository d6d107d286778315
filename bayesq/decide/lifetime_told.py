"""What is told of sizes that are best over a lifetime: in words and in tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.choice import expected_regret
from bayesq.decide.decision import Decision, quantiles
from bayesq.decide.evidence import Evidence, evidence
from bayesq.decide.lifetime import Best, Lifetime
from bayesq.decide.nats import Nats, read_nats
from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.options import OverOptions, over_options
from bayesq.decide.solve import log10
from bayesq.decide.words import interval, share_in_words, short

_NEAR_COST = Nats(float(np.log(1.02)), "2% of the cost")
_NEAR_LOSS = 0.005
_FEW = 0.5  # where no more draws have an answer, the sentence is about these alone


def tell_at_loss(lifetime: Lifetime, target: float) -> Decision:
    """Answer for a loss that is to be reached, in nats per token."""
    found, training = lifetime.at_loss(target)
    widths, several = lifetime.widths, training is None
    goal = f"cheapest for a loss of {target:g} with {lifetime.prices.words(lifetime.served.values)}"
    if found.enough.all():
        where = f"{widths.question.where(*widths.symbols)}the least that was searched reaches"
        text = f"{where} a loss of {target:g} already{', at any width' if several else ''}."
        return _decision(lifetime, found.draws, 0, text, None)
    if training is not None:
        text = _words(lifetime, found, 0, None, goal)
        choices = _compute_optimal(found.draws["cost"], training)
        if lifetime.prices.tokens and choices["probability_compared"].any():
            text += _costs_more(found.draws["cost"], training)
        return _decision(lifetime, found.draws, 0, text, choices)
    cost = widths.named(xr.Dataset({"cost": found.compared}))["cost"]
    options = over_options(log10(cost) * np.log(10.0), widths.dim, _NEAR_COST)
    best = widths.names.index(options.table.index[0])
    choices = options.table.drop(columns=["expected_regret", "regret", "lower", "upper"])
    reaches = (cost < np.inf).mean(("chain", "draw")).to_series()
    choices.insert(1, "probability_reaches", reaches)
    text = _words(lifetime, found, best, options, goal)
    return _decision(lifetime, found.draws, best, text, choices)


def _compute_optimal(cost: xr.DataArray, training: xr.DataArray) -> pd.DataFrame:
    """Compare the cheapest sizes with those whose training alone is, on the same draws."""
    more = _more(cost, training)
    return pd.DataFrame(
        {
            "expected_regret_percent": [0.0, float(more.mean())],
            "probability_compared": float(more.notnull().mean()),
            "cost": [_middle(v.where(cost.notnull())) for v in (cost, training)],
        },
        index=pd.Index(["cheapest", "compute-optimal"], name="choice"),
    )


def _more(cost: xr.DataArray, training: xr.DataArray) -> xr.DataArray:
    """Per cent that one choice costs above another; NaN where both are beyond what was searched."""
    return 100 * (training / cost - 1)


def _costs_more(cost: xr.DataArray, training: xr.DataArray) -> str:
    more = _more(cost, training)
    told = interval(more, lambda v: f"{short(v)} %")
    text = f"sizes that are compute-optimal for that loss would cost {told} more over the lifetime."
    share = float(more.notnull().mean())
    if share == 1:
        return f" {text[0].upper()}{text[1:]}"
    return f" In the draws in which both are found ({share_in_words(share)}), {text}"


def tell_at_budget(lifetime: Lifetime, spent: float) -> Decision:
    """Answer for a budget, in the unit of the prices."""
    found, loss = lifetime.at_budget(spent)
    widths, draws = lifetime.widths, found.draws
    tokens = lifetime.prices.words(lifetime.served.values)
    goal = f"best for {spent:.3g} {lifetime.prices.unit} with {tokens}"
    if draws["loss"].isnull().all():
        where = widths.question.where(*widths.symbols)
        text = f"{where}there is no optimum in what was searched."
        return _decision(lifetime, draws, 0, text, None)
    if draws["loss"].sizes["width"] == 1:
        middle = float(draws["D"].median())
        regret = loss(np.log10(middle)) - found.compared
        regret = regret.isel(width=0).clip(min=0.0)
        row = {"D": middle, "regret": float(regret.median()), **expected_regret(regret)}
        choices = pd.DataFrame(row, index=pd.Index(["median"], name="choice"))
        return _decision(lifetime, draws, 0, _words(lifetime, found, 0, None, goal), choices)
    named = widths.named(xr.Dataset({"loss": found.compared}))["loss"]
    options = over_options(named, widths.dim, read_nats("tolerance", _NEAR_LOSS))
    regret = found.compared - found.compared.min("width")
    draws["regret"] = regret.assign_attrs(units="nats/token")
    best = widths.names.index(options.table.index[0])
    text = _words(lifetime, found, best, options, goal)
    return _decision(lifetime, draws, best, text, options.table)


def _words(
    lifetime: Lifetime, found: Best, best: int, options: OverOptions | None, goal: str
) -> str:
    """Word the sizes of the best width, and how the widths compare.

    All numbers are over the same draws: those with an answer, be it one beyond what was searched;
    where half of all have none, those that have.
    """
    widths, one = lifetime.widths, found.draws.isel(width=best)
    where = widths.question.where(*widths.symbols)
    at = f"at {widths.called(best)}, " if options is not None else ""
    without = _without(one["N"], found.enough.isel(width=best))
    missing = ", ".join(
        f"in {share_in_words(share)}{'' if i else ' of the draws'} {why}"
        for i, (share, why) in enumerate(without)
    )
    missing = " and in ".join(missing.rsplit(", in ", 1))
    share = float(np.isfinite(one["N"]).mean())
    if not share:
        text = f"{where}{at}{without[0][1] if len(without) == 1 else missing}."
    elif share <= _FEW:
        text = f"{where}{at}{missing}; in the others, {_sizes(lifetime, _told(one), goal)}."
    else:
        text = f"{where}{at}{_sizes(lifetime, _told(one), goal)}."
        text += f" {missing[0].upper()}{missing[1:]}." if without else ""
    if options is not None:
        text += f" {options.words('width')[0].upper()}{options.words('width')[1:]}."
    return text


def _told(one: xr.Dataset) -> xr.Dataset:
    """Take the draws that the numbers of a sentence are over."""
    found = np.isfinite(one["N"])
    return one.where(found) if found.mean() <= _FEW else one


def _without(size: xr.DataArray, enough: xr.DataArray) -> list[tuple[float, str]]:
    """Word why draws have no answer, with the share of each reason."""
    reasons = {
        "nothing that was searched reaches the loss": size == np.inf,
        "the least that was searched reaches the loss already": enough,
        "there is no optimum in what was searched": size.isnull() & ~enough,
    }
    shares = ((float(draws.mean()), why) for why, draws in reasons.items())
    return [(share, why) for share, why in shares if share]


def _sizes(lifetime: Lifetime, one: xr.Dataset, goal: str) -> str:
    text = (
        f"trained on {interval(one['D'], unit='tokens')}, "
        f"{interval(one['N'], unit='parameters')} are {goal}"
    )
    if "loss" in one:
        return f"{text}; the loss is {interval(one['loss'], lambda v: f'{v:.4g}')}"
    cost = interval(one["cost"], lambda v: f"{v:.3g}", lifetime.prices.unit)
    return f"{text}; the lifetime costs {cost}"


def _middle(values: xr.DataArray) -> float:
    """Take the median over the draws that have an answer, be it one beyond what was searched."""
    return quantiles(values.values, [0.5])[0] if values.notnull().any() else np.nan


def _decision(
    lifetime: Lifetime,
    draws: xr.Dataset,
    best: int,
    text: str,
    choices: pd.DataFrame | None,
) -> Decision:
    widths = lifetime.widths
    one = _told(draws.isel(width=best))
    at = {s: _middle(one[s]) for s in ("N", "D")}
    question = widths.at(best)
    trained = cost_per_pair() * at["N"] * at["D"]
    seen = Evidence("loss")
    if np.isfinite(trained):
        seen = evidence(question, "loss", ("N", "D"), compute=trained)
    for name, values in draws.items():
        if name == "cost":
            values.attrs["units"] = "FLOP" if lifetime.prices.flop is None else "1"
    draws = draws.isel(width=0) if len(widths.names) == 1 else widths.named(draws)
    return Decision(
        draws.transpose("chain", "draw", ...),
        text,
        question.notes(at, seen.apart()),
        choices=choices,
        evidence=seen.table,
    )
