"""Fits of several laws to the rows that all of them can use."""

from __future__ import annotations

import re
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.files import refuse_unwritable
from bayesq.fitting import (
    check_options,
    check_settings,
    fit_specification,
    split_options,
)
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.law.law import Law, Response
from bayesq.law.registry import find_law
from bayesq.model.design import design
from bayesq.model.specification import Specification, specify
from bayesq.posterior.fit import Fit
from bayesq.posterior.saved import load_fit
from bayesq.progress import showing
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.sampling.reduction import Reduction, takes_weighted
from bayesq.stopped import keeping

# What a fit is sampled with where nothing is asked.
_SAMPLING = {"draws": DRAWS, "tune": TUNE, "chains": CHAINS, "sampler": SAMPLER}


def fit_laws(
    runs: Runs,
    laws: Sequence[str | Law],
    response: str | None = None,
    *,
    save: str | Path | None = None,
    seed: int = 0,
    executor: Executor | int | None = None,
    progress: bool = True,
    **options: Any,
) -> dict[str, Fit]:
    """Fit several laws to the rows that all of them can use, so that they can be compared.

    Parameters
    ----------
    runs : Runs
        The table.
    laws : sequence of str or Law
        Two laws or more.
    response : {"loss", "degradation"}, optional
        What to fit, in nats per token; by default the usual one of all laws, and the loss where
        theirs differ.
    save : str or Path, optional
        Folder of fits. One that is there and was made in the same way is taken, not fitted again.
    seed : int
        Seed of each fit.
    executor : concurrent.futures.Executor, int or None
        Where the fits are made: any executor, such as that of a Dask client
        (``client.get_executor()``), or so many processes of this machine. By default as many as it
        has cores, where that is sooner, or ``BAYESQ_JOBS``. Numbers are the same on all machines
        whose processors are of one kind.
    progress : bool
        Say on the error stream which law is fitted, and about how long the others take.
    **options
        Passed on to :func:`bayesq.fit`.

    Returns
    -------
    dict of str to Fit
        By the name of the law.

    Raises
    ------
    BayesqError
        If two laws have one name, the laws have no response in common, or no rows, or the
        executor cannot do the work.

    Examples
    --------
    >>> import bayesq
    >>> fits = bayesq.fit_laws(bayesq.load_pool("grid"), ["kumar2024-ptq", "ouyang2024"])
    ... # doctest: +SKIP
    """
    check_options(options, fit_laws)
    check_executor(executor)
    if isinstance(laws, str | Law):
        laws = [laws]
    found = {law.name: law for law in map(find_law, laws)}
    if len(found) < max(len(laws), 2):
        raise BayesqError(
            f"Pass two laws or more, each once; these are {', '.join(found) or 'none'}."
        )
    wanted = _response(found, response)
    common = _common(runs, found, wanted)
    describing, sampling = split_options(options)
    # What cannot be fitted is said before anything is.
    specifications = {n: specify(common, law, wanted, **describing) for n, law in found.items()}
    sampling = {**_SAMPLING, **sampling, "seed": seed}
    check_settings(**sampling)
    folder = None if save is None else _folder(Path(save))
    paths = {n: folder / f"{re.sub(r'[^A-Za-z0-9._=-]+', '_', n)}.nc" for n in found if folder}
    fits = {}
    for name, path in paths.items():
        if path.exists() and (kept := _kept(path, specifications[name], sampling)):
            fits[name] = kept
    missing = [name for name in found if name not in fits]

    with showing(progress) as told, keeping("fit", fits, len(found), folder):
        work = [Unit(n, _fit, (specifications[n], sampling, progress)) for n in missing]
        for name, made in spread(work, executor, told, "fitting", already=len(fits), folder=folder):
            if made.specification is not specifications[name]:
                # From a worker: of the very law that was asked for, not of one that is like it.
                made = replace(made, specification=specifications[name])
            if name in paths:
                made.save(paths[name])
            fits[name] = made
    return {name: fits[name] for name in found}


def _fit(specification: Specification, sampling: dict[str, Any], progress: bool) -> Fit:
    return fit_specification(specification, progress=progress, **sampling)


def _response(laws: dict[str, Law], response: str | None) -> Response:
    """Choose what all laws are fitted to."""
    usual = {law.responses[0] for law in laws.values()}
    if response is None and len(usual) == 1:
        return usual.pop()
    # A law of the degradation has its base law added; the other way round nothing can be done.
    return [law.check_response(response or "loss") for law in laws.values()].pop()


def _common(runs: Runs, laws: dict[str, Law], response: Response) -> Runs:
    """Take the rows that all laws can use."""
    designs = {name: design(runs, law, response) for name, law in laws.items()}
    keep = np.ones(len(runs), dtype=bool)
    for found in designs.values():
        keep &= np.isin(np.arange(len(runs)), found.index)
    if not keep.any():
        rows = ", ".join(f"{name} {len(d.index)}" for name, d in designs.items())
        raise BayesqError(
            f"{runs.source} has no row that all laws can use ({rows}); compare laws of one stage."
        )
    return runs if keep.all() else runs.select(keep)


def _folder(path: Path) -> Path:
    try:
        path.mkdir(exist_ok=True)
    except OSError as error:
        raise BayesqError(
            f"{path} is no folder to save fits in ({error.strerror}); name another."
        ) from error
    refuse_unwritable(path)
    return path


def _kept(path: Path, specification: Specification, sampling: dict[str, Any]) -> Fit | None:
    """Take a fit from the folder, if it is the one that would be made."""
    try:
        found = load_fit(path, specification.law, specification.noise)
    except BayesqError:
        return None
    attrs, draws = found.data.attrs, found.posterior.sizes
    asked = {"device": "cpu", "coreset": None, **sampling}
    # Of a table of very many rows fewer draws are kept than were asked for.
    made = {n: attrs.get(n) for n in ("seed", "tune")}
    made |= {"draws": attrs.get("draws", draws["draw"]), "chains": draws["chain"]}
    made |= {"sampler": attrs.get("sampler", SAMPLER), "device": attrs.get("device", "cpu")}
    made["coreset"] = Reduction.from_attributes(attrs) is not None
    rows = len(specification.design.index)
    asked["coreset"] = takes_weighted(rows, asked["coreset"], asked["device"])
    same = attrs.get("key") == specification.key and made == asked
    return found if same else None
