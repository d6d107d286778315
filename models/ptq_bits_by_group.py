"""For comparison: degradation after training with bits and group size interacting.

Kumar's law times (log2 G)^(gamma_G + gamma_PG * (P - 4)): at 4 bits the group acts with the
exponent gamma_G, and by gamma_PG more for each further bit. gamma_PG = 0 is bits and group apart.
"""

import numpy as np

from bayesq.law import GROUP, WEIGHT_BITS, Law, Parameter, Prior
from bayesq.models import chinchilla


def sensitivity(N, D, P, G, gamma_D, gamma_N, gamma_post, gamma_G, gamma_PG):
    of_group = np.log2(G) ** (gamma_G + gamma_PG * (P - 4))
    return D**gamma_D / N**gamma_N * np.exp(-P / gamma_post) * of_group


def degradation(N, D, P, G, k, gamma_D, gamma_N, gamma_post, gamma_G, gamma_PG):
    return k * sensitivity(N, D, P, G, gamma_D, gamma_N, gamma_post, gamma_G, gamma_PG)


law = Law(
    name="ptq-bits-by-group",
    title="degradation after training, bits and group interacting, for comparison",
    source="Kumar et al. 2024, eq. 2, with the group of Chen et al. 2025",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(WEIGHT_BITS, GROUP),
    stages=("post",),
    # As in kumar2024-ptq and, for the group, chen2025.
    parameters=(
        Parameter("k", Prior("LogNormal", mu=-3.5, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("gamma_D", Prior("Normal", mu=0.4, sigma=0.3), "1", "exponent of tokens"),
        Parameter("gamma_N", Prior("Normal", mu=0.35, sigma=0.3), "1", "exponent of parameters"),
        Parameter("gamma_post", Prior("LogNormal", mu=-0.4, sigma=0.35), "bits", "decay in bits"),
        Parameter("gamma_G", Prior("Normal", mu=0.7, sigma=0.5), "1", "exponent of log2 group"),
        # Over four bits the exponent moves by 0.66 either way (90 %).
        Parameter("gamma_PG", Prior("Normal", mu=0.0, sigma=0.1), "1/bit", "the same a bit"),
    ),
)
