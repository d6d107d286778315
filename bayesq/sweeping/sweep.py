"""Many fits at once: every law with every option on every table."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from bayesq.fitting import check_options
from bayesq.intervals import Interval, interval
from bayesq.jobs.spread import Unit, check_executor, spread
from bayesq.law.law import Law
from bayesq.model.specification import Specification
from bayesq.progress import Progress, showing
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.stopped import keeping
from bayesq.sweeping.outcomes import Keep, Outcome, as_file, fitted, packed
from bayesq.sweeping.planned import Options, Planned, name_laws, name_options, name_tables, plan
from bayesq.sweeping.swept import Sweep
from bayesq.sweeping.swept_folder import SweptFolder
from bayesq.sweeping.together import check_together, looked_at, sampled_together

# Fits sampled side by side that are looked at, and kept, before the next ones are.
_AT_ONCE = 500


def sweep(
    tables: Runs | Sequence[Runs] | Mapping[str, Runs],
    laws: str | Law | Sequence[str | Law],
    options: Options = None,
    *,
    response: str | None = None,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int = 0,
    sampler: str = SAMPLER,
    save: str | Path | None = None,
    keep_fits: bool = True,
    executor: Executor | int | None = None,
    batch: bool | None = None,
    progress: bool | Progress = True,
    **common: Any,
) -> Sweep:
    """Fit every law, with every one of several options, to every table.

    Each fit is the one that :func:`bayesq.fit` makes of the same table, law, options and seed.

    Parameters
    ----------
    tables : Runs, sequence of Runs or mapping of str to Runs
        The tables, by name; else they go by where they come from, or by their numbers.
    laws : str, Law or sequence of these
        The laws.
    options : mapping of str to mapping, or sequence of mappings, optional
        Options of :func:`bayesq.fit` by the name of each choice, or without names:
        ``{"normal": {"noise": "normal"}, "true law": {"discrepancy": False}}``. By default the
        usual ones.
    response : {"loss", "degradation"}, optional
        What to fit, in nats per token; by default each law's usual one.
    draws, tune, chains, seed, sampler
        As for :func:`bayesq.fit`, of every fit.
    save : str or Path, optional
        Folder that keeps each fit as it is finished, as ``Fit.save`` would. The same call with the
        same folder goes on where it was stopped, and one with more tables, laws or options makes
        those that are not there. Several processes and hosts may share a folder.
    keep_fits : bool
        Whether fits are kept with all their draws, in the folder or, without one, in memory:
        some megabytes each. Without them there are the two tables and notes.
    executor : concurrent.futures.Executor or int, optional
        Where fits are made: an executor, or so many processes of this machine (1: this one). By
        default as many as it has cores, where that is worth while.
    batch : bool, optional
        Whether tables of one law and size are sampled side by side, in one call: the same
        posterior, and other draws of it. It takes sampler ``"numpyro"`` or ``"blackjax"``, pays on
        a GPU, and is usual there (``device="gpu"``). Tables so large that weighted rows stand for
        them are sampled by themselves.
    progress : bool
        Say on the error stream how many fits are made, and about how long the others take.
    **common
        Options of :func:`bayesq.fit` for all fits; `options` go before them.

    Returns
    -------
    Sweep
        ``.to_frame()``, how each fit went; ``.parameters()``, what each found;
        ``sweep[table, law, option]``, one of the fits; ``.notes``. A fit that cannot be made, as of
        a table without an input of the law, is a line that says why.

    Raises
    ------
    BayesqError
        If a law or an option is unknown, no fit at all can be made, or the folder holds anything
        else.

    Examples
    --------
    >>> import bayesq
    >>> runs = bayesq.load_pool("grid")
    >>> found = bayesq.sweep(  # doctest: +SKIP
    ...     runs, ["kumar2024-ptq", "ouyang2024"], [{}, {"noise": "normal"}], save="fits"
    ... )
    >>> found.parameters()  # doctest: +SKIP
    """
    check_options(common, sweep)
    named = name_tables(tables), name_laws(laws), name_options(options)
    check_executor(executor)
    folder = None if save is None else SweptFolder(Path(save))
    sampling = {"draws": draws, "tune": tune, "chains": chains, "seed": seed, "sampler": sampler}
    asked = interval()
    with showing(progress) as told:
        told.say("describing the fits")
        planned = plan(*named, {"response": response, **sampling, **common})
        planned = [_side_by_side(one, batch) for one in planned]
        found = _begun(planned, folder, keep_fits)
        missing = {_label(p): p for p in planned if p.names not in found}
        if folder is not None:
            # Others may be at the same sweep: each has its own order, and takes what they finish.
            missing = dict(random.SystemRandom().sample(list(missing.items()), len(missing)))
        where = None if folder is None else folder.path
        made = {n: outcome for n, outcome in found.items() if not outcome.message}
        with keeping("fit", made, len(made) + len(missing), where):
            keep = (packed if folder is None else as_file) if keep_fits else None
            settings = asked, keep, folder, bool(progress)
            for label, outcome in _made(missing, settings, executor, told, len(made)):
                one = missing[label]
                found[one.names] = outcome
                if outcome.message:
                    continue
                made[one.names] = outcome
                if folder is not None:
                    folder.write(one, outcome)
                    found[one.names] = outcome.bare
    kept = folder if keep_fits else None
    files = {p.names: kept.fit_of(p) for p in planned if kept and p.names in made}
    return Sweep(tuple(planned), tuple(found[p.names] for p in planned), files)


def _begun(
    planned: Sequence[Planned], folder: SweptFolder | None, keep: bool
) -> dict[tuple[str, str, str], Outcome]:
    """Take what was refused, and what the folder has."""
    found = {}
    for one in planned:
        if isinstance(one.described, str):
            found[one.names] = Outcome(one.described)
        elif folder is not None and (kept := folder.read(one, keep=keep)):
            found[one.names] = kept
    return found


def _side_by_side(planned: Planned, batch: bool | None) -> Planned:
    """Tell a fit whether it is sampled beside others."""
    on_gpu = planned.sampling.get("device", "cpu") == "gpu"
    if batch or (batch is None and on_gpu):
        check_together([planned])
        return replace(planned, together=True)
    return planned


type _Settings = tuple[Interval, Keep | None, SweptFolder | None, bool]


def _made(
    missing: Mapping[str, Planned],
    settings: _Settings,
    executor: Executor | int | None,
    told: Progress,
    already: int,
) -> Iterator[tuple[str, Outcome]]:
    """Make fits, those that go side by side first."""
    asked, keep, folder, _ = settings
    where = None if folder is None else folder.path
    aside = {one.names: label for label, one in missing.items() if one.together}
    done: set[str] = set()
    drawn = sampled_together([missing[label] for label in aside.values()], told)
    while part := list(islice(drawn, _AT_ONCE)):
        units = [Unit(aside[o.names], looked_at, (o, d, asked, keep)) for o, d in part]
        yield from spread(
            units, executor, told, "looking at", already=already + len(done), folder=where
        )
        done |= {unit.key for unit in units}
    units = [Unit(n, _unit, (one, *settings)) for n, one in missing.items() if n not in done]
    yield from spread(units, executor, told, "fitting", already=already + len(done), folder=where)


def _unit(
    planned: Planned, asked: Interval, keep: Keep | None, folder: SweptFolder | None, loud: bool
) -> Outcome:
    """Make one fit, unless somebody has finished it in the meantime."""
    assert isinstance(planned.described, Specification)
    if folder is not None and (there := folder.read(planned, keep=keep is not None)):
        return replace(there, written=folder.fit_of(planned).read_bytes() if keep else None)
    return fitted(planned.described, planned.sampling, asked, keep=keep, progress=loud)


def _label(planned: Planned) -> str:
    return ", ".join(planned.names)
