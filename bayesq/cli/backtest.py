"""``bayesq backtest``: checked before it starts, and stopped in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import read_table
from bayesq.cli.targets import Target
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.sampling.samplers import check_sampler
from bayesq.stopped import Stopped, stopping


@arguments.with_reading
def backtest(
    runs: arguments.Runs,
    law: arguments.Law,
    response: arguments.Response = None,
    split: Annotated[
        str, typer.Option(help="largest-compute, largest-N, largest-D, study or run.")
    ] = "largest-compute",
    quantile: Annotated[
        float, typer.Option(help="Of a split by size, the share of rows to fit.")
    ] = 0.7,
    reading: arguments.Reading = arguments.AS_IT_IS,
    noise: arguments.Noise = None,
    discrepancy: arguments.Discrepancy = True,
    pool_by: arguments.PoolBy = None,
    draws: arguments.Draws = DRAWS,
    tune: arguments.Tune = TUNE,
    chains: arguments.Chains = CHAINS,
    sampler: arguments.Sampler = SAMPLER,
    device: arguments.Device = "cpu",
    coreset: arguments.Coreset = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same folds and draws.")] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep finished folds, to go on with if it is stopped."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Save the scores of the rows as CSV, for bayesq plot backtest and plot pit.",
        ),
    ] = None,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Fit a law to some of the rows, and score what it foretells of the others."""
    target = None if output is None else Target(output, ending=".csv")
    table = read_table(runs, reading)
    from bayesq.backtesting.folds import make_folds
    from bayesq.cli import printing
    from bayesq.model.specification import specify

    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    sampling |= {"sampler": check_sampler(sampler), "device": device, "coreset": coreset}
    lost = "nothing was kept; with --save FOLDER finished folds are"
    with arguments.telling(quiet, as_json) as told:
        # Whatever is wrong with the rows is said before the libraries that sample are even loaded.
        whole = specify(table, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by)
        make_folds(whole.design, split, quantile, seed)
        with stopping(lambda: Stopped(lost if save is None else "no fold was finished")):
            from bayesq.backtesting.backtest import backtest_specification

            asked: dict[str, Any] = {"save": save, "progress": told.shown}
            with arguments.executor_of(jobs, scheduler) as executor:
                result = backtest_specification(
                    whole, split, quantile, sampling, executor=executor, **asked
                )
    if target is not None:
        with target.taken() as path:
            result.save(path)
    printing.print_backtest(result, as_json, saved=save, rows=target)
