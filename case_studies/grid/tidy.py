"""Turn the trainer's JSON lines into the common columns of runs.csv. Needs no torch."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable
from pathlib import Path

from formats import FloatFormat, from_record

COLUMNS = (
    "study", "run", "N", "D", "stage", "method",
    "w_kind", "w_bits", "w_exponent", "w_mantissa", "w_group",
    "a_kind", "a_bits", "a_exponent", "a_mantissa", "a_group",
    "kv_bits", "grad_bits", "sparsity", "seed",
    "loss", "loss_se", "loss_full", "corpus", "fc2_a_bits",
)  # fmt: skip
UNQUANTISED_BITS = 16
DECIMALS = 6


def main() -> None:
    """Read the command line and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lines", type=Path, nargs="+", help="JSON lines of the trainer, in order")
    parser.add_argument("--out", type=Path, required=True, help="CSV file to write")
    parser.add_argument("--corpus", default="kernel-source", help="name for the column `corpus`")
    options = parser.parse_args()
    rows = [row for path in options.lines for row in read_lines(path)]
    write_table(options.out, tidy(rows, options.corpus))


def read_lines(path: Path) -> list[dict]:
    """Read a file of JSON lines.

    Parameters
    ----------
    path
        The trainer's output.

    Returns
    -------
    list of dict
        One for each line, in order.
    """
    rows = []
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: not JSON ({error.msg})") from error
    return rows


def tidy(rows: Iterable[dict], corpus: str) -> list[dict]:
    """Turn the trainer's rows into rows of the table, in the same order.

    The full-precision loss that a row is compared with (`loss_full`) is, for a network rounded
    after training, its own loss before rounding; for a network trained in low precision, the loss
    of the full-precision network of the same size, D and seed, or nothing if there is none (the
    first, should several have been measured); for a full-precision network, its own loss.

    Parameters
    ----------
    rows
        What the trainer recorded. Lines of jobs that failed are left out.
    corpus
        Name for the column `corpus`.

    Returns
    -------
    list of dict
        Keys are `COLUMNS`.
    """
    measured = [row for row in rows if "error" not in row]
    full_losses: dict[tuple, float] = {}
    for row in measured:
        if _stage(row) == "none":
            full_losses.setdefault(_pairing(row), row["loss"])
    return [_tidy_row(row, full_losses, corpus) for row in measured]


def write_table(path: Path, table: Iterable[dict]) -> None:
    """Write rows of the table as CSV.

    Parameters
    ----------
    path
        File to write.
    table
        Rows of `tidy`.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


def _tidy_row(row: dict, full_losses: dict[tuple, float], corpus: str) -> dict:
    stage = _stage(row)
    if stage == "post":
        loss_full = row["loss_before"]
    elif stage == "train":
        loss_full = full_losses.get(_pairing(row))
    else:
        loss_full = row["loss"]
    return {
        "study": "grid",
        "run": row["id"],
        "N": row["N"],
        "D": row["D"],
        "stage": stage,
        "method": {"none": "", "train": "ste", "post": "rtn"}[stage],
        **_format_columns("w", row["w"]),
        **_format_columns("a", row["a"]),
        "kv_bits": _bits(row["kv"]),
        "grad_bits": UNQUANTISED_BITS,
        "sparsity": 0,
        "seed": row["seed"],
        "loss": round(row["loss"], DECIMALS),
        "loss_se": "",
        "loss_full": "" if loss_full is None else round(loss_full, DECIMALS),
        "corpus": corpus,
        "fc2_a_bits": _bits(row["fc2_a"]) if row.get("fc2_a") else "",
    }


def _stage(row: dict) -> str:
    if row["when"] == "post":
        return "post"
    quantised = row["w"] or row["a"] or row["kv"]
    return "train" if quantised else "none"


def _pairing(row: dict) -> tuple:
    return row["size"], row["D"], row["seed"]


def _bits(record: dict | None) -> int:
    return UNQUANTISED_BITS if record is None else from_record(record).bits


def _format_columns(prefix: str, record: dict | None) -> dict:
    columns = {"kind": "", "bits": _bits(record), "exponent": "", "mantissa": "", "group": ""}
    if record is not None:
        number = from_record(record)
        columns |= {"kind": record["kind"], "group": number.group}
        if isinstance(number, FloatFormat):
            columns |= {"exponent": number.exponent, "mantissa": number.mantissa}
    return {f"{prefix}_{name}": value for name, value in columns.items()}


if __name__ == "__main__":
    main()
