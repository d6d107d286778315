"""For comparison: degradation by quantization-aware training that does not depend on the tokens.

As Chen's law without D: delta = k * (log2 G)^gamma_G / N^gamma_N. An effective size that is the
same at every D (Kumar et al. 2024, Frantar et al. 2025) is of this kind.
"""

import numpy as np

from bayesq.law import GROUP, Law, Parameter, Prior
from bayesq.models import chinchilla


def sensitivity(N, G, gamma_N, gamma_G):
    return np.log2(G) ** gamma_G / N**gamma_N


def degradation(N, G, k, gamma_N, gamma_G):
    return k * sensitivity(N, G, gamma_N, gamma_G)


law = Law(
    name="qat-without-d",
    title="degradation by quantization-aware training that ignores the tokens, for comparison",
    source="Chen et al. 2025, arXiv:2505.14302, without D",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(GROUP,),
    stages=("train",),
    # As in chen2025.
    parameters=(
        Parameter("k", Prior("LogNormal", mu=-3.0, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("gamma_N", Prior("Normal", mu=0.25, sigma=0.3), "1", "exponent of parameters"),
        Parameter("gamma_G", Prior("Normal", mu=0.7, sigma=0.5), "1", "exponent of log2 group"),
    ),
)
