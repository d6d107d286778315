"""A comparison on the command line: checked before it starts, and stopped in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesq.runs.runs import Runs
from bayesq.stopped import Stopped, stopping

if TYPE_CHECKING:
    from bayesq.comparison.result import Comparison


def run_comparison(
    runs: Runs,
    laws: list[str],
    response: str | None,
    *,
    unit: str,
    outside: str | None,
    quantile: float,
    cure: str,
    save: Path | None,
    progress: bool,
    **options: Any,
) -> Comparison:
    """Fit laws and compare them; if Ctrl-C stops it, say which fits are kept.

    Raises
    ------
    BayesqError
        As :func:`bayesq.fit_laws` and :func:`bayesq.compare`.
    Stopped
        If it was stopped.
    """
    lost = "nothing was kept; with --save FOLDER finished fits are"
    with stopping(lambda: Stopped(lost)):
        from bayesq.comparison.compare import check_cure, compare
        from bayesq.comparison.fits import fit_laws
        from bayesq.comparison.outside import check_outside
        from bayesq.comparison.units import check_unit

        check_unit(unit)
        check_outside(outside)
        check_cure(cure)
        fits = fit_laws(runs, laws, response, save=save, progress=progress, **options)

    def words() -> Stopped:
        if save is None:
            return Stopped(lost)
        kept = f"kept: all {len(fits)} fits in {save}, and no refit"
        return Stopped(kept, goes_on=True)

    with stopping(words):
        return compare(
            fits, unit=unit, outside=outside, quantile=quantile, cure=cure, progress=progress
        )
