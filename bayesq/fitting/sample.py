"""From a PyMC model to draws, with the pointwise log-likelihood and the log-prior beside them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numba
import numpy as np
import nutpie
import pymc as pm
import pytensor
import pytensor.tensor as pt
import xarray as xr
from pymc.model.transform.conditioning import remove_value_transforms
from pytensor.compile.mode import Mode
from pytensor.graph.replace import vectorize_graph

from bayesq.model.coordinates import COORDINATES

# The variable of the group that holds the sampler's coordinates.
COORDINATE = "coordinate"


# Up to so many rows a model is compiled without optimizations.
_FEW_ROWS = 1000


def compile_model(model: pm.Model, *, progress: bool = False) -> Any:
    """Compile a model for the sampler. Most of the time of a small fit goes here.

    Without "fast math", with which the last digits depend on whether the functions come from the
    compiler or from its cache on disk: the first fit on a machine would have other draws than the
    second. And without most optimizations for small tables, where they take longer than they save:
    4 s of compiling against a fifth of the sampling, which takes 1 s with 28 rows and 9 s with 722.
    """
    strict = pytensor.config.change_flags(numba__fastmath=False)
    small = len(model.coords["row"]) <= _FEW_ROWS
    with _status("compiling the model", progress), strict, _optimized(not small):
        return nutpie.compile_pymc_model(model, var_names=_compiled(model))


def _compiled(model: pm.Model) -> list[str]:
    """Name what each draw tells at once: all but the parts of the misfit.

    These take as long to compile as all else together, and :func:`with_misfit` works them out of
    the other draws. Where measured values can be replaced it could not know them.
    """
    names = [v.name for v in (*model.free_RVs, *model.deterministics)]
    if "measured" in model.named_vars:
        return names
    return [name for name in names if not name.startswith("misfit_")]


def with_misfit(model: pm.Model, tree: xr.DataTree) -> dict[str, xr.Dataset]:
    """Add the parts of the misfit to the draws of a model, and put its coordinates apart.

    Returns
    -------
    dict of str to Dataset
        Groups ``posterior``, ``sample_stats``, and ``unconstrained_posterior``: the draws in the
        coordinates in which the sampler moved, dimensions chain, draw and unconstrained_parameter.
    """
    groups = {str(name): group.to_dataset() for name, group in tree.children.items()}
    posterior = groups["posterior"]
    parts = [v for v in model.deterministics if v.name.startswith("misfit_")]
    if parts and parts[0].name not in posterior:
        found = at_draws(parts, {v: v.name for v in model.free_RVs}, posterior)
        shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
        dims = model.named_vars_to_dims
        posterior = posterior.assign(
            {
                v.name: (("chain", "draw", *dims[v.name]), values.reshape(*shape, -1))
                for v, values in zip(parts, found, strict=True)
            }
        )
    moved = _unbounded(model, posterior)
    names = [n for n in posterior if str(n).startswith(COORDINATES)]
    posterior = posterior.drop_vars(names)
    # The parts' coordinates have a dimension of their own.
    own = [d for d in posterior.dims if str(d).startswith(COORDINATES)]
    return groups | {"posterior": posterior.drop_dims(own), "unconstrained_posterior": moved}


def _unbounded(model: pm.Model, posterior: xr.Dataset) -> xr.Dataset:
    """Draws of the free variables of a model, each as its transform has it, one after the other."""
    wanted: list[Any] = []
    for v in model.free_RVs:
        transform = model.rvs_to_transforms[v]
        wanted.append(v if transform is None else transform.forward(v, *v.owner.inputs))
    found = at_draws(wanted, {v: v.name for v in model.free_RVs}, posterior)
    shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
    flat = np.concatenate([np.reshape(f, (*shape, -1)) for f in found], axis=2)
    coords = {d: posterior[d] for d in ("chain", "draw")}
    return xr.Dataset({COORDINATE: (("chain", "draw", "unconstrained_parameter"), flat)}, coords)


def suited(wrong: bool, pooled: bool) -> dict[str, Any]:
    """Tell how to sample a model: one with a discrepancy, one with studies."""
    # Where spreads between studies are near 0 the posterior has a neck.
    return {"low_rank": wrong or pooled, "target_accept": 0.99 if pooled else None}


def sample(
    compiled: Any,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    low_rank: bool = True,
    target_accept: float | None = None,
    progress: bool = False,
) -> xr.DataTree:
    """Draw from the posterior of a compiled model.

    Without a discrepancy, where law and noise alone are sampled, low-rank adaptation diverges on
    tables that the diagonal one samples without a divergence: say ``low_rank=False``.

    Returns
    -------
    DataTree
        Groups ``posterior`` and ``sample_stats``, dimensions chain and draw; the sampler's
        coordinates are among the draws.
    """
    running = nutpie.sample(
        compiled,
        draws=draws,
        tune=tune,
        chains=chains,
        seed=seed,
        progress_bar=progress,
        save_warmup=False,
        # With the misfit centred on what the rows tell, what remains is nearly normal, and its
        # correlations are learned: 2 to 10 times the effective draws of the diagonal adaptation.
        adaptation="low_rank" if low_rank else "diag",
        **({} if target_accept is None else {"target_accept": target_accept}),
        blocking=False,
    )
    try:
        tree = running.wait()
    except BaseException:
        # Waiting for it in nutpie would turn Ctrl-C into a shorter result that looks whole.
        running.cancel()
        raise
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    # Text of divergences cannot be written to netCDF and says nothing that the flag does not.
    stats = stats.drop_vars([n for n in stats if stats[n].dtype == object])
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def log_densities(model: pm.Model, posterior: xr.Dataset) -> dict[str, xr.Dataset]:
    """Evaluate likelihood and prior at every draw.

    Returns
    -------
    dict of str to Dataset
        ``log_likelihood`` with dimensions chain, draw, row, on the scale of the noise, and
        ``log_prior`` with one variable a free parameter.
    """
    plain = remove_value_transforms(model)
    free, observed = plain.free_RVs, plain.observed_RVs
    terms = plain.logp(vars=[*free, *observed], sum=False, jacobian=False)
    densities = at_draws(terms, {plain.rvs_to_values[v]: v.name for v in free}, posterior)
    shape = tuple(posterior.sizes[d] for d in ("chain", "draw"))
    values = [np.reshape(d, (*shape, *d.shape[1:])) for d in densities]
    prior = {v.name: (posterior[v.name].dims, d) for v, d in zip(free, values, strict=False)}
    likelihood = {
        v.name: (("chain", "draw", "row"), d)
        for v, d in zip(observed, values[len(free) :], strict=True)
    }
    coords = {str(d): posterior[d] for d in posterior.dims}
    rows = {"row": np.asarray(model.coords["row"])}
    return {
        "log_likelihood": xr.Dataset(likelihood, {d: coords[d] for d in ("chain", "draw")} | rows),
        "log_prior": xr.Dataset(prior, coords),
    }


def at_draws(wanted: list[Any], of: dict[Any, str], posterior: xr.Dataset) -> list[np.ndarray]:
    """Evaluate graphs at every draw of the variables that they are functions `of`.

    Returns
    -------
    list of ndarray
        Each of shape ``(draws, ...)``, those of one chain after those of another.
    """
    return batched(wanted, of)(*(_flat(posterior[n].values) for n in of.values()))


def batched(wanted: list[Any], of: dict[Any, str]) -> Callable[..., list[np.ndarray]]:
    """Make a function that evaluates graphs at many draws of the variables that they depend on.

    All draws go through one batched graph run by NumPy: compiling a function, as PyMC's own
    ``compute_log_likelihood`` does, takes ten times as long as evaluating it.
    """
    batch = {v: pt.tensor(n, dtype=v.dtype, shape=(None,) * (v.ndim + 1)) for v, n in of.items()}
    made: Callable[..., list[np.ndarray]] = pytensor.function(
        list(batch.values()),
        vectorize_graph(wanted, replace=batch),
        mode=Mode(linker="py", optimizer="fast_compile"),
        on_unused_input="ignore",
    )
    return made


def _flat(values: np.ndarray) -> np.ndarray:
    """Put the draws of all chains into one dimension, the first."""
    return values.reshape(-1, *values.shape[2:])


@contextmanager
def _optimized(fully: bool) -> Iterator[None]:
    """Let Numba optimize what it compiles, or not."""
    settings: Any = numba.config
    before = settings.OPT
    settings.OPT = before if fully else type(before)(0)
    try:
        yield
    finally:
        settings.OPT = before


@contextmanager
def _status(message: str, show: bool) -> Iterator[None]:
    if not (show and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(message):
        yield
