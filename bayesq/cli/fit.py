"""``bayesq fit``, ``show`` and ``sensitivity``: a law is fitted, and the fit looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bayesq.cli import options
from bayesq.cli.sources import find_posterior, read_table
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE
from bayesq.stopped import Stopped, stopping


def fit(
    runs: options.Runs,
    law: options.Law,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to save the fit to.")],
    response: options.Response = None,
    where: options.Where = None,
    column: options.Column = None,
    noise: options.Noise = None,
    discrepancy: options.Discrepancy = True,
    pool_by: options.PoolBy = None,
    draws: options.Draws = DRAWS,
    tune: options.Tune = TUNE,
    chains: options.Chains = CHAINS,
    seed: options.OptionalSeed = None,
    prob: options.Prob = 0.9,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Fit a law to a table and save the fit."""
    table = read_table(runs, where, column)
    model: dict[str, Any] = {"noise": noise, "discrepancy": discrepancy, "pool_by": pool_by}
    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    # Whatever is wrong is said before the libraries that sample are even loaded.
    from bayesq.cli import report
    from bayesq.files import check_target
    from bayesq.fitting.storage import EXAMPLE
    from bayesq.law.registry import find_law
    from bayesq.model.design import design
    from bayesq.model.noises import find_noise

    check_target(output, EXAMPLE)
    known = find_law(law)
    chosen = design(table, known, response)
    find_noise(noise, chosen.response)
    if pool_by is not None:
        from bayesq.model.pooling import pool

        pool(chosen, pool_by)
    from bayesq.fitting.result import tail_of

    tail_of(prob)
    with options.telling(quiet, as_json) as told, stopping(lambda: Stopped("nothing was saved")):
        told.say(f"fitting {known.name}")
        from bayesq.fitting.fit import fit as fit_law

        result = fit_law(table, known, response, **model, **sampling, progress=told.shown)
        result.save(output)
    report.print_fit(result, prob, as_json, saved=output)


def show(
    fit: options.Fit,
    law: options.OptionalLaw = None,
    prob: options.Prob = 0.9,
    as_json: options.Json = False,
) -> None:
    """Show a saved fit."""
    from bayesq.cli import report
    from bayesq.fitting.load import load_fit

    report.print_fit(load_fit(fit, law), prob, as_json)


def sensitivity(
    fit: options.Fit,
    law: options.OptionalLaw = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Tell which parameters of a saved fit depend on which prior."""
    from bayesq.cli import report
    from bayesq.fitting.sensitivity import sensitivity as of_priors

    with options.telling(quiet, as_json) as told:
        found = of_priors(find_posterior(str(fit), law), progress=told.shown)
    report.print_sensitivity(found, as_json)
