"""Widths under other names than those of the common columns: ``int4`` in a column precision."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bayesq.runs.column import Column
from bayesq.runs.counts import as_number
from bayesq.runs.schema import BITS, FULL_PRECISION_BITS, Row
from bayesq.runs.spellings import scheme

type _Cells = dict[str, object]

_SAYS = re.compile(
    r"precision|(?<![a-z])bits?(?![a-z])|(?<![a-z])(?:format|fmt|scheme|dtype)(?![a-z])|quant",
    re.IGNORECASE,
)
# Widths of something else than of the network that was measured.
_ELSEWHERE = re.compile(
    r"optim|master|accum|train|comput|amp|storage|file|loss|ppl|err|time|acc(?![a-z])|scale"
    r"|layer|calib",
    re.IGNORECASE,
)
_ACTIVATIONS = re.compile(r"(?<![a-z])act|input", re.IGNORECASE)
_CACHE = re.compile(r"(?<![a-z])kv|cache", re.IGNORECASE)
_GRADIENTS = re.compile(r"(?<![a-z])grad|backward", re.IGNORECASE)
_LOADED_IN = re.compile(r"load_?in_?([2-8])_?bits?", re.IGNORECASE)
_MINIFLOAT = re.compile(
    r"(?:fp\d[-_ ]?)?e(?P<exponent>\d)m(?P<mantissa>\d)(?:fnu?z?)?", re.IGNORECASE
)
_NUMBERS = {1.0, 1.5, 1.58, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 16.0, 32.0}
_LEAST = 8
_FULL = {"full", "full precision", "full-precision", "fp", "float", "half", "unquantized"}
# What is surely a width: 7B is a size, and w2 a worker.
_SPELT = re.compile(
    r"(?:u?int|fp|nf|mxfp|nvfp|mxint)[-_ ]?[1-8]|w[1-8](?:\.\d+)?[-_]?a\d+.*"
    r"|[1-8](?:\.\d+)?[-_ ]?bits?|(?:fp\d[-_ ]?)?e\dm\d\w*",
    re.IGNORECASE,
)
_QUANTIZERS = re.compile(
    r"gptq|awq|rtn|nf4|gguf|bnb|smoothquant|quarot|spinquant|omniquant|quip|aqlm|hqq|qat\b|ptq\b"
    r"|\bint[2-8]\b|\bfp[468]\b|\bw\d+a\d+|\b[2-8][- ]?bits?\b|\bi?q[2-8](?:_|\b)|\be\dm\d",
    re.IGNORECASE,
)


def names_quantizer(method: str) -> bool:
    """Tell whether a method is one of quantization by its name."""
    return bool(method and _QUANTIZERS.search(method))


def read_widths(columns: dict[str, Column], names: Iterable[str]) -> dict[str, dict[str, _Cells]]:
    """Take widths from columns that hold nothing else, where no common column gives any.

    Parameters
    ----------
    columns : dict of str to Column
        Values by common name; widths and formats are put in.
    names : iterable of str
        The columns of the table.

    Returns
    -------
    dict of str to dict
        Of each column that was read so, its cells and what each became.
    """
    names = list(names)
    if {*BITS, "w_exponent", "a_exponent"} & set(names):
        return {}
    read = {}
    for name in names:
        if name == "method" or (name not in Row.model_fields and _says_widths(name)):
            found = _all_widths(name, columns[name])
            # Methods 1, 2 and 3 are numbers of methods.
            listed = name == "method" and all(as_number(text) < _LEAST for text in found)
            # Of a method that says so it is told even where all are full precision.
            wanted = name == "method" or _narrow(found.values())
            if found and wanted and not listed:
                read[name] = found
    given: dict[str, Column] = {}
    for name, found in read.items():
        for column in dict.fromkeys(column for cells in found.values() for column in cells):
            new = columns[name].map(lambda value: found.get(str(value), {}).get(column))  # noqa: B023
            old = given.get(column, new)
            if (old.present & new.present & ~old.equals(new)).any():
                return {}
            given[column] = old.or_else(new)
    for column, new in given.items():
        columns[column] = columns.get(column, new).or_else(new)
    return read


def _all_widths(name: str, column: Column) -> dict[str, _Cells]:
    """Read each distinct cell of a column that says widths; none where one says something else."""
    values, codes = column.coded
    found: dict[str, _Cells] = {}
    for code in np.unique(codes[codes >= 0]).tolist():
        text = str(values[code])
        widths = _widths(name, text)
        if widths is None:
            return {}
        found[text] = widths
    return found


def looks_quantized(name: str, text: str) -> bool:
    """Tell whether a cell of a column of the user's own speaks of less than 16 bits."""
    text = text.strip()
    if len(text.split()) > 2:  # a comment
        return False
    if _SPELT.fullmatch(text) or names_quantizer(text):
        return True
    if not says_bits(name):
        return False
    number = as_number(text)
    return text.lower() in ("true", "yes") or (number in _NUMBERS and number < FULL_PRECISION_BITS)


def says_bits(name: str) -> bool:
    """Tell whether plain numbers of a column can be bits, by its name."""
    return bool(_SAYS.search(name)) and not _ELSEWHERE.search(name)


def tell_each(values: np.ndarray, test: Callable[[Any], bool]) -> np.ndarray:
    """Ask a test of each distinct cell of a column; shape ``(rows,)``."""
    cells = values.tolist()
    known = {cell: test(cell) for cell in dict.fromkeys(cells)}
    return np.array([known[cell] for cell in cells], dtype=bool)


def _says_widths(name: str) -> bool:
    return says_bits(name) and not _GRADIENTS.search(name)


def _narrow(found: Iterable[_Cells]) -> bool:
    widths = (value for cells in found for name, value in cells.items() if name in BITS)
    return any(isinstance(value, float) and value < FULL_PRECISION_BITS for value in widths)


def _widths(name: str, text: str) -> _Cells | None:
    """Read a cell of a column that says widths; None where it says something else."""
    if loaded := _LOADED_IN.fullmatch(name):
        # Where it was not loaded so, another column can say how.
        said: _Cells = {"w_bits": float(loaded[1])} if text.lower() == "true" else {}
        return said if text.lower() in ("true", "false") else None
    side = "kv" if _CACHE.search(name) else "a" if _ACTIVATIONS.search(name) else "w"
    number = as_number(text) if not text[-1:].isalpha() else 0.0
    if number in _NUMBERS:
        return {f"{side}_bits": number}
    if text.lower() in _FULL:
        return {f"{side}_bits": float(FULL_PRECISION_BITS)}
    if (found := _MINIFLOAT.fullmatch(text)) and side != "kv":
        digits = {part: float(found[part]) for part in ("exponent", "mantissa")}
        cells = {"kind": "fp", **digits, "bits": 1 + sum(digits.values())}
        return {f"{side}_{part}": value for part, value in cells.items()}
    spelt = scheme(text)
    if spelt is None or side == "w":
        return spelt
    if not spelt.keys() <= {"w_bits", "w_kind"}:
        return None
    # The cache has no column for its kind.
    return {
        f"{side}{column[1:]}": value
        for column, value in spelt.items()
        if side == "a" or column == "w_bits"
    }
