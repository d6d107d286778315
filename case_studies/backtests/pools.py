"""The backtested pools: which rows, which law, which response.

    python case_studies/backtests/pools.py

prints how many rows each split keeps and leaves out. The public pools are read from the folder that
BAYESQ_DATA names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

import bayesq
from bayesq.backtesting.folds import make_folds
from bayesq.model.design import Design, design

Family = Literal["base", "ptq", "qat"]
Response = Literal["loss", "degradation"]


@dataclass(frozen=True)
class Entry:
    """One backtested pool.

    Parameters
    ----------
    name : str
        What the tables call it.
    pool : str
        A pool that bayesq knows.
    law, response : str
        What is fitted, and to what.
    family : {"base", "ptq", "qat"}
        Losses in full precision, rounded after training, or trained with rounding.
    where : str
        Which rows, as an expression in the columns; all by default.
    choose : callable, optional
        Which of those rows, as a mask, where an expression cannot say it.
    """

    name: str
    pool: str
    law: str
    response: Response
    family: Family
    where: str = ""
    choose: Callable[[bayesq.Runs], np.ndarray] | None = None

    def runs(self) -> bayesq.Runs:
        """Load the pool and keep the rows of this entry."""
        runs = bayesq.load_pool(self.pool)
        if self.where:
            runs = runs.select(self.where)
        return runs if self.choose is None else runs.select(self.choose(runs))


@dataclass(frozen=True)
class Split:
    """Which rows are left out: those above a quantile of their size.

    Parameters
    ----------
    name : str
        What the tables call it.
    size : {"largest-compute", "largest-N"}
        As :func:`bayesq.backtest` takes it; compute is 6 N D.
    quantile : float
        Rows up to it are kept; where that leaves none out, all but those of the largest size.
    """

    name: str
    size: Literal["largest-compute", "largest-N"]
    quantile: float


SPLITS = (
    Split("compute-70", "largest-compute", 0.7),
    Split("compute-50", "largest-compute", 0.5),
    Split("largest-N", "largest-N", 0.7),
)


def kept(chosen: Design, split: Split) -> np.ndarray:
    """Tell which of a law's rows a backtest of this split is fitted to, shape ``(rows,)``.

    Raises
    ------
    BayesqError
        If they are all of one size.
    """
    (fold,) = make_folds(chosen, split.size, split.quantile, seed=0)
    return ~fold.left_out


def best_of_cell(runs: bayesq.Runs) -> np.ndarray:
    """Keep the run of least loss of each N and D: the others had a worse learning rate."""
    cells = list(zip(runs.columns["N"], runs.columns["D"], strict=True))
    least: dict[tuple[float, float], int] = {}
    for row, cell in enumerate(cells):
        if cell not in least or runs.columns["loss"][row] < runs.columns["loss"][least[cell]]:
            least[cell] = row
    return np.isin(np.arange(len(runs)), list(least.values()))


_POST = "stage == 'post' and w_kind == 'int' and w_group == 128"
_QAT = "stage == 'train' and w_kind == 'int' and w_bits == 4"


def entries() -> list[Entry]:
    """List the backtested pools."""
    return list(_entries())


@cache
def _entries() -> tuple[Entry, ...]:
    return (*_base(), *_post_training(), *_in_training())


def _base() -> list[Entry]:
    def base(
        name: str,
        pool: str,
        where: str = "",
        choose: Callable[[bayesq.Runs], np.ndarray] | None = None,
    ) -> Entry:
        return Entry(name, pool, "chinchilla", "loss", "base", where, choose)

    return [
        # The authors of the refit drop the five rows of highest loss.
        base("epoch_chinchilla", "epoch_chinchilla", "loss < 3.44"),
        # One study a training corpus; the pool's loss is that on C4's validation text.
        *(base(f"gadre-{c}", "gadre", f"study == 'gadre-{c}'") for c in ("c4", "rpj", "rw")),
        # Of repeated data a law in N and D does not speak.
        base("datablations", "datablations", "study == 'datablations-1ep'"),
        base("olmo_ladder", "olmo_ladder"),
        base("misfitting", "misfitting"),
        base("misfitting-best", "misfitting", choose=best_of_cell),
        *(
            base(f"marin-{c}", "open_athena_isoflops", f"study == 'open_athena_isoflops-{c}'")
            for c in ("comma", "dclm", "nemotron")
        ),
        # The points as drawn. Upstream's other version, their exponential, guesses at the unit;
        # the law holds in any unit of loss, though widths and scores are then in that unit.
        base("llama3", "open_athena_isoflops", "study == 'open_athena_isoflops-llama3raw'"),
        base("grid-base", "grid", "stage == 'none'"),
    ]


def _post_training() -> list[Entry]:
    def ptq(name: str, pool: str, where: str) -> Entry:
        return Entry(name, pool, "kumar2024-ptq", "degradation", "ptq", where)

    return [
        # One group size, of which the law knows nothing.
        ptq("grid-ptq-3to6", "grid", f"{_POST} and 3 <= w_bits <= 6"),
        # With ternary weights, near collapse, and 8 bits, whose degradation drowns in noise.
        ptq("grid-ptq-2to8", "grid", f"{_POST} and 2 <= w_bits <= 8"),
        # One training run; its 2-bit rows are near collapse.
        *(
            ptq(
                f"olmo-{text}-{method.lower()}",
                "olmo_ptq",
                f"study == 'olmo_ptq-{text}' and method == '{method}' and 3 <= w_bits <= 5",
            )
            for text in ("c4", "wt2")
            for method in ("RTN", "AWQ")
        ),
    ]


def _in_training() -> list[Entry]:
    def qat(name: str, pool: str, law: str, response: Response, where: str) -> Entry:
        return Entry(name, pool, law, response, "qat", where)

    # One scale a channel is left out by the law: the grid does not say how long a row is.
    return [
        qat(
            "grid-w4a4",
            "grid",
            "chen2025",
            "degradation",
            f"{_QAT} and a_bits == 4 and fc2_a_bits != 8",
        ),
        qat("grid-w4a16", "grid", "chen2025", "degradation", f"{_QAT} and a_bits == 16"),
        qat(
            "grid-w16a4",
            "grid",
            "chen2025",
            "degradation",
            "stage == 'train' and w_bits == 16 and a_bits == 4",
        ),
        # The straight-through estimator diverges at few bits.
        qat("quest", "quest", "frantar2025", "loss", "method != 'STE'"),
        # The others of the pool did not train properly, or do not say their groups.
        qat("quartet", "quartet", "quartet2025", "loss", "w_bits == 16 or w_group == 32"),
        qat("quartet-frantar", "quartet", "frantar2025", "loss", "w_bits == 16 or w_group == 32"),
    ]


def main() -> None:
    """Print the rows that each split keeps and leaves out, where the law takes the kept ones."""
    print(f"{'entry':18} {'law':14} {'rows':>4}  " + "  ".join(f"{s.name:>10}" for s in SPLITS))
    for entry in entries():
        chosen = design(entry.runs(), bayesq.laws()[entry.law], entry.response)
        counts, refused = [], []
        for split in SPLITS:
            try:
                inside = kept(chosen, split)
                design(chosen.runs.select(inside), chosen.law, entry.response)
                counts.append(f"{inside.sum()} + {(~inside).sum()}")
            except bayesq.BayesqError as error:
                counts.append("-")
                refused.append(f"  {split.name}: {error}")
        cells = "  ".join(f"{c:>10}" for c in counts)
        print(f"{entry.name:18} {entry.law:14} {len(chosen.index):4}  {cells}", *refused, sep="\n")


if __name__ == "__main__":
    main()
