"""Tables that are right to who wrote them: true values, spelt in the ways in which people spell."""

from __future__ import annotations

import csv
import gzip
import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

Spell = Callable[[Any], str]
# A name of a column, and how its cells are spelt; where several are given, each cell takes one.
Style = tuple[str, tuple[Spell, ...]]


@dataclass(frozen=True)
class HalfRight:
    """A file, and for each of its rows what is true of it; a value of None is not there."""

    name: str
    data: bytes
    truth: list[dict[str, Any]]


def plain(value: float) -> str:
    return f"{value:.12g}" if value < 1e16 else repr(value)


def with_commas(value: float) -> str:
    return f"{value:,.0f}"


def in_units(unit: float, mark: str) -> Spell:
    return lambda value: f"{value / unit:.6g}{mark}"


def decimal_comma(value: float) -> str:
    return plain(value).replace(".", ",")


COUNTS: tuple[tuple[Spell, ...], ...] = (
    (plain,),
    (with_commas,),
    (in_units(1e9, "B"), in_units(1e6, "M")),
    (in_units(1e6, " M"),),
    (in_units(1e9, "b"),),
    (in_units(1e6, "M"), with_commas, plain),
    (lambda v: f"{v:.6e}",),
    (lambda v: f"{v:_.0f}",),
    (lambda v: f" {plain(v)} ",),
    (lambda v: f"{v / 1e9:.6g} billion",),
    (lambda v: decimal_comma(v / 1e9) + "B",),
    (lambda v: f"{v:,.0f}".replace(",", " "),),
    (lambda v: f"{v:,.0f}".replace(",", "."),),
    (lambda v: f"{v:,.0f}".replace(",", "'"),),
    (lambda v: f"~{in_units(1e9, 'B')(v)}",),
)
NAMES_N = ("N", "n", "params", "n_params", "model_size", "Model Size", "N_PARAMS", "parameters")
NAMES_D = ("D", "tokens", "n_tokens", "train_tokens", "Train Tokens", "D")
# The unit stands in the header, and the cells are bare.
UNITS_N = tuple(
    (name, (in_units(unit, ""),))
    for name, unit in (("N (M)", 1e6), ("params_B", 1e9), ("params [M]", 1e6), ("N", 1e9))
)
UNITS_D = tuple(
    (name, (in_units(unit, ""),)) for name, unit in (("D (B)", 1e9), ("tokens_B", 1e9), ("D", 1e9))
)
LOSSES: tuple[Style, ...] = (
    ("loss", (plain,)),
    ("val_loss", (plain,)),
    ("eval_loss", (plain,)),
    ("Loss", (plain,)),
    ("eval/loss", (plain,)),
    ("nll", (plain,)),
    ("loss", (decimal_comma,)),
    ("loss", (lambda v: f"{v:.12g}*", plain)),
    ("loss", (lambda v: f"{v:.12g} nats", plain)),
    ("loss", (lambda v: f"{v:.12g}±0.01",)),
    ("loss", (lambda v: f"{v:.12g} (0.01)",)),
    ("ppl", (lambda v: f"{math.exp(v):.12g}",)),
    ("perplexity", (lambda v: f"{math.exp(v):.12g}",)),
    ("perplexity", (lambda v: decimal_comma(math.exp(v)),)),
    ("bits_per_token", (lambda v: f"{v / math.log(2):.12g}",)),
    ("bpb", (lambda v: f"{v / math.log(2) / 4:.12g}",)),
)
BITS: tuple[Style, ...] = tuple(
    (name, spelt)
    for name in ("w_bits", "bits", "wbits", "W-bits", "w bits", "bpw", "Bits")
    for spelt in (
        (plain,),
        (lambda v: f"int{v:g}", lambda v: f"INT{v:g}"),
        (lambda v: f"W{v:g}",),
        (lambda v: f"{v:g}-bit", plain),
        (lambda v: f"{v:g} bits",),
        (lambda v: f"{v:g}.0",),
        (decimal_comma,),
    )
)
SPARSITIES: tuple[tuple[Spell, ...], ...] = (
    (plain,),
    (lambda v: f"{100 * v:g}%",),
    (lambda v: f"{100 * v:g} %",),
    (lambda v: f"{100 * v:g}",),
    (lambda v: "16:32" if v else "0", plain),
    (decimal_comma,),
)
GROUPS: tuple[Style, ...] = tuple(
    (name, spelt)
    for name in ("w_group", "group_size", "gs", "Group Size")
    for spelt in ((plain,), (lambda v: f"g{v:g}",), (lambda v: f"{v:g}.0",))
)
HOLES = ("", "NaN", "nan", "-", "—", "n/a", "N/A", "OOM", "null", "None", "#N/A", "TBD", "inf", "?")


def mostly(usual: Any, odd: Any) -> st.SearchStrategy[Any]:
    """Draw what is usual in two tables of three."""
    return st.integers(0, 2).flatmap(lambda k: st.sampled_from(odd) if k == 0 else st.just(usual))


@st.composite
def half_right(draw: st.DrawFn) -> HalfRight:
    """Draw a table, each column spelt in a way of its own."""
    count = draw(st.integers(2, 7))
    styles: dict[str, Style] = {
        "N": (draw(st.sampled_from(NAMES_N)), draw(mostly((plain,), COUNTS))),
        "D": (draw(st.sampled_from(NAMES_D)), draw(mostly((plain,), COUNTS))),
        "loss": draw(mostly(("loss", (plain,)), LOSSES)),
    }
    if draw(st.integers(0, 5)) == 0:
        styles["N"] = draw(st.sampled_from(UNITS_N))
    if draw(st.integers(0, 5)) == 0:
        styles["D"] = draw(st.sampled_from(UNITS_D))
    if draw(st.booleans()):
        styles["w_bits"] = draw(st.sampled_from(BITS))
        if draw(st.booleans()):
            styles["w_group"] = draw(st.sampled_from(GROUPS))
    if draw(st.integers(0, 3)) == 0:
        styles["sparsity"] = ("sparsity", draw(st.sampled_from(SPARSITIES)))
    true_values: dict[str, st.SearchStrategy[float]] = {
        # Six digits, as the spellings write them.
        "N": st.integers(7, 99_999).map(lambda v: v * 1e6),
        "D": st.integers(1, 15_000).map(lambda v: v * 1e9),
        "loss": st.integers(1_001, 4_999).map(lambda v: v / 1000),
        "w_bits": st.sampled_from([2.0, 3.0, 4.0, 8.0]),
        "w_group": st.sampled_from([32.0, 128.0]),
        "sparsity": st.sampled_from([0.0, 0.5]),
    }
    truth, cells = [], []
    for i in range(count):
        row = {name: draw(true_values[name]) for name in styles}
        spelt = {name: draw(st.sampled_from(styles[name][1]))(row[name]) for name in styles}
        truth.append(row | {"run": f"r{i}"})
        cells.append([*spelt.values(), f"r{i}"])
    if draw(st.integers(0, 4)) == 0:
        row_number, column = draw(st.integers(0, count - 1)), draw(st.integers(0, 2))
        cells[row_number][column] = draw(st.sampled_from(HOLES))
        truth[row_number][list(styles)[column]] = None
    header = [*(name for name, _ in styles.values()), "run"]
    return HalfRight(*draw(files(header, cells)), truth)


@st.composite
def files(draw: st.DrawFn, header: list[str], cells: list[list[str]]) -> tuple[str, bytes]:
    """Draw one of the kinds of files in which such a table comes."""
    mark = draw(st.sampled_from(",,,;\t|"))
    ending = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=mark, lineterminator=ending, quoting=quoting)
    writer.writerows([header, *cells])
    written = text.getvalue()
    match draw(st.integers(0, 19)):
        case 0:
            written = f"# losses of our runs{ending}{written}"
        case 1:
            written = written.replace(ending, f"{mark}{ending}")
        case 2:
            written = f"{ending}{written}{ending}{ending}"
        case 3:
            written = written.removesuffix(ending)
        case 4:
            written += written.split(ending)[0] + ending
    encoding = draw(st.sampled_from(["utf-8"] * 9 + ["utf-8-sig", "utf-16", "latin-1", "cp1252"]))
    data = written.encode(encoding, errors="replace")
    suffix = draw(st.sampled_from([".tsv" if mark == "\t" else ".csv"] * 6 + [".csv", ".txt"]))
    if draw(st.integers(0, 5)) == 0:
        return f"runs{suffix}.gz", gzip.compress(data, mtime=0)
    return f"runs{suffix}", data
