"""Compare laws by what each foretells of rows that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor

from bayesq.comparison.comparison import Comparison
from bayesq.comparison.left_out import CURES, Estimated, estimate, refit
from bayesq.comparison.outside import OUTSIDE, foretell
from bayesq.comparison.units import UNITS, Unit
from bayesq.counted import how_many
from bayesq.errors import BayesqError, nearest
from bayesq.jobs.spread import check_executor
from bayesq.model.specification import Specification
from bayesq.notes import Note
from bayesq.posterior.fit import Fit
from bayesq.progress import showing
from bayesq.runs.runs import Runs

_NO_ROWS = Note(
    "no-rows",
    "warning",
    "Of some fits the rows, law or noise are not at hand, so nothing was fitted again: neither "
    "where importance sampling failed nor to foretell the largest rows.",
    "Pass runs=, the table they were fitted to, where files of earlier versions do not hold it; "
    "load fits of a law or noise of your own with law= and noise=.",
)


def compare(
    fits: Sequence[Fit] | Mapping[str, Fit],
    *,
    unit: str = "row",
    outside: str | None = "largest-compute",
    quantile: float = 0.7,
    runs: Runs | None = None,
    cure: str = "refit",
    executor: Executor | int | None = None,
    progress: bool = True,
) -> Comparison:
    """Compare laws that were fitted to the same rows and the same response.

    Inside the data, by the log predictive density of each unit without it in the fit (PSIS-LOO);
    where its importance sampling fails, by moment matching and then by fits without the unit.
    Outside of it, by fits to the smaller rows that foretell the largest.

    Parameters
    ----------
    fits : sequence or mapping of Fit
        The fits; :func:`bayesq.fit_laws` makes them on the rows that all laws can use. A mapping
        gives them names of their own, as it must where two are of one law.
    unit : {"row", "run", "cell"}
        What is left out at a time: a row, all rows of a training run, or all of one study, N and D.
    outside : {"largest-compute", "largest-N", "largest-D", "study"} or None
        What is left out to see whether a law extrapolates, as in :func:`bayesq.backtest`.
    quantile : float
        Of a split by size, rows up to this quantile are fitted.
    runs : Runs, optional
        The table, where a fit comes from a file of an earlier version, which does not hold its
        rows: without them nothing can be fitted again.
    cure : {"refit", "moments", "none"}
        How far to go where importance sampling fails: to fits without the unit, to moment matching
        only, or to no cure.
    executor : concurrent.futures.Executor, int or None
        Where refits and fits to the smaller rows are made: any executor, such as that of a Dask
        client (``client.get_executor()``), or so many processes of this machine. By default as many
        as it has cores, where that is sooner, or ``BAYESQ_JOBS``. Numbers are the same on all
        machines whose processors are of one kind.
    progress : bool
        Say on the error stream what is being done, how many fits it takes, and about how long.

    Returns
    -------
    Comparison
        The table, the verdict in words, the weights and notes.

    Raises
    ------
    BayesqError
        If there are fewer than two fits, they are of different rows or responses, or the executor
        cannot do the work.

    Examples
    --------
    >>> import bayesq
    >>> fits = bayesq.fit_laws(runs, ["kumar2024-ptq", "ouyang2024"])  # doctest: +SKIP
    >>> print(bayesq.compare(fits))  # doctest: +SKIP
    """
    named = name_fits(fits)
    checked = check_asked(unit, outside, cure)
    check_executor(executor)
    _refuse_different(named)
    specifications = {n: _specification(fit, n, runs) for n, fit in named.items()}
    notes: list[Note] = []
    with showing(progress) as told:
        estimates = {}
        for name in told.each(list(named), "leaving out, by importance sampling:", str):
            with showing(told) as inner:
                estimates[name] = estimate(named[name], specifications[name], checked, cure, inner)
        if words := _refits_to_come(estimates):
            told.keep(words)
        inside = refit(estimates, told, executor)
        at_hand = {name: s for name, s in specifications.items() if s is not None}
        beyond = {}
        if outside is not None and len(at_hand) < len(named):
            notes = [_NO_ROWS]
        elif outside is not None:
            try:
                beyond = foretell(named, at_hand, outside, quantile, told, executor)
            except BayesqError as error:
                why = f"Whether the laws extrapolate was not seen: {error}"
                notes = [Note("not-outside", "warning", why, "Pass another outside=, or None.")]
    return Comparison(named, checked, outside, inside, beyond, tuple(notes))


def check_asked(unit: str, outside: str | None, cure: str) -> Unit:
    """Refuse what :func:`compare` cannot be asked for, and return the unit.

    Raises
    ------
    BayesqError
        If there is no such unit or cure, or the split leaves nothing outside.
    """
    if unit not in UNITS:
        raise BayesqError(f"No unit is called {unit!r}; {nearest(str(unit), UNITS)}.")
    if outside is not None and outside not in OUTSIDE:
        raise BayesqError(f"outside is {outside!r}; {nearest(str(outside), OUTSIDE)}, or None.")
    if cure not in CURES:
        raise BayesqError(f"cure is {cure!r}; {nearest(str(cure), CURES)}.")
    return unit


def name_fits(fits: Sequence[Fit] | Mapping[str, Fit]) -> dict[str, Fit]:
    """Name fits by their laws, unless they have names.

    Raises
    ------
    BayesqError
        If there are fewer than two, one is none, or two have one name.
    """
    if isinstance(fits, Fit):
        fits = [fits]
    if isinstance(fits, Mapping):
        named = {str(name): fit for name, fit in fits.items()}
    else:
        given = list(fits)
        named = {getattr(getattr(f, "law", None), "name", ""): f for f in given}
        if len(named) < len(given):
            raise BayesqError(
                "Two fits are of one law; give them names: {'normal': fit, 'student-t': other}."
            )
    if len(named) < 2:
        raise BayesqError("There is nothing to compare; pass two fits or more.")
    for name, fit in named.items():
        if not isinstance(fit, Fit):
            raise BayesqError(
                f"{name or type(fit).__name__} is not a fit of a table, so it has left nothing "
                "out; make one with bayesq.fit(...) or read it with bayesq.load_fit(path)."
            )
    return named


def _refuse_different(fits: Mapping[str, Fit]) -> None:
    (first, one), *others = fits.items()
    for name, other in others:
        if other.response != one.response:
            raise BayesqError(
                f"{first} was fitted to the {one.response} and {name} to the {other.response}, "
                "whose densities do not compare; fit both with response='loss', for which a law "
                "of the degradation has the same base law added."
            )
        if other.data.attrs["fingerprint"] != one.data.attrs["fingerprint"]:
            raise BayesqError(
                f"{first} was fitted to {how_many(one.data.attrs['rows'], 'row')} and {name} to "
                "others "
                f"({other.data.attrs['rows']}); fit them to the rows that all can use: "
                "bayesq.fit_laws(runs, [...])."
            )


def _specification(fit: Fit, name: str, runs: Runs | None) -> Specification | None:
    """Return the description of a fit with its rows, from the fit or from the table."""
    if runs is None or not (fit.law.at_hand and fit.noise.at_hand):
        return fit.specification if fit.can_refit else None
    found = fit.specification.on(runs)
    if found.design.runs.fingerprint != fit.data.attrs["fingerprint"]:
        raise BayesqError(
            f"{runs.source} does not have the rows that {name} was fitted to; pass the table it "
            "was fitted to."
        )
    return found


def _refits_to_come(estimates: Mapping[str, Estimated]) -> str:
    """Say how many fits are to come, before the first, and how to spare them."""
    counts = {name: e.open.size for name, e in estimates.items() if e.open.size}
    total, units = sum(counts.values()), sum(e.made.elpd.size for e in estimates.values())
    if not total:
        return ""
    each = ", ".join(f"{name} {count}" for name, count in counts.items())
    return (
        f"{total} of {units} estimates are not to be trusted, and each takes a refit ({each}). "
        "Cure 'moments' takes seconds instead, and flatters laws that have a misfit; cure 'none' "
        f"leaves the {total} as they are, with a note."
    )
