"""Degradation by quantization-aware training, weights and activations as sources of their own.

Chen et al. 2025, arXiv:2505.14302: delta = k * D^gamma_D * (log2 G)^gamma_G / N^gamma_N with one
set of constants for the weights (W4A16) and one for the activations (W16A4); quantizing both costs
rho times the sum of the two (rho about 0.906). With the input of the second feed-forward layer
(FC2) at 8 bits the activations cost less, and the less the larger the group.

It assumes one bit-width for all quantized operands, that the ratio rho is the same everywhere, and
a remaining activation error of exp(-(kappa * log2 G)^2) with FC2 at 8 bits. That last form is ours:
it passes through both reductions that the paper prints, with one constant.
"""

import numpy as np

from bayesq.law import GROUP, Input, Law, Parameter, Prior, Published
from bayesq.law.inputs import narrow
from bayesq.models import chinchilla
from bayesq.models.chen2025 import BASE


def of_weights(N, D, G, gamma_Nw, gamma_Dw, gamma_Gw):
    return D**gamma_Dw * np.log2(G) ** gamma_Gw / N**gamma_Nw


def of_activations(N, D, G, gamma_Na, gamma_Da, gamma_Ga):
    return D**gamma_Da * np.log2(G) ** gamma_Ga / N**gamma_Na


def degradation(
    N, D, G, W, A4, FC8, k_w, gamma_Nw, gamma_Dw, gamma_Gw, k_a, gamma_Na, gamma_Da, gamma_Ga, rho,
    kappa,
):  # fmt: skip
    weights = k_w * of_weights(N, D, G, gamma_Nw, gamma_Dw, gamma_Gw)
    activations = k_a * of_activations(N, D, G, gamma_Na, gamma_Da, gamma_Ga)
    remaining = 1 + FC8 * (np.exp(-((kappa * np.log2(G)) ** 2)) - 1)
    return (1 + W * A4 * (rho - 1)) * (W * weights + A4 * activations * remaining)


def crossover(N, G, k_w, gamma_Nw, gamma_Dw, gamma_Gw, k_a, gamma_Na, gamma_Da, gamma_Ga):
    """Tokens at which the weights' error overtakes the activations': the two are equal there."""
    ratio = k_a / k_w * np.log2(G) ** (gamma_Ga - gamma_Gw) * N ** (gamma_Nw - gamma_Na)
    return ratio ** (1 / (gamma_Dw - gamma_Da))


def _only(columns):
    """Tell rows in which nothing but weights, activations and FC2's input is quantized."""
    return ~narrow(columns, "kv_bits", "grad_bits", "sparsity")


def _weights(columns):
    return np.where(_only(columns), narrow(columns, "w_bits").astype(float), np.nan)


def _activations(columns):
    return np.where(_only(columns), narrow(columns, "a_bits").astype(float), np.nan)


def _fc2(columns):
    # Empty where FC2's input has the activations' own width; one that is not 8 bits has no term.
    bits = columns["fc2_a_bits"]
    return np.where(np.isnan(bits), 0.0, np.where(bits == 8, 1.0, np.nan))


def _flag(symbol, columns, derive, what):
    return Input(
        symbol, columns, derive, unit="1 or 0", scale="flag", lacking=what, format=True, neutral=0
    )


_MORE = ("kv_bits", "grad_bits", "sparsity")
_SCALE = Prior("LogNormal", mu=-3.0, sigma=1.5)

law = Law(
    name="chen2025-schemes",
    title="degradation by quantization-aware training, W, A and both together",
    source="Chen et al. 2025, arXiv:2505.14302",
    base=chinchilla.law,
    degradation=degradation,
    inputs=(
        GROUP,
        _flag("W", ("w_bits", *_MORE), _weights, "more than weights and activations is quantized"),
        _flag("A4", ("a_bits", *_MORE), _activations, "more than weights and activations"),
        _flag("FC8", ("fc2_a_bits",), _fc2, "fc2_a_bits is neither a_bits nor 8"),
    ),
    stages=("train",),
    parameters=(
        # Degradation in the middle of the data by each: 0.0042 to 0.59 nats (90 %).
        Parameter("k_w", _SCALE, "nats/token", "scale of weights", of_weights),
        Parameter("gamma_Nw", Prior("Normal", mu=0.25, sigma=0.3), "1", "weights: of parameters"),
        Parameter("gamma_Dw", Prior("Normal", mu=0.1, sigma=0.3), "1", "weights: of tokens"),
        Parameter("gamma_Gw", Prior("Normal", mu=0.7, sigma=0.5), "1", "weights: of log2 group"),
        Parameter("k_a", _SCALE, "nats/token", "scale of activations", of_activations),
        Parameter("gamma_Na", Prior("Normal", mu=0.25, sigma=0.3), "1", "activations: parameters"),
        Parameter("gamma_Da", Prior("Normal", mu=0.1, sigma=0.3), "1", "activations: of tokens"),
        Parameter("gamma_Ga", Prior("Normal", mu=0.7, sigma=0.5), "1", "activations: log2 group"),
        # Errors that add up give 1; 0.61 to 1.6 (90 %).
        Parameter("rho", Prior("LogNormal", mu=0.0, sigma=0.3), "1", "additivity ratio"),
        # At G 128 between 98 % and 5 % of the activations' error remain (90 %).
        Parameter("kappa", Prior("LogNormal", mu=-2.3, sigma=0.7), "1", "gain of FC2 at 8 bits"),
    ),
    published=(
        Published(
            "chen2025",
            BASE
            | {"k_w": 0.2522, "gamma_Nw": 0.3589, "gamma_Dw": 0.1610, "gamma_Gw": 0.3533}
            | {"k_a": 0.1004, "gamma_Na": 0.1816, "gamma_Da": 0.0331, "gamma_Ga": 0.9812}
            # 0.906 is the paper's; 0.127 follows from its 20.5 % (G 32) and 42.9 % (G 256), at
            # N 595M and D 100B.
            | {"rho": 0.906, "kappa": 0.127},
            "Chen et al. 2025, fits of W4A16 and W16A4 and their ratio to W4A4",
            formats={"w_bits": ("4", "16"), "a_bits": ("4", "16")},
        ),
    ),
    observed={"N": (7.4e7, 5.95e8), "D": (1.0e10, 1.0e11), "G": (32, 256)},
    closed={"weight_activation_crossover": crossover},
)
