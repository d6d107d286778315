"""What training and serving cost: in FLOP, or in a unit of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.decide.optimum import FLOPS
from bayesq.decide.question import number
from bayesq.errors import BayesqError
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_SERVED = 2.0  # FLOP a parameter and token, forward alone
# How figures by width are written, for messages.
EXAMPLE = "serving=16:1,4:0.3 on a command line, serving={16: 1, 4: 0.3} in Python"


@dataclass(frozen=True)
class Prices:
    """Prices of a lifetime.

    Parameters
    ----------
    tokens : float
        Tokens that are served.
    by_width : dict
        The user's figure of each width, by its bits or its name; empty where there is none.
    alone : float or None
        The figure of the one format that is asked about.
    flop : float or None
        Price of a FLOP of training in the user's unit; None: all is counted in FLOP.
    """

    tokens: float
    by_width: dict[float | str, float]
    alone: float | None
    flop: float | None

    @staticmethod
    def read(inference_tokens: Any, serving: Any, train_price: Any) -> Prices:
        """Read what a question says of prices.

        Raises
        ------
        BayesqError
            If a figure is no positive number.
        """
        none = not isinstance(inference_tokens, bool) and inference_tokens in (0, "0")
        tokens = 0.0 if none else number("inference_tokens", inference_tokens)
        flop = None if train_price is None else number("train_price", train_price)
        if isinstance(serving, str) and ":" in serving:
            pairs = [part.partition(":") for part in serving.split(",") if part.strip()]
            serving = {name.strip(): price.strip() for name, _, price in pairs}
        elif isinstance(serving, str) and "," in serving:
            raise BayesqError(f"serving is {serving!r}; give each width a figure: {EXAMPLE}.")
        by_width: dict[float | str, float] = {}
        alone = None
        if isinstance(serving, Mapping):
            if not serving:
                raise BayesqError(f"serving is empty; give a figure by bits: {EXAMPLE}.")
            by_width = {_width(k): number(f"serving of {k}", v) for k, v in serving.items()}
        elif serving is not None:
            alone = number("serving", serving)
        if flop is not None and serving is None:
            raise BayesqError(
                "train_price= is in a unit of your own; say in it what serving a parameter and "
                f"token costs, as one figure or by bits: {EXAMPLE}."
            )
        return Prices(tokens, by_width, alone, flop)

    @property
    def trained(self) -> float:
        """Price of one parameter and one token of training."""
        return FLOPS * (1.0 if self.flop is None else self.flop)

    @property
    def unit(self) -> str:
        """Unit of the cost, in words."""
        return "FLOP" if self.flop is None else "in the unit of train_price"

    def served(self, name: Any, bits: float, dense: bool) -> float:
        """Price of one parameter and one token served, at a width, all weights stored or not.

        Raises
        ------
        BayesqError
            If the user gave figures, but none of this width.
        """
        scale = _SERVED if self.flop is None else 1.0
        if self.by_width:
            # What is called by its name may have bits that another figure is of.
            for key in sorted(self.by_width, key=lambda key: not isinstance(key, str)):
                if _is_of(key, name, bits, dense):
                    return scale * self.by_width[key]
            known = ", ".join(f"{k:g}" if isinstance(k, float) else k for k in self.by_width)
            what = name if isinstance(name, str) else f"{bits:g} bits"
            raise BayesqError(f"serving has no figure of {what}, only of {known}; add one.")
        return scale * (1.0 if self.alone is None else self.alone)

    def words(self, served: np.ndarray) -> str:
        """Word what serving was counted at."""
        shown = " to ".join(f"{v:.3g}" for v in sorted({float(served.min()), float(served.max())}))
        unit = "FLOP" if self.flop is None else "of that unit"
        return f"{format_count(self.tokens)} tokens served at {shown} {unit} a parameter and token"


def _is_of(key: float | str, name: Any, bits: float, dense: bool) -> bool:
    """Tell whether a figure is of a width; by 16 bits nobody means sparse weights of 16."""
    if isinstance(key, str):
        return {*key.split()} <= {*str(name).split()}
    return key == bits and (bits < FULL_PRECISION_BITS or dense)


def _width(key: Any) -> float | str:
    try:
        return float(key)
    except (TypeError, ValueError):
        return str(key)
