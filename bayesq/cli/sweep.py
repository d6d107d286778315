"""``bayesq sweep``: laws fitted to tables, each with each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import read_table
from bayesq.cli.targets import table_name
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.stopped import Stopped, stopping


@arguments.with_reading
def sweep(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUNS...", help="Files of runs, or pools by name."),
    ],
    law: Annotated[
        list[str],
        typer.Option(
            "--law", "-l", help="A law's name, or a Python file that defines law; once for each."
        ),
    ],
    save: Annotated[
        Path | None,
        typer.Option(
            "--save",
            "-o",
            metavar="FOLDER",
            help="Keep each finished fit, to go on with if it is stopped.",
        ),
    ] = None,
    response: arguments.Response = None,
    reading: arguments.Reading = arguments.AS_IT_IS,
    noise: Annotated[
        list[str] | None,
        typer.Option(help="As for bayesq fit; once for each that is to be tried."),
    ] = None,
    discrepancy: arguments.Discrepancy = True,
    pool_by: arguments.PoolBy = None,
    draws: arguments.Draws = DRAWS,
    tune: arguments.Tune = TUNE,
    chains: arguments.Chains = CHAINS,
    sampler: arguments.Sampler = SAMPLER,
    device: arguments.Device = "cpu",
    coreset: arguments.Coreset = None,
    seed: arguments.Seed = 0,
    keep_fits: Annotated[
        bool, typer.Option(help="Keep the fits in the folder, not their numbers alone.")
    ] = True,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    as_json: arguments.Json = False,
    as_latex: arguments.Latex = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Fit every law to every table, and tell how each fit went and what it found."""
    arguments.check_form(as_json, as_latex)
    named = [table_name(text) for text in runs]
    names = named if len(set(named)) == len(named) else runs
    tables = {name: read_table(text, reading) for name, text in zip(names, runs, strict=True)}
    tried = list(dict.fromkeys(noise or []))
    options = {name: {"noise": name} for name in tried} or None
    asked: dict[str, Any] = {"response": response, "discrepancy": discrepancy, "pool_by": pool_by}
    asked |= {"draws": draws, "tune": tune, "chains": chains, "sampler": sampler, "seed": seed}
    asked |= {"device": device, "coreset": coreset}
    from bayesq.cli import printing

    with (
        arguments.telling(quiet, as_json or as_latex) as told,
        stopping(lambda: Stopped("nothing was kept; with --save FOLDER finished fits are")),
        arguments.executor_of(jobs, scheduler) as executor,
    ):
        from bayesq.sweeping.sweep import sweep as sweep_tables

        asked |= {"save": save, "keep_fits": keep_fits and save is not None}
        found = sweep_tables(tables, law, options, **asked, executor=executor, progress=told.shown)
    if as_latex:
        printing.print_latex(found.to_latex())
    else:
        printing.print_sweep(found, as_json, saved=save)
