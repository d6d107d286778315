"""For comparison: degradation after training with bits and group size interacting.

Kumar's law times (log2 G)^(gamma_G + gamma_PG * (P - 4)): at 4 bits the group acts with the
exponent gamma_G, and by gamma_PG more for each further bit. gamma_PG = 0 is bits and group apart.
"""

from dataclasses import replace

import numpy as np

from bayesq.law import GROUP, WEIGHT_BITS, Law, Parameter, Prior
from bayesq.models import chen2025, chinchilla, kumar2024_ptq


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
    parameters=(
        replace(kumar2024_ptq.law.pick("C_T")[0], symbol="k", term=sensitivity),
        *kumar2024_ptq.law.pick("gamma_D", "gamma_N", "gamma_post"),
        *chen2025.law.pick("gamma_G"),
        # Over four bits the exponent moves by 0.66 either way (90 %).
        Parameter("gamma_PG", Prior("Normal", mu=0.0, sigma=0.1), "1/bit", "the same a bit"),
    ),
)
