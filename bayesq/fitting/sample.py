"""From a PyMC model to draws, with the pointwise log-likelihood and the log-prior beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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


def compile_model(model: pm.Model, *, progress: bool = False) -> Any:
    """Compile a model for the sampler. Most of the time of a small fit goes here.

    Without "fast math", with which the last digits depend on whether the functions come from the
    compiler or from its cache on disk: the first fit on a machine would have other draws than the
    second.
    """
    strict = pytensor.config.change_flags(numba__fastmath=False)
    with _status("compiling the model", progress), strict:
        return nutpie.compile_pymc_model(model)


def sample(
    compiled: Any,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    low_rank: bool = True,
    progress: bool = False,
) -> xr.DataTree:
    """Draw from the posterior of a compiled model.

    Without a discrepancy, where law and noise alone are sampled, low-rank adaptation diverges on
    tables that the diagonal one samples without a divergence: say ``low_rank=False``.

    Returns
    -------
    DataTree
        Groups ``posterior`` and ``sample_stats``, dimensions chain and draw.
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
        blocking=False,
    )
    try:
        tree = running.wait()
    except BaseException:
        # Waiting for it in nutpie would turn Ctrl-C into a shorter result that looks whole.
        running.cancel()
        raise
    posterior, stats = tree["posterior"].to_dataset(), tree["sample_stats"].to_dataset()
    posterior = posterior.drop_vars([n for n in posterior if str(n).startswith(COORDINATES)])
    # Text of divergences cannot be written to netCDF and says nothing that the flag does not.
    stats = stats.drop_vars([n for n in stats if stats[n].dtype == object])
    return xr.DataTree.from_dict({"posterior": posterior, "sample_stats": stats})


def log_densities(model: pm.Model, posterior: xr.Dataset) -> dict[str, xr.Dataset]:
    """Evaluate likelihood and prior at every draw.

    All draws go through one batched graph run by NumPy: compiling a function, as PyMC's own
    ``compute_log_likelihood`` does, takes ten times as long as evaluating it.

    Returns
    -------
    dict of str to Dataset
        ``log_likelihood`` with dimensions chain, draw, row, on the scale of the noise, and
        ``log_prior`` with one variable a free parameter.
    """
    plain = remove_value_transforms(model)
    free, observed = plain.free_RVs, plain.observed_RVs
    terms = plain.logp(vars=[*free, *observed], sum=False, jacobian=False)
    batch = {
        plain.rvs_to_values[v]: pt.tensor(v.name, dtype=v.dtype, shape=(None,) * (v.ndim + 1))
        for v in free
    }
    densities = pytensor.function(
        list(batch.values()),
        vectorize_graph(terms, replace=batch),
        mode=Mode(linker="py", optimizer="fast_compile"),
    )(*(_flat(posterior[v.name].values) for v in free))
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


def _flat(values: np.ndarray) -> np.ndarray:
    """Put the draws of all chains into one dimension, the first."""
    return values.reshape(-1, *values.shape[2:])


@contextmanager
def _status(message: str, show: bool) -> Iterator[None]:
    if not (show and sys.stderr.isatty()):
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(message):
        yield
