"""``bayesq compare``: checked before it starts, and stopped in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import read_table
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.sampling.samplers import check_sampler
from bayesq.stopped import Stopped, stopping

if TYPE_CHECKING:
    from bayesq.posterior.fit import Fit


@arguments.with_reading
def compare(
    runs: arguments.Runs,
    laws: Annotated[
        str,
        typer.Option(help="With commas: kumar2024-ptq,ouyang2024,kumar2024-ptq:gamma_D=0"),
    ],
    response: arguments.Response = None,
    unit: Annotated[str, typer.Option(help="What is left out: row, run or cell.")] = "row",
    outside: Annotated[
        str,
        typer.Option(help="largest-compute, largest-N, largest-D, study, or none."),
    ] = "largest-compute",
    quantile: Annotated[
        float, typer.Option(help="Of the largest, the share of rows that is not left out.")
    ] = 0.7,
    cure: Annotated[
        str,
        typer.Option(
            help="Where importance sampling fails: refit without the rows (slow, right), moments "
            "(moment matching only), or none."
        ),
    ] = "refit",
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
    seed: arguments.Seed = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the fits; those that are there are not made."),
    ] = None,
    jobs: arguments.Jobs = None,
    scheduler: arguments.Scheduler = None,
    as_json: arguments.Json = False,
    as_latex: arguments.Latex = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Compare laws by what each foretells of rows that it has not seen."""
    arguments.check_form(as_json, as_latex)
    table = read_table(runs, reading)
    from bayesq.cli import printing

    names = [name.strip() for name in laws.split(",") if name.strip()]
    beyond = None if outside == "none" else outside
    model: dict[str, Any] = {"noise": noise, "discrepancy": discrepancy, "pool_by": pool_by}
    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    sampling |= {"sampler": check_sampler(sampler), "device": device, "coreset": coreset}
    fits: dict[str, Fit] = {}

    def kept() -> Stopped:
        if save is None or not fits:
            return Stopped("nothing was kept; with --save FOLDER finished fits are")
        return Stopped(f"kept: all {len(fits)} fits in {save}, and no refit", goes_on=True)

    with arguments.telling(quiet, as_json or as_latex) as told, stopping(kept):
        from bayesq.comparison.compare import check_asked
        from bayesq.comparison.compare import compare as compare_fits
        from bayesq.comparison.fits import fit_laws

        check_asked(unit, beyond, cure)
        asked = {**model, **sampling, "save": save, "progress": told.shown}
        left_out: dict[str, Any] = {"unit": unit, "outside": beyond, "quantile": quantile}
        left_out |= {"cure": cure, "progress": told.shown}
        with arguments.executor_of(jobs, scheduler) as executor:
            fits |= fit_laws(table, names, response, executor=executor, **asked)
            found = compare_fits(fits, executor=executor, **left_out)
    if as_latex:
        printing.print_latex(found.to_latex())
    else:
        printing.print_comparison(found, as_json, saved=save)
