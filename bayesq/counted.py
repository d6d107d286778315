"""Counts as a sentence has them: ``7B`` parameters, ``1 row``, ``2 studies``."""

from __future__ import annotations

_MANY = 1e17  # from here on the power of ten says more than the trillions


def format_count(value: float) -> str:
    """Write a count the way the field does, with three digits: ``7.0e9`` as ``7B``.

    There is no name above trillions: ``1.5e15`` is ``1500T``.
    """
    for suffix, unit in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        # 999.6M must read 1B, not 1e+03M
        if unit * 0.9995 <= value < unit * 999.5:
            return f"{value / unit:.3g}{suffix}"
    if 999.5e12 <= value < _MANY:
        return f"{float(f'{value / 1e12:.3g}'):.0f}T"
    return f"{value:.3g}"


def how_many(count: int, one: str, several: str = "") -> str:
    """Count things in words: ``1 row``, ``24 rows``, ``2 studies``.

    Parameters
    ----------
    count : int
        How many.
    one : str
        What one of them is called.
    several : str, optional
        What several are called, where it is not that with an s.
    """
    return f"{count} {one if count == 1 else several or f'{one}s'}"
