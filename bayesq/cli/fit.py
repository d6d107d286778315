"""``bayesq fit``, ``show`` and ``sensitivity``: a law is fitted, and the fit looked at."""

from __future__ import annotations

from typing import Any

from bayesq.cli import arguments
from bayesq.cli.sources import read_table
from bayesq.cli.targets import Target, table_name
from bayesq.errors import BayesqError
from bayesq.posterior.by_name import find_posterior
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.sampling.samplers import check_sampler
from bayesq.stopped import Stopped, stopping


@arguments.with_reading
def fit(
    runs: arguments.Runs,
    law: arguments.Law,
    output: arguments.Output = None,
    response: arguments.Response = None,
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
    seed: arguments.OptionalSeed = None,
    prob: arguments.Prob = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Fit a law to a table and save the fit, by default to LAW-TABLE.nc.

    A file that is there is replaced where -o names it; a name that nobody gave gets a number.
    """
    table = read_table(runs, reading)
    sampling: dict[str, Any] = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    sampling |= {"sampler": check_sampler(sampler), "device": device, "coreset": coreset}
    # Whatever is wrong is said before the libraries that sample are even loaded.
    from bayesq.cli import printing
    from bayesq.intervals import interval
    from bayesq.model.specification import specify

    if output is not None:
        Target(output)  # before the rows are looked at
    specification = specify(
        table, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )
    interval(prob)
    target = Target(output, specification.law.name, table_name(runs))
    with arguments.telling(quiet, as_json) as told, stopping(lambda: Stopped("nothing was saved")):
        told.say(f"fitting {specification.law.name}")
        from bayesq.fitting import fit_specification

        result = fit_specification(specification, **sampling, progress=told.shown)
        with target.taken() as path:
            result.save(path)
    printing.print_fit(result, prob, as_json, target)


def show(
    fit: arguments.Fit,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = None,
    as_json: arguments.Json = False,
    as_latex: arguments.Latex = False,
) -> None:
    """Show a saved fit or average."""
    arguments.check_form(as_json, as_latex)
    from bayesq.cli import printing
    from bayesq.intervals import interval
    from bayesq.posterior.average import Average
    from bayesq.posterior.saved import load_fit

    interval(prob)
    found = load_fit(fit, law)
    if as_latex and isinstance(found, Average):
        raise BayesqError(f"{fit} is an average; show each of the fits that it is made of.")
    if isinstance(found, Average):
        printing.print_average(found, as_json)
    elif as_latex:
        printing.print_latex(found.to_latex(prob))
    else:
        printing.print_fit(found, prob, as_json)


def sensitivity(
    fit: arguments.Fit,
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Tell which parameters of a saved fit depend on which prior."""
    from bayesq.cli import printing
    from bayesq.posterior.average import Average
    from bayesq.posterior.sensitivity import sensitivity as of_priors

    of = find_posterior(str(fit), law)
    if isinstance(of, Average):
        raise BayesqError(f"{fit} is an average; ask each of the fits that it is made of.")
    with arguments.telling(quiet, as_json) as told:
        found = of_priors(of, progress=told.shown)
    printing.print_sensitivity(found, as_json)
