"""Degradation by quantization-aware training, in size, data and group size.

Chen et al. 2025, arXiv:2505.14302: delta = k * D^gamma_D * (log2 G)^gamma_G / N^gamma_N,
one set of constants for each scheme (W4A4, W4A16, W16A4).

It assumes one scheme and one bit-width in a fit, and an error that falls with size and grows with
data and group size. chen2025-schemes fits the schemes together. A group of one channel or token
counts as the elements of a row, where column row_length says how many these are.
"""

import numpy as np

from bayesq.law import GROUP, Law, Parameter, Prior, Published
from bayesq.models import chinchilla


def sensitivity(N, D, G, gamma_N, gamma_D, gamma_G):
    return D**gamma_D * np.log2(G) ** gamma_G / N**gamma_N


def degradation(N, D, G, k, gamma_N, gamma_D, gamma_G):
    return k * sensitivity(N, D, G, gamma_N, gamma_D, gamma_G)


def critical_tokens(N, G, B, beta, k, gamma_N, gamma_D, gamma_G):
    """Tokens at which the loss of base and degradation together turns up: dL/dD = 0."""
    ratio = beta * B * N**gamma_N / (gamma_D * k * np.log2(G) ** gamma_G)
    return ratio ** (1 / (beta + gamma_D))


BASE = {"E": 1.9279, "A": 237.70, "B": 596.25, "alpha": 0.3022, "beta": 0.3022}


def _published(scheme, k, gamma_N, gamma_D, gamma_G):
    values = {"k": k, "gamma_N": gamma_N, "gamma_D": gamma_D, "gamma_G": gamma_G}
    # The paper's INT4, of weights, activations or both.
    widths = {"w_bits": scheme[1:].split("A")[0], "a_bits": scheme.split("A")[1]}
    formats = {column: (bits,) for column, bits in widths.items()}
    source = f"Chen et al. 2025, fit of {scheme}"
    return Published(scheme, BASE | values, source, formats=formats)


law = Law(
    name="chen2025",
    title="degradation by quantization-aware training, one scheme",
    source="Chen et al. 2025, arXiv:2505.14302",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(GROUP,),
    stages=("train",),
    parameters=(
        # Degradation in the middle of the data: 0.0042 to 0.59 nats (90 %).
        Parameter("k", Prior("LogNormal", mu=-3.0, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("gamma_N", Prior("Normal", mu=0.25, sigma=0.3), "1", "exponent of parameters"),
        Parameter("gamma_D", Prior("Normal", mu=0.1, sigma=0.3), "1", "exponent of tokens"),
        Parameter("gamma_G", Prior("Normal", mu=0.7, sigma=0.5), "1", "exponent of log2 group"),
    ),
    published=(
        _published("W4A4", 0.1582, 0.2186, 0.0745, 0.7779),
        _published("W4A16", 0.2522, 0.3589, 0.1610, 0.3533),
        _published("W16A4", 0.1004, 0.1816, 0.0331, 0.9812),
    ),
    observed={"N": (7.4e7, 5.95e8), "D": (1.0e10, 1.0e11), "G": (32, 256)},
    closed={"critical_tokens": critical_tokens},
)
