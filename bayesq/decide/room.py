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
class Stored:
    """What each group of weights stores beside them.

    Parameters
    ----------
    scale_bits : float or None
        Bits of a scale; None for those that are usual.
    zero_bits : float
        Bits of a group's zero point.
    """

    scale_bits: float | None
    zero_bits: float

    @staticmethod
    def read(scale_bits: Any, zero_bits: Any) -> Stored:
        """Read it as a question tells it.

        Raises
        ------
        BayesqError
            If a number of bits is none.
        """
        scale = None if scale_bits is None else _bits_aside("scale_bits", scale_bits)
        return Stored(scale, _bits_aside("zero_bits", zero_bits))

    @property
    def _alike(self) -> dict[str, float]:
        """Bits where all options store their scales alike."""
        scale = SCALE_BITS if self.scale_bits is None else self.scale_bits
        return {"scale_bits": scale, "zero_bits": self.zero_bits}

    def width(self, bits: Any, question: Question) -> Any:
        """Work out bits stored for a weight, in groups as the question tells."""
        return bits_stored(bits, group_of(question), **self._alike)

    def words(self, question: Question) -> str:
        """Word what is stored beside the weights themselves, in groups as the question tells."""
        return scales_in_words(group_of(question), **self._alike)

    def width_of_kinds(self, kinds: Sequence[Kind], dim: str) -> xr.DataArray:
        """Work out bits stored for a weight, for each of a list of kinds by its own group."""
        aside = [0.0] * len(kinds)
        for i, kind in enumerate(kinds):
            if _grouped(kind):  # one scale a channel is next to none
                scale = kind.scale_bits if self.scale_bits is None else self.scale_bits
                aside[i] = (scale + self.zero_bits) / (kind.w_group or 1.0)
        return weight_bits(kinds, dim) + xr.DataArray(aside, dims=dim)


@dataclass(frozen=True)
class Room:
    """A budget of memory with how weights are stored in it.

    Parameters
    ----------
    memory : Memory
        The budget.
    embeddings : float or str
        Parameters that stay in 16 bits beside those that the law counts.
    stored : Stored
        What is stored beside the weights.
    """

    memory: Memory
    embeddings: float | str
    stored: Stored

    @staticmethod
    def read(memory: Any, embeddings: float | str, scale_bits: Any, zero_bits: Any) -> Room | None:
        """Read a budget as a question tells it; None where it tells none.

        Raises
        ------
        BayesqError
            If it is none, or a number of bits is none.
        """
        if memory is None:
            return None
        return Room(read_memory(memory), embeddings, Stored.read(scale_bits, zero_bits))

    def sizes(self, width: Any) -> Any:
        """Parameters that fit, at a number of bits stored for each."""
        return parameters_in(self.memory, width, self.embeddings)


def _bits_aside(name: str, value: Any) -> float:
    """Read the bits of something that a group stores, which may be none."""
    try:
        return number(name, value, -np.finfo(float).tiny)
    except BayesqError:
        raise BayesqError(f"{name} is {value!r}; write a number of bits, 0 for none.") from None


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
