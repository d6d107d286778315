"""The same model in NumPyro, written by hand with care: 4 chains in parallel, compiled once.

Rows are arguments of the compiled sampler, so that other rows of equal count compile nothing.
"""

from __future__ import annotations

import csv
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from contender import contend
from numpyro.infer import MCMC, NUTS

numpyro.set_host_device_count(4)
numpyro.enable_x64()


def model(N: Any, D: Any, log_loss: Any) -> None:
    """Lay down the law and its noise."""
    E = numpyro.sample("E", dist.LogNormal(0.4, 0.5))
    A = numpyro.sample("A", dist.LogNormal(6, 2))
    B = numpyro.sample("B", dist.LogNormal(6, 2))
    alpha = numpyro.sample("alpha", dist.LogNormal(-1.05, 0.5))
    beta = numpyro.sample("beta", dist.LogNormal(-1.05, 0.5))
    sigma = numpyro.sample("sigma", dist.HalfNormal(0.05))
    nu = numpyro.sample("nu", dist.Gamma(2, 0.1))
    mu = jnp.log(E + A * N**-alpha + B * D**-beta)
    numpyro.sample("loss", dist.StudentT(nu, mu, sigma), obs=log_loss)


sampler = MCMC(
    NUTS(model),
    num_warmup=1000,
    num_samples=1000,
    num_chains=4,
    chain_method="parallel",
    progress_bar=False,
    jit_model_args=True,
)


def fit(table: str) -> tuple[dict[str, Any], dict[str, float]]:
    """Fit the law and print the summary."""
    with open(table, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    N, D, loss = (np.array([float(row[name]) for row in rows]) for name in ("N", "D", "loss"))
    start = time.perf_counter()
    sampler.run(jax.random.key(1), N, D, np.log(loss), extra_fields=("num_steps",))
    draws = {name: np.asarray(d) for name, d in sampler.get_samples(group_by_chain=True).items()}
    spent = time.perf_counter() - start
    sampler.print_summary()
    steps = float(
        np.sum(sampler.get_extra_fields()["num_steps"])
    )  # of the draws that are kept only
    return draws, {"sampling_seconds": spent, "gradients": steps}


contend(fit)
