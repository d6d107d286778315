"""Loss with repeated data: repeats, and parameters beyond what the unique data need, count less.

Muennighoff et al. 2023, arXiv:2305.16264: L = E + A/N_eff^alpha + B/D_eff^alpha, where
D_eff = U + U * R_D * (1 - exp(-(D/U - 1) / R_D)) for U unique tokens, and N_eff likewise beyond
U_N, the compute-optimal size for U tokens, with R_N.

It assumes one exponent for size and data, as the paper's fit does, and that repeats never hurt;
with hundreds of epochs they do.
"""

from dataclasses import replace

import numpy as np

from bayesq.law import Input, Law, Parameter, Prior, Published
from bayesq.models import chinchilla


def data(D, alpha):
    return D**-alpha


def worth(amount, unique, R):
    """Work out what an amount is worth of which `unique` are the first of their kind."""
    repeats = amount / unique - 1
    return unique * (1 + R * -np.expm1(-repeats / R))


def loss(N, D, U, E, A, B, alpha, R_D, R_N):
    enough = (A / B) ** (1 / alpha) * U
    first = (N + enough - abs(N - enough)) / 2  # the smaller of the two
    fresh = (D + U - abs(D - U)) / 2
    return (
        E + A * chinchilla.size(worth(N, first, R_N), alpha) + B * data(worth(D, fresh, R_D), alpha)
    )


law = Law(
    name="muennighoff2023",
    title="loss of full-precision training with repeated data",
    source="Muennighoff et al. 2023, arXiv:2305.16264",
    loss=loss,
    inputs=(Input("U", ("U",), unit="tokens", lacking="column U, the unique tokens, is empty"),),
    stages=("none",),
    parameters=(
        *chinchilla.law.pick("E", "A"),
        replace(chinchilla.law.pick("B")[0], term=data),
        replace(chinchilla.law.pick("alpha")[0], meaning="exponent of both"),
        # Repeats after which most of their worth is gone: 1.9 to 52, published 15.4 and 5.3.
        Parameter("R_D", Prior("LogNormal", mu=2.3, sigma=1.0), "1", "half-life of repeats"),
        Parameter("R_N", Prior("LogNormal", mu=2.3, sigma=1.0), "1", "the same of parameters"),
    ),
    published=(
        Published(
            "muennighoff2023",
            {"E": float(np.exp(0.6254804)), "A": float(np.exp(6.255414))}
            | {"B": float(np.exp(7.3049974)), "alpha": 0.3526596}
            | {"R_D": 15.387756, "R_N": 5.309743},
            "huggingface/datablations, README",
        ),
    ),
    observed={"N": (7.1e6, 8.67e9), "D": (1e8, 9e11), "U": (1e8, 1.78e11)},
)
