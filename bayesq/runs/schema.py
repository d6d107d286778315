"""The common columns of a runs table: what each means, and which values it may hold."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from bayesq.runs.counts import parse_count

# Spellings of "no value" that spreadsheets, data frames and papers write.
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "<na>", "-", "--", "\u2013", "\u2014"})
FULL_PRECISION_BITS = 16


def _not_bool(value: object) -> object:
    # Python counts True as 1.0; a truth value in a numeric column is a mistake.
    return str(value) if isinstance(value, bool) else value


def _group(value: float) -> float:
    # -1 is the tables' way to write "one scale per channel (weights) or per token (activations)".
    if value != -1 and (value < 1 or value != int(value)):
        raise ValueError("must be a whole number of elements, or -1 for one scale per channel")
    return value


Number = Annotated[float, BeforeValidator(_not_bool), Field(allow_inf_nan=False)]
Positive = Annotated[Number, Field(gt=0)]
Count = Annotated[Positive, BeforeValidator(parse_count)]
Bits = Annotated[Number, Field(ge=1, le=32)]
Group = Annotated[Number, AfterValidator(_group)]
Digits = Annotated[Number, Field(ge=0, le=32)]
# Beyond 2^53 two neighbouring seeds would become one float.
Seed = Annotated[Number, Field(gt=-(2**53), lt=2**53)]
NumberFormat = Literal["int", "fp", "mxfp", "nvfp"]


class Row(BaseModel):
    """One measured loss. Columns that are not named here are not checked."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)

    study: str = Field("", description="runs that share corpus, tokenizer and recipe")
    run: str = Field("", description="training run; rows of one run share it")
    N: Count = Field(description="parameters")
    D: Count | None = Field(None, description="training tokens seen")
    U: Count | None = Field(None, description="unique training tokens, where some are repeated")
    stage: Literal["none", "train", "post"] | None = Field(
        None, description="when it was quantized: none, train (QAT) or post (PTQ)"
    )
    method: str = Field("", description="quantization method")
    w_kind: NumberFormat | None = Field(None, description="number format of the weights")
    w_bits: Bits = Field(FULL_PRECISION_BITS, description="bits of the weights")
    w_exponent: Digits | None = Field(None, description="exponent bits of the weights")
    w_mantissa: Digits | None = Field(None, description="mantissa bits of the weights")
    w_group: Group | None = Field(None, description="weights that share a scale; -1 per channel")
    a_kind: NumberFormat | None = Field(None, description="number format of the activations")
    a_bits: Bits = Field(FULL_PRECISION_BITS, description="bits of the activations")
    a_exponent: Digits | None = Field(None, description="exponent bits of the activations")
    a_mantissa: Digits | None = Field(None, description="mantissa bits of the activations")
    a_group: Group | None = Field(None, description="activations that share a scale; -1 per token")
    kv_bits: Bits = Field(FULL_PRECISION_BITS, description="bits of the KV cache")
    grad_bits: Bits = Field(FULL_PRECISION_BITS, description="bits of the backward products")
    sparsity: Annotated[Number, Field(ge=0, lt=1)] = Field(0, description="share of zero weights")
    seed: Seed | None = Field(None, description="random seed")
    loss: Positive = Field(description="nats per token")
    loss_se: Positive | None = Field(None, description="standard error of the loss")
    loss_full: Positive | None = Field(None, description="loss of the full-precision partner")
    degradation_se: Positive | None = Field(
        None, description="standard error of the difference to the partner, both on the same text"
    )
    annealed: Literal["yes", "no"] | None = Field(
        None,
        description="whether the learning rate was brought down for this very D: no for "
        "checkpoints along a schedule",
    )
    corpus: str = Field("", description="text that the loss was measured on")
    fc2_a_bits: Bits | None = Field(None, description="bits of the FC2 input, where they differ")
    train_w_bits: Bits | None = Field(
        None,
        description="bits that the weights were trained in, before quantization after training",
    )
    row_length: Count | None = Field(None, description="elements in a row, where a group is -1")


# The standard error of what each response measures.
ERROR_OF = {"loss": "loss_se", "degradation": "degradation_se"}
REQUIRED = ("N", "loss")
TEXT = ("study", "run", "stage", "method", "w_kind", "a_kind", "annealed", "corpus")
NUMERIC = tuple(name for name in Row.model_fields if name not in TEXT)
BITS = ("w_bits", "a_bits", "kv_bits", "grad_bits")
# Columns that say how a row was quantized, beside its stage.
FORMAT = (
    "method",
    *(name for name in Row.model_fields if name.startswith(("w_", "a_"))),
    "kv_bits",
    "grad_bits",
    "sparsity",
    "fc2_a_bits",
    "train_w_bits",
)


def blank(rows: int) -> dict[str, np.ndarray]:
    """Columns in which nothing is known, of shape ``(rows,)``: those that an older file lacks."""
    widths = dict.fromkeys(BITS, float(FULL_PRECISION_BITS)) | {"sparsity": 0.0}
    return {
        name: np.full(rows, "", dtype=object)
        if name in TEXT
        else np.full(rows, widths.get(name, np.nan))
        for name in Row.model_fields
    }
