"""The decisions that the pools can tell: which rows, which law, which question, which rows unseen.

    python case_studies/decisions/decisions.py

prints how many decisions each entry has. The public pools are read from the folder that BAYESQ_DATA
names. The list was written after a look at what the pools measure and before the table was first
made, and nothing is dropped from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import bayesq
from bayesq.proving.case import Case
from bayesq.proving.reading import read_decisions

Family = Literal["tokens", "bits", "memory", "format", "size"]


@dataclass(frozen=True)
class Split:
    """Which rows the fits do not see.

    Parameters
    ----------
    name : str
        What the tables call it: the size that is cut, and the percentage of rows that is kept.
    split : str
        As :func:`bayesq.backtest_decision` takes it; of ``"none"`` the fits see everything.
    quantile : float
        Rows up to it are kept; where that leaves none out, all but those of the largest size.
    """

    name: str
    split: Literal["none", "largest-N", "largest-D", "largest-compute"]
    quantile: float = 0.7


INSIDE = Split("inside", "none")
N_70, N_50 = Split("N-70", "largest-N"), Split("N-50", "largest-N", 0.5)
D_70, D_50, D_40 = (Split(f"D-{q}", "largest-D", q / 100) for q in (70, 50, 40))
COMPUTE_70 = Split("compute-70", "largest-compute")
COMPUTE_50 = Split("compute-50", "largest-compute", 0.5)

# Nats per token that may be lost: from hardly to be seen to a difference of network size.
LEVELS = (0.003, 0.01, 0.03, 0.1)
# Where the pool itself measured no less, and rounding costs more.
COARSE = (0.03, 0.1, 0.3)


@dataclass(frozen=True)
class Entry:
    """One kind of decision on one pool.

    Parameters
    ----------
    name : str
        What the tables call it.
    pool, where : str
        Rows of a pool that bayesq knows, those of full precision among them where the base law is
        fitted.
    law : str
        What is fitted, to its usual response.
    decision : str
        As :func:`bayesq.backtest_decision` takes it.
    family : {"tokens", "bits", "memory", "format", "size"}
        What is decided.
    splits : tuple of Split
        Which rows are left out, in turn.
    base : str, optional
        The base law that is fitted to the full-precision rows.
    about : str, optional
        Which rows decisions are read off; the fits see the others too.
    asked : dict
        What else the decision takes.
    """

    name: str
    pool: str
    where: str
    law: str
    decision: str
    family: Family
    splits: tuple[Split, ...]
    base: str | None = None
    about: str | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)

    @property
    def response(self) -> Literal["loss", "degradation"]:
        """What the law is fitted to."""
        return bayesq.laws()[self.law].check_response(None)

    def runs(self) -> bayesq.Runs:
        """Load the pool and keep the rows of this entry."""
        return bayesq.load_pool(self.pool).select(self.where)


def entries() -> list[Entry]:
    """List the decisions."""
    return [*_tokens(), *_bits(), *_memory(), *_formats(), *_sizes()]


# One scale a channel is written -1.
_GROUPS = {"g32": 32, "g64": 64, "g128": 128, "channel": -1}
_OLMO = {
    f"olmo-{text}-{method.lower()}": f"study == 'olmo_ptq-{text}' and method == '{method}'"
    for text in ("c4", "wt2")
    for method in ("RTN", "AWQ")
}


def _grid(group: int, fewest: int = 3, most: int = 6) -> str:
    return (
        f"stage == 'post' and w_kind == 'int' and w_group == {group} "
        f"and {fewest} <= w_bits <= {most}"
    )


def _olmo_full(name: str) -> str:
    return f"stage == 'none' and study == 'olmo_ptq-{name.split('-')[1]}'"


def _tokens() -> list[Entry]:
    """Ask after how many tokens more of them make the quantized network worse."""

    def tokens(name: str, pool: str, where: str, full: str, *splits: Split) -> Entry:
        both = f"({where}) or ({full})"
        law, about = "kumar2024-ptq", "w_bits <= 4"
        return Entry(
            name,
            pool,
            both,
            law,
            "critical_tokens",
            "tokens",
            (INSIDE, *splits),
            "chinchilla",
            about,
        )

    return [
        *(
            tokens(f"grid-tokens-{name}", "grid", _grid(group), "stage == 'none'", N_70, N_50, D_40)
            for name, group in _GROUPS.items()
        ),
        # One size, so that only longer training can be left out.
        *(
            tokens(
                name.replace("olmo", "olmo-tokens"),
                "olmo_ptq",
                f"{where} and 3 <= w_bits <= 5",
                _olmo_full(name),
                D_50,
            )
            for name, where in _OLMO.items()
        ),
    ]


def _bits() -> list[Entry]:
    """Ask for the fewest bits that keep a degradation."""

    def bits(name: str, pool: str, where: str, levels: tuple[float, ...], *splits: Split) -> Entry:
        law, asked = "kumar2024-ptq", {"level": list(levels)}
        return Entry(name, pool, where, law, "fewest_bits", "bits", (INSIDE, *splits), asked=asked)

    public = "study == 'ptq_perplexity-{}' and method == '{}' and w_group == -1"
    return [
        *(
            bits(f"grid-bits-{name}", "grid", _grid(group), LEVELS, N_70, N_50, COMPUTE_70)
            for name, group in _GROUPS.items()
        ),
        *(
            bits(
                name.replace("olmo", "olmo-bits"),
                "olmo_ptq",
                f"{where} and 3 <= w_bits <= 5",
                LEVELS,
                D_70,
                D_50,
            )
            for name, where in _OLMO.items()
        ),
        bits("opt-bits", "ptq_perplexity", public.format("opt", "GPTQ"), COARSE, N_70, N_50),
        *(
            bits(
                f"llama1-bits-{method.lower()}",
                "ptq_perplexity",
                public.format("llama1", method),
                COARSE,
                N_70,
            )
            for method in ("RTN", "GPTQ")
        ),
        bits(
            "mobilellm-bits",
            "ptq_perplexity",
            public.format("mobilellm", "ParetoQ QAT finetune"),
            COARSE,
            N_70,
            N_50,
        ),
    ]


def _memory() -> list[Entry]:
    """Ask for the bits of least loss at a memory: few of a large network, or more of a small."""
    return [
        Entry(
            f"grid-memory-{name}",
            "grid",
            f"({_grid(group, 2, 8)}) or stage == 'none'",
            "kumar2024-ptq",
            "optimal_precision",
            "memory",
            (INSIDE, D_70, D_40),
            "chinchilla",
        )
        for name, group in _GROUPS.items()
    ]


def _formats() -> list[Entry]:
    """Ask for the best format of those that were trained side by side."""
    # The straight-through estimator diverges at few bits; the other schemes of Quartet did not
    # train properly, or do not say their groups.
    quest, quartet = "method != 'STE'", "w_bits == 16 or w_group == 32"

    def formats(name: str, pool: str, where: str, law: str, about: str, *splits: Split) -> Entry:
        splits = (INSIDE, *splits)
        return Entry(name, pool, where, law, "optimal_format", "format", splits, about=about)

    return [
        *(
            formats(
                f"quest-w{bits}a{bits}",
                "quest",
                quest,
                "frantar2025",
                f"w_bits == {bits} and a_bits == {bits}",
                N_70,
                N_50,
            )
            for bits in (2, 3, 4)
        ),
        formats(
            "quartet-forward", "quartet", quartet, "quartet2025", "grad_bits == 16", D_50, D_70
        ),
        formats(
            "quartet-backward",
            "quartet",
            quartet,
            "frantar2025",
            "w_bits == 16",
            COMPUTE_70,
            COMPUTE_50,
        ),
    ]


def _sizes() -> list[Entry]:
    """Ask for the size of least loss at a budget of compute."""
    budgets = [6e18, 1e19, 3e19, 6e19, 1e20, 3e20, 6e20, 1e21, 3e21]

    def sizes(name: str, pool: str, where: str, *splits: Split, **asked: Any) -> Entry:
        splits = (INSIDE, *(splits or (COMPUTE_70, COMPUTE_50)))
        decision = "compute_optimal"
        return Entry(name, pool, where, "chinchilla", decision, "size", splits, asked=asked)

    study = "study == 'open_athena_isoflops-{}'"
    return [
        # The authors of the refit drop the five rows of highest loss.
        sizes("epoch-sizes", "epoch_chinchilla", "loss < 3.44", compute=budgets),
        *(
            sizes(f"marin-sizes-{corpus}", "open_athena_isoflops", study.format(corpus))
            for corpus in ("comma", "dclm", "nemotron")
        ),
        # The unit of its loss is uncertain; sizes do not depend on it, regrets are in that unit.
        sizes("llama3-sizes", "open_athena_isoflops", study.format("llama3raw")),
        # Its largest runs share no budget.
        *(
            sizes(f"gadre-sizes-{corpus}", "gadre", f"study == 'gadre-{corpus}'", COMPUTE_50)
            for corpus in ("c4", "rpj", "rw")
        ),
    ]


def read(entry: Entry, split: Split) -> list[Case]:
    """Read the decisions of an entry off its rows.

    Raises
    ------
    BayesqError
        If the pool is not at hand, or tells none.
    """
    _, cases = read_decisions(
        entry.runs(),
        entry.law,
        entry.decision,
        base=entry.base,
        split=split.split,
        quantile=split.quantile,
        about=entry.about,
        **entry.asked,
    )
    return cases


def main() -> None:
    """Print how many decisions each entry has, and how many are known as bounds only."""
    for entry in entries():
        told = []
        for split in entry.splits:
            try:
                cases = read(entry, split)
            except bayesq.BayesqError as error:
                told.append(f"{split.name} - ({error})")
            else:
                bounds = sum(case.bound != "" for case in cases)
                told.append(f"{split.name} {len(cases) - bounds} + {bounds}")
        print(f"{entry.name:24} {'; '.join(told)}")


if __name__ == "__main__":
    main()
