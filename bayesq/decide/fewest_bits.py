"""The fewest bits that keep the degradation below a level."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.decision import Decision
from bayesq.errors import BayesqError
from bayesq.fitting.result import Fit
from bayesq.notes import Note, by_severity
from bayesq.prediction.distance import distance_note, distances
from bayesq.prediction.scenarios import format_note, read_scenarios
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_FEWEST = 1.0
_HALVINGS = 40  # 15 bits halved 40 times: far below any digit that is shown


def fewest_bits(fit: Fit, *, level: float, **scenario: Any) -> Decision:
    """Find the fewest bits of the weights that keep the degradation below a level.

    For each draw the law's mean degradation, which falls with bits, is solved for the level by
    halving the interval from 1 to 16 bits.

    Parameters
    ----------
    fit : Fit
        A fit of a law with bits of the weights among its inputs.
    level : float
        Largest degradation allowed, in nats per token.
    **scenario
        One scenario without its bits: ``N="1B", D="100B"`` and whatever else the law needs.

    Returns
    -------
    Decision
        Bits (not rounded) for each draw, NaN where 16 bits are not enough.

    Raises
    ------
    BayesqError
        If the law has no bits among its inputs, or the scenario lacks an input.
    """
    law = fit.law
    law.check_formula()
    # Of a group size, w_bits only tells whose group counts.
    counts = ((i, (i.accounts_for or i.columns)[0]) for i in law.own_inputs)
    bits = next((i for i, column in counts if column == "w_bits"), None)
    if bits is None or law.base is None:
        raise BayesqError(
            f"Law {law.name} gives no degradation as a function of w_bits; fit one that does, such "
            "as kumar2024-ptq."
        )
    if not level > 0:
        raise BayesqError(f"level is {level}; write the degradation allowed, in nats above 0.")
    if "w_bits" in scenario:
        raise BayesqError("fewest_bits looks for w_bits; leave them out of the scenario.")
    frame, inputs = read_scenarios({**scenario, "w_bits": _FEWEST}, law, "degradation")
    if any(len(values) > 1 for values in inputs.values()):
        raise BayesqError("fewest_bits answers for one scenario; call it once for each.")
    posterior = fit.posterior
    values: dict[str, Any] = {symbol: float(array[0]) for symbol, array in inputs.items()}
    values |= {str(name): posterior[name] for name in posterior.data_vars}

    def too_much(at: xr.DataArray) -> xr.DataArray:
        degradation: xr.DataArray = law.evaluate("degradation", {**values, bits.symbol: at})
        return degradation > level

    low = xr.full_like(posterior["chain"] * posterior["draw"], _FEWEST, dtype=float)
    high = xr.full_like(low, FULL_PRECISION_BITS)
    answerable = ~too_much(high)
    enough_at_once = ~too_much(low)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        more = too_much(middle)
        low, high = xr.where(more, middle, low), xr.where(more, high, middle)
    answer = xr.where(enough_at_once, _FEWEST, high).where(answerable)
    answer = answer.rename("w_bits").assign_attrs(units="bits")
    other = format_note(frame, fit)
    return _decision(answer, fit, inputs, level, bits.symbol, [other] if other else [])


def _decision(
    answer: xr.DataArray,
    fit: Fit,
    inputs: dict[str, np.ndarray],
    level: float,
    symbol: str,
    notes: list[Note],
) -> Decision:
    where = ", ".join(f"{s} {format_count(float(v[0]))}" for s, v in inputs.items() if s != symbol)
    goal = f"the degradation below {level:g} nats per token"
    decision = Decision(answer, "", ())
    share = decision.without_answer
    # Distances are those of the question and of its median answer.
    found = decision.to_frame().iloc[0]
    at = {**inputs, symbol: np.array([FULL_PRECISION_BITS if share == 1 else found["median"]])}
    ranges = fit.observed_range
    note = distance_note(distances(at, ranges).iloc[0], ranges, "The decision")
    if share == 1:
        text = f"At {where}, not even 16 bits keep {goal}."
    else:
        whole = int(np.ceil(found["upper"]))
        enough = float((answer <= whole).mean())
        often = "more than 99%" if 0.99 < enough < 1 else f"{enough:.0%}"
        text = (
            f"At {where}, {found['median']:.2f} bits (90 % interval {found['lower']:.2f} to "
            f"{found['upper']:.2f}) keep {goal}; {whole} whole bits are enough in {often} of the "
            "draws."
        )
        if share:
            text += f" In {share:.0%} of the draws not even 16 bits are."
    notes = [*([note] if note else []), *notes]
    return Decision(answer, " ".join([text, *(n.message for n in notes)]), by_severity(notes))
