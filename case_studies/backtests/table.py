"""Backtest every entry by bayesq and by today's practice, and write the tables of README.md.

    make backtests

The public pools are read from the folder that BAYESQ_DATA names; where a pool is not at hand a line
says so, and the tables of the other entries are printed only. Finished fits are kept in
out/backtests, so that a run that was stopped goes on where it was; other code begins anew.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from learn import prior, teachers
from pools import SPLITS, Entry, Split, entries, kept
from practice import practise

import bayesq
from bayesq.model.design import Design, design

sys.path.append(str(Path(__file__).parents[1]))
from working import read_arguments, run
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
README, _RESULTS = _HERE / "README.md", _HERE / "results.csv"
KEPT = Path("out") / "backtests"

SEED = 1
METHODS = ("bayesq", "practice")
METRICS = ("cover_50", "cover_90", "width_90", "crps", "interval_score")
FAMILIES = ("base", "ptq", "qat")
# Of coverages below this the text speaks.
LOW = 0.7

Result = dict[str, Any]
Job = tuple[Entry, Split, int, Path]


def main() -> None:
    """Run what is not finished, and write the tables."""
    chosen, arguments, making = read_arguments(__doc__, entries(), KEPT, [_HERE])
    splits = [s for s in SPLITS if not arguments.splits or s.name in arguments.splits]
    jobs = [(e, s, arguments.draws, making.out) for s in splits for e in chosen]
    results = []
    for result in run(cell, jobs, arguments.jobs, cost):
        if "why" in result:
            print(f"{result['entry']}, {result['split']}: left out. {result['why']}", flush=True)
        else:
            print(progress(result), flush=True)
            results.append(result)
    lacking = {e.name for e in chosen} - {r["entry"] for r in results}
    if arguments.only or arguments.splits or lacking:
        print("\n" + "\n\n".join(sections(results)))
    else:
        write(results, making.line())


def cost(job: Job) -> float:
    """Say which fits take long: those of a share for each kind."""
    return float(job[0].law in ("quartet2025", "frantar2025"))


def cell(job: Job, **options: Any) -> Result:
    """Backtest one entry on one split by both methods; say why where that cannot be done.

    `options` are given to the fit, in place of the defaults.
    """
    entry, split, draws, out = job
    where = {"entry": entry.name, "split": split.name}
    # How wrong laws are is learned from the other sources only.
    options = {"discrepancy": prior(teachers(entry.response, without=entry.pool))} | options
    try:
        runs = entry.runs()
        chosen = design(runs, bayesq.laws()[entry.law], entry.response)
        inside = kept(chosen, split)
        began = time.perf_counter()
        ours = bayesq.backtest(
            runs,
            entry.law,
            entry.response,
            split=split.size,
            quantile=split.quantile,
            draws=draws,
            seed=SEED,
            save=out / _folder(chosen, entry, split, draws, options),
            progress=False,
            **options,
        ).rows
    except bayesq.BayesqError as error:
        return where | {"why": str(error)}
    theirs = practise(chosen, inside, seed=SEED)
    # The same rows: bayesq may leave one unscored that practice predicts, never the reverse.
    same = np.isin(theirs.row, ours["row"])
    if not np.array_equal(theirs.row[same], ours["row"]):
        raise ValueError(f"{entry.name}, {split.name}: practice lacks rows that bayesq scored")
    scores = {
        "bayesq": ours,
        "practice": bayesq.score(theirs.draws[:, same], theirs.observed[same]),
    }
    means = {
        m: each.rename(columns={"in_50": "cover_50", "in_90": "cover_90"})[[*METRICS]].mean()
        for m, each in scores.items()
    }
    return (
        where
        | {"family": entry.family, "kept": int(inside.sum()), "out": len(ours)}
        | {f"{m}_{name}": float(means[m][name]) for m in METHODS for name in METRICS}
        | {"seconds": time.perf_counter() - began}
    )


def _folder(
    chosen: Design, entry: Entry, split: Split, draws: int, options: Mapping[str, Any]
) -> str:
    """Name the folder of a backtest so that another law, option or other rows have another."""
    seen = sha256(f"{chosen.law.digest} {chosen.runs.fingerprint} {options}".encode()).hexdigest()
    return f"{entry.name}-{split.name}-{draws}-{seen[:8]}"


def progress(result: Result) -> str:
    """Word one result as a line."""
    pairs = ", ".join(f"{name} {_pair(result, name)}" for name in ("cover_90", "width_90", "crps"))
    return f"{result['entry']}, {result['split']}: {pairs} ({result['seconds']:.0f} s)"


def write(results: Sequence[Result], made: str) -> None:
    """Write the numbers to results.csv, and the tables between the marks in README.md."""
    table = pd.DataFrame(results).drop(columns="seconds", errors="ignore")
    replace_text(_RESULTS, table.to_csv(index=False, float_format="%.6g"))
    # Of the numbers as they are written, so that whoever reads them gets the same words.
    write_between(README, [made, *sections(read(_RESULTS))])


def read(path: Path) -> list[Result]:
    """Read the results that were written."""
    return [dict(row) for row in pd.read_csv(path).to_dict("records")]


def sections(results: Sequence[Result]) -> list[str]:
    """Word the results: a reading, the means, and every entry, in Markdown."""
    return [
        *(reading(split, results) for split in _splits(results)),
        "### Means over entries",
        markdown(
            ("split", "family", "entries", "cover 50", "cover 90", "width", "CRPS", "score"),
            _mean_lines(results),
        ),
        "### Every entry",
        markdown(
            ("entry", "split", "kept", "out", *(m.replace("_", " ") for m in METRICS)),
            (
                (
                    r["entry"],
                    r["split"],
                    str(r["kept"]),
                    str(r["out"]),
                    *(_pair(r, m) for m in METRICS),
                )
                for r in results
            ),
        ),
    ]


def reading(split: str, results: Sequence[Result]) -> str:
    """Say in words what the results of one split come to."""
    some = [r for r in results if r["split"] == split]
    cover = {m: np.array([r[f"{m}_cover_90"] for r in some]) for m in METHODS}
    words = [
        f"**{split}**, {len(some)} {'entry' if len(some) == 1 else 'entries'}: intervals of 90 % "
        f"hold {cover['bayesq'].mean():.0%} of the rows left out with bayesq and "
        f"{cover['practice'].mean():.0%} with practice, on average; bayesq's are "
        f"{ratio(some, 'width_90'):.2f} times as wide."
    ]
    inner = {m: np.mean([r[f"{m}_cover_50"] for r in some]) for m in METHODS}
    words.append(f"Those of 50 % hold {inner['bayesq']:.0%} and {inner['practice']:.0%}.")
    for metric, name in (("crps", "CRPS"), ("interval_score", "interval score")):
        means = {m: np.mean([r[f"{m}_{metric}"] for r in some]) for m in METHODS}
        words.append(
            f"The mean {name} over entries is {means['bayesq']:.4f}, with practice "
            f"{means['practice']:.4f} ({means['bayesq'] / means['practice'] - 1:+.0%})."
        )
        worse = [
            f"{r['entry']} ({r[f'bayesq_{metric}'] / r[f'practice_{metric}']:.2f})"
            for r in some
            if r[f"bayesq_{metric}"] > 1.1 * r[f"practice_{metric}"]
        ]
        words.append(f"More than a tenth above practice: {', '.join(worse) or 'none'}.")
        finite = _finite(some, metric)
        less = sum(r[f"bayesq_{metric}"] < r[f"practice_{metric}"] for r in finite)
        words.append(
            f"Its {name} is {ratio(some, metric):.2f} times practice's, and the lower one in "
            f"{less} of {len(some)}."
        )
        lacking = [r["entry"] for r in some if r not in finite]
        if lacking:
            words.append(
                f"That is without {', '.join(lacking)}, where a few draws far out in bayesq's "
                f"tails leave no {name}."
            )
    for method in METHODS:
        low = [r["entry"] for r in some if r[f"{method}_cover_90"] < LOW]
        words.append(
            f"Below {LOW:.0%} lie {len(low)} with {method}{': ' if low else ''}{', '.join(low)}."
        )
    return " ".join(words)


def ratio(results: Sequence[Result], metric: str) -> float:
    """Average bayesq's share of practice over entries; geometric, as losses differ in scale."""
    shares = [r[f"bayesq_{metric}"] / r[f"practice_{metric}"] for r in _finite(results, metric)]
    return float(np.exp(np.mean(np.log(shares)))) if shares else np.nan


def _finite(results: Sequence[Result], metric: str) -> list[Result]:
    """Take those in which both methods have a score: a loss with heavy tails may have no mean."""
    names = [f"{m}_{metric}" for m in METHODS]
    return [r for r in results if all(np.isfinite(r[n]) and r[n] > 0 for n in names)]


def _mean_lines(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for split in _splits(results):
        for family in (*FAMILIES, "all"):
            some = [r for r in results if r["split"] == split and family in (r["family"], "all")]
            if some:
                covers = (
                    " / ".join(f"{np.mean([r[f'{m}_{c}'] for r in some]):.2f}" for m in METHODS)
                    for c in ("cover_50", "cover_90")
                )
                ratios = (f"{ratio(some, m):.2f}" for m in ("width_90", "crps", "interval_score"))
                yield split, family, str(len(some)), *covers, *ratios


def _splits(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(r["split"] for r in results))


def _pair(result: Result, metric: str) -> str:
    form = ".2f" if metric.startswith("cover") else ".2g"
    return " / ".join(format(result[f"{m}_{metric}"], form) for m in METHODS)


if __name__ == "__main__":
    main()
