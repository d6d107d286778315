"""Why a law cannot use a row, in words, and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesq.counted import how_many
from bayesq.law.inputs import Input
from bayesq.law.law import Law
from bayesq.notes import Note
from bayesq.runs.runs import Runs
from bayesq.runs.schema import FULL_PRECISION_BITS

Columns = Mapping[str, np.ndarray]
NO_PARTNER = "no full-precision partner"
# What may set a row apart from those that an input speaks of: a column, what it would be if it did
# not, and what is so of the row. If the input has a value then, this is why it has none.
_APART: tuple[tuple[str, float, str, str], ...] = (
    ("sparsity", 0.0, "weights", "are sparse"),
    ("kv_bits", FULL_PRECISION_BITS, "the KV cache", "is quantized"),
    ("grad_bits", FULL_PRECISION_BITS, "the backward products", "are quantized"),
    ("fc2_a_bits", np.nan, "the FC2 input", "has bits of its own"),
    ("a_bits", FULL_PRECISION_BITS, "activations", "are quantized"),
)
# What stands in for a cell, to see whether that is what lacks.
_STANDS_IN = 4.0


def why(columns: Columns, needed: Input, rows: np.ndarray) -> np.ndarray:
    """Say why an input has no value in some rows.

    Cells that could be the cause are changed in turn, until the input has a value.

    Parameters
    ----------
    columns : mapping of str to ndarray
        The table.
    needed : Input
        The input.
    rows : ndarray of int, shape (rows,)
        Rows in which it has none.

    Returns
    -------
    ndarray of str, shape (rows,)
        Ends of a sentence about the row, not all different.
    """
    found = np.full(len(rows), needed.lacking or f"no {needed.symbol}", dtype=object)
    if needed.derive is None:
        return found
    here = {name: values[rows] for name, values in columns.items()}
    open_ = np.ones(len(rows), dtype=bool)

    def mend(where: np.ndarray, values: dict[str, Any], words: np.ndarray | str) -> None:
        if not (where & open_).any():
            return
        changed = {name: np.where(where, value, here[name]) for name, value in values.items()}
        told = np.isfinite(np.asarray(needed.values({**here, **changed}), dtype=float))
        told &= where & open_
        found[told] = np.broadcast_to(words, len(rows))[told]
        open_[told] = False

    post = here["stage"] == "post"
    for name in needed.columns:
        if name != "fc2_a_bits" and here[name].dtype != object:
            mend(np.isnan(here[name]), {name: _STANDS_IN}, f"column {name} is empty")
    if {"w_group", "a_group"} <= set(needed.columns):
        differ = here["w_group"] != here["a_group"]
        alike = {"a_group": here["w_group"], "row_length": _STANDS_IN}
        mend(differ, alike, "weights and activations differ in their group")
    # The operands beside those that the input is of.
    others = [
        each for each in _APART if each[0] in needed.columns and _is_apart(here, each[0]).any()
    ]
    for name, neutral, what, is_so in others:
        later = np.where(post, f"{what} {is_so} after training", f"{what} {is_so}").astype(object)
        mend(_is_apart(here, name), {name: neutral}, later + f" ({name})")
    for name in {"w_bits", "a_bits"} & set(needed.columns):
        wide = here[name] >= FULL_PRECISION_BITS
        for other, _, what, is_so in others:
            plain = {each[0]: each[1] for each in others} | {name: _STANDS_IN}
            operand = "weights" if name == "w_bits" else "activations"
            words = f"{what} {is_so} ({other}), and {operand} are not ({name} is 16)"
            mend(wide & _is_apart(here, other), plain, words)
    neutral_all = {name: neutral for name, neutral, *_ in others}
    if len(neutral_all) > 1:
        shown = " and ".join(f"{what} {is_so}" for _, _, what, is_so in others)
        mend(np.ones(len(rows), dtype=bool), neutral_all, shown)
    if {"w_bits", "a_bits"} & set(needed.columns):
        wide = (here["w_bits"] >= FULL_PRECISION_BITS) & (here["a_bits"] >= FULL_PRECISION_BITS)
        for name, _, what, is_so in _APART[:3]:
            alone = open_ & wide & _is_apart(here, name)
            found[alone] = f"only {what} {is_so} ({name})"
            open_ &= ~alone
    return found


def _is_apart(here: Columns, name: str) -> np.ndarray:
    if name == "sparsity":
        return np.asarray(here[name] > 0)
    return np.asarray(here[name] < FULL_PRECISION_BITS)


def trained_narrow(runs: Runs, law: Law, explained: set[str]) -> np.ndarray:
    """Rows quantized after a training in few bits, of which a law knows nothing; shape (rows,)."""
    before = runs.columns["train_w_bits"] < FULL_PRECISION_BITS
    known = law.base is None or "train_w_bits" in explained
    return np.asarray(before & (runs.columns["stage"] == "post") & (not known))


def no_partner(runs: Runs) -> np.ndarray:
    """Say why rows have no full-precision partner, shape ``(rows,)``."""
    narrow = runs.columns["train_w_bits"] < FULL_PRECISION_BITS
    aside = f"{NO_PARTNER}: the network was trained in few bits (train_w_bits)"
    return np.where(narrow, aside, NO_PARTNER).astype(object)


def left_out_note(reason: str, rows: np.ndarray, runs: Runs, law: Law) -> Note:
    """Tell that rows are left out, why, and what helps."""
    expected = reason in ("quantized", "full precision") or reason.startswith("stage is not")
    return Note(
        "rows-left-out",
        "info" if expected else "warning",
        f"{how_many(len(rows), 'row')} {'is' if len(rows) == 1 else 'are'} left out of law "
        f"{law.name}: {reason}.",
        "Nothing to mend if that is what you meant." if expected else _remedy(reason, law),
        tuple(runs.numbers[rows]),
    )


def _remedy(reason: str, law: Law) -> str:
    if reason == NO_PARTNER:
        return (
            "Add the full-precision row of the same network, or write its loss into a column "
            "loss_full."
        )
    if "train_w_bits" in reason:
        return (
            f"Law {law.name} speaks of networks trained in full precision; kumar2024-unified knows "
            "both stages."
        )
    if reason.startswith("column ") and reason.endswith("empty"):
        return f"Fill in {reason.removesuffix(' is empty')}."
    if " (" in reason and reason.endswith(")") and not reason.startswith("no "):
        return (
            f"Nothing can be filled in: law {law.name} does not know these rows; take a law that "
            "does, such as frantar2025 for compressions in training."
        )
    return "Fill in what is missing, or take a law that speaks of these rows."
