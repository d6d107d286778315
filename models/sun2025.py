"""Loss of training in floating point: exponent bits, mantissa bits, block size.

Sun et al. 2025, arXiv:2501.02423 ("Capybara"):
L = n/N^alpha + d/D^beta + epsilon + (D^beta/N^alpha) * log2(B) / (gamma*(E+0.5)^delta*(M+0.5)^nu).

It assumes weights and activations in one format, and that the degradation shares the exponents of
the base law: it grows with D as the data term falls. One scale for a whole channel is a block of
the row's length, where column row_length gives it; else it acts like log2 B = 13.1567, as printed.
"""

import numpy as np

from bayesq.law import Input, Law, Parameter, Prior, Published, renamed
from bayesq.law.inputs import group, narrow
from bayesq.models import chinchilla

PER_CHANNEL = 2**13.1567


def sensitivity(N, D, E, M, B, alpha, beta, delta, nu):
    return D**beta / N**alpha * np.log2(B) / ((E + 0.5) ** delta * (M + 0.5) ** nu)


def degradation(N, D, E, M, B, alpha, beta, gamma, delta, nu):
    return sensitivity(N, D, E, M, B, alpha, beta, delta, nu) / gamma


def critical_tokens(N, E, M, B, d, alpha, beta, gamma, delta, nu):
    """D_crit: tokens after which more of them raise the loss."""
    ratio = d * gamma * N**alpha * (E + 0.5) ** delta * (M + 0.5) ** nu / np.log2(B)
    return ratio ** (1 / (2 * beta))


def optimal_format(bits, delta, nu):
    """Best split of a total of bits = E + M + 1."""
    return {"E": delta * bits / (delta + nu) - 0.5, "M": nu * bits / (delta + nu) - 0.5}


def optimal_precision(D, B, n, alpha, beta, gamma, delta, nu):
    """P_opt(D): best bits at a given D under compute = (6/16) N D P, each in its best split."""
    both = delta + nu
    gamma_rho = gamma * delta**delta * nu**nu / both**both
    return ((both - alpha) / (n * alpha * gamma_rho) * D**beta * np.log2(B)) ** (1 / both)


def _same(part):
    def digits(columns):
        """Exponent or mantissa bits, where weights and activations share one minifloat."""
        w, a = columns[f"w_{part}"], columns[f"a_{part}"]
        alike = narrow(columns, "w_bits") & narrow(columns, "a_bits") & (w == a)
        more = narrow(columns, "kv_bits", "fc2_a_bits", "grad_bits", "sparsity")
        return np.where(alike & ~more, w, np.nan)

    return digits


def _block(columns):
    return group(columns, per_channel=PER_CHANNEL)


_MORE = ("w_bits", "a_bits", "kv_bits", "fc2_a_bits", "grad_bits", "sparsity")


def _digits(symbol, part):
    return Input(
        symbol,
        (f"w_{part}", f"a_{part}", *_MORE),
        _same(part),
        unit="bits",
        scale="linear",
        lacking="weights and activations are not both in one minifloat, or more than these",
        format=True,
        # Bits are 1 + exponent + mantissa.
        accounts_for=(f"w_{part}", f"a_{part}", "w_bits", "a_bits"),
        role=part,
    )


law = Law(
    name="sun2025",
    title="loss of training in floating point: exponent, mantissa, block",
    source="Sun et al. 2025, arXiv:2501.02423",
    # n, d and epsilon are Hoffmann's A, B and E.
    base=renamed(chinchilla.law, A="n", B="d", E="epsilon"),
    degradation=degradation,
    inputs=(
        _digits("E", "exponent"),
        _digits("M", "mantissa"),
        Input(
            "B",
            ("w_group", "a_group", "w_bits", "a_bits", "row_length"),
            _block,
            unit="elements",
            lacking="no group size (empty, or weights and activations differ)",
            format=True,
            accounts_for=("w_group", "a_group"),
            role="group",
            per_channel=PER_CHANNEL,
        ),
    ),
    stages=("train",),
    usual="loss",
    parameters=(
        # Degradation in the middle of the data: 0.0026 to 0.36 nats (90 %).
        Parameter(
            "gamma",
            Prior("LogNormal", mu=-3.5, sigma=1.5),
            "1/(nats/token)",
            "divisor",
            sensitivity,
            divides=True,
        ),
        # Published 3.2 and 3.0; one more bit than 2 divides the error by 1.4 to 4 (90 %).
        Parameter("delta", Prior("LogNormal", mu=0.9, sigma=0.5), "1", "exponent of E"),
        Parameter("nu", Prior("LogNormal", mu=0.9, sigma=0.5), "1", "exponent of M"),
    ),
    published=(
        Published(
            "sun2025",
            {"n": 69.2343, "alpha": 0.2368, "d": 68973.0621, "beta": 0.5162, "epsilon": 1.9061}
            | {"gamma": 11334.5197, "delta": 3.1926, "nu": 2.9543},
            "Sun et al. 2025, fitted constants",
        ),
    ),
    observed={"N": (4.1e7, 6.79e8), "D": (1.0e10, 1.05e11)},
    closed={
        "critical_tokens": critical_tokens,
        "optimal_format": optimal_format,
        "optimal_precision": optimal_precision,
    },
)
