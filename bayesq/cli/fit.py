"""``bayesq fit``, ``show`` and ``sensitivity``: a law is fitted, and the fit looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import find_posterior, read_table
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE
from bayesq.stopped import Stopped, stopping


@arguments.with_reading
def fit(
    runs: arguments.Runs,
    law: arguments.Law,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to save the fit to.")],
    response: arguments.Response = None,
    reading: arguments.Reading = arguments.AS_IT_IS,
    noise: arguments.Noise = None,
    discrepancy: arguments.Discrepancy = True,
    pool_by: arguments.PoolBy = None,
    draws: arguments.Draws = DRAWS,
    tune: arguments.Tune = TUNE,
    chains: arguments.Chains = CHAINS,
    seed: arguments.OptionalSeed = None,
    prob: arguments.Prob = 0.9,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Fit a law to a table and save the fit."""
    table = read_table(runs, reading)
    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    # Whatever is wrong is said before the libraries that sample are even loaded.
    from bayesq.cli import report
    from bayesq.files import check_target
    from bayesq.model.specification import specify
    from bayesq.posterior.netcdf import EXAMPLE
    from bayesq.posterior.summary import tail_of

    check_target(output, EXAMPLE)
    specification = specify(
        table, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )
    tail_of(prob)
    with arguments.telling(quiet, as_json) as told, stopping(lambda: Stopped("nothing was saved")):
        told.say(f"fitting {specification.law.name}")
        from bayesq.fitting import fit_specification

        result = fit_specification(specification, **sampling, progress=told.shown)
        result.save(output)
    report.print_fit(result, prob, as_json, saved=output)


def show(
    fit: arguments.Fit,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = 0.9,
    as_json: arguments.Json = False,
) -> None:
    """Show a saved fit."""
    from bayesq.cli import report
    from bayesq.posterior.saved import load_fit

    report.print_fit(load_fit(fit, law), prob, as_json)


def sensitivity(
    fit: arguments.Fit,
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Tell which parameters of a saved fit depend on which prior."""
    from bayesq.cli import report
    from bayesq.posterior.sensitivity import sensitivity as of_priors

    with arguments.telling(quiet, as_json) as told:
        found = of_priors(find_posterior(str(fit), law), progress=told.shown)
    report.print_sensitivity(found, as_json)
