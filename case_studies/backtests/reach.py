"""Choose how far the misfits of formats have something in common: leave a format out, foretell it.

    python case_studies/backtests/reach.py

fits each table without one of its measured widths, or groups, and scores what the fit foretells of
those rows, for several reaches of the discrepancy. Widths at the ends are extrapolation, and are
not scored. It writes the scores to reach.csv and their means to README.md.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from learn import prior, teachers

import bayesq
from bayesq.model.design import design

sys.path.append(str(Path(__file__).parents[1]))
from finished import Making
from working import add_jobs, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
README, RESULT = _HERE / "README.md", _HERE / "reach.csv"
REACHES = (0.0, 0.5, 1.0, 2.0, 4.0)
_POST = "stage == 'post' and w_kind == 'int'"
_MEANS = {"in_90": "cover 90", "width_90": "width 90", "crps": "crps", "log_score": "log score"}


@dataclass(frozen=True)
class Table:
    """Rows in which formats are left out in turn.

    Parameters
    ----------
    name, pool, where : str
        What it is called, and which rows of which pool.
    column : str
        What is left out: a width or a group.
    law : str
        What is fitted, to the degradation.
    """

    name: str
    pool: str
    where: str
    column: str = "w_bits"
    law: str = "kumar2024-ptq"


TABLES = (
    Table("grid, groups of 128", "grid", f"{_POST} and w_group == 128 and 2 <= w_bits <= 8"),
    Table("grid, per channel", "grid", f"{_POST} and w_group == -1 and 3 <= w_bits <= 8"),
    *(
        Table(
            f"olmo {text} {method}",
            "olmo_ptq",
            f"study == 'olmo_ptq-{text}' and method == '{method}'",
        )
        for text in ("c4", "wt2")
        for method in ("RTN", "AWQ")
    ),
    Table(
        "grid W4A4",
        "grid",
        "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 4 "
        "and fc2_a_bits != 8 and w_group > 0",
        "w_group",
        "chen2025",
    ),
)


def main() -> None:
    """Score every reach on every table, and write the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500, help="draws a chain")
    add_jobs(parser)
    arguments = parser.parse_args()
    making = Making(arguments.jobs)
    jobs = [(table, reach, arguments.draws) for table in TABLES for reach in REACHES]
    rows: list[dict[str, Any]] = []
    for (table, reach, _), some in zip(jobs, run(_scores, jobs, arguments.jobs), strict=True):
        rows += some
        print(table.name, reach, pd.DataFrame(some)[[*_MEANS]].mean().to_dict(), flush=True)
    found = pd.DataFrame(rows)
    replace_text(RESULT, found.to_csv(index=False, float_format="%.6g"))
    cells = [
        [f"{reach:g}", *(f"{v:.3g}" for v in line)]
        for reach, line in zip(REACHES, means(found).to_numpy(), strict=True)
    ]
    said = f"Means over {found.groupby(['table', 'left']).ngroups} formats left out."
    made = markdown(["reach", *_MEANS.values()], cells)
    write_between(README, [making.line(), said, made], "reaches")


def _scores(job: tuple[Table, float, int]) -> list[dict[str, Any]]:
    return list(scores(*job))


def scores(table: Table, reach: float, draws: int) -> Iterator[dict[str, Any]]:
    """Leave each format between the first and the last out, and score what is foretold of it."""
    runs = bayesq.load_pool(table.pool).select(table.where)
    values = runs.columns[table.column]
    learned = prior(teachers("degradation", without=table.pool))
    for left in np.unique(values)[1:-1]:
        fit = bayesq.fit(
            runs.select(values != left),
            table.law,
            "degradation",
            discrepancy=replace(learned, reach=reach),
            draws=draws,
            seed=1,
            progress=False,
        )
        chosen = design(runs, fit.law, "degradation")
        kept = chosen.runs.columns[table.column] == left
        frame = chosen.runs.select(kept).frame.drop(columns=["loss", "loss_full"])
        told = bayesq.predict(fit, frame, kind="run", seed=1)
        found = bayesq.score(told, chosen.observed[kept])
        yield {"table": table.name, "reach": reach, "left": left} | found[
            [*_MEANS]
        ].mean().to_dict()


def means(found: pd.DataFrame) -> pd.DataFrame:
    """Average over tables and formats, by reach."""
    return found.groupby("reach")[[*_MEANS]].mean()


if __name__ == "__main__":
    main()
