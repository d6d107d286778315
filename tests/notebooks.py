"""What notebooks of case studies show: paragraphs and tables as text, and the numbers in them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

import nbformat
import pandas as pd

# With the letter of a count, for 950M and 1.02B differ by little.
_NUMBER = re.compile(r"[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?(?:[kMBT]\b)?")
_TIMES = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}
_INTERVAL = re.compile(r"# \((?:90 % interval )?# to #\)")
_TAG = re.compile(r"<style.*?</style>|<[^>]+>", re.DOTALL)
_CELL = re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)


@dataclass(frozen=True)
class Number:
    """A number of a text.

    Parameters
    ----------
    written : str
        As it stands there.
    width : float, optional
        Of the interval that it is an end or the median of.
    """

    written: str
    width: float = 0.0

    @property
    def value(self) -> float:
        """What it is."""
        return float(self._digits) * self._times

    @property
    def unit(self) -> float:
        """One in its last place."""
        digits, _, exponent = self._digits.partition("e")
        return 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2])) * self._times

    @property
    def _digits(self) -> str:
        return self.written.rstrip("kMBT").replace(",", "")

    @property
    def _times(self) -> float:
        return _TIMES.get(self.written[-1], 1.0)

    def off(self, other: Number) -> float:
        """Tell how far another lies from it, beyond a unit of the last place, as a share.

        Of the width of the interval where there is one, otherwise of the larger of the two.
        """
        scale = self.width or max(abs(self.value), abs(other.value))
        beyond = abs(self.value - other.value) - 1.001 * max(self.unit, other.unit)
        return max(0.0, beyond / scale) if scale else 0.0


def shown(cell: nbformat.NotebookNode) -> list[str]:
    """List what a cell shows; of figures, that there is one."""
    found = []
    for output in cell.get("outputs", []):
        data = output.get("data", {"text/plain": output.get("text", "")})
        if "image/png" in data:
            found.append("a figure")
        elif "text/html" in data:
            found.append(unescape(_TAG.sub(" ", data["text/html"])))
        else:
            found.append(data.get("text/markdown", data.get("text/plain", "")))
    return found


def tables(notebook: nbformat.NotebookNode) -> list[pd.DataFrame]:
    """List the tables of a notebook, of text."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            page = output.get("data", {}).get("text/html")
            if page is None:
                continue
            lines = [
                [unescape(text).strip() for text in _CELL.findall(line)]
                for line in page.split("<tr")[1:]
            ]
            # A name of the index has a line of its own, which is empty but for it.
            head, *body = [line for line in lines if any(line[1:])]
            rows = [line[1:] for line in body]
            found.append(pd.DataFrame(rows, [line[0] for line in body], head[1:]))
    return found


def skeleton(text: str) -> str:
    """Put # for each number."""
    return " ".join(_NUMBER.sub("#", text).split())


def numbers(text: str) -> list[Number]:
    """List the numbers of a text, each with the width of its interval where it has one."""
    plain = [Number(found.group()) for found in _NUMBER.finditer(text)]
    words = skeleton(text)
    for found in _INTERVAL.finditer(words):
        first = words[: found.start()].count("#")
        width = abs(plain[first + 2].value - plain[first + 1].value)
        for i in range(first, first + 3):
            plain[i] = Number(plain[i].written, width)
    return plain
