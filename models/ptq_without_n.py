"""For comparison: degradation after training that does not depend on the size.

As Kumar's law without N: delta = k * D^gamma_D * exp(-P / gamma_post).
"""

from dataclasses import replace

import numpy as np

from bayesq.law import WEIGHT_BITS, Law
from bayesq.models import chinchilla, kumar2024_ptq


def sensitivity(D, P, gamma_D, gamma_post):
    return D**gamma_D * np.exp(-P / gamma_post)


def degradation(D, P, k, gamma_D, gamma_post):
    return k * sensitivity(D, P, gamma_D, gamma_post)


law = Law(
    name="ptq-without-n",
    title="degradation after training that ignores the size, for comparison",
    source="Kumar et al. 2024, eq. 2, without N",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(WEIGHT_BITS,),
    stages=("post",),
    parameters=(
        replace(kumar2024_ptq.law.pick("C_T")[0], symbol="k", term=sensitivity),
        *kumar2024_ptq.law.pick("gamma_D", "gamma_post"),
    ),
)
