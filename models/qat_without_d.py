"""For comparison: degradation by quantization-aware training that does not depend on the tokens.

As Chen's law without D: delta = k * (log2 G)^gamma_G / N^gamma_N. An effective size that is the
same at every D (Kumar et al. 2024, Frantar et al. 2025) is of this kind.
"""

from dataclasses import replace

import numpy as np

from bayesq.law import GROUP, Law
from bayesq.models import chen2025, chinchilla


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
    parameters=(
        replace(chen2025.law.pick("k")[0], term=sensitivity),
        *chen2025.law.pick("gamma_N", "gamma_G"),
    ),
)
