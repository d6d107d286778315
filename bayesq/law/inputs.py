"""How the columns of a table become the inputs of a law."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.runs.pairing import is_quantized
from bayesq.runs.schema import FORMAT, FULL_PRECISION_BITS, Row

Columns = Mapping[str, np.ndarray]
# N and D need no role: tables, laws and decisions all know them by these names.
Role = Literal["", "bits", "post_bits", "exponent", "mantissa", "group"]


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
    scale : {"log", "linear", "flag"}
        Whether its middle is the geometric or the arithmetic mean; a flag is 0 or 1.
    lacking : str
        Why a row may have no value, for messages.
    format : bool
        True for an input that only quantized rows have: in the loss of a quantization law it is
        not asked of the others.
    accounts_for : tuple of str, optional
        Columns whose variation the law explains by this input, by default all of `columns`. A
        column that is only looked at to choose another is not among them.
    role : {"", "bits", "post_bits", "exponent", "mantissa", "group"}
        What it is to decisions, whatever its symbol: bits of an operand, as trained or after
        training, digits of a minifloat, or elements that share a scale.
    alias : str
        What a question may call it beside its symbol, by default its role; an alias that is a role
        is one.
    neutral : float, optional
        Value at which it changes nothing, such as 16 bits: a table that has no other says nothing
        about the input's parameters and loses nothing by it.
    per_channel : float, optional
        What a question's group of -1, one scale for each channel, stands for.
    """

    symbol: str
    columns: tuple[str, ...]
    derive: Callable[[Columns], np.ndarray] | None = None
    unit: str = ""
    scale: Literal["log", "linear", "flag"] = "log"
    lacking: str = ""
    format: bool = False
    accounts_for: tuple[str, ...] | None = None
    role: Role = ""
    alias: str = ""
    neutral: float | None = None
    per_channel: float | None = None

    def __post_init__(self) -> None:
        if self.role not in (roles := get_args(Role)):
            raise BayesqError(
                f"Input {self.symbol} has role {self.role!r}; {nearest(str(self.role), roles[1:])}."
            )
        object.__setattr__(self, "alias", self.alias or self.role)
        if not self.role and self.alias in roles:
            object.__setattr__(self, "role", self.alias)

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


def of_role(inputs: Iterable[Input], *roles: Role) -> list[Input]:
    """Take the inputs of a law that are to decisions what one of these roles says."""
    return [i for i in inputs if i.role in roles]


_WIDTHS = ("w_bits", "a_bits", "kv_bits", "grad_bits", "fc2_a_bits")


def narrow(columns: Columns, *names: str) -> np.ndarray:
    """Tell the rows in which any of these widths is below 16 bits, or weights are left out.

    ``"sparsity"`` may stand among the names.
    """
    return np.any([columns[n] > 0 if n == "sparsity" else _narrow(columns[n]) for n in names], 0)


def others(*names: str) -> tuple[str, ...]:
    """Columns of widths and sparsity other than these."""
    return tuple(n for n in (*_WIDTHS, "sparsity") if n not in names)


def _narrow(bits: np.ndarray) -> np.ndarray:
    return bits < FULL_PRECISION_BITS


def _weight_bits(columns: Columns) -> np.ndarray:
    """Bits of the weights, where they and nothing else are quantized."""
    # A quantized row with weights of 16 bits is quantized in a way that the table does not say.
    unsaid = is_quantized(columns) & ~_narrow(columns["w_bits"])
    more = narrow(columns, *others("w_bits"))
    return np.where(more | unsaid, np.nan, columns["w_bits"])


def group(columns: Columns, per_channel: float = np.nan) -> np.ndarray:
    """Elements that share a scale, in whichever of weights and activations is quantized.

    Parameters
    ----------
    columns : mapping of str to ndarray
        The table.
    per_channel : float
        What one scale for a whole row or token stands for where column ``row_length`` is empty.

    Returns
    -------
    ndarray of float, shape (rows,)
        NaN where there is no group, or weights and activations differ in it.
    """
    weights, activations = _narrow(columns["w_bits"]), _narrow(columns["a_bits"])
    w_group, a_group = columns["w_group"], columns["a_group"]
    differ = weights & activations & (w_group != a_group)
    found = np.where(weights, w_group, np.where(activations, a_group, np.nan))
    length = columns["row_length"]
    found = np.where(found == -1, np.where(np.isnan(length), per_channel, length), found)
    return np.where(differ, np.nan, found)


N = Input("N", ("N",), unit="parameters")
D = Input("D", ("D",), unit="tokens")
WEIGHT_BITS = Input(
    "P",
    ("w_bits", *others("w_bits")),
    _weight_bits,
    unit="bits",
    scale="linear",
    lacking="w_bits is 16 or empty, or more than the weights is quantized",
    format=True,
    accounts_for=("w_bits",),
    role="bits",
)
GROUP = Input(
    "G",
    ("w_group", "a_group", "w_bits", "a_bits", "row_length"),
    group,
    unit="elements",
    lacking=(
        "no group size (empty, weights and activations differ, or per channel without row_length)"
    ),
    format=True,
    # Rows of other widths are another scheme, with constants of its own.
    accounts_for=("w_group", "a_group"),
    role="group",
)
