"""How the columns of a table become the inputs of a law."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bayesq.runs.pairing import is_quantized
from bayesq.runs.schema import FORMAT, FULL_PRECISION_BITS, Row

Columns = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Input:
    """One input of a law.

    Parameters
    ----------
    symbol : str
        As the formula's argument is called: ``"P"``.
    columns : tuple of str
        Columns of the table that it is made from.
    derive : callable, optional
        From a mapping of columns to the input's values, NaN in the rows that have none. By default
        the one column itself.
    unit : str
        What it counts.
    scale : {"log", "linear"}
        Whether its middle is the geometric or the arithmetic mean.
    lacking : str
        Why a row may have no value, for messages.
    format : bool
        True for an input that only quantized rows have: in the loss of a quantization law it is
        not asked of the others.
    accounts_for : tuple of str, optional
        Columns whose variation the law explains by this input, by default all of `columns`. A
        column that is only looked at to choose another is not among them.
    """

    symbol: str
    columns: tuple[str, ...]
    derive: Callable[[Columns], np.ndarray] | None = None
    unit: str = ""
    scale: Literal["log", "linear"] = "log"
    lacking: str = ""
    format: bool = False
    accounts_for: tuple[str, ...] | None = None

    def values(self, columns: Columns) -> np.ndarray:
        """Values of the input, one a row; NaN where the row has none."""
        if self.derive is not None:
            return self.derive(columns)
        return columns[self.columns[0]]

    def pivot(self, values: np.ndarray) -> float:
        """Middle of the data, where the law's terms are given their priors."""
        if self.scale == "log":
            return float(np.exp(np.log(values).mean()))
        return float(values.mean())

    @staticmethod
    def of_column(name: str) -> Input:
        """Take a column of the table as it stands, as laws of users do."""
        field = Row.model_fields.get(name)
        unit = (field.description if field else None) or ""
        return Input(
            name,
            (name,),
            unit=unit,
            scale="linear",
            lacking=f"column {name} is empty",
            format=name in FORMAT,
        )


_OTHER_WIDTHS = ("a_bits", "kv_bits", "grad_bits", "fc2_a_bits")


def _weight_bits(columns: Columns) -> np.ndarray:
    """Bits of the weights, where they and nothing else are quantized."""
    others = (columns[name] < FULL_PRECISION_BITS for name in _OTHER_WIDTHS)
    more = np.any([*others, columns["sparsity"] > 0], axis=0)
    # A quantized row with weights of 16 bits is quantized in a way that the table does not say.
    unsaid = is_quantized(columns) & (columns["w_bits"] >= FULL_PRECISION_BITS)
    return np.where(more | unsaid, np.nan, columns["w_bits"])


def _group(columns: Columns) -> np.ndarray:
    """Elements that share a scale, in whichever of weights and activations is quantized."""
    weights = columns["w_bits"] < FULL_PRECISION_BITS
    activations = columns["a_bits"] < FULL_PRECISION_BITS
    w_group, a_group = columns["w_group"], columns["a_group"]
    differ = weights & activations & (w_group != a_group)
    group = np.where(weights, w_group, np.where(activations, a_group, np.nan))
    # -1 stands for a whole row or token, whose length the table does not give.
    return np.where(differ | (group < 1), np.nan, group)


N = Input("N", ("N",), unit="parameters")
D = Input("D", ("D",), unit="tokens")
WEIGHT_BITS = Input(
    "P",
    ("w_bits", *_OTHER_WIDTHS, "sparsity"),
    _weight_bits,
    unit="bits",
    scale="linear",
    lacking="w_bits is 16 or empty, or more than the weights is quantized",
    format=True,
    accounts_for=("w_bits",),
)
GROUP = Input(
    "G",
    ("w_bits", "w_group", "a_bits", "a_group"),
    _group,
    unit="elements",
    lacking="no group size (empty, per channel, or weights and activations differ)",
    format=True,
    # Rows of other widths are another scheme, with constants of its own.
    accounts_for=("w_group", "a_group"),
)
