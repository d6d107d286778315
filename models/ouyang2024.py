"""Degradation by quantization after training, a power of the bits.

Ouyang et al. 2024, arXiv:2411.17691: QiD = k * D^beta / (N^alpha * P^gamma), where QiD is the
quantization-induced degradation.

It assumes a power of bits (Kumar et al. have an exponential), no dependence on group size or
format, and one method. Under its base law stand Hoffmann's exponents as alpha_base and beta_base.
"""

from bayesq.law import WEIGHT_BITS, Law, Parameter, Prior, Published, renamed
from bayesq.models import chinchilla


def sensitivity(N, D, P, beta, alpha, gamma):
    return D**beta / (N**alpha * P**gamma)


def degradation(N, D, P, k, beta, alpha, gamma):
    return k * sensitivity(N, D, P, beta, alpha, gamma)


def tokens_to_degradation(level, N, P, k, beta, alpha, gamma):
    """Tokens at which the degradation reaches a level: the formula solved for D."""
    return (level * N**alpha * P**gamma / k) ** (1 / beta)


law = Law(
    name="ouyang2024",
    title="degradation by weight quantization after training, power of bits",
    source="Ouyang et al. 2024, arXiv:2411.17691",
    base=renamed(chinchilla.law, alpha="alpha_base", beta="beta_base"),
    degradation=degradation,
    inputs=(WEIGHT_BITS,),
    stages=("post",),
    parameters=(
        # Degradation in the middle of the data: 0.0026 to 0.36 nats (90 %).
        Parameter("k", Prior("LogNormal", mu=-3.5, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("beta", Prior("Normal", mu=0.4, sigma=0.3), "1", "exponent of tokens"),
        Parameter("alpha", Prior("Normal", mu=0.35, sigma=0.3), "1", "exponent of parameters"),
        # From a third of the error left at twice the bits (1.6) to a 500th (9).
        Parameter("gamma", Prior("LogNormal", mu=1.5, sigma=0.5), "1", "exponent of bits"),
    ),
    published=(
        Published(
            "ouyang2024",
            {"k": 0.017, "beta": 0.5251, "alpha": 0.2261, "gamma": 5.4967},
            "Ouyang et al. 2024, unified fit",
            checked=False,
        ),
    ),
    observed={"N": (1.6e8, 1.2e10), "P": (2, 4)},
    closed={"tokens_to_degradation": tokens_to_degradation},
)
