"""What a quick fit of a law shows: rows far off, lack of fit, and errors that are no scatter."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesq.checks.given_errors import error_notes
from bayesq.checks.repeats import repeats_of
from bayesq.checks.settings import formats
from bayesq.model.design import Design
from bayesq.model.hierarchy import Pooling
from bayesq.model.quick_fit import QuickFit, quick_fit
from bayesq.notes import Note

# Robust standard deviations, and on the scale of the fit: both must be passed.
_FAR, _LEAST = 10.0, {"loss": 0.1, "degradation": 1.0}
_P_VALUE, _TIMES = 1e-3, 1.5


def curve_notes(design: Design, *, only_errors: bool = False) -> list[Note]:
    """Hold rows against a quick robust fit of the law.

    Parameters
    ----------
    design : Design
        Rows and inputs of a fit.
    only_errors : bool
        Whether the noise is the errors that rows give, with nothing added.

    Returns
    -------
    list of Note
        Codes ``far-from-law``, ``lack-of-fit`` and ``errors-and-scatter``, one of each at most.
    """
    if design.pooling is not None:
        return _errors_by_study(design, design.pooling, only_errors)
    found = quick_fit(design)
    if found is None:
        return []
    errors = error_notes(design, found.fitted, found.numbers, only_errors=only_errors)
    return [*_far(design, found), *_lack_of_fit(design, found), *errors]


def _errors_by_study(design: Design, pooling: Pooling, only_errors: bool) -> list[Note]:
    """Hold errors against the scatter about a curve for each study."""
    if not np.isfinite(design.errors).any():
        return []
    fitted, numbers = np.full(len(design.observed), np.nan), 0
    study = design.runs.columns[pooling.by]
    for name in pooling.names:
        rows = study == name
        found = quick_fit(replace(design.keep(rows), pooling=None))
        if found is not None:
            fitted[rows] = found.fitted
            numbers += found.numbers
    return error_notes(design, fitted, numbers, only_errors=only_errors)


def _far(design: Design, fit: QuickFit) -> list[Note]:
    size, usual = np.abs(fit.left), fit.usual
    beyond = np.flatnonzero(fit.far(_FAR, _LEAST[design.response]))
    if not len(beyond):
        return []
    runs = design.runs
    # A format of which many rows lie off is one that the law does not fit, and no broken row.
    alike = formats(runs)
    of_format = {code: size[alike == code] for code in set(alike[beyond].tolist())}
    missed_by = {code: np.quantile(sizes, 0.75) for code, sizes in of_format.items()}
    missed = np.array([missed_by[code] for code in alike[beyond].tolist()])
    mates = np.array([len(of_format[code]) for code in alike[beyond].tolist()])
    beyond = beyond[(missed < _FAR / 2 * usual) | (mates < 4)]
    if not len(beyond):
        return []
    rows = beyond[np.argsort(-size[beyond])]
    first = rows[0]
    what = "loss" if design.response == "loss" else "degradation"
    return [
        Note(
            "far-from-law",
            "warning",
            f"{runs.named(rows).capitalize()} {'lies' if len(rows) == 1 else 'lie'} far from a "
            f"quick robust fit of law {design.law.name}: row {runs.numbers[first]} has a {what} of "
            f"{design.observed[first]:.3g} where that has {fit.fitted[first]:.2g} nats per token, "
            f"{size[first] / max(usual, 1e-6):,.0f} times the usual distance.",
            "Look at these rows, and leave out those that are broken with --where or "
            "runs.select(...).",
            tuple(runs.numbers[rows]),
        )
    ]


def _lack_of_fit(design: Design, fit: QuickFit) -> list[Note]:
    """Test a law by the scatter of repeats (Fisher's test of pure error)."""
    groups = repeats_of(design.runs)
    repeats = sum(len(rows) - 1 for rows in groups)
    settings = len(fit.left) - sum(len(rows) - 1 for rows in groups)
    freedom = settings - fit.numbers
    if repeats < 3 or freedom < 1:
        return []
    # Far rows are another note's; here they would decide alone.
    usual = 1.4826 * float(np.median(np.abs(fit.left)))
    left = np.clip(fit.left, -5 * usual, 5 * usual)
    pure = sum(float(((left[rows] - left[rows].mean()) ** 2).sum()) for rows in groups)
    whole = float((left**2).sum())
    per_repeat, per_setting = pure / repeats, max(whole - pure, 0.0) / freedom
    times = np.sqrt(per_setting / per_repeat) if per_repeat else np.inf
    if times < _TIMES:
        return []
    from scipy.special import fdtrc  # scipy.stats takes a second to import

    if fdtrc(freedom, repeats, times**2) > _P_VALUE:
        return []
    return [
        Note(
            "lack-of-fit",
            "warning" if times > 2 * _TIMES else "info",
            f"Equal settings that were run more than once ({len(groups)} of them) scatter by "
            f"{np.sqrt(per_repeat):.2g} on the log scale, and settings about the curve of law "
            f"{design.law.name} by {np.sqrt(per_setting):.2g}, {times:.2g} times as much: the law "
            "is wrong by more than noise.",
            "Try a law that knows more of the rows, or read intervals outside the data as those of "
            "a law that misses.",
        )
    ]
