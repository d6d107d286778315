"""Serve batches of training tokens and the held-out tokens from a folder of .npy files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jobs import BATCH, SEQUENCE
from torch import Tensor

HELD_OUT_FILE = "val.npy"
HELD_OUT_TOKENS = 2_097_152


class Corpus:
    """Tokens on the device that trains.

    Parameters
    ----------
    folder
        Holds `val.npy` (held out) and any number of other .npy files (to train on), each a long
        vector of token numbers, as prepare.py writes them.
    device
        Where the tokens go: ``"cuda"`` or ``"cpu"``.
    batch
        Sequences in a batch.
    held_out_tokens
        Most held-out tokens to measure losses on; rounded down to whole batches.
    """

    def __init__(
        self,
        folder: Path,
        device: str,
        batch: int = BATCH,
        held_out_tokens: int = HELD_OUT_TOKENS,
    ):
        self.device = device
        self.batch_size = batch
        files = sorted(path for path in folder.glob("*.npy") if path.name != HELD_OUT_FILE)
        if not files:
            raise FileNotFoundError(f"no .npy file to train on in {folder}")
        parts = [np.load(path) for path in files]
        # A sequence's targets are its tokens moved on by one, so it reads SEQUENCE + 1 of them.
        counts = [(len(part) - 1) // SEQUENCE for part in parts]
        offsets = torch.tensor([0, *(len(part) for part in parts[:-1])]).cumsum(0)
        self._first_of_file = offsets
        self._starts = torch.cat(
            [
                offset + SEQUENCE * torch.arange(count)
                for offset, count in zip(offsets, counts, strict=True)
            ]
        )
        self._window = torch.arange(SEQUENCE + 1, device=device)
        # 16 bits hold the vocabulary and keep a billion tokens within 2 GB of device memory.
        self._tokens = torch.from_numpy(np.concatenate(parts).astype(np.int16)).to(device)

        held_out = np.load(folder / HELD_OUT_FILE)
        whole_batch = SEQUENCE * batch
        count = min(len(held_out) - 1, held_out_tokens) // whole_batch * whole_batch
        if count == 0:
            raise ValueError(f"{HELD_OUT_FILE} is shorter than one batch ({whole_batch} tokens)")
        tokens = torch.from_numpy(held_out[: count + 1].astype(np.int64))
        self._held_out_inputs = tokens[:-1].view(-1, SEQUENCE).to(device)
        self._held_out_targets = tokens[1:].view(-1, SEQUENCE).to(device)

    def shuffled_starts(self, seed: int) -> Tensor:
        """Return the position of every training sequence, in the order of one seed.

        Parameters
        ----------
        seed
            Of the shuffle alone; it leaves the global generator as it is.

        Returns
        -------
        Tensor
            To hand to `batch`.
        """
        generator = torch.Generator().manual_seed(seed)
        return self._starts[torch.randperm(len(self._starts), generator=generator)]

    def batch(self, starts: Tensor, step: int) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets of one optimiser step.

        Parameters
        ----------
        starts
            From `shuffled_starts`; begun anew where the steps outrun them.
        step
            Number of the step, from 0.

        Returns
        -------
        tuple of Tensor
            Inputs and targets, one row a sequence.
        """
        chosen = starts[(step * self.batch_size + torch.arange(self.batch_size)) % len(starts)]
        # Sequences of one file lie together, as they did in the shipped runs. Only rounding errors
        # depend on the order within a batch, but in low precision they grow fast.
        file = torch.bucketize(chosen, self._first_of_file, right=True)
        chosen = chosen[torch.argsort(file, stable=True)]
        positions = chosen.to(self.device, non_blocking=True)[:, None] + self._window
        rows = self._tokens[positions].long()
        return rows[:, :-1], rows[:, 1:]

    def held_out_batches(self):
        """Yield the inputs and targets of every held-out batch; all have the same size."""
        for first in range(0, len(self._held_out_inputs), self.batch_size):
            rows = slice(first, first + self.batch_size)
            yield self._held_out_inputs[rows], self._held_out_targets[rows]
