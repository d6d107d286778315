"""The base law of loss in size and data.

Hoffmann et al. 2022, arXiv:2203.15556, equation 2: L = E + A / N^alpha + B / D^beta.

It assumes that size and data act apart from each other, that each alone follows a power law, and
that every run was trained well; on real pools the last is the first to fail.
"""

from bayesq.law import Law, Parameter, Prior, Published


def size(N, alpha):
    return N**-alpha


def data(D, beta):
    return D**-beta


def loss(N, D, E, A, B, alpha, beta):
    return E + A * size(N, alpha) + B * data(D, beta)


def compute_optimal(compute, A, B, alpha, beta):
    """Hoffmann et al. 2022, equation 4: size and tokens of least loss at compute = 6 N D."""
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    each = compute / 6
    return {
        "N": G * each ** (beta / (alpha + beta)),
        "D": each ** (alpha / (alpha + beta)) / G,
    }


law = Law(
    name="chinchilla",
    title="loss of full-precision training in size and data",
    source="Hoffmann et al. 2022, arXiv:2203.15556, eq. 2",
    loss=loss,
    stages=("none",),
    parameters=(
        # What the best model of that text and tokenizer could reach, as a share of the typical
        # loss: 0.21 to 0.77 (90 %). Fits to 13 pools whole lie between 0.37 and 0.77; fits to
        # their smaller runs alone come out higher, so the middle is lower.
        Parameter(
            "E",
            Prior("LogNormal", mu=-0.92, sigma=0.4),
            "nats/token",
            "irreducible loss",
            share=True,
            asymptote=True,
        ),
        # Each term's share of the loss in the middle of the data: 0.1 to 2.6 nats (90 %).
        Parameter(
            "A", Prior("LogNormal", mu=-0.7, sigma=1.0), "nats/token", "size coefficient", size
        ),
        Parameter(
            "B", Prior("LogNormal", mu=-0.7, sigma=1.0), "nats/token", "data coefficient", data
        ),
        # Published exponents lie between 0.06 and 0.64; most between 0.25 and 0.5.
        Parameter(
            "alpha", Prior("LogNormal", mu=-1.05, sigma=0.5), "1", "size exponent", slope_of="A"
        ),
        Parameter(
            "beta", Prior("LogNormal", mu=-1.05, sigma=0.5), "1", "data exponent", slope_of="B"
        ),
    ),
    published=(
        Published(
            "besiroglu2024",
            {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658},
            "Besiroglu et al. 2024, arXiv:2404.10102, refit of 240 digitised runs",
            {"E": 0.0257, "A": 124.5, "B": 1293.0, "alpha": 0.0154, "beta": 0.0206},
        ),
        Published(
            "hoffmann2022",
            {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.3392, "beta": 0.2849},
            "Hoffmann et al. 2022, approach 3",
        ),
    ),
    # the 240 digitised runs that the refit uses
    observed={"N": (5.73e7, 1.62e10), "D": (3.0e8, 3.18e11)},
    closed={"compute_optimal": compute_optimal},
)
