"""Counts of parameters and tokens as people write them: ``7B``, ``1.5e9``, ``300M``."""

from __future__ import annotations

import re

from bayesq.counted import format_count

__all__ = ["as_number", "format_count", "parse_count"]

_SUFFIX = {"k": "e3", "m": "e6", "b": "e9", "g": "e9", "t": "e12"}
_COUNT = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*([kmbgt])", re.IGNORECASE)


def parse_count(value: object) -> object:
    """Turn a count with a suffix into a float and leave anything else as it is.

    Parameters
    ----------
    value : object
        A number, or text such as ``"7B"`` (10^9), ``"300M"`` (10^6), ``"15T"`` (10^12), ``"64k"``.

    Returns
    -------
    object
        A float where `value` is text that ends in a suffix, else `value` unchanged, so that the
        validation that follows can say what is wrong with it.
    """
    if isinstance(value, str):
        found = _COUNT.fullmatch(value.strip())
        if found:
            number, suffix = found.groups()
            # Not 4.1 * 1e9, which is 4099999999.9999995 and would pair with no 4100M.
            return float(number + _SUFFIX[suffix.lower()])
    return value


def as_number(value: object) -> float:
    """Read a number or a count with a suffix; NaN where it is neither."""
    try:
        return float(parse_count(value))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return float("nan")
