"""What is told of sizes that are best over a lifetime: in words and in tables."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.decide.decision import Decision, median
from bayesq.decide.evidence import Evidence, evidence
from bayesq.decide.lifetime import Best, Lifetime
from bayesq.decide.nats import read_nats
from bayesq.decide.optimum import cost_per_pair
from bayesq.decide.options import OverOptions, over_costs, over_options
from bayesq.decide.regret import expected_regret
from bayesq.decide.words import capital, interval, share_in_words, short

_NEAR_LOSS = 0.005
_FEW = 0.5  # where no more draws have an answer, the sentence is about these alone


def tell_at_loss(lifetime: Lifetime, target: float) -> Decision:
    """Answer for a loss that is to be reached, in nats per token."""
    found, training = lifetime.at_loss(target)
    widths = lifetime.widths
    goal = f"cheapest for a loss of {target:g} with {lifetime.prices.words(lifetime.served.values)}"
    if found.enough.all():
        text = f"{widths.question.where(*widths.symbols)}the least that was searched reaches a loss"
        text += f" of {target:g} already{', at any width' if training is None else ''}."
        return _decision(lifetime, found.draws, 0, text)
    if training is not None:
        choices, more = _compute_optimal(found.draws["cost"], training)
        text = _words(lifetime, found, goal)
        text += more if lifetime.prices.tokens else ""
        return _decision(lifetime, found.draws, 0, text, choices)
    options = over_costs(widths.named(found.compared), widths.dim, "the cost")
    return _among(lifetime, found, options, goal)


def _compute_optimal(cost: xr.DataArray, training: xr.DataArray) -> tuple[pd.DataFrame, str]:
    """Compare the cheapest sizes with those whose training alone is, on the same draws."""
    more = 100 * (training / cost - 1)  # NaN where both are beyond what was searched
    share = float(more.notnull().mean())
    found = {"expected_regret_percent": [0.0, float(more.mean())], "probability_compared": share}
    found["cost"] = [median(v.where(cost.notnull())) for v in (cost, training)]
    index = pd.Index(["cheapest", "compute-optimal"], name="choice")
    choices = pd.DataFrame(found, index=index)
    if not share:
        return choices, ""
    told = interval(more, lambda v: f"{short(v)} %")
    text = f"sizes that are compute-optimal for that loss would cost {told} more over the lifetime."
    if share == 1:
        return choices, f" {capital(text)}"
    where = f"In the draws in which both are found ({share_in_words(share)})"
    return choices, f" {where}, {text}"


def tell_at_budget(lifetime: Lifetime, spent: float) -> Decision:
    """Answer for a budget, in the unit of the prices."""
    found, loss = lifetime.at_budget(spent)
    widths, draws = lifetime.widths, found.draws
    tokens = lifetime.prices.words(lifetime.served.values)
    goal = f"best for {spent:.3g} {lifetime.prices.unit} with {tokens}"
    if draws["loss"].isnull().all():
        where = widths.question.where(*widths.symbols)
        return _decision(lifetime, draws, 0, f"{where}there is no optimum in what was searched.")
    if draws["loss"].sizes["width"] == 1:
        middle = float(draws["D"].median())
        regret = loss(xr.DataArray(np.log10(middle))) - found.compared
        regret = regret.isel(width=0).clip(min=0.0)
        row = {"D": middle, "regret": float(regret.median()), **expected_regret(regret)}
        choices = pd.DataFrame(row, index=pd.Index(["median"], name="choice"))
        return _decision(lifetime, draws, 0, _words(lifetime, found, goal), choices)
    tolerance = read_nats("tolerance", _NEAR_LOSS)
    options = over_options(widths.named(found.compared), widths.dim, tolerance)
    regret = found.compared - found.compared.min("width")
    draws["regret"] = regret.assign_attrs(units="nats/token")
    return _among(lifetime, found, options, goal)


def _among(lifetime: Lifetime, found: Best, options: OverOptions, goal: str) -> Decision:
    """Answer with the best of several widths."""
    best = lifetime.widths.names.index(options.table.index[0])
    text = _words(lifetime, found, goal, best, f"at {lifetime.widths.called(best)}, ")
    text += f" {capital(options.words('width'))}."
    return _decision(lifetime, found.draws, best, text, options.table)


def _words(lifetime: Lifetime, found: Best, goal: str, best: int = 0, at: str = "") -> str:
    """Word the sizes of the best width.

    All numbers are over the same draws: those with an answer, be it one beyond what was searched;
    where half of all have none, those that have.
    """
    widths, one = lifetime.widths, found.draws.isel(width=best)
    where = f"{widths.question.where(*widths.symbols)}{at}"
    without = _without(one["N"], found.enough.isel(width=best))
    missing = ", ".join(
        f"in {share_in_words(share)}{'' if i else ' of the draws'} {why}"
        for i, (share, why) in enumerate(without)
    )
    missing = " and in ".join(missing.rsplit(", in ", 1))
    share = float(np.isfinite(one["N"]).mean())
    if not share:
        return f"{where}{without[0][1] if len(without) == 1 else missing}."
    sizes = _sizes(lifetime, _told(one), found.draws, goal)
    if share <= _FEW:
        return f"{where}{missing}; in the others, {sizes}."
    return f"{where}{sizes}." + (f" {capital(missing)}." if without else "")


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


def _sizes(lifetime: Lifetime, one: xr.Dataset, all_: xr.Dataset, goal: str) -> str:
    text = (
        f"trained on {interval(one['D'], unit='tokens', among=all_)}, "
        f"{interval(one['N'], unit='parameters', among=all_)} are {goal}"
    )
    if "loss" in one:
        loss = interval(one["loss"], lambda v: f"{v:.4g}", among=all_)
        return f"{text}; the loss is {loss}"
    cost = interval(one["cost"], short, lifetime.prices.unit, among=all_)
    return f"{text}; the lifetime costs {cost}"


def _decision(
    lifetime: Lifetime,
    draws: xr.Dataset,
    best: int,
    text: str,
    choices: pd.DataFrame | None = None,
) -> Decision:
    widths = lifetime.widths
    one = _told(draws.isel(width=best))
    at = {s: median(one[s]) for s in ("N", "D")}
    question = widths.at(best)
    trained = cost_per_pair() * at["N"] * at["D"]
    seen = Evidence("loss")
    if np.isfinite(trained):
        seen = evidence(question, "loss", ("N", "D"), compute=trained)
    draws = draws.isel(width=0) if len(widths.names) == 1 else widths.named(draws)
    draws = draws.transpose("chain", "draw", ...)
    notes = question.notes(at, seen.apart())
    return Decision(draws, text, notes, choices=choices, evidence=seen.table)
