"""Loss of training in low precision: bits act as a smaller effective size.

Kumar et al. 2024, arXiv:2411.04330, equation 3: the base law at
N_eff = N * (1 - e^(-P_w/gamma_w)) * (1 - e^(-P_a/gamma_a)) * (1 - e^(-P_kv/gamma_kv)).

It assumes that weights, activations and KV cache act apart from each other, that the loss in bits
does not depend on D, and nothing of formats and groups: fit one kind and group at a time.
"""

import numpy as np

from bayesq.law import Input, Law, Parameter, Prior, Published
from bayesq.law.inputs import narrow, others
from bayesq.models import chinchilla

OPERANDS = ("w_bits", "a_bits", "kv_bits")


def kept(P, gamma):
    """Share of the size that an operand of P bits keeps."""
    return -np.expm1(-P / gamma)


def effective_size(N, P_w, P_a, P_kv, gamma_w, gamma_a, gamma_kv):
    return N * kept(P_w, gamma_w) * kept(P_a, gamma_a) * kept(P_kv, gamma_kv)


def other_rows(columns):
    """Tell quantized rows in which none of the operands is narrow, or more than these is."""
    unsaid = np.isin(columns["stage"], ("train", "post")) & ~narrow(columns, *OPERANDS)
    return unsaid | narrow(columns, *others(*OPERANDS))


def _bits(column):
    def bits(columns):
        """Bits in training, where nothing but weights, activations and KV cache is quantized."""
        return np.where(other_rows(columns), np.nan, columns[column])

    return bits


def bits_input(symbol, column, derive, more=(), role="bits"):
    return Input(
        symbol,
        (column, *others(column), *more),
        derive,
        unit="bits",
        scale="linear",
        lacking="none of weights, activations and KV cache is quantized, or more than these",
        format=True,
        accounts_for=(column, *more),
        role=role,
        neutral=16,
    )


_GAMMA = Prior("LogNormal", mu=0.5, sigma=0.5)

law = Law(
    name="kumar2024-qat",
    title="loss of training in low precision, bits as effective size",
    source="Kumar et al. 2024, arXiv:2411.04330, eq. 3",
    base=chinchilla.law,
    effective={"N": effective_size},
    inputs=tuple(
        bits_input(f"P_{column.removesuffix('_bits')}", column, _bits(column))
        for column in OPERANDS
    ),
    stages=("train",),
    parameters=(
        # At 4 bits between 99 % and 64 % of the size remain (90 %); published 0.96 to 2.67.
        Parameter("gamma_w", _GAMMA, "bits", "sensitivity of weights"),
        Parameter("gamma_a", _GAMMA, "bits", "sensitivity of activations"),
        Parameter("gamma_kv", _GAMMA, "bits", "sensitivity of KV cache"),
    ),
    published=(
        Published(
            "kumar2024",
            {"E": 2.7648, "A": 4299.0, "B": 18060.0, "alpha": 0.4965, "beta": 0.4965}
            | {"gamma_w": 2.6745, "gamma_a": 2.2102, "gamma_kv": 0.9578},
            "Kumar et al. 2024, table of fitted constants",
            checked=False,
        ),
    ),
    observed={"N": (3.0e7, 2.2e8), "D": (1.5e9, 2.6e10)},
)
