"""What a law is. A file in the laws' folder, or a notebook, needs only these names."""

from bayesq.law.inputs import GROUP, WEIGHT_BITS, Input
from bayesq.law.kind import Kind
from bayesq.law.law import Law
from bayesq.law.levels import COMPRESSION, Levels, OrderedByBits
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.published import Published
from bayesq.law.variants import renamed

__all__ = [
    "COMPRESSION",
    "GROUP",
    "WEIGHT_BITS",
    "Input",
    "Kind",
    "Law",
    "Levels",
    "OrderedByBits",
    "Parameter",
    "Prior",
    "Published",
    "renamed",
]
