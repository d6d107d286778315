"""Fit a law to runs: choose rows, sample, diagnose, and hand back the result."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from inspect import signature
from numbers import Integral
from typing import Any

import numpy as np
import xarray as xr

from bayesq.errors import BayesqError, nearest
from bayesq.fitting.diagnose import prior_notes, residual_notes, sampling_notes
from bayesq.fitting.identification import identification_notes
from bayesq.fitting.misfit import misfit_at_rows
from bayesq.fitting.result import Fit, notes_to_json, summarise
from bayesq.fitting.storage import FORMAT
from bayesq.fitting.studies import by_study
from bayesq.law.checks import MADE_BY_A_FIT
from bayesq.law.formulas import arguments_of
from bayesq.law.law import Law
from bayesq.law.registry import find_law
from bayesq.model.design import Design, design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.learned import lay
from bayesq.model.names import Names
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise
from bayesq.model.pooling import pool
from bayesq.model.surfaces import Laid, lay_by_study, to_groups
from bayesq.notes import by_severity
from bayesq.progress import Progress, showing
from bayesq.runs.runs import Runs
from bayesq.sampling.compiled import Compiled
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE

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
        (column loss_se and a rest), ``"falls-with-D"``; with effects that rows share after a plus:
        ``"student-t + run"``, also ``budget`` and ``cell``; or a noise of your own.
    discrepancy : bool or Discrepancy
        How wrong the law may be, which is what widens intervals outside the data: by default as
        wrong as laws were on pools of runs; False for a law that is taken to be true.
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
    asked = {"draws": (draws, _FEWEST_DRAWS), "tune": (tune, 1), "chains": (chains, 1)}
    for name, (value, least) in asked.items():
        if not isinstance(value, Integral) or value < least:
            raise BayesqError(f"{name} is {value!r}; it must be a whole number from {least} on.")
    if seed is not None and not (isinstance(seed, Integral) and 0 <= seed < 2**64):
        raise BayesqError(f"seed is {seed!r}; it must be a whole number from 0 to 2^64 - 1.")
    law = find_law(law)
    chosen = design(runs, law, response)
    if pool_by is not None:
        chosen = pool(chosen, pool_by)
    scatter = find_noise(noise, chosen.response)
    _check_noise(scatter, chosen)
    together = lay(chosen, discrepancy)
    wrong = together if chosen.pooling is None else lay_by_study(chosen, together)
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    with showing(progress) as told:
        model = Compiled(chosen, scatter, wrong, say=told.say)
        drawn = model.sample(
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            step=lambda done, of: told.step(done, of, "sampling"),
        )
        told.say("working out what the draws tell")
        groups = model.groups(drawn.points) | {"sample_stats": drawn.stats} | _data(chosen)
        groups |= to_groups(wrong[1]) if wrong else {}
        made: dict[str, float] = {"seed": seed, "draws": draws, "tune": tune}
        made |= {"gradients": drawn.gradients, "sampling_seconds": drawn.seconds}
        return _result(chosen, scatter, wrong, groups, made)


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


def _check_noise(noise: Noise, chosen: Design) -> None:
    """Refuse a noise whose names the fit has for something else, or whose width it cannot know."""
    of_law = {p.symbol for p in chosen.parameters} | set(chosen.inputs)
    own = {p.symbol for p in noise.parameters}
    if twice := sorted(own & (of_law | set(chosen.middles) | MADE_BY_A_FIT)):
        raise BayesqError(
            f"Noise {noise.name} calls a parameter {', '.join(twice)}, as law {chosen.law.name} or "
            "the fit itself calls something else; rename it."
        )
    known = own | of_law | set(chosen.middles) | {"mean", "loss_se"}
    if strange := sorted(set(arguments_of(noise.width)) - known):
        raise BayesqError(
            f"The width of noise {noise.name} takes {', '.join(strange)}, which is none of its "
            f"parameters, of mean, loss_se and the inputs of law {chosen.law.name}; rename it."
        )
    if noise.on == "log" and (chosen.observed <= 0).any():
        raise BayesqError(
            f"Noise {noise.name} is on the logarithm, and some rows have a {chosen.response} of 0 "
            "or below; write on='value', or drop those rows."
        )


def _data(chosen: Design) -> dict[str, xr.Dataset]:
    rows = {"row": chosen.index}
    known = {symbol: ("row", values) for symbol, values in chosen.inputs.items()}
    known["cluster"] = ("row", chosen.runs.cluster)
    if chosen.response != "loss":
        known["loss"] = ("row", chosen.runs.columns["loss"])
        # What the loss of these rows depends on, where their degradation does not.
        for i in chosen.law.inputs_of("loss"):
            if i.symbol not in known:
                known[i.symbol] = ("row", np.asarray(i.values(chosen.runs.columns), dtype=float))
    return {
        "observed_data": xr.Dataset({chosen.response: ("row", chosen.observed)}, rows),
        "constant_data": xr.Dataset(known, rows),
    }


def _result(
    chosen: Design,
    noise: Noise,
    wrong: tuple[Discrepancy, Laid] | None,
    groups: dict[str, xr.Dataset],
    made: dict[str, float],
) -> Fit:
    stated = chosen.parameters
    if chosen.pooling is not None:
        stated = chosen.law.parameters_of(chosen.response)  # each study has a typical loss
    parameters = (*stated, *noise.parameters)
    if wrong is not None:
        parameters += wrong[0].parameters(wrong[1])
    posterior = groups["posterior"]
    for p in parameters:
        for name in Names(p).values(posterior).values():
            posterior[name].attrs["units"] = p.unit
    table = summarise(posterior, parameters, prob=0.9)
    notes = by_severity(
        [
            *chosen.notes,
            *identification_notes(chosen),
            *sampling_notes(groups["sample_stats"], table),
            *(
                prior_notes(posterior, parameters)
                if chosen.pooling is None
                else prior_notes(*by_study(posterior, parameters, chosen.pooling))
            ),
            *residual_notes(chosen, posterior, misfit_at_rows(posterior, wrong, chosen.inputs)),
        ]
    )
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "format": FORMAT,
        "law": json.dumps(chosen.law.to_dict()),
        "law_digest": chosen.law.digest,
        "law_parts": json.dumps(chosen.law.parts),
        "response": chosen.response,
        "noise": json.dumps(noise.to_dict()),
        "discrepancy": json.dumps(wrong[0].to_dict() if wrong else None),
        "typical_loss": chosen.typical,
        "source": chosen.runs.source,
        "rows": len(chosen.runs),
        "fingerprint": chosen.runs.fingerprint,
        "pivots": json.dumps(chosen.pivots),
        "formats": json.dumps(chosen.formats()),
        "notes": notes_to_json(notes),
        **({} if chosen.pooling is None else {"pooling": json.dumps(asdict(chosen.pooling))}),
        **made,
        **{f"version_{name}": version(name) for name in ("bayesq", "pymc", "nutpie")},
    }
    return Fit(chosen.law, tree, notes, noise, design=chosen)
