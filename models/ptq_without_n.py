"""For comparison: degradation after training that does not depend on the size.

As Kumar's law without N: delta = k * D^gamma_D * exp(-P / gamma_post).
"""

import numpy as np

from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior
from bayesq.models import chinchilla


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
    # As in kumar2024-ptq.
    parameters=(
        Parameter("k", Prior("LogNormal", mu=-3.5, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("gamma_D", Prior("Normal", mu=0.4, sigma=0.3), "1", "exponent of tokens"),
        Parameter("gamma_post", Prior("LogNormal", mu=-0.4, sigma=0.35), "bits", "decay in bits"),
    ),
)
