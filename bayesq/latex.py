r"""Tables for papers: LaTeX with booktabs, where what comes from outside is text and no command."""

# ruff: noqa: RUF001 - letters that only look like others are what names from outside have

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from bayesq.intervals import Interval
from bayesq.runs.counts import format_count
from bayesq.terminal import printable

if TYPE_CHECKING:
    from bayesq.notes import Note

COUNTS = ("tokens", "parameters")  # units of what people write as 7B
NOTHING = "--"
GREEK = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda"),
    *("mu", "nu", "xi", "pi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega"),
)
# What pdflatex has in mathematics only, as names from outside may have it.
_LETTERS = dict(zip("αβγδεζηθκλμνξπρστφχψω", GREEK, strict=True)) | {
    **{"ι": "iota", "υ": "upsilon", "ς": "varsigma", "ϵ": "epsilon", "ϕ": "phi", "µ": "mu"},
    **{"Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi"},
    **{"Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega"},
}
_SIGNS = {"≤": "leq", "≥": "geq", "×": "times", "±": "pm", "≈": "approx", "∞": "infty"}
IN_MATHEMATICS = {**_LETTERS, **_SIGNS}
_SYMBOL = re.compile(r"^([A-Za-z]+\d*)((?:_[A-Za-z0-9_]+)?)(.*)$", re.DOTALL)
_ESCAPES = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"},
        **{
            "<": r"\textless{}",
            ">": r"\textgreater{}",
            "|": r"\textbar{}",
        },
        # After the end of a row these would be an option of it.
        **{"[": "{[}", "]": "{]}", "*": "{*}"},
        "\n": " ",
        **{character: f"$\\{name}$" for character, name in IN_MATHEMATICS.items()},
        **{"−": "$-$", "–": "--", "—": "---", "\u2009": " ", "\u202f": " "},
    }
)
# What pdflatex prints without a package: of other scripts it has no letters.
_PRINTED = {*map(chr, range(0x180)), *"‘’“”…€"} - set("«»ÐÞðþ")
# From here on the ends of an interval have no digits in common.
_APART = 20.0
_LARGE, _SMALL = 1e5, 1e-3
_ROUND_OFF = 1e-9  # of a number: what has less width has none
_DIGITS = 2  # of the shorter half of an interval


def escape(text: object) -> str:
    """Write text so that LaTeX prints it as it stands."""
    return printable(str(text)).translate(_ESCAPES)


def symbol(name: str) -> str:
    r"""Write a parameter as papers do: ``$\gamma_{\mathrm{post}}$``; what follows it is text."""
    letter, rest = letter_of(name)
    return f"${letter}${escape(rest)}" if letter else escape(rest)


def letter_of(name: str) -> tuple[str, str]:
    r"""Take the name of a parameter apart: its symbol in mathematics, and the text after it.

    Returns
    -------
    tuple of str
        ``(r"\gamma_{\mathrm{post}}", "[W4]")``; the symbol is empty where there is none.
    """
    found = _SYMBOL.match(name)
    if found is None:
        return "", name
    stem, index, rest = found.groups()
    letter = f"\\{stem}" if stem in GREEK else stem if len(stem) == 1 else rf"\mathrm{{{stem}}}"
    if below := index[1:].replace("_", r"\_"):
        letter += f"_{{{below}}}" if len(below) == 1 else rf"_{{\mathrm{{{below}}}}}"
    return letter, rest


def head(text: str, unit: str = "", between: str = " ") -> str:
    """Write the head of a column, with its unit; a pure number has none."""
    return text if unit in ("", "1") else f"{text}{between}({escape(unit)})"


def interval_head(chosen: Interval) -> str:
    r"""Write the head of estimates: ``Median [90\,\% interval]``."""
    return rf"Median [{chosen.percent}\,\% {chosen.what}]"


def unit_cell(unit: str) -> str:
    """Write a unit as a cell."""
    return NOTHING if unit in ("", "1") else escape(unit)


def number(value: float, digits: int = 3, *, far: bool = True) -> str:
    """Write a number with so many significant digits; one far from 1 by a power, or all out."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return r"$\infty$" if value > 0 else r"$-\infty$"
    if value == 0:
        return "0"
    rounded = abs(float(f"{value:.{digits - 1}e}"))
    exponent = math.floor(math.log10(rounded))
    power = exponent if far and _is_far(rounded) else 0
    written = _fixed(value / 10.0**power, digits - 1 - exponent + power)
    return rf"{written} $\times 10^{{{power}}}$" if power else written


def count(value: float) -> str:
    """Write a count of tokens or parameters as the field does: ``7B``."""
    return format_count(value) if math.isfinite(value) and value >= 0 else number(value)


def cell(value: object, unit: str = "") -> str:
    """Write what stands in a table: a count, a number or text."""
    if isinstance(value, str | bool) or not hasattr(value, "__float__"):
        return escape(value)
    if unit in COUNTS:
        return count(float(value))
    text = f"{float(value):.4g}"
    return text if re.fullmatch(r"[\d.]+", text) else number(float(value), 4)


def estimate(middle: float, lower: float, upper: float, unit: str = "") -> str:
    r"""Write a median and an interval with the digits that the interval supports.

    The shorter half of the interval has two significant digits, and so many decimals have all
    three; where the ends lie further apart than a factor of 20, each has two digits of its own.
    Counts have the three digits of ``27.3T``. One number is what has no width.
    """
    if math.isnan(middle):
        return NOTHING
    if lower == upper or upper - lower <= _ROUND_OFF * abs(middle):
        return cell(middle, unit)
    if unit in COUNTS:
        return _with_ends(*map(count, (middle, lower, upper)))
    values = (middle, lower, upper)
    gap = _gap(*values)
    if not gap or not all(map(math.isfinite, values)) or _are_apart(lower, upper):
        return _each_with_its_digits(values)
    decimals = _DIGITS - 1 - math.floor(math.log10(gap))
    largest = max(map(abs, values))
    if not _is_far(largest):
        return _with_ends(*(_fixed(v, decimals) for v in values))
    power = math.floor(math.log10(largest))
    written = (_fixed(v / 10.0**power, decimals + power) for v in values)
    return rf"{_with_ends(*written)} $\times 10^{{{power}}}$"


def _each_with_its_digits(values: tuple[float, float, float]) -> str:
    """Write a median and ends far apart with two digits each, and one power for all of them."""
    finite = [abs(float(f"{v:.{_DIGITS - 1}e}")) for v in values if v and math.isfinite(v)]
    powers = [math.floor(math.log10(v)) for v in finite]
    # As they stand if they can, else by the power of the median or, failing that, of an end.
    for power in (0, *powers):
        if not any(_is_far(v / 10.0**power) for v in finite):
            written = _with_ends(*(number(v / 10.0**power, _DIGITS) for v in values))
            return rf"{written} $\times 10^{{{power}}}$" if power else written
    if all(v < 100 * _LARGE for v in finite) and all(v >= _SMALL / 100 for v in finite):
        return _with_ends(*(number(v, _DIGITS, far=False) for v in values))
    return _with_ends(*(number(v, _DIGITS) for v in values))


def plus_minus(value: float, error: float) -> str:
    r"""Write a number and its standard error: ``$-12.3 \pm 4.5$``."""
    if not (math.isfinite(value) and _ROUND_OFF * abs(value) < error < math.inf):
        return number(value)
    decimals = _DIGITS - 1 - math.floor(math.log10(error))
    first, second = (_fixed(v, decimals).strip("$") for v in (value, error))
    return rf"${first} \pm {second}$"


def booktabs(
    columns: Mapping[str, Sequence[str]],
    *,
    text: Iterable[str] = (),
    said: Iterable[str] = (),
    notes: Iterable[Note] = (),
    caption: str | None = None,
    label: str | None = None,
) -> str:
    r"""Put a table together.

    Parameters
    ----------
    columns : mapping of str to list of str
        Cells by head, both as LaTeX has them; a head of several lines has as many rows.
    text : iterable of str
        Heads of columns that hold text, which begins at the left; numbers end at the right.
    said : iterable of str
        What a reader of the source should know, in comments above the table.
    notes : iterable of Note
        Of these, those that warn follow in comments, so that no number goes without them.
    caption, label : str, optional
        LaTeX, written as it is given. With one of them the table floats.

    Returns
    -------
    str
        A ``tabular``, or a ``table`` around it. It needs ``\usepackage{booktabs}``.
    """
    import pandas as pd

    frame = pd.DataFrame(dict(enumerate(columns.values())), dtype=object)
    left = list(text)
    rows = list(zip_longest(*(name.split("\n") for name in columns), fillvalue=""))
    heads = [name.replace("{", "{{").replace("}", "}}") for name in rows[0]]  # they are formats
    styled = frame.style.hide(axis="index").format(str).relabel_index(heads, axis="columns")
    written = styled.to_latex(
        hrules=True,
        column_format=f"@{{}}{''.join('l' if name in left else 'r' for name in columns)}@{{}}",
        caption=caption,
        label=label,
        position_float="centering" if caption or label else None,
    )
    more = "".join(f"{' & '.join(row)} \\\\\n" for row in rows[1:])
    written = written.replace("\\midrule\n", f"{more}\\midrule\n", 1)
    warned = (str(note) for note in notes if note.severity != "info")
    above = [r"needs \usepackage{booktabs}", *said, *warned]
    if not set(written) <= _PRINTED:
        above.insert(1, "needs lualatex or xelatex, and a font that has its letters")
    comments = (f"% {' '.join(printable(line).split())}\n" for line in above)
    return "".join(comments) + written


def _fixed(value: float, decimals: int) -> str:
    """Write a number with so many decimals; with fewer than none tens are rounded."""
    rounded = round(value, decimals) + 0.0  # never minus nought
    text = f"{abs(rounded):.{max(decimals, 0)}f}"
    return f"$-{text}$" if rounded < 0 else text


def _with_ends(middle: str, lower: str, upper: str) -> str:
    return f"{middle} [{lower}, {upper}]"


def _gap(middle: float, lower: float, upper: float) -> float:
    """Take the shorter half of an interval, or all of it where that has no width."""
    halves = [half for half in (middle - lower, upper - middle) if half > 0]
    return min(halves) if len(halves) == 2 else upper - lower


def _are_apart(lower: float, upper: float) -> bool:
    small, large = sorted((abs(lower), abs(upper)))
    return lower * upper > 0 and large > _APART * small


def _is_far(size: float) -> bool:
    return size >= _LARGE or 0 < size < _SMALL
