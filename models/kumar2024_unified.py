"""Training and quantization after it in one law.

Kumar et al. 2024, arXiv:2411.04330, equation 9: the loss of training in low precision, plus
delta = C_T * e^(-P_post/gamma_post) * D^gamma_D / N_eff^gamma_N
        * prod over x in (w, a, kv) of [1 - e^(-C_x * (P_x - P_post))],
zero where P_post is not below P_x.

It assumes what kumar2024-qat and kumar2024-ptq assume. What a network was trained in before its
weights were quantized is in the columns train_w_bits, a_bits and kv_bits; full precision if empty.
"""

from dataclasses import replace

import numpy as np

from bayesq.law import Law, Parameter, Prior
from bayesq.law.inputs import narrow
from bayesq.models import kumar2024_ptq, kumar2024_qat
from bayesq.models.kumar2024_qat import OPERANDS, bits_input, effective_size, other_rows


def sensitivity(
    N, D, P_w, P_a, P_kv, P_post, gamma_w, gamma_a, gamma_kv, gamma_D, gamma_N, gamma_post
):
    N_eff = effective_size(N, P_w, P_a, P_kv, gamma_w, gamma_a, gamma_kv)
    return D**gamma_D / N_eff**gamma_N * np.exp(-P_post / gamma_post)


def robust(P, P_post, C):
    """How much of the error of rounding to P_post a network feels that was trained in P bits."""
    below = (P_post < P) * (P - P_post)
    return -np.expm1(-C * below)


def degradation(
    N, D, P_w, P_a, P_kv, P_post, gamma_w, gamma_a, gamma_kv, C_T, gamma_D, gamma_N, gamma_post,
    C_w, C_a, C_kv,
):  # fmt: skip
    whole = sensitivity(
        N, D, P_w, P_a, P_kv, P_post, gamma_w, gamma_a, gamma_kv, gamma_D, gamma_N, gamma_post
    )
    felt = robust(P_w, P_post, C_w) * robust(P_a, P_post, C_a) * robust(P_kv, P_post, C_kv)
    return C_T * whole * felt


def _trained(column):
    def trained(columns):
        """Bits in training; of a row quantized after training, as train_w_bits says."""
        post = columns["stage"] == "post"
        before = columns["train_w_bits"]
        # Activations or a cache that were rounded after training have no term here.
        after = post & np.isnan(before) & narrow(columns, "a_bits", "kv_bits")
        bits = columns[column]
        if column == "w_bits":
            bits = np.where(post, np.where(np.isnan(before), 16.0, before), bits)
        return np.where(other_rows(columns) | after, np.nan, bits)

    return trained


def _after(columns):
    """Bits of the weights after training, 16 for a network that was left as it was trained."""
    return np.where(columns["stage"] == "post", columns["w_bits"], 16.0)


_C = Prior("LogNormal", mu=0.0, sigma=0.5)

law = Law(
    name="kumar2024-unified",
    title="training in low precision and quantization after it",
    source="Kumar et al. 2024, arXiv:2411.04330, eq. 9",
    base=kumar2024_qat.law,
    degradation=degradation,
    inputs=(
        *(
            bits_input(
                f"P_{column.removesuffix('_bits')}",
                column,
                _trained(column),
                ("stage", "train_w_bits"),
            )
            for column in OPERANDS
        ),
        bits_input("P_post", "w_bits", _after, ("stage",), role="post_bits"),
    ),
    stages=("train", "post"),
    parameters=(
        replace(kumar2024_ptq.law.pick("C_T")[0], term=sensitivity),
        *kumar2024_ptq.law.pick("gamma_D", "gamma_N", "gamma_post"),
        # Of one bit less than in training between 36 % and 90 % is felt (90 %). Networks trained in
        # full precision feel all of it, and tables of these alone leave the prior as it is.
        Parameter("C_w", _C, "1/bit", "robustness of weights"),
        Parameter("C_a", _C, "1/bit", "robustness of activations"),
        Parameter("C_kv", _C, "1/bit", "robustness of KV cache"),
    ),
    observed={"N": (3.0e7, 2.2e8), "D": (1.5e9, 2.6e10)},
)
