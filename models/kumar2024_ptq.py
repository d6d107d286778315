"""Degradation by quantizing the weights after training.

Kumar et al. 2024, arXiv:2411.04330, equation 2:
delta = C_T * D^gamma_D / N^gamma_N * exp(-P_post / gamma_post).

It assumes an exponential in bits (Ouyang et al. have a power), no dependence on group size or
format, and round-to-nearest or a method that behaves alike; fit one method and group at a time.
"""

import numpy as np

from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior, Published
from bayesq.models import chinchilla


def sensitivity(N, D, P, gamma_D, gamma_N, gamma_post):
    return D**gamma_D / N**gamma_N * np.exp(-P / gamma_post)


def degradation(N, D, P, C_T, gamma_D, gamma_N, gamma_post):
    return C_T * sensitivity(N, D, P, gamma_D, gamma_N, gamma_post)


def critical_tokens(N, P, B, beta, C_T, gamma_D, gamma_N, gamma_post):
    """Tokens at which dL/dD = 0 (Kumar et al. 2024, critical data size)."""
    ratio = beta * B * N**gamma_N * np.exp(P / gamma_post) / (gamma_D * C_T)
    return ratio ** (1 / (beta + gamma_D))


law = Law(
    name="kumar2024-ptq",
    title="degradation by weight quantization after training",
    source="Kumar et al. 2024, arXiv:2411.04330, eq. 2",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(WEIGHT_BITS,),
    stages=("post",),
    parameters=(
        # Degradation in the middle of the data: 0.0026 to 0.36 nats (90 %).
        Parameter(
            "C_T", Prior("LogNormal", mu=-3.5, sigma=1.5), "nats/token", "scale", sensitivity
        ),
        # Wide enough for none at all (Catalan-Tatjer et al. 2025) and for either sign.
        Parameter("gamma_D", Prior("Normal", mu=0.4, sigma=0.3), "1", "exponent of tokens"),
        Parameter("gamma_N", Prior("Normal", mu=0.35, sigma=0.3), "1", "exponent of parameters"),
        # Rounding error falls fourfold a bit, which is 0.72; transcripts of Kumar's fit say less.
        Parameter("gamma_post", Prior("LogNormal", mu=-0.4, sigma=0.35), "bits", "decay in bits"),
    ),
    published=(
        # gamma_post is left out: no transcript of it could be checked.
        Published(
            "kumar2024",
            {"C_T": 0.0598, "gamma_D": 0.5068, "gamma_N": 0.3439},
            "Kumar et al. 2024, table of fitted constants",
            checked=False,
        ),
    ),
    observed={"N": (3.0e7, 2.2e8), "D": (1.5e9, 2.6e10)},
    closed={"critical_tokens": critical_tokens},
)
