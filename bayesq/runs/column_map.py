"""A table's column names mapped to the common ones, kept in a small TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bayesq.errors import BayesqError
from bayesq.runs.records import one_line

_LARGEST = 2**20
_EXAMPLE = 'write lines like params = "N"'


@dataclass(frozen=True)
class ColumnMap:
    """What a file says of a table's columns.

    Parameters
    ----------
    columns : dict of str to str
        The table's own names to the common ones.
    bytes_per_token : float, optional
        Of the text that bits per byte were measured on.
    """

    columns: Mapping[str, str]
    bytes_per_token: float | None = None


def read_column_map(path: str | Path) -> ColumnMap:
    """Read a file of lines ``theirs = "ours"``, and perhaps ``bytes_per_token = 4.2``.

    Raises
    ------
    BayesqError
        If it cannot be read, is not TOML, or holds anything else; nothing in it is run.
    """
    source = one_line(path)
    try:
        with Path(path).open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise BayesqError(f"{source} is no column map, being over 1 MB; {_EXAMPLE}.")
        held = tomllib.loads(data.decode("utf-8"))
    except BayesqError:
        raise
    except OSError as error:
        raise BayesqError(
            f"Column map {source} cannot be read ({error.strerror}); check the path."
        ) from error
    except (ValueError, RecursionError) as error:
        why = one_line(error)
        raise BayesqError(f"Column map {source} is not TOML ({why}); {_EXAMPLE}.") from error
    columns: dict[str, str] = {}
    bytes_per_token = None
    for name, value in {**held, **_part(held)}.items():
        if isinstance(value, str):
            columns[name] = value
        elif name == "bytes_per_token" and type(value) in (int, float):
            bytes_per_token = float(value)
        elif not (name == "columns" and isinstance(value, dict)):
            raise BayesqError(
                f"Column map {source}: {one_line(name)} is not mapped to a name; {_EXAMPLE}."
            )
    return ColumnMap(columns, bytes_per_token)


def _part(held: Mapping[str, object]) -> Mapping[str, object]:
    part = held.get("columns")
    return part if isinstance(part, dict) else {}
