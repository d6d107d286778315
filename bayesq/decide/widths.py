"""Widths of one network that are compared, each as inputs of a law; 16 bits are full precision."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from bayesq.decide.full import FULL, bits_names, full_precision
from bayesq.decide.kinds import ask_kinds, weight_bits
from bayesq.decide.optimum import digits_of, formats_of_bits, measured_bits, open_bits
from bayesq.decide.question import Question, Setting, number
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.law.kind import Kind
from bayesq.runs.schema import FULL_PRECISION_BITS

_USUAL = (3.0, 4.0, 5.0, 6.0, 8.0)


@dataclass(frozen=True, eq=False)
class Widths:
    """Widths, with what else is held.

    Parameters
    ----------
    question : Question
        What is held.
    dim : str
        What tells them apart: ``"bits"``, or the kinds of a law, ``"compression"``.
    names : list of float or str
        What they are called in the answer.
    bits : ndarray
        Bits of the weights of each.
    inputs : dict of str to ndarray
        Inputs of the law by symbol, one value a width.
    kinds : list of Kind
        Of a law of kinds, each of them; full precision is ``Kind()``.
    """

    question: Question
    dim: str
    names: list[Any]
    bits: np.ndarray
    inputs: dict[str, np.ndarray]
    kinds: list[Kind] = field(default_factory=list)

    @property
    def dense(self) -> list[bool]:
        """Whether all weights of each are stored."""
        return [not kind.sparsity for kind in self.kinds] or [True] * len(self.names)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Inputs of the law that differ."""
        return tuple(s for s in self.inputs if s != "quantized")

    def at(self, i: int) -> Question:
        """Ask about one of them."""
        own = {s: float(v[i]) for s, v in self.inputs.items()}
        return replace(self.question, inputs=self.question.inputs | own)

    @property
    def numbers(self) -> xr.DataArray:
        """Numbers of the widths, along ``width``."""
        return xr.DataArray(np.arange(float(len(self.names))), dims="width")

    def named[T: (xr.DataArray, xr.Dataset)](self, values: T) -> T:
        """Give answers along ``width`` the names of the widths."""
        return values.rename(width=self.dim).assign_coords({self.dim: self.names})

    def called(self, i: int) -> str:
        """Word one of them."""
        name = self.names[i]
        return f"{name:g} bits" if self.dim == "bits" else str(name)


def read_bits(name: str, bits: Any) -> list[float]:
    """Read widths: a number, a list of them, or text with commas.

    Raises
    ------
    BayesqError
        If one is no number from 1 to 16, or stands twice.
    """
    parts = bits.split(",") if isinstance(bits, str) else bits
    parts = list(parts) if isinstance(parts, Sequence | np.ndarray) else [parts]
    found = [number(name, p.strip() if isinstance(p, str) else p) for p in parts]
    if not found or len(set(found)) < len(found) or min(found) < 1 or max(found) > 16:
        raise BayesqError(
            f"{name} is {bits!r}; write widths from 1 to 16 bits, each once: {name}=[3, 4, 16]."
        )
    return found


def ask_widths(
    setting: Setting, asked: Sequence[float | str] | None, free: Collection[str]
) -> Widths:
    """Put a question about the loss of weights of several widths.

    Parameters
    ----------
    setting : Setting
        What else is held, of a law with bits among its inputs, or one parameter a kind of
        compression. Where the law knows bits of several operands, those that it does not give
        share the width.
    asked : sequence of float or str, or None
        Widths, or kinds by name; by default those that were measured, else the usual ones, and 16.
    free : collection of str
        Further inputs that are left open.

    Raises
    ------
    BayesqError
        If the law knows no widths, or lacks one of those asked.
    """
    fit = setting.fit
    if fit.law.base is None:
        raise BayesqError(f"Law {fit.law.name} knows no quantization; ask a law that does.")
    if fit.law.levels_of("loss"):
        return _of_kinds(setting, asked, free)
    symbols = open_bits(fit, setting.given)
    if not symbols:
        known = sorted(bits_names(fit) & set(setting.given))
        raise BayesqError(
            f"{setting.name} compares widths, and {', '.join(known)} is given; leave it out."
            if known
            else f"Law {fit.law.name} has no bits among its inputs to compare; ask a law that has, "
            "such as kumar2024-ptq."
        )
    question = setting.ask("loss", {*free, *symbols})
    if asked is None:
        measured = [] if digits_of(fit.law) else measured_bits(question, symbols).tolist()
        asked = [*(measured or _USUAL), float(FULL_PRECISION_BITS)]
    widths = np.array(sorted(map(_width, asked)))
    idle = full_precision(fit)
    given = formats_of_bits(question, symbols)(xr.DataArray(widths, dims="width"))
    # Weights of 16 bits beside activations of 4 are a quantized network.
    narrow = any(
        question.inputs.get(i.symbol, FULL_PRECISION_BITS) < FULL_PRECISION_BITS
        for i in of_role(fit.law.inputs_of("loss"), "bits", "post_bits")
    )
    full = (widths >= FULL_PRECISION_BITS) & (not narrow)
    inputs = {}
    for s in symbols:
        own = xr.DataArray(given[s])
        own = own.median([d for d in own.dims if d != "width"])
        inputs[s] = np.where(full, idle[s], own.values)
    inputs["quantized"] = np.where(full, 0.0, 1.0)
    names = [int(b) if b == int(b) else b for b in widths.tolist()]
    return Widths(question, "bits", names, widths, inputs)


def _width(wanted: float | str) -> float:
    if isinstance(wanted, str):
        raise BayesqError(f"{wanted!r} is no number of bits, by which this law knows its formats.")
    return wanted


def _of_kinds(
    setting: Setting, asked: Sequence[float | str] | None, free: Collection[str]
) -> Widths:
    question, symbol, fitting = ask_kinds(setting, free)
    fit, given = setting.fit, setting.given
    known, levels, chosen = fit.kinds[symbol], fit.law.levels_of("loss")[symbol], list[Kind]()
    told = bits_names(fit) & set(given)
    narrow = any(number(k, given[k]) < FULL_PRECISION_BITS for k in told)
    for wanted in (None,) if asked is None else asked:
        if wanted is None:
            fits = [*fitting, Kind()]
        elif isinstance(wanted, str):
            fits = [Kind() if wanted == FULL else levels.find(wanted, known)]
        elif wanted >= FULL_PRECISION_BITS and not narrow:
            # Sparse weights of 16 bits, or such beside narrow activations, are kinds by name.
            fits = [Kind()]
        else:
            whole = wanted >= FULL_PRECISION_BITS
            fits = [k for k in fitting if k.w_bits == wanted and not (whole and k.sparsity)]
        if not fits:
            labels = "; ".join(fit.levels[symbol])
            raise BayesqError(
                f"{fit.title} has no {symbol} of {wanted:g} bits as asked; it has {labels}."
            )
        chosen += [k for k in fits if k not in chosen]
    full = np.array([kind == Kind() for kind in chosen])
    inputs = {
        symbol: np.array([float([*known, Kind()].index(kind)) for kind in chosen]),
        "quantized": np.where(full, 0.0, 1.0),
    }
    names = [kind.label or FULL for kind in chosen]
    return Widths(question, symbol, names, weight_bits(chosen, "width").values, inputs, chosen)
