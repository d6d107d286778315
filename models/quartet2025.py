"""Loss of training with low-precision products, forward and backward.

QuEST's and Quartet's authors: L = (A / (N * eff_N)^alpha + B / (D * eff_D)^beta)^gamma + E, with
one eff_N for each forward format and one eff_D for each backward format (IST-DASLab/Quartet, fits
in plots.ipynb).

It assumes that a forward format acts as a smaller size and a backward format as fewer tokens,
whatever N and D. Column method tells the two apart where it reads "fwd=...;bwd=...".
"""

import numpy as np

from bayesq.law import COMPRESSION, Kind, Law, Levels, OrderedByBits, Parameter, Prior, Published
from bayesq.law.levels import compression
from bayesq.models import chinchilla
from bayesq.models.frantar2025 import EFFICIENCY


def loss(N, D, E, A, B, alpha, beta, gamma):
    return E + (A * chinchilla.size(N, alpha) + B * chinchilla.data(D, beta)) ** gamma


def effective_size(N, eff_N):
    return N * eff_N


def effective_tokens(D, eff_D):
    return D * eff_D


def _part(method, name):
    """Take the part of a method that is for one direction: the whole, if it has no parts."""
    parts = dict(p.partition("=")[::2] for p in method.split(";"))
    return parts.get(name, "" if len(parts) > 1 else method)


def _direction(name, operands):
    def label(columns):
        """Tell the formats of one direction."""
        method = [_part(m, name) for m in columns["method"]]
        part = {**columns, "method": np.array(method, dtype=object)}
        if name == "bwd":
            part["sparsity"] = np.zeros_like(columns["sparsity"])
        return compression(part, operands)

    return label


FORWARD = Levels("forward", COMPRESSION.columns, _direction("fwd", ("W", "A", "KV", "FC2-")))
BACKWARD = Levels("backward", ("grad_bits", "method"), _direction("bwd", ("G",)))


def _forward(method):
    return Kind(w_bits=4, a_bits=4, method=method)


base = Law(
    name="quartet2025-base",
    title="loss of full-precision training, the sum of both terms to a power",
    source="Quartet's authors, IST-DASLab/Quartet",
    loss=loss,
    stages=("none",),
    parameters=(
        # As the priors of chinchilla; gamma bends their sum, so the terms are not in nats.
        Parameter(
            "E",
            Prior("LogNormal", mu=-0.92, sigma=0.4),
            "nats/token",
            "irreducible loss",
            asymptote=True,
        ),
        Parameter(
            "A", Prior("LogNormal", mu=-0.7, sigma=1.5), "1", "size coefficient", chinchilla.size
        ),
        Parameter(
            "B", Prior("LogNormal", mu=-0.7, sigma=1.5), "1", "data coefficient", chinchilla.data
        ),
        Parameter(
            "alpha", Prior("LogNormal", mu=-0.8, sigma=0.5), "1", "size exponent", slope_of="A"
        ),
        Parameter(
            "beta", Prior("LogNormal", mu=-0.8, sigma=0.5), "1", "data exponent", slope_of="B"
        ),
        # 1 is Hoffmann's law; published 0.28. 0.24 to 1.5 (90 %).
        Parameter("gamma", Prior("LogNormal", mu=-0.5, sigma=0.55), "1", "power of the sum"),
    ),
)

law = Law(
    name="quartet2025",
    title="loss of training with 4-bit products, forward and backward",
    source="IST-DASLab/Quartet, plots.ipynb",
    base=base,
    effective={"N": effective_size, "D": effective_tokens},
    stages=("train",),
    parameters=(
        Parameter(
            "eff_N",
            EFFICIENCY,
            "1",
            "share of the size a forward format keeps",
            by=FORWARD,
        ),
        Parameter(
            "eff_D",
            OrderedByBits(0.85, 1.0, EFFICIENCY.rate, EFFICIENCY.spread),
            "1",
            "share of the tokens a backward format keeps",
            by=BACKWARD,
        ),
    ),
    published=(
        Published(
            "quartet2025",
            {"E": 1.3408, "A": 1.2744e5, "B": 4.6583e5, "alpha": 0.5785, "beta": 0.5389}
            | {"gamma": 0.2764}
            | {
                "eff_N": {_forward("QuEST"): 0.645, _forward("SR-absmax"): 0.433}
                | {_forward("RTN-absmax"): 0.606, _forward("RTN-EDEN-had128"): 0.639},
                "eff_D": {Kind(grad_bits=4, method="SR-absmax"): 0.893},
            },
            "IST-DASLab/Quartet, plots.ipynb, MXFP4",
        ),
    ),
    observed={"N": (3.05e7, 1.586e9), "D": (7.5e8, 1.586e11)},
)
