"""The least loss at a number of bits, under a budget of compute or of memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.knots import sizes
from bayesq.decide.optimum import DECADES, FEWEST, MOST, cost_per_pair
from bayesq.decide.question import Question, number
from bayesq.decide.room import Room
from bayesq.decide.solve import log10, minimise
from bayesq.errors import BayesqError
from bayesq.prediction.curve import Curve

_FORMULA = np.linspace(*DECADES, 46)  # decades of N inside a search over bits
_SOME_BITS, _FEW_BITS = np.linspace(FEWEST, MOST, 31), np.linspace(FEWEST, MOST, 21)
# Of a bent plane over bits and N: decades of N around the formula's best, and between knots.
_REACH, _APART, _MIDDLE = 2.0, 0.2, 6.0


@dataclass(frozen=True)
class Budget:
    """What binds N, D and bits together; None is not given."""

    compute: float | None
    room: Room | None
    size: float | None
    tokens: float | None

    @staticmethod
    def read(compute: Any, room: Room | None, N: Any, D: Any) -> Budget:
        """Read a budget as a question tells it.

        Raises
        ------
        BayesqError
            If it is not one budget, or leaves nothing to choose.
        """
        given = {"compute": compute, "N": N, "D": D}
        read = {k: number(k, v) if v is not None else None for k, v in given.items()}
        if (compute is None) == (room is None):
            raise BayesqError("optimal_precision needs one budget: compute= or memory=.")
        if compute is not None and None not in (N, D):
            raise BayesqError(
                "With compute= either N= or D= may be given; with both of them, nothing is left "
                "to choose."
            )
        if room is not None and (N is not None or D is None):
            raise BayesqError("With memory= give D= and leave N= out: it follows from the bits.")
        return Budget(read["compute"], room, read["N"], read["D"])

    def __str__(self) -> str:
        if self.room is not None:
            return f"with {self.room.memory} of weights"
        return f"with {self.compute:.3g} FLOP"

    @property
    def shares(self) -> bool:
        """Whether the budget leaves both N and D to be chosen."""
        return self.room is None and self.size is None and self.tokens is None

    def at(self, bits: Any, question: Question, log_n: Any = None) -> tuple[Any, Any]:
        """Work out N and D at a number of bits; of a budget that leaves both, at a size."""
        if self.room is not None:
            return self.room.sizes(self.room.stored.width(bits, question)), self.tokens
        assert self.compute is not None  # it is that or memory
        pairs = self.compute / cost_per_pair(bits)
        if self.tokens is not None:
            return pairs / self.tokens, self.tokens
        size = 10.0**log_n if self.size is None else self.size
        return size, pairs / size


@dataclass(frozen=True)
class LeastLoss:
    """The least loss at a number of bits that the budget pays for."""

    question: Question
    budget: Budget
    curve: Curve
    log_n: np.ndarray = field(default_factory=_FORMULA.copy)

    @staticmethod
    def of(
        question: Question, budget: Budget, formats: Callable[..., Any], bits: np.ndarray
    ) -> LeastLoss:
        """Lay the curve along bits, rising, and sizes where the budget leaves both N and D open."""

        def inputs(bits: Any, log_n: Any = None) -> dict[str, Any]:
            size, tokens = budget.at(bits, question, log_n)
            return {**formats(bits), "N": size, "D": tokens}

        if not budget.shares:
            return LeastLoss(question, budget, question.curve("loss", {"bits": bits}, inputs))
        log_n = _FORMULA
        if question.bent:
            formula = question.curve("loss", {}, inputs, bent=False)
            middle = LeastLoss(question, budget, formula)
            log_n = sizes(question, log10(middle.sizes(xr.DataArray(_MIDDLE))[0]), _REACH, _APART)
            bits = _FEW_BITS  # a plane of knots: fewer in each direction
        curve = question.curve("loss", {"bits": bits, "log_n": log_n}, inputs)
        return LeastLoss(question, budget, curve, log_n)

    def __call__(self, bits: Any) -> xr.DataArray:
        """Work out the least loss in nats per token; dimensions chain, draw and those of bits."""
        if not self.budget.shares:
            return self.curve(bits=bits)
        return self._best(bits)[1]

    def sizes(self, bits: Any) -> tuple[Any, Any]:
        """Work out N and D at a number of bits."""
        log_n = self._best(bits)[0] if self.budget.shares else None
        return self.budget.at(bits, self.question, log_n)

    def _best(self, bits: Any) -> tuple[xr.DataArray, xr.DataArray]:
        log_n, least = minimise(lambda log_n: self.curve(bits=bits, log_n=log_n), self.log_n)
        return log_n.where(np.isfinite(log_n)), least

    def best_bits(self, closed_form: bool) -> xr.DataArray:
        """Find the bits of least loss, draw by draw; NaN where none between the ends is best."""
        budget = self.budget
        # The closed form of the papers is for a fixed D.
        if closed_form and budget.compute is not None and budget.tokens is not None:
            found: xr.DataArray | None = self.question.closed("optimal_precision")
            if found is not None:
                return found.where((found > FEWEST) & (found < MOST))
        answer, _ = minimise(self, _FEW_BITS if budget.shares else _SOME_BITS)
        return answer.where(np.isfinite(answer))
