"""The cells of a column as they stand in their source, each distinct one looked at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from bayesq.runs.schema import MISSING

if TYPE_CHECKING:
    import pyarrow as pa

# Columns of so many texts are kept in Arrow's arrays and read by it; a shorter one is not worth its
# import, and is read cell by cell to the same end.
MANY = 2**15
_PLAIN = {int, float, bool, type(None)}
# pandas.NA and NaT, of which there is one each, told by name so that pandas need not be imported.
NONE_OF_PANDAS = ("NAType", "NaTType")


class RawColumn(Sequence[Any]):
    """Cells of one column, kept as compactly as their source allows.

    Parameters
    ----------
    cells : ndarray, pyarrow.Array or list
        Numbers, texts (of Arrow), or cells of any kind; shape ``(rows,)``. A cell is handed out as
        Python's own number or text whichever they are.
    """

    def __init__(self, cells: np.ndarray | pa.Array | list[Any]) -> None:
        self._cells = cells

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, row: int) -> Any: ...
    @overload
    def __getitem__(self, row: slice) -> list[Any]: ...
    def __getitem__(self, row: int | slice) -> Any:
        if isinstance(row, slice):
            part = self._cells[row]
            return part if isinstance(part, list) else part.tolist()
        if isinstance(self._cells, list):
            return self._cells[row]
        cell = self._cells[int(row)]
        return cell.item() if isinstance(self._cells, np.ndarray) else cell.as_py()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._cells if isinstance(self._cells, list) else self._cells.tolist())

    @cached_property
    def numbers(self) -> np.ndarray | None:
        """The cells as numbers, NaN where there is none; None where a cell is more than a number.

        A text counts where it is a finite number in plain digits, for these are read alike in
        every column; a truth value does not.
        """
        if isinstance(self._cells, np.ndarray):
            found = self._cells.astype(float) if self._cells.dtype.kind in "fiu" else None
        elif isinstance(self._cells, list):
            found = _of_list(self._cells)
        else:
            found = _of_arrow(self._cells)
        return None if found is None or np.isinf(found).any() else found

    @cached_property
    def distinct(self) -> tuple[list[Any], np.ndarray]:
        """The distinct cells in the order in which they first come, and which of them each row has.

        Returns
        -------
        cells : list
            Cells that differ in type or in how they are written are distinct.
        codes : ndarray of int, shape (rows,)
            Index of each row's cell.
        """
        if not isinstance(self._cells, list | np.ndarray) and _is_text(self._cells):
            coded = self._cells.dictionary_encode("encode")
            return coded.dictionary.tolist(), coded.indices.to_numpy(zero_copy_only=False)
        known: dict[Any, int] = {}
        cells: list[Any] = []
        codes = np.empty(len(self), dtype=np.int64)
        for i, cell in enumerate(self):
            kind = type(cell)
            if kind is str:
                key: Any = cell
            elif kind in _PLAIN:
                # Zeros differ in sign, and NaN is equal to nothing.
                key = (kind, repr(cell) if kind is float and not cell > 0 else cell)
            else:
                key = kind if kind.__name__ in NONE_OF_PANDAS else (i,)
            code = known.setdefault(key, len(cells))
            if code == len(cells):
                cells.append(cell)
            codes[i] = code
        return cells, codes


def _is_text(cells: pa.Array) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def _of_arrow(cells: pa.Array) -> np.ndarray | None:
    if _is_text(cells):
        return _of_text(cells)
    values = cells.to_numpy(zero_copy_only=False)
    return values.astype(float) if values.dtype.kind in "fiu" else None


def _of_text(texts: pa.Array) -> np.ndarray | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    # Digits of other scripts are Python's to read.
    if pc.all(pc.string_is_ascii(texts)).as_py() is False:
        return None
    try:
        found = texts.cast(pa.float64())
    except pa.ArrowInvalid:
        plain = pc.ascii_trim_whitespace(texts)
        none = pc.is_in(pc.ascii_lower(plain), value_set=pa.array(sorted(MISSING), texts.type))
        try:
            found = pc.if_else(none, pa.scalar(None, texts.type), plain).cast(pa.float64())
        except pa.ArrowInvalid:
            return None
    # Not a number that is written so is none: "-nan" is a mistake, and "nan" an empty cell.
    numbers: np.ndarray = found.to_numpy(zero_copy_only=False).astype(float)
    if int(np.isnan(numbers).sum()) == found.null_count:
        return numbers
    plain = pc.ascii_lower(pc.ascii_trim_whitespace(texts))
    empty = pc.is_in(plain, value_set=pa.array(sorted(MISSING), texts.type))
    held = empty.to_numpy(zero_copy_only=False) | texts.is_null().to_numpy(zero_copy_only=False)
    return numbers if np.array_equal(held, np.isnan(numbers)) else None


def _of_list(cells: list[Any]) -> np.ndarray | None:
    kinds = set(map(type, cells))
    none = {kind for kind in kinds if kind is type(None) or kind.__name__ in NONE_OF_PANDAS}
    if kinds - none <= {float, int}:
        try:
            numbers = cells if not none else [np.nan if type(c) in none else c for c in cells]
            return np.array(numbers, dtype=float)
        except OverflowError:
            return None
    if len(cells) < MANY:
        return None
    # Among texts pandas has NaN for none.
    if not kinds - none <= {str, float} or any(c == c for c in cells if type(c) is float):
        return None
    import pyarrow as pa

    try:
        return _of_text(pa.array([c if type(c) is str else None for c in cells], pa.string()))
    except UnicodeEncodeError:  # half a character, which JSON can spell
        return None
