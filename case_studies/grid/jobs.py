"""What one training run is: a size, a precision, a seed and token counts. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from formats import Format, Precision

VOCABULARY = 4096
SEQUENCE = 256
BATCH = 256
HEAD_WIDTH = 64


@dataclass(frozen=True)
class Size:
    """A network's shape and the peak learning rate that goes with it."""

    width: int
    layers: int
    learning_rate: float

    @property
    def parameters(self) -> int:
        """Weights of the linear layers in the blocks: N of the scaling laws."""
        return 12 * self.layers * self.width**2


SIZES = {
    "s0": Size(128, 2, 4e-3),
    "s1": Size(128, 4, 4e-3),
    "s2": Size(256, 3, 3e-3),
    "s3": Size(384, 4, 2e-3),
    "s4": Size(512, 6, 1.5e-3),
    "s5": Size(640, 8, 1.2e-3),
}


@dataclass(frozen=True)
class Job:
    """One training run and the token counts at which it is measured.

    Parameters
    ----------
    precision
        Formats that the network is trained in.
    size
        Key of `SIZES`.
    tokens
        Increasing token counts. They share one trunk of constant learning rate; each has its own
        decay (see train.py).
    seed
        Seed of the initial weights and of the order of the training sequences.
    post_training
        Weight formats to round every measured network to.
    """

    precision: Precision
    size: str
    tokens: tuple[int, ...]
    seed: int = 0
    post_training: tuple[Format, ...] = ()

    @property
    def id(self) -> str:
        """Name in the column `run`: precision, size and any seed but 0."""
        seed = f"-seed{self.seed}" if self.seed else ""
        return f"{self.precision.name}-{self.size}{seed}"

    def measured_tokens(self, batch: int = BATCH) -> tuple[int, ...]:
        """Return the token counts in whole optimiser steps: D of the scaling laws.

        Parameters
        ----------
        batch
            Sequences a step.

        Returns
        -------
        tuple of int
            One count for each of `tokens`, rounded down.
        """
        step = batch * SEQUENCE
        return tuple(count // step * step for count in self.tokens)

    def row(self, tokens: int) -> dict:
        """Return what the trainer's JSON line says of this run, losses aside.

        Parameters
        ----------
        tokens
            One of `measured_tokens`.

        Returns
        -------
        dict
            Something that JSON can hold.
        """
        size = SIZES[self.size]
        return {
            "id": self.id,
            "size": self.size,
            "d_model": size.width,
            "layers": size.layers,
            "N": size.parameters,
            "D": tokens,
            "seed": self.seed,
            "w": _record(self.precision.weights),
            "a": _record(self.precision.activations),
            "kv": _record(self.precision.kv),
            "fc2_a": _record(self.precision.fc2_activations),
            "when": "train",
        }

    def row_after_rounding(self, tokens: int, number: Format) -> dict:
        """Return the same for the network with its weights rounded after training.

        Parameters
        ----------
        tokens
            One of `measured_tokens`.
        number
            One of `post_training`.

        Returns
        -------
        dict
            Something that JSON can hold.
        """
        return self.row(tokens) | {"w": number.record(), "when": "post"}


def _record(number: Format | None) -> dict | None:
    return None if number is None else number.record()
