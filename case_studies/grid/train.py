"""Train one job: a trunk of constant learning rate and a decay off it for every token count."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from corpus import Corpus
from jobs import SEQUENCE, SIZES, Job
from network import LanguageModel
from post_training import losses_after_rounding
from torch import Tensor

TRUNK_SHARE = 0.8
LONGEST_WARM_UP = 200
DECAY_FLOOR = 1e-3
WEIGHT_DECAY = 0.1
GRADIENT_NORM = 1.0


def train(job: Job, corpus: Corpus, record: Callable[[dict], None]) -> None:
    """Run a job and record one row for every measured loss.

    Parameters
    ----------
    job
        What to train.
    corpus
        The tokens.
    record
        Called with each row, a dict that JSON can hold, as soon as it is measured.
    """
    began = time.monotonic()
    run = TrainingRun(job, corpus)
    tokens_a_step = corpus.batch_size * SEQUENCE
    if job.tokens[0] < tokens_a_step:
        raise ValueError(f"{job.id}: {job.tokens[0]} tokens are less than a step, {tokens_a_step}")
    warm_up = max(2, min(LONGEST_WARM_UP, job.tokens[0] // tokens_a_step // 4))
    trunk_step = 0
    for tokens in job.tokens:
        steps = tokens // tokens_a_step
        decay_start = int(steps * TRUNK_SHARE)
        while trunk_step < decay_start:
            run.step(trunk_step, min(1.0, (trunk_step + 1) / warm_up))
            trunk_step += 1

        trunk = run.snapshot()
        for step in range(decay_start, steps):
            progress = (step + 1 - decay_start) / (steps - decay_start)
            train_loss = run.step(step, max(0.0, 1 - progress) + DECAY_FLOOR)
        measured = steps * tokens_a_step
        loss = run.held_out_loss()
        record(
            job.row(measured)
            | {
                "N_total": sum(parameter.numel() for parameter in run.parameters),
                "batch_tokens": tokens_a_step,
                "lr": SIZES[job.size].learning_rate,
                "loss": loss,
                "train_loss": float(train_loss),
                "seconds": round(time.monotonic() - began, 1),
            }
        )
        rounded = losses_after_rounding(run.model, job.post_training, run.held_out_loss)
        for number, rounded_loss in rounded:
            after = {"loss": rounded_loss, "loss_before": loss}
            record(job.row_after_rounding(measured, number) | after)
        run.restore(trunk)


@dataclass(frozen=True)
class Snapshot:
    """Parameters and optimiser state at the end of a trunk."""

    parameters: list[Tensor]
    optimiser: dict


class TrainingRun:
    """A network, its optimiser and its order of the training sequences.

    Parameters
    ----------
    job
        What to train.
    corpus
        The tokens, on the device to train on.
    """

    def __init__(self, job: Job, corpus: Corpus):
        self.corpus = corpus
        self.size = SIZES[job.size]
        on_cuda = corpus.device == "cuda"
        torch.set_float32_matmul_precision("high")
        torch.manual_seed(job.seed)
        self.order = corpus.shuffled_starts(job.seed)
        self.model = LanguageModel(self.size, job.precision).to(corpus.device)
        self.network = torch.compile(self.model) if on_cuda else self.model
        self.parameters = list(self.model.parameters())
        # The fused optimiser reads a rate that lives on the device without waiting for the host.
        peak = self.size.learning_rate
        rate = torch.tensor(peak, device=corpus.device) if on_cuda else peak
        self.optimiser = torch.optim.AdamW(
            [
                {
                    "params": [p for p in self.parameters if p.dim() == 2],
                    "weight_decay": WEIGHT_DECAY,
                },
                {"params": [p for p in self.parameters if p.dim() != 2], "weight_decay": 0.0},
            ],
            lr=rate,
            betas=(0.9, 0.95),
            fused=on_cuda,
        )

    def step(self, step: int, share_of_peak: float) -> Tensor:
        """Take one optimiser step.

        Parameters
        ----------
        step
            Which batch to train on, from 0.
        share_of_peak
            Learning rate as a share of the size's peak.

        Returns
        -------
        Tensor
            Training loss before the step, 0-d and still on the device.
        """
        self._set_rate(self.size.learning_rate * share_of_peak)
        inputs, targets = self.corpus.batch(self.order, step)
        with self._mixed_precision():
            loss = self.network(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, GRADIENT_NORM)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return loss.detach()

    def held_out_loss(self) -> float:
        """Return the mean cross-entropy on the held-out tokens, in nats per token."""
        total, batches = 0.0, 0
        with torch.no_grad(), self._mixed_precision():
            for inputs, targets in self.corpus.held_out_batches():
                total = total + self.network(inputs, targets)
                batches += 1
        return float(total) / batches

    def snapshot(self) -> Snapshot:
        """Copy the parameters and the optimiser's state, to come back to after a decay."""
        return Snapshot(
            [parameter.detach().clone() for parameter in self.parameters],
            copy.deepcopy(self.optimiser.state_dict()),
        )

    @torch.no_grad()
    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot, which the optimiser then owns: restore each only once.

        Parameters
        ----------
        snapshot
            From `snapshot`.
        """
        for parameter, saved in zip(self.parameters, snapshot.parameters, strict=True):
            parameter.copy_(saved)
        self.optimiser.load_state_dict(snapshot.optimiser)

    def _mixed_precision(self) -> torch.autocast:
        return torch.autocast(self.corpus.device, torch.bfloat16)

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            if isinstance(group["lr"], Tensor):
                # In place: compiled or fused code keeps looking at the same tensor.
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
