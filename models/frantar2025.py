"""Loss of compressed training: each compression keeps a share eff of the size.

Frantar et al. 2025, arXiv:2502.16440: L = a * (N * eff(C))^-b + c * D^-d + e, with one eff for each
compression C: bits of weights, of weights and activations, sparsity. Here a, b, c, d, e are
Hoffmann's A, alpha, B, beta, E.

It assumes that eff depends on neither N nor D. Between compressions that differ in bits alone eff
rises with bits, by steps that are partly pooled.
"""

from bayesq.law import COMPRESSION, Kind, Law, OrderedByBits, Parameter, Prior, Published
from bayesq.models import chinchilla


def effective_size(N, eff):
    return N * eff


def kept(eff):
    """Share of the size that counts: eff itself."""
    return eff


def _both(bits, **more):
    """Compression of weights and activations to as many bits."""
    return Kind(w_bits=bits, a_bits=bits, **more)


EFFICIENCY = OrderedByBits(
    # At 4 bits, published values lie between 0.40 and 0.92; a bit less grows the loss of log N
    # by a factor of 1.3 to 3.3 (90 %), published ones by 1.4 to 2.6.
    at_4_bits=0.75,
    scatter=1.0,
    rate=Prior("LogNormal", mu=-0.4, sigma=0.35),
    spread=Prior("LogNormal", mu=-1.2, sigma=0.5),
)

law = Law(
    name="frantar2025",
    title="loss of compressed training, one effective share of the size a compression",
    source="Frantar et al. 2025, arXiv:2502.16440",
    base=chinchilla.law,
    effective={"N": effective_size},
    stages=("train",),
    parameters=(
        Parameter(
            "eff",
            EFFICIENCY,
            "1",
            "share of the size that a compression keeps",
            by=COMPRESSION,
        ),
    ),
    published=(
        Published(
            "frantar2025",
            {
                "eff": {Kind(w_bits=4): 0.923, _both(4): 0.747, _both(1): 0.067}
                | {Kind(sparsity=0.5): 0.871}
            },
            "Frantar et al. 2025, fitted efficiencies",
            checked=False,
        ),
        Published(
            "quest",
            {"E": 0.0014, "A": 8.134, "B": 86.41, "alpha": 0.0627, "beta": 0.2413}
            | {
                "eff": {_both(1): 0.0205, _both(2): 0.1519, _both(3): 0.4331, _both(4): 0.6918}
                | {_both(8): 1.016, _both(4, w_kind="fp", w_exponent=2, w_mantissa=1): 0.6296}
                | {_both(4, sparsity=0.5): 0.3812, Kind(w_bits=1): 0.1384}
                | {Kind(w_bits=2): 0.4137, Kind(w_bits=3): 0.6531, Kind(w_bits=4): 0.8404}
            },
            "QuEST's notebook of fits (IST-DASLab/QuEST, plots.ipynb), rotated weights",
        ),
    ),
    closed={"effective_parameters": kept},
)
