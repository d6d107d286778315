"""The bytes of a table: a file or standard input, unpacked where packed, and never without end."""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from pathlib import Path
from typing import IO, TextIO

from bayesq.errors import BayesqError
from bayesq.runs.records import one_line

STANDARD_INPUT = "-"
# A million rows of 20 columns: a small packed file must not unpack into all memory.
LARGEST = 192 * 2**20
_PACKED = b"\x1f\x8b"
_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def read_bytes(path: Path, source: str) -> bytes:
    """Read a file, or standard input where `path` is ``-``, and unpack it where gzip packed it.

    Raises
    ------
    BayesqError
        If it cannot be read, is empty, not whole, or larger than a table of runs can be.
    """
    try:
        if str(path) == STANDARD_INPUT:
            data = _read(_piped(), source)
        else:
            with path.open("rb") as file:
                data = _read(file, source)
    except (OSError, ValueError) as error:
        if isinstance(error, BayesqError):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise BayesqError(f"{source} cannot be read ({why}); mend its access.") from error
    if data.startswith(_PACKED):
        try:
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
                data = _read(unpacked, source)
        except (OSError, EOFError, zlib.error) as error:
            raise BayesqError(
                f"{source} is not a whole gzip file; write it again, it may be cut short."
            ) from error
    if not data:
        raise BayesqError(f"{source} is empty; write a header with N, D, loss and a row a loss.")
    return data


def as_lines(data: bytes, source: str) -> TextIO:
    """Open a table as text: UTF-8, or UTF-16 that says so in its first two bytes.

    Line ends, of any kind, are left as they are.

    Raises
    ------
    BayesqError
        If it is neither; the sentence names the line.
    """
    if data.startswith(_UTF_16):
        try:
            text = data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise BayesqError(
                f"{source}, line 1: begins like UTF-16 text and is not (byte {error.start + 1} of "
                "the file); save the table with encoding UTF-8."
            ) from error
        if "\0" not in text:
            return _lines(text.encode())
    if b"\0" in data:
        line = data[: data.index(b"\0")].count(b"\n") + 1
        raise BayesqError(
            f"{source}, line {line}: holds binary data, not text; save the table as UTF-8 text."
        )
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BayesqError(
            f"{source}, line {line}: not UTF-8 text (byte {error.start + 1} of the file); save the "
            "table with encoding UTF-8."
        ) from error
    return _lines(data)


def _lines(data: bytes) -> TextIO:
    file = io.BytesIO(data)
    file.seek(len(_MARK) if data.startswith(_MARK) else 0)
    return io.TextIOWrapper(file, encoding="utf-8", newline="")


def _piped() -> IO[bytes]:
    if sys.stdin is None or sys.stdin.isatty():
        raise BayesqError("Nothing is piped into standard input; pass a table, or name its file.")
    return sys.stdin.buffer


def _read(file: IO[bytes] | gzip.GzipFile, source: str) -> bytes:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise BayesqError(
            f"{one_line(source)} holds more than {LARGEST // 2**20} MB, more than a table of runs; "
            "save the rows that matter as a smaller file."
        )
    return data
