"""Backtests: fit a law to some of the rows, and score what it foretells of the others."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from bayesq.backtesting.folds import make_folds
from bayesq.backtesting.held_out import HeldOut, make_parts
from bayesq.backtesting.scored import Backtest
from bayesq.backtesting.scores import score
from bayesq.backtesting.storage import USUAL, Folder
from bayesq.counted import how_many
from bayesq.fitting import check_options, check_settings, fit_specification, split_options
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.law.law import Law
from bayesq.model.hierarchy import NEW
from bayesq.model.specification import Specification, specify
from bayesq.notes import Note, by_severity, once_each
from bayesq.posterior.fit import Fit
from bayesq.prediction.predict import predict
from bayesq.progress import showing
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.stopped import keeping

# How far outside the data the rows lie is in the scores, and the fit speaks for itself.
_IN_THE_SCORES = ("extrapolation", "one-schedule", "severe-fit")
_IN_FOLDS = "In {count} of {total} folds, first with {first} left out"


def backtest(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    split: str = "largest-compute",
    quantile: float = 0.7,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int = 0,
    sampler: str = SAMPLER,
    save: str | Path | None = None,
    executor: Executor | int | None = None,
    progress: bool = True,
    **options: Any,
) -> Backtest:
    """Fit a law to some rows and score its prediction of the rows left out.

    Parameters
    ----------
    runs : Runs
        The table, from :func:`bayesq.read_runs` or :func:`bayesq.load_pool`. Only the rows that
        the law can use count.
    law : str or Law
        A law, or the name of one (see :func:`bayesq.laws`).
    response : {"loss", "degradation"}, optional
        What to fit, in nats per token; by default the law's usual one.
    split : {"largest-compute", "largest-N", "largest-D", "study", "run"}
        What is left out: the rows of most compute (6 N D), parameters or tokens; or each study in
        turn; or each training run in turn, in ten folds of whole runs where there are more.
    quantile : float
        Of a split by size, rows up to this quantile of the size are kept. Where that would leave
        nothing out, the rows of the largest size are.
    draws, tune, chains : int
        As for :func:`bayesq.fit`, of each fit.
    seed : int
        The same seed gives the same folds and the same draws.
    sampler : {"nutpie", "numpyro", "blackjax", "pymc"}
        As for :func:`bayesq.fit`; a folder of folds is of one sampler, device and coreset.
    save : str or Path, optional
        Folder that keeps each finished fold. The same call with the same folder goes on where it
        was stopped.
    executor : concurrent.futures.Executor, int or None
        Where the fits are made: any executor, such as that of a Dask client
        (``client.get_executor()``), or so many processes of this machine. By default as many as it
        has cores, where that is sooner, or ``BAYESQ_JOBS``. Numbers are the same on all machines
        whose processors are of one kind.
    progress : bool
        Say on the error stream which fold is fitted, and about how long the others take.
    **options
        Passed on to :func:`bayesq.fit`. With ``pool_by``, rows of a study that was left out are
        foretold as those of a new one.

    Returns
    -------
    Backtest
        Scores by row, ``.to_frame()`` by distance from the data, ``.text`` and ``.notes``.

    Raises
    ------
    BayesqError
        If the rows cannot be split that way, the rows kept are too few for the law, the folder
        holds another backtest, or the executor cannot do the work.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.backtest(bayesq.load_pool("grid"), "chinchilla", split="largest-D")  # doctest: +SKIP
    """
    check_options(options, backtest)
    describing, sampling = split_options(options)
    sampling |= {"draws": draws, "tune": tune, "chains": chains, "seed": seed, "sampler": sampler}
    whole = specify(runs, law, response, **describing)
    return backtest_specification(
        whole, split, quantile, sampling, save=save, executor=executor, progress=progress
    )


def backtest_specification(
    whole: Specification,
    split: str,
    quantile: float,
    sampling: Mapping[str, Any],
    *,
    save: str | Path | None = None,
    executor: Executor | int | None = None,
    progress: bool = True,
) -> Backtest:
    """Backtest what is described.

    Parameters
    ----------
    whole : Specification
        The fit of all rows.
    split, quantile, save, executor, progress
        As :func:`bayesq.backtest` takes them.
    sampling : mapping
        Its draws, tune, chains, seed and sampler, perhaps device and coreset.
    """
    check_executor(executor)
    check_settings(**sampling)
    design = whole.design
    parts, unscored = make_parts(whole, make_folds(design, split, quantile, sampling["seed"]))
    folder = None
    if save is not None:
        asked = {"bayesq": version("bayesq"), "split": split, "quantile": quantile, **sampling}
        # As it stands in folders that are older than the choices.
        asked = {n: v for n, v in asked.items() if n not in USUAL or v != USUAL[n]}
        folder = Folder(Path(save), asked | whole.described)
    numbered = list(enumerate(parts, start=1))
    found = {n: folder.read(n, part.fingerprints) if folder else None for n, part in numbered}
    told = {n: content for n, content in found.items() if content is not None}
    missing = {f"{n}, {part.name}": (n, part) for n, part in numbered if n not in told}
    units = [Unit(key, _try, (part, sampling, progress)) for key, (_, part) in missing.items()]
    where = folder.path if folder else None
    with showing(progress) as saying, keeping("fold", told, len(parts), where):
        for key, made in spread(units, executor, saying, "fold", already=len(told), folder=where):
            n, part = missing[key]
            told[n] = made
            if folder:
                folder.write(n, part.fingerprints, told[n])
    scores = [pd.DataFrame(part.places | told[n]["scores"]) for n, part in numbered]
    notes = {part.name: [Note(**note) for note in told[n]["notes"]] for n, part in numbered}
    if split == "study":
        # That the other studies have not seen this one is what is asked.
        notes = {f: [n for n in seen if n.code != "other-format"] for f, seen in notes.items()}
    rows = pd.concat(scores, ignore_index=True)
    folds = how_many(len(parts), "fold")
    source = design.runs.source
    title = f"Backtest of {design.law.name} for {design.response} on {source}, {split} ({folds})"
    return Backtest(title, rows, by_severity([*once_each(notes, _IN_FOLDS), *unscored]))


def _try(part: HeldOut, sampling: Mapping[str, Any], progress: bool) -> dict[str, Any]:
    """Fit the rows kept and score the others; all as lists and words, to be written down."""
    fitted = fit_specification(part.specification, **sampling, progress=progress)
    scenarios = _with_studies(part.scenarios, fitted)
    prediction = predict(fitted, scenarios, kind="run", seed=sampling["seed"])
    told = [n for n in prediction.notes if n.code not in _IN_THE_SCORES]
    severe = dict.fromkeys(n for n in (*fitted.notes, *told) if n.severity == "severe")
    return {
        "scores": score(prediction, part.observed).to_dict("list"),
        "notes": [n.to_dict() for n in severe],
    }


def _with_studies(scenarios: pd.DataFrame, fitted: Fit) -> pd.DataFrame:
    """Call a study that a pooled fit has not seen, as all that a split leaves out, a new one."""
    if fitted.pooling is None:
        return scenarios
    by = fitted.pooling.by
    seen = scenarios[by].isin(fitted.studies)
    return scenarios.assign(**{by: scenarios[by].where(seen, NEW)})
