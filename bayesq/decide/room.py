"""What weights take where they are stored, and how many of them a budget of memory holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.kinds import weight_bits
from bayesq.decide.memory import Memory, parameters_in, read_memory
from bayesq.decide.question import Question, number
from bayesq.decide.stored import SCALE_BITS, bits_stored, scales_in_words
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.law.kind import Kind


@dataclass(frozen=True)
class Room:
    """A budget of memory with how weights are stored in it.

    Parameters
    ----------
    memory : Memory
        The budget.
    embeddings : float or str
        Parameters that stay in 16 bits beside those that the law counts.
    scale_bits : float or None
        Bits of a scale; None for those that are usual.
    zero_bits : float
        Bits of a group's zero point.
    """

    memory: Memory
    embeddings: float | str
    scale_bits: float | None
    zero_bits: float

    @staticmethod
    def read(
        memory: Any, embeddings: float | str, scale_bits: float | None, zero_bits: float
    ) -> Room:
        """Read a budget as a question tells it.

        Raises
        ------
        BayesqError
            If it is none, or a number of bits is none.
        """
        scale = None if scale_bits is None else bits_aside("scale_bits", scale_bits)
        return Room(read_memory(memory), embeddings, scale, bits_aside("zero_bits", zero_bits))

    def sizes(self, bits: Any, question: Question) -> Any:
        """Parameters that fit, at a number of bits that all groups of the question have."""
        width = width_of_bits(bits, question, self.scale_bits, self.zero_bits)
        return parameters_in(self.memory, width, self.embeddings)

    def sizes_of_kinds(self, kinds: Sequence[Kind], dim: str) -> Any:
        """Parameters that fit, for each of a list of kinds with scales of their own."""
        width = width_of_kinds(kinds, dim, self.scale_bits, self.zero_bits)
        return parameters_in(self.memory, width, self.embeddings)

    def words(self, question: Question) -> str:
        """Word what was counted, where all options store their scales alike."""
        return width_in_words(question, self.scale_bits, self.zero_bits)


def bits_aside(name: str, value: Any) -> float:
    """Read the bits of something that a group stores, which may be none.

    Raises
    ------
    BayesqError
        If it is no such number.
    """
    try:
        return number(name, value, -np.finfo(float).tiny)
    except BayesqError:
        raise BayesqError(f"{name} is {value!r}; write a number of bits, 0 for none.") from None


def width_of_bits(bits: Any, question: Question, scale_bits: float | None, zero_bits: float) -> Any:
    """Work out bits stored for a weight, where all options store their scales alike."""
    scale = SCALE_BITS if scale_bits is None else scale_bits
    return bits_stored(bits, group_of(question), scale_bits=scale, zero_bits=zero_bits)


def width_of_kinds(
    kinds: Sequence[Kind], dim: str, scale_bits: float | None, zero_bits: float
) -> xr.DataArray:
    """Work out bits stored for a weight, for each of a list of kinds with scales of their own."""
    bits = weight_bits(kinds, dim)
    scales = [k.scale_bits if scale_bits is None else scale_bits for k in kinds]
    # One scale a channel is next to none.
    aside = [
        (scale + zero_bits) / (k.w_group or 1.0) if _grouped(k) else 0.0
        for scale, k in zip(scales, kinds, strict=True)
    ]
    return bits + xr.DataArray(aside, dims=dim)


def width_in_words(question: Question, scale_bits: float | None, zero_bits: float) -> str:
    """Word what is stored beside the weights themselves."""
    scale = SCALE_BITS if scale_bits is None else scale_bits
    return scales_in_words(group_of(question), scale_bits=scale, zero_bits=zero_bits)


def kinds_in_words(kinds: Sequence[Kind]) -> str:
    """Word what is stored beside the weights of kinds, each by its group."""
    told = [_grouped(kind) for kind in kinds]
    if all(told):
        return "with the scales of each"
    return (
        "with the scales of those whose names tell a group"
        if any(told)
        else ("scales not counted, as no name tells a group")
    )


def _grouped(kind: Kind) -> bool:
    return kind.w_group is not None and kind.w_group > 0


def group_of(question: Question) -> float | None:
    """Weights that share a scale, as a question tells: by the law's input, or by its column."""
    for i in of_role(question.fit.law.own_inputs, "group"):
        if i.symbol in question.inputs:
            return question.inputs[i.symbol]
    if "w_group" in question.frame:
        return float(question.frame["w_group"].iloc[0])
    return None
