"""What the draws say about themselves: sampling, priors that were not updated, misfit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.checks.at_rows import mean_at_rows
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.model.design import Design
from bayesq.model.field import SCALES
from bayesq.notes import Note, series

# Thresholds of Vehtari et al. 2021 (R-hat, 100 effective draws a chain).
_R_HAT = 1.01
_ESS_PER_CHAIN = 100
# Betancourt 2016, "Diagnosing Suboptimal Cotangent Disintegrations in Hamiltonian Monte Carlo".
_E_BFMI = 0.3
_FEWEST_FOR_ENERGY = 50
# Posterior at least this wide relative to the prior, both by their middle 50 %, and this near.
_WIDTH_SHARE = 0.85
# Share of the residuals' variance that a column explains before it counts as misfit.
_ETA_SQUARED = 0.3
_P_VALUE = 1e-3
# An asymptote matters outside the data, so that its prior is spoken of earlier.
_ASYMPTOTE_SHARE = 0.6


def sampling_notes(stats: xr.Dataset, summary: pd.DataFrame) -> list[Note]:
    """Check divergences, R-hat, effective sample sizes and tree depth.

    Parameters
    ----------
    stats : Dataset
        ``sample_stats`` of the fit.
    summary : DataFrame
        Table of the parameters with columns r_hat, ess_bulk, ess_tail.

    Returns
    -------
    list of Note
        Codes ``divergences``, ``r-hat``, ``ess``, ``tree-depth``, ``e-bfmi``.
    """
    notes = []
    total = stats["diverging"].size
    divergent = int(stats["diverging"].sum())
    if divergent:
        notes.append(
            Note(
                "divergences",
                "severe" if divergent > total / 100 else "warning",
                f"{divergent} of {total} draws diverged: the sampler may have missed a corner of "
                "the posterior.",
                "Look for an input or parameter that the data do not identify and give it a "
                "tighter prior or more runs.",
            )
        )
    # Constant or single-chain draws have no R-hat; that is as bad as a large one.
    r_hat = summary["r_hat"].fillna(np.inf)
    worst, name = r_hat.max(), r_hat.idxmax()
    if worst > _R_HAT:
        known = f"is {worst:.3f}: the chains do not agree"
        unknown = "is not known: there is one chain, or they do not move"
        notes.append(
            Note(
                "r-hat",
                "severe" if worst > 1.05 else "warning",
                f"R-hat of {name} {known if np.isfinite(worst) else unknown}.",
                "Use more draws, draws=4000 (--draws 4000), or, if that does not help, a law that "
                "the data identify.",
            )
        )
    ess = summary[["ess_bulk", "ess_tail"]].fillna(0).min(axis=1)
    least, name = ess.min(), ess.idxmin()
    wanted = _ESS_PER_CHAIN * stats.sizes["chain"]
    if least < wanted:
        notes.append(
            Note(
                "ess",
                "warning",
                f"{name} has only {least:.0f} effective draws, fewer than {wanted}: the ends of "
                "its interval are rough.",
                "Use more draws: draws=4000 (--draws 4000).",
            )
        )
    deep = int(stats["maxdepth_reached"].sum())
    if deep:
        notes.append(
            Note(
                "tree-depth",
                "warning",
                f"{deep} of {total} draws used up the tree depth: sampling is slow, and draws are "
                "correlated.",
                "Look for parameters that the data do not identify.",
            )
        )
    if (note := _energy_note(stats)) is not None:
        notes.append(note)
    return notes


def _energy_note(stats: xr.Dataset) -> Note | None:
    """Check how well each chain's momentum explores the energies (Betancourt 2016, E-BFMI)."""
    if "energy" not in stats or stats.sizes["draw"] < _FEWEST_FOR_ENERGY:
        return None
    from arviz_stats import bfmi

    found = bfmi(xr.DataTree.from_dict({"sample_stats": stats[["energy"]]}))
    least = float(found["energy"].min())
    if not least < _E_BFMI:
        return None
    return Note(
        "e-bfmi",
        "warning",
        f"E-BFMI is {least:.2f} in one chain, below {_E_BFMI}: the sampler moves slowly between "
        "the middle of the posterior and its tails, and may not have seen these.",
        "Use more draws, or a law or priors that the data identify.",
    )


def prior_notes(posterior: xr.Dataset, parameters: tuple[Parameter, ...]) -> list[Note]:
    """Find parameters whose posterior only repeats the prior.

    Both are compared by the middle 50 per cent: the posterior must be nearly as wide, and its
    median must lie inside the middle half of the prior.

    Returns
    -------
    list of Note
        One of code ``asymptote-prior`` for each asymptote, one of code ``misfit-from-pools`` for
        the scales of the law's misfit, and one of code ``prior-only`` for all else.
    """
    notes = []
    scales: dict[str, float] = {}
    repeated: dict[str, float] = {}
    for p in parameters:
        # Few data ever tell the tails apart, and nobody reads them. What a kind keeps has no prior
        # of its own but its place on the ladder.
        if p.symbol == "dof" or not isinstance(p.prior, Prior):
            continue
        low, high = p.prior.quantile([0.25, 0.75])
        values = posterior[p.sampled_as].values
        first, median, third = np.quantile(values, [0.25, 0.5, 0.75])
        share = (third - first) / (high - low)
        if p.asymptote and share > _ASYMPTOTE_SHARE:
            notes.append(_asymptote_note(p.symbol, share, p.prior, median))
        elif p.symbol in SCALES and share > _WIDTH_SHARE:
            scales[p.symbol] = median
        elif share > _WIDTH_SHARE and low <= median <= high:
            repeated[p.symbol] = share
    if repeated:
        names, shares = series(repeated), series(f"{share:.0%}" for share in repeated.values())
        one = len(repeated) == 1
        notes.append(
            Note(
                "prior-only",
                "warning",
                f"The posterior of {names} repeats its prior ({shares} as wide): these data say "
                "nothing about it."
                if one
                else f"The posteriors of {names} repeat their priors ({shares} as wide): these "
                "data say nothing about them.",
                f"Do not read {'it' if one else 'them'} as measured; add runs that vary what "
                f"{'it depends' if one else 'they depend'} on, or state "
                f"{'a prior' if one else 'priors'} that you can defend.",
            )
        )
    if scales:
        shown = series(f"{median:.2g}" for median in scales.values())
        notes.append(
            Note(
                "misfit-from-pools",
                "info",
                f"How wrong the law may be ({series(scales)}) is what other pools taught, {shown} "
                "here: these rows do not tell.",
                "Nothing to mend; predictions outside the data are as wide as laws were wrong on "
                "those pools.",
            )
        )
    return notes


def _asymptote_note(symbol: str, share: float, prior: Prior, median: float) -> Note:
    low, high = prior.quantile([0.05, 0.95])
    return Note(
        "asymptote-prior",
        "warning",
        f"The asymptote {symbol}, {median:.2f} nats per token, is told by its prior as much as by "
        f"the rows (the posterior is {share:.0%} as wide): the prior says {low:.2f} to {high:.2f}, "
        "a share of the typical loss.",
        "Far outside the data predictions lean on it; add runs with more parameters and tokens.",
    )


def residual_notes(
    design: Design, posterior: xr.Dataset, misfit: np.ndarray | float = 0.0
) -> list[Note]:
    """Find columns that the law ignores and the residuals follow.

    Relative residuals at the posterior medians are taken by rank (a few wild
    rows must not decide), and compared between the levels of each column with the Kruskal-Wallis
    test.

    Returns
    -------
    list of Note
        One severe note of code ``misfit`` a column.
    """
    from scipy.stats import kruskal, rankdata

    columns = design.varying_formats()
    if not columns:
        return []
    medians: dict[str, Any] = {
        str(name): v.median(("chain", "draw")).values for name, v in posterior.items()
    }
    residual = design.observed / mean_at_rows(design, medians, misfit) - 1
    notes = []
    for name, values in columns.items():
        rows = values != ""
        levels = [residual[rows & (values == v)] for v in sorted(set(values[rows]))]
        levels = [group for group in levels if len(group) > 1]
        if len(levels) < 2:
            continue
        ranks = rankdata(np.concatenate(levels))
        groups = np.split(ranks, np.cumsum([len(g) for g in levels])[:-1])
        between = sum(len(g) * (g.mean() - ranks.mean()) ** 2 for g in groups)
        total = ((ranks - ranks.mean()) ** 2).sum()
        share = between / total if total else 0.0
        if share > _ETA_SQUARED and kruskal(*levels).pvalue < _P_VALUE:
            notes.append(
                Note(
                    "misfit",
                    "severe",
                    f"Column {name}, which the law ignores, explains {share:.0%} of what it leaves "
                    "unexplained: rows of different kinds are fitted as one.",
                    f"Fit one {name} at a time, or use a law with that input.",
                )
            )
    return notes
