"""Backtests of decisions: fit the smaller rows, decide, and look what the larger ones say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayesq.backtesting.storage import Folder
from bayesq.fitting import fit_specification, split_options
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.law.law import Law
from bayesq.model.specification import Specification, specify_rows
from bayesq.notes import Note, by_severity
from bayesq.progress import showing
from bayesq.proving.asking import ask_fit
from bayesq.proving.case import Answer, Case
from bayesq.proving.decision_backtest import DecisionBacktest
from bayesq.proving.kept import Kept
from bayesq.proving.reading import in_numbers, read_decisions
from bayesq.proving.resampled import least_squares
from bayesq.proving.table import tabulate
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE


def backtest_decision(
    runs: Runs,
    law: str | Law,
    decision: str,
    response: str | None = None,
    *,
    base: str | Law | None = None,
    split: str = "largest-N",
    quantile: float = 0.7,
    about: str | None = None,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int = 0,
    save: str | Path | None = None,
    executor: Executor | int | None = None,
    progress: bool = True,
    practice: bool = True,
    fit_options: Mapping[str, Any] | None = None,
    base_options: Mapping[str, Any] | None = None,
    **asked: Any,
) -> DecisionBacktest:
    """Fit a law to the smaller rows, decide for the larger, and look what these themselves say.

    The decision is read off the measured rows, with no law in between:

    * ``"critical_tokens"``: a parabola over log D through the length of least quantized loss and
      its neighbours; a bound where that is the first or the last length.
    * ``"fewest_bits"``: the fewest whole bits whose measured degradation is within ``level``, one
      or several; a bound where all widths are, or none. The fit's answer lies between widths: it
      holds the measured one if its interval, both ends rounded up to a width that was measured,
      contains it.
    * ``"optimal_precision"``: the bits of least loss among cells of about one memory (N times bits,
      within 15 %) and one D; a bound where these are the fewest or the most. The fit's interval is
      rounded outwards to whole bits.
    * ``"optimal_format"``: the format of least loss of those measured at one N and D, for a law
      with a parameter a format.
    * ``"compute_optimal"``: a parabola over log N along each budget of compute (6 N D within 12 %
      from row to row, or within a factor of 1.2 of those that ``compute`` names); a bound where the
      best is the smallest or the largest size.

    Rows that differ in their seed alone are averaged. What following the median costs is the loss
    of the measured option nearest to it on a logarithmic scale, less that of the best one measured;
    of fewest bits, the nats by which the degradation at the advised width is above the level.

    Parameters
    ----------
    runs : Runs
        The table, with the full-precision rows where `base` is to be fitted to them.
    law : str or Law
        A law, or the name of one.
    decision : str
        One of the five above.
    response : {"loss", "degradation"}, optional
        What `law` is fitted to; by default its usual one.
    base : str or Law, optional
        The base law, fitted to the full-precision rows that are kept, for a decision about the loss
        by a law that is fitted to the degradation.
    split : {"largest-N", "largest-D", "largest-compute", "none"}
        Which rows the fits do not see, as in :func:`bayesq.backtest`; with ``"none"`` they see all,
        and decisions are held against the rows that they come from. Decisions count of which at
        least half the rows were left out.
    quantile : float
        Rows up to this quantile of the size are kept.
    about : str, optional
        Which rows decisions are read off, as an expression in the columns: ``"w_bits == 4"``. The
        fits see the others too. By default all.
    draws, tune, chains, seed : int
        As for :func:`bayesq.fit`, of each fit.
    save : str or Path, optional
        Folder that keeps the answers of each method. The same call with the same folder does not
        fit again.
    executor : concurrent.futures.Executor, int or None
        Where the fits and today's practice are made: any executor, such as that of a Dask client
        (``client.get_executor()``), or so many processes of this machine. By default as many as it
        has cores, where that is sooner, or ``BAYESQ_JOBS``. Numbers are the same on all machines
        whose processors are of one kind.
    progress : bool
        Say on the error stream what is being done.
    practice : bool
        Whether to ask today's practice too: least Huber loss on the logarithm, plugged in, with an
        interval from 400 resamples of the rows.
    fit_options, base_options : mapping, optional
        Passed on to :func:`bayesq.fit` for the law and for its base: ``{"discrepancy": ...}``.
    **asked
        What the decision takes, such as ``level=[0.01, "5%"]``, ``memory="4MB"`` or
        ``compute="1e16"``.

    Returns
    -------
    DecisionBacktest
        ``.rows``, one a decision, ``.to_frame()``, ``.text`` and ``.notes``.

    Raises
    ------
    BayesqError
        If there is no such decision or split, the rows tell no such decision or are too few to fit,
        or the folder holds another backtest.

    Examples
    --------
    >>> import bayesq
    >>> post = "stage == 'post' and w_kind == 'int' and w_group == 128 and 3 <= w_bits <= 6"
    >>> runs = bayesq.load_pool("grid").select(f"stage == 'none' or {post}")
    >>> bayesq.backtest_decision(  # doctest: +SKIP
    ...     runs, "kumar2024-ptq", "critical_tokens", base="chinchilla", about="w_bits == 3"
    ... )
    """
    check_executor(executor)
    which: dict[str, Any] = {"split": split, "quantile": quantile, "about": about}
    part, cases = read_decisions(runs, law, decision, response, base=base, **which, **asked)
    law = part.own.law
    sampling = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    given = [split_options(options or {}) for options in (fit_options, base_options)]
    designs = [part.own] if part.base is None else [part.own, part.base]
    fits = [
        (specify_rows(design, **describing), {**sampling, **others})
        for design, (describing, others) in zip(designs, given, strict=False)
    ]
    folder = None
    if save is not None:
        said: dict[str, Any] = {"decision": decision, "asked": in_numbers(asked), **which}
        said |= {"bayesq": version("bayesq"), "rows": runs.fingerprint}
        said["fits"] = [described.described | settings for described, settings in fits]
        folder = Folder(Path(save), said)
    seed = int(fits[0][1]["seed"])
    work = {"bayesq": Unit("bayesq", _fitted, (decision, cases, fits, progress))}
    if practice:
        work["practice"] = Unit("today's practice", _practised, (decision, cases, part, seed))
    questions = repr([case.question for case in cases])
    rows = part.fingerprints | {"questions": sha256(questions.encode()).hexdigest()}
    numbers = {who: n for n, who in enumerate(work, start=1)}
    told = {who: folder.read(n, rows) if folder else None for who, n in numbers.items()}
    asked_of = {unit.key: who for who, unit in work.items()}
    missing = [unit for who, unit in work.items() if told[who] is None]
    already, where = len(work) - len(missing), folder.path if folder else None
    with showing(progress) as saying:
        for key, made in spread(missing, executor, saying, "asking", already=already, folder=where):
            who = asked_of[key]
            told[who] = made
            if folder:
                folder.write(numbers[who], rows, made)
    found = {who: content for who, content in told.items() if content is not None}
    answers = {who: [Answer(**given) for given in of["answers"]] for who, of in found.items()}
    title = f"Decisions of {law.name}, {decision}, on {runs.source}, {split}"
    notes = by_severity(Note(**note) for note in found["bayesq"]["notes"])
    return DecisionBacktest(title, tabulate(cases, answers), notes)


def _fitted(
    decision: str,
    cases: Sequence[Case],
    described: Sequence[tuple[Specification, Mapping[str, Any]]],
    progress: bool,
) -> dict[str, Any]:
    """Ask the posterior of a fit."""
    fits = [fit_specification(s, **how, progress=progress) for s, how in described]
    base = fits[1] if len(fits) > 1 else None
    answers = [ask_fit(decision, fits[0], base, c.question) for c in cases]
    severe = dict.fromkeys(n for f in fits for n in f.notes if n.severity == "severe")
    return {"answers": [asdict(a) for a in answers], "notes": [n.to_dict() for n in severe]}


def _practised(decision: str, cases: Sequence[Case], part: Kept, seed: int) -> dict[str, Any]:
    """Ask today's practice."""
    # Resamples of the two are independent, as the fits are.
    own, own_spread = least_squares(part.own, seed=seed)
    base, base_spread = None, None
    if part.base is not None:
        base, base_spread = least_squares(part.base, seed=seed + 1)
    answers = [ask_fit(decision, own_spread, base_spread, c.question, (own, base)) for c in cases]
    return {"answers": [asdict(a) for a in answers]}
