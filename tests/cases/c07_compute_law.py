"""Loss as a power of compute, its floor and exponent pinned or free."""

from bayesq import Law, Parameter, Prior


def term(N, D, alpha):
    return (6 * N * D / 1e20) ** -alpha


def loss(N, D, E, A, alpha):
    return E + A * term(N, D, alpha)


law = Law(
    name="power-of-compute",
    title="loss in compute",
    source="this case",
    loss=loss,
    stages=("none",),
    parameters=(
        Parameter("E", Prior("LogNormal", mu=0.5, sigma=0.4), "nats/token"),
        Parameter("A", Prior("LogNormal", mu=0.3, sigma=0.7), "nats/token", "scale", term),
        Parameter("alpha", Prior("Normal", mu=0.1, sigma=0.05), "1", "exponent"),
    ),
)
