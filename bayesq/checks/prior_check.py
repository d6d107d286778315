"""What the priors of a law say before it has seen the rows, on the scale of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
import xarray as xr

from bayesq import html
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.noise import Noise
from bayesq.model.specification import specify
from bayesq.notes import Note, by_severity
from bayesq.posterior.from_prior import draw_from_prior
from bayesq.runs.runs import Runs

# Guessing evenly among 256,000 tokens, the largest vocabularies in use, costs this many nats.
_GUESSING = float(np.log(256_000))
_TOO_WIDE = 0.1
_TOO_NARROW = 0.05


@dataclass(frozen=True, eq=False)
class PriorCheck:
    """Losses that the priors of a law expect. Made by :func:`bayesq.prior_check`.

    Parameters
    ----------
    draws : xarray.DataArray
        Losses in nats per token, dimensions sample and row; for a fit to the degradation, the
        full-precision partner's loss is added.
    observed : ndarray of float, shape (rows,)
        The measured losses.
    notes : tuple of Note
        Codes ``prior-too-wide`` and ``prior-too-narrow``.
    text : str
        The verdict in a sentence.
    """

    draws: xr.DataArray
    observed: np.ndarray
    notes: tuple[Note, ...]
    text: str

    def to_frame(self) -> pd.DataFrame:
        """Tabulate quantiles of the losses that the priors expect beside the measured ones."""
        probs = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99]
        return pd.DataFrame(
            {
                "prior": np.quantile(self.draws, probs, method="nearest"),
                "measured": np.quantile(self.observed, probs),
            },
            index=pd.Index(probs, name="quantile"),
        )

    def __repr__(self) -> str:
        table = self.to_frame().to_string(float_format="{:.4g}".format)
        return "\n".join([self.text, table, *map(str, self.notes)])

    def _repr_html_(self) -> str:
        return html.block(
            "What the priors expect",
            html.paragraph(self.text),
            html.table(self.to_frame(), units=dict.fromkeys(("prior", "measured"), "nats/token")),
            html.notes(self.notes),
        )


def prior_check(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    pool_by: str | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> PriorCheck:
    """Draw losses from the priors of the model that would be fitted, at the rows of a table.

    Parameters
    ----------
    runs : Runs
        The table.
    law : str or Law
        A law, or the name of one.
    response, noise, discrepancy, pool_by
        As in :func:`bayesq.fit`.
    draws : int
        Number of draws from the prior.
    seed : int
        Seed of the draws.

    Returns
    -------
    PriorCheck
        The draws, their quantiles beside the measured ones, and notes.

    Raises
    ------
    BayesqError
        As :func:`bayesq.fit`.
    """
    for name, value, least in (("draws", draws, 1), ("seed", seed, 0)):
        if not isinstance(value, Integral) or value < least:
            raise BayesqError(f"{name} is {value!r}; it must be a whole number from {least} on.")
    specification = specify(
        runs, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )
    design = specification.design
    drawn = draw_from_prior(specification, [design.response], draws=draws, seed=seed)
    # A far tail of the prior may overflow; infinite is then the honest word for that loss.
    with np.errstate(over="ignore"):
        scaled = drawn[design.response]
        losses = xr.DataArray(specification.noise.from_scale(scaled), dims=("sample", "row"))
    if design.response == "degradation":
        losses = losses + xr.DataArray(design.runs.columns["loss_full"], dims="row")
    losses = losses.fillna(np.inf)  # infinite times nothing
    return _verdict(losses, design.runs.columns["loss"], design.law)


def _verdict(losses: xr.DataArray, observed: np.ndarray, law: Law) -> PriorCheck:
    # Not between two draws, of which one may be infinite.
    low, high = np.quantile(losses, [0.005, 0.995], axis=0, method="nearest")
    outside = float(((observed < low) | (observed > high)).mean())
    absurd = float(((losses > _GUESSING) | (losses < 0)).mean())
    notes = []
    if outside > _TOO_NARROW:
        notes.append(
            Note(
                "prior-too-narrow",
                "severe",
                f"{outside:.0%} of the measured losses lie outside the middle 99 % of what the "
                f"priors of {law.name} expect.",
                "Check the unit of the loss (nats per token), or give the law wider priors.",
            )
        )
    if absurd > _TOO_WIDE:
        notes.append(
            Note(
                "prior-too-wide",
                "warning",
                f"{absurd:.0%} of the losses that the priors of {law.name} expect are negative or "
                f"worse than guessing ({_GUESSING:.1f} nats per token).",
                "Rows far from the middle of the table make exponents extreme; narrow their priors "
                "if few rows are to decide.",
            )
        )
    first, last = np.quantile(losses, [0.05, 0.95], method="nearest")
    text = (
        f"Before seeing the {how_many(len(observed), 'row')}, {law.name} expects losses from "
        f"{first:.2f} to "
        f"{last:.2f} nats per token (90 %); they lie between {observed.min():.2f} and "
        f"{observed.max():.2f}, {1 - outside:.0%} of them in the middle 99 % of their own range."
    )
    return PriorCheck(losses, observed, by_severity(notes), text)
