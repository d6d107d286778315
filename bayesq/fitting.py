"""Fit a law to runs: describe the fit, sample it, look at the draws, and hand back the result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bayesq.checks.by_study import by_study
from bayesq.checks.curve_notes import curve_notes
from bayesq.checks.data_notes import data_notes
from bayesq.checks.diagnosis import prior_notes, residual_notes, sampling_notes
from bayesq.checks.identification import identification_notes
from bayesq.checks.scatter import scatter_notes
from bayesq.errors import BayesqError, nearest
from bayesq.law.law import Law
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.noise import Noise
from bayesq.model.specification import Specification, specify
from bayesq.model.study_fields import to_groups
from bayesq.notes import Note, by_severity
from bayesq.posterior.division import arranged
from bayesq.posterior.fit import Fit
from bayesq.posterior.kept_rows import constant_data, observed_data
from bayesq.posterior.misfit import misfit_at_rows
from bayesq.posterior.netcdf import attributes_of, notes_to_json
from bayesq.posterior.summary import CONVERGENCE, summarise
from bayesq.progress import Progress, showing
from bayesq.runs.runs import Runs
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.defaults import CHAINS, DRAWS, SAMPLER, TUNE
from bayesq.sampling.large import Large
from bayesq.sampling.reduction import Reduction, takes_weighted
from bayesq.sampling.sampled import Sampled
from bayesq.sampling.samplers import check_device, check_sampler

_FEWEST_DRAWS = 4  # R-hat and effective sample sizes need halves of a chain


def fit(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    pool_by: str | None = None,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int | None = None,
    sampler: str = SAMPLER,
    device: str = "cpu",
    coreset: bool | None = None,
    progress: bool | Progress = True,
) -> Fit:
    """Fit a scaling law to measured losses.

    Parameters
    ----------
    runs : Runs
        The table, from :func:`bayesq.read_runs` or :func:`bayesq.load_pool`. The law takes the
        rows that it speaks of.
    law : str or Law
        A law, or the name of one (see :func:`bayesq.laws`).
    response : {"loss", "degradation"}, optional
        What to fit, in nats per token: the loss, base and degradation together, or the degradation
        against the full-precision partner, where the partner's own misfit cancels. By default the
        law's usual one: the loss for a base law, else the degradation.
    noise : str or Noise, optional
        How measured values scatter: ``"student-t"`` (the default), ``"normal"``, ``"known-se"``
        (the standard errors in column loss_se, of a degradation in degradation_se, and a rest),
        ``"only-se"`` (these errors and nothing else), ``"falls-with-D"``; with effects that rows
        share after a plus: ``"student-t + run"``, also ``budget`` and ``cell``; or a noise of your
        own.
    discrepancy : bool or Discrepancy
        How wrong the law may be, which is what widens intervals outside the data: by default as
        wrong as laws were on pools of runs, for checkpoints of one schedule (column annealed "no")
        as on those of OLMo-1B; False for a law that is taken to be true.
    pool_by : {"study", "corpus"}, optional
        Column whose studies are fitted together by partial pooling. The parameters of the base
        law's own terms (E, A, B) and the drift of the law away from the truth are each study's
        own; exponents, and what quantization adds, are a study's own around those of a population;
        kinds such as compressions, tau and the noise are the same in all. By default rows are
        taken as of one study.
    draws, tune, chains : int
        Draws kept and tuning draws a chain, and the number of chains.
    seed : int, optional
        The same seed gives the same draws. By default a new one, which the fit records.
    sampler : {"nutpie", "numpyro", "blackjax", "pymc"}
        Whose NUTS draws. All draw from the same compiled density and give the same posterior; the
        others than nutpie are installed by ``pip install 'bayesq[samplers]'``.
    device : {"cpu", "gpu"}
        Where draws are made: on the processor, whatever else is there, so that a seed gives the
        same draws everywhere and small tables are not slower; or on a GPU of NVIDIA, with sampler
        ``"numpyro"`` or ``"blackjax"`` and ``pip install "jax[cuda13]"``, which pays from some ten
        thousand rows on. There all rows are sampled, however many they are.
    coreset : bool, optional
        Whether some thousand weighted rows are sampled in the place of all, and the draws then held
        against all rows and taken again by what they weigh; a note says how well that went
        (Pareto's k, effective draws). Of the `draws` asked for it keeps as many as can be held
        against so many rows, 1,200 of a million rows. By default where there are more than 5,000.
    progress : bool
        Say on the error stream what is being done.

    Returns
    -------
    Fit
        Draws, summary and notes.

    Raises
    ------
    BayesqError
        If the law is unknown, the table lacks an input of it, or fewer rows than parameters are
        left; if the rows do not tell the studies to pool apart.

    Examples
    --------
    >>> import bayesq
    >>> fit = bayesq.fit(bayesq.load_pool("grid"), "chinchilla", seed=1)  # doctest: +SKIP
    >>> fit.summary()  # doctest: +SKIP
    """
    specification = specify(
        runs, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )
    return fit_specification(
        specification,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        sampler=sampler,
        device=device,
        coreset=coreset,
        progress=progress,
    )


def fit_specification(
    specification: Specification,
    *,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int | None = None,
    sampler: str = SAMPLER,
    device: str = "cpu",
    coreset: bool | None = None,
    progress: bool | Progress = True,
) -> Fit:
    """Fit what is described.

    Parameters
    ----------
    specification : Specification
        What to fit.
    draws, tune, chains, seed, sampler, device, coreset, progress
        As :func:`bayesq.fit` takes them.
    """
    check_settings(draws, tune, chains, seed, sampler, device, coreset)
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    with showing(progress) as told:
        few = takes_weighted(len(specification.design.index), coreset, device)
        model: Compiled | Large
        if few:
            model = Large(specification, say=told.say)
        else:
            model = Compiled(specification, say=told.say, device=device)
        drawn = model.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            sampler=sampler,
            step=lambda done, of: told.step(done, of, "sampling"),
        )
        told.say("working out what the draws tell")
        made: dict[str, Any] = {"seed": seed, "draws": draws, "tune": tune, "sampler": sampler}
        made |= {} if device == "cpu" else {"device": device}
        return fit_of_draws(specification, model, drawn, made)


def fit_of_draws(
    specification: Specification, model: Compiled | Large, drawn: Sampled, made: Mapping[str, Any]
) -> Fit:
    """Look at draws and put them together with what they are of.

    Parameters
    ----------
    specification : Specification
        What was fitted.
    model : Compiled or Large
        Its model.
    drawn : Sampled
        What was drawn of it.
    made : mapping
        How: ``seed``, ``draws``, ``tune`` and ``sampler``.
    """
    design = specification.design
    groups = model.groups(drawn.points) | {"sample_stats": drawn.stats}
    groups |= {"observed_data": observed_data(design), "constant_data": constant_data(design)}
    groups |= to_groups(specification.field) if specification.field else {}
    attrs = {**made, "gradients": drawn.gradients, "sampling_seconds": drawn.seconds}
    attrs |= drawn.reduction.to_attributes() if drawn.reduction else {}
    return _result(specification, groups, attrs)


def check_settings(
    draws: int,
    tune: int,
    chains: int,
    seed: int | None,
    sampler: str = SAMPLER,
    device: str = "cpu",
    coreset: bool | None = None,
) -> None:
    """Refuse numbers that no fit can be made with, and a sampler or device that is not at hand.

    Raises
    ------
    BayesqError
        If there is one.
    """
    asked = {"draws": (draws, _FEWEST_DRAWS), "tune": (tune, 1), "chains": (chains, 1)}
    for name, (value, least) in asked.items():
        if not isinstance(value, Integral) or value < least:
            raise BayesqError(f"{name} is {value!r}; it must be a whole number from {least} on.")
    if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**64):
        raise BayesqError(f"seed is {seed!r}; it must be a whole number from 0 to 2^64 - 1.")
    check_sampler(sampler)
    if coreset is not None and not isinstance(coreset, bool):
        raise BayesqError(
            f"coreset is {coreset!r}; it must be True, False, or None to go by the number of rows."
        )
    if check_device(device, sampler) == "gpu" and coreset:
        raise BayesqError(
            "Weighted rows are few and are sampled on the processor; leave coreset out, and device "
            "'gpu' samples all rows."
        )


def split_options(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tell the options of :func:`bayesq.fit` that describe a fit from those that sample it."""
    describing = {n: v for n, v in options.items() if n in signature(specify).parameters}
    return describing, {n: v for n, v in options.items() if n not in describing}


def check_options(options: Mapping[str, Any], of: Callable[..., Any]) -> None:
    """Refuse options that neither a function nor the fits that it makes know.

    Parameters
    ----------
    options : mapping
        What was given beside its own arguments.
    of : callable
        The function, which hands them on.

    Raises
    ------
    BayesqError
        If there is one.
    """
    own, theirs = (
        [a.name for a in signature(f).parameters.values() if a.kind is a.KEYWORD_ONLY]
        for f in (of, fit)
    )
    for name in options:
        if name not in theirs:
            valid = dict.fromkeys([*own, *theirs])
            raise BayesqError(f"{of.__name__} takes no {name}; {nearest(name, valid)}.")


def _result(
    specification: Specification, groups: dict[str, xr.Dataset], made: dict[str, Any]
) -> Fit:
    table = summarise(groups["posterior"], specification.parameters, prob=0.9)
    notes = _notes(specification, groups["posterior"], groups["sample_stats"], table)
    if (reduction := Reduction.from_attributes(made)) is not None:
        notes = by_severity([*notes, reduction.note])
    tree = xr.DataTree.from_dict(arranged(groups, specification))
    libraries = dict.fromkeys(("bayesq", "pymc", "jax", made["sampler"]))
    versions = {f"version_{name}": version(name) for name in libraries}
    tree.attrs = {
        **attributes_of(specification),
        "notes": notes_to_json(notes),
        **made,
        **versions,
    }
    return Fit(specification, tree, notes, convergence=table[list(CONVERGENCE)])


def _notes(
    specification: Specification, posterior: xr.Dataset, stats: xr.Dataset, table: pd.DataFrame
) -> tuple[Note, ...]:
    """Say what a reader must know of rows, sampling, priors and residuals."""
    design, parameters = specification.design, specification.parameters
    if design.pooling is None:
        # Asymptotes in nats per token, as their draws are.
        of_law = design.parameters
        looked_at = posterior, (*of_law, *parameters[len(of_law) :])
    else:
        looked_at = by_study(posterior, parameters, design.pooling)
    # Only columns that the law ignores are held against it.
    varying = bool(design.varying_formats())
    misfit = misfit_at_rows(posterior, specification.field, design.inputs) if varying else 0.0
    return by_severity(
        [
            *design.runs.notes,
            *data_notes(design.runs),
            *design.notes,
            *identification_notes(design),
            *curve_notes(design, only_errors=specification.noise.only_errors),
            *sampling_notes(stats, table),
            *prior_notes(*looked_at),
            *residual_notes(design, posterior, misfit),
            *scatter_notes(specification, posterior),
        ]
    )
