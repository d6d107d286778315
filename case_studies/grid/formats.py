"""The number formats of the grid: symmetric integers and small floats, with one scale a group."""

from __future__ import annotations

from dataclasses import dataclass

PER_CHANNEL = -1
"""Group size of one scale for the whole last axis: a weight's row, an activation's token."""


@dataclass(frozen=True)
class IntFormat:
    """A symmetric integer with the levels -qmax ... qmax, so that 2 bits are ternary.

    Parameters
    ----------
    bits
        Bits of one number, sign included.
    group
        Neighbours on the last axis that share a scale; `PER_CHANNEL` for all of them.
    """

    bits: int
    group: int

    @property
    def qmax(self) -> int:
        """Largest level."""
        return 2 ** (self.bits - 1) - 1

    def record(self) -> dict:
        """Return the format as it stands in the trainer's JSON lines."""
        return {"kind": "int", "bits": self.bits, "group": self.group}


@dataclass(frozen=True)
class FloatFormat:
    """A float with subnormals and without infinities or NaN: every code is a finite number.

    The OCP's E4M3 and E5M2 give codes away to NaN and infinity and end at 448 and 57,344; these end
    at 480 and 114,688; the smaller formats agree. With one exponent bit all steps are equal: E1M1
    and E1M2 are INT3 and INT4 under another name.

    Parameters
    ----------
    exponent, mantissa
        Bits of the exponent (1 or more) and of the mantissa; the sign takes one more.
    group
        Neighbours on the last axis that share a scale; `PER_CHANNEL` for all of them.
    """

    exponent: int
    mantissa: int
    group: int

    @property
    def bits(self) -> int:
        """Bits of one number, sign included."""
        return 1 + self.exponent + self.mantissa

    @property
    def bias(self) -> int:
        """Exponent bias."""
        return 2 ** (self.exponent - 1) - 1

    @property
    def smallest_exponent(self) -> int:
        """Exponent of the lowest normal binade, which the subnormals share."""
        return 1 - self.bias

    @property
    def largest(self) -> float:
        """Largest value: all bits set, as no code is kept for infinity."""
        return 2.0 ** (2**self.exponent - 1 - self.bias) * (2 - 2.0**-self.mantissa)

    def record(self) -> dict:
        """Return the format as it stands in the trainer's JSON lines."""
        return {"kind": "fp", "E": self.exponent, "M": self.mantissa, "group": self.group}


Format = IntFormat | FloatFormat


def from_record(record: dict) -> Format:
    """Build a format from the trainer's JSON.

    Parameters
    ----------
    record
        What `IntFormat.record` or `FloatFormat.record` returned.

    Returns
    -------
    IntFormat or FloatFormat
        The same format.
    """
    if record["kind"] == "int":
        return IntFormat(record["bits"], record["group"])
    if record["kind"] == "fp":
        return FloatFormat(record["E"], record["M"], record["group"])
    raise ValueError(f"unknown kind of number format: {record['kind']!r}")


@dataclass(frozen=True)
class Precision:
    """What a network is trained in. None stands for no quantiser.

    Parameters
    ----------
    name
        First part of the run's id, such as ``w4a16g32``.
    weights, activations
        Formats of the weights and of the inputs of every linear layer in the blocks.
    kv
        Format of the keys and values that attention reads.
    fc2_activations
        Format of the inputs of each block's second feed-forward layer, where it differs.
    """

    name: str
    weights: Format | None = None
    activations: Format | None = None
    kv: Format | None = None
    fc2_activations: Format | None = None


FULL_PRECISION = Precision("base")


def integers(weight_bits: int, activation_bits: int, group: int) -> Precision:
    """Return integer weights and activations with equal groups.

    Parameters
    ----------
    weight_bits, activation_bits
        Bits; 16 for no quantiser.
    group
        Group size of both.

    Returns
    -------
    Precision
        Named such as ``w4a16g32``, or ``w4a16gch`` where the scale is per channel.
    """
    suffix = "ch" if group == PER_CHANNEL else str(group)
    return Precision(
        f"w{weight_bits}a{activation_bits}g{suffix}",
        weights=None if weight_bits == 16 else IntFormat(weight_bits, group),
        activations=None if activation_bits == 16 else IntFormat(activation_bits, group),
    )


def floats(exponent: int, mantissa: int, group: int) -> Precision:
    """Return weights and activations in one minifloat.

    Parameters
    ----------
    exponent, mantissa
        Bits of each part.
    group
        Group size of both.

    Returns
    -------
    Precision
        Named such as ``e2m1b32``.
    """
    number = FloatFormat(exponent, mantissa, group)
    return Precision(f"e{exponent}m{mantissa}b{group}", weights=number, activations=number)
