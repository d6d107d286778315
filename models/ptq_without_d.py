"""For comparison: degradation after training that does not depend on the tokens.

As Kumar's law without D: delta = k * exp(-P / gamma_post) / N^gamma_N. The claim that learning-rate
decay and not D drives the error (Catalan-Tatjer et al. 2025, arXiv:2510.06213) is this law; so is
an effective size that is the same at every D.
"""

from dataclasses import replace

import numpy as np

from bayesq.law import WEIGHT_BITS, Law
from bayesq.models import chinchilla, kumar2024_ptq


def sensitivity(N, P, gamma_N, gamma_post):
    return np.exp(-P / gamma_post) / N**gamma_N


def degradation(N, P, k, gamma_N, gamma_post):
    return k * sensitivity(N, P, gamma_N, gamma_post)


law = Law(
    name="ptq-without-d",
    title="degradation after training that ignores the tokens, for comparison",
    source="Kumar et al. 2024, eq. 2, without D",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(WEIGHT_BITS,),
    stages=("post",),
    parameters=(
        replace(kumar2024_ptq.law.pick("C_T")[0], symbol="k", term=sensitivity),
        *kumar2024_ptq.law.pick("gamma_N", "gamma_post"),
    ),
)
