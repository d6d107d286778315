"""Compare what the defaults of bayesq could have been, on the base laws' entries.

    python case_studies/backtests/choices.py

backtests each entry with each variant of the noise and of the discrepancy, and prints the means
over entries by split: which the defaults follow. Finished fits are kept in out/choices.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from learn import prior, teachers
from pools import SPLITS, Entry, entries
from table import METRICS, cell

_KEPT = Path("out") / "choices"


def variants(entry: Entry) -> dict[str, dict[str, Any]]:
    """Name the options of a fit that are compared; the first is the default."""
    learned = prior(teachers(entry.response, without=entry.pool))
    return {
        "default": {"discrepancy": learned},
        "no discrepancy": {"discrepancy": False},
        "rougher, H = 0.5": {"discrepancy": replace(learned, hurst=0.5)},
        "rougher, H = 0.75": {"discrepancy": replace(learned, hurst=0.75)},
        "normal noise": {"discrepancy": learned, "noise": "normal"},
        "effects of runs": {"discrepancy": learned, "noise": "student-t + run"},
        "effects of budgets": {"discrepancy": learned, "noise": "student-t + budget"},
        "noise falls with D": {"discrepancy": learned, "noise": "falls-with-D"},
    }


def main() -> None:
    """Backtest the variants, and print their means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="entries, with commas; all base laws by default")
    parser.add_argument("--draws", type=int, default=500, help="draws a chain")
    parser.add_argument("--out", type=Path, default=_KEPT, help="folder of finished fits")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    only = set(filter(None, arguments.only.split(",")))
    lines = []
    for entry in entries():
        if entry.family != "base" or (only and entry.name not in only):
            continue
        for split in SPLITS:
            for name, options in variants(entry).items():
                result = cell((entry, split, arguments.draws, arguments.out), **options)
                if "why" not in result:
                    scores = {m: result[f"bayesq_{m}"] for m in METRICS}
                    lines.append({"variant": name, "split": split.name} | scores)
    table = pd.DataFrame(lines).groupby(["split", "variant"], sort=False).mean()
    print(table.to_string(float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
