"""Put the questions that the papers dispute to every pool, and write the tables of README.md.

    make comparisons

The public pools are read from the folder that BAYESQ_DATA names; where a pool is not at hand a line
says so, and the tables of the others are printed only. Finished fits and results are kept in
out/comparisons, so that a run that was stopped goes on where it was; other code begins anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from questions import Question, questions

import bayesq
from bayesq import Comparison, Fit, HeldOut

sys.path.append(str(Path(__file__).parents[1]))
from finished import start
from words import METRICS, PLACES, WHO, given, planned, sections, shown
from working import add_jobs, add_names, choose, run
from writing import replace_text, write_between

_HERE = Path(__file__).parent
_BACKTESTS = _HERE.parent / "backtests"
_README, _RESULTS = _HERE / "README.md", _HERE / "results.csv"
_KEPT = Path("out") / "comparisons"

SEED = 1
SPLIT, QUANTILE = "largest-compute", 0.7
# With misfit a fit takes long and more rows are hard to leave out: these are not fitted again.
CURES = {"alone": "refit", "misfit": "moments"}

Result = dict[str, Any]
# Names of a question, a pool and a setting, draws, the folder, and whether to run what is lacking.
Job = tuple[str, str, str, int, Path, bool]


def main() -> None:
    """Run what is not finished, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_names(parser, "--only", "questions")
    add_names(parser, "--pools", "pools")
    parser.add_argument("--finished", action="store_true", help="write what is finished; run none")
    add_jobs(parser)
    parser.add_argument("--draws", type=int, default=500, help="draws a chain")
    parser.add_argument("--out", type=Path, default=_KEPT, help="folder of what is finished")
    arguments = parser.parse_args()
    asked = choose(questions(), arguments.only, parser, "question")
    pools = choose([e for q in asked for e in q.pools], arguments.pools, parser, "pool")
    asked = [replace(q, pools=tuple(e for e in q.pools if e in pools)) for q in asked]
    making = start(arguments.out, [_HERE, _BACKTESTS], arguments.jobs)
    jobs: list[Job] = [
        (question.name, pool, setting, arguments.draws, making.out, not arguments.finished)
        for question, pool, setting in planned(asked)
    ]
    results, absent = [], False
    for result in run(_cell, jobs, making.processes, cost):
        if result is None:
            continue
        print(progress(result), flush=True)
        if "absent" in result:
            absent = True
        else:
            results.append(result)
    if arguments.only or arguments.pools or absent:
        print("\n" + "\n\n".join(sections(results, asked)))
    else:
        write(results, making.line())


def cost(job: Job) -> float:
    """Say which take long: those with misfit, of laws with a share for each kind."""
    return 2.0 * (job[2] == "misfit") + job[0].startswith("qat-eff")


def _cell(job: Job) -> Result | None:
    """Compare two laws that are named, as a process can be told; say why a pool is not at hand."""
    name, pool, setting, draws, out, lacking = job
    question = next(q for q in questions() if q.name == name)
    try:
        return cell(question, pool, setting, draws, out, run=lacking)
    except bayesq.BayesqError as error:
        return {"question": name, "pool": pool, "setting": setting, "absent": str(error)}


def cell(
    question: Question, pool: str, setting: str, draws: int, out: Path, *, run: bool = True
) -> Result | None:
    """Compare the two laws of a question on a pool; say why where they cannot be.

    Parameters
    ----------
    question : Question
        The question.
    pool : str
        One of its pools.
    setting : {"alone", "misfit"}
        Whether the laws are taken to be true, or to be wrong by their misfit.
    draws : int
        Draws a chain.
    out : Path
        Folder of what is finished.
    run : bool
        Whether what is not finished is to be run; if not, it is None.

    Raises
    ------
    BayesqError
        If the pool is not at hand.
    """
    entry = next(e for e in question.pools if e.name == pool)
    runs = entry.runs()
    digests = [law.digest for law in question.laws]
    seen = sha256(f"{digests} {runs.fingerprint} {question.response} {draws}".encode()).hexdigest()
    kept = out / f"{question.name}-{pool}-{setting}-{seen[:8]}.json"
    if kept.exists():
        finished: Result = json.loads(kept.read_text(encoding="utf-8"))
        return finished
    if not run:
        return None
    began = time.perf_counter()
    first, second = question.names
    result = {"question": question.name, "pool": pool, "setting": setting}
    result |= {"first": first, "second": second}
    # Laws with the same rows and response share fits between questions.
    fits = out / "fits" / f"{pool}-{question.response}-{setting}-{draws}"
    try:
        result |= _compare(runs, question, setting, draws, fits)
    except bayesq.BayesqError as error:
        result["why"] = str(error)
    result["seconds"] = time.perf_counter() - began
    kept.parent.mkdir(parents=True, exist_ok=True)
    replace_text(kept, json.dumps(result))
    return result


def _compare(
    runs: bayesq.Runs, question: Question, setting: str, draws: int, folder: Path
) -> Result:
    """Fit both laws to all rows and to the smaller ones, and score each on what it has not seen."""

    def fit(rows: bayesq.Runs, name: str) -> dict[str, Fit]:
        save = folder / name
        save.mkdir(parents=True, exist_ok=True)
        return bayesq.fit_laws(
            rows,
            question.laws,
            question.response,
            save=save,
            seed=SEED,
            draws=draws,
            discrepancy=setting == "misfit",
            progress=False,
        )

    whole = fit(runs, "whole")
    compared = bayesq.compare(whole, outside=None, cure=CURES[setting], progress=False)
    result: Result = {}
    try:
        parts = [_part(whole[name]) for name in question.names]
    except bayesq.BayesqError as error:
        # As a pool of one size has: nothing is outside of it.
        result["why_outside"] = str(error)
    else:
        small = fit(parts[0].kept, "kept")
        result["severe_kept"] = _severe(small)
        beyond, average = _foretell(small, parts, with_average=setting == "misfit")
        compared = replace(compared, outside=SPLIT, beyond=beyond)
        result |= {"kept": len(parts[0].kept), "out": len(next(iter(beyond.values())))}
        result["runs_out"] = len(set(next(iter(beyond.values()))["run"]))
        if average is not None:
            result |= average
    rows = next(iter(whole.values())).specification.design
    left = compared.inside.values()
    return (
        {"rows": len(rows.index), "runs": len(set(rows.runs.cluster))}
        | result
        | _differences(compared, question)
        | {
            "refitted": sum(len(one.refitted) for one in left),
            "bad": sum(int(one.bad.size) for one in left),
            "severe": _severe(whole),
        }
    )


def _part(fit: Fit) -> HeldOut:
    """Lay out the rows kept and left out, as a backtest of that law does."""
    split = {"split": SPLIT, "quantile": QUANTILE, "seed": SEED}
    (part,), _ = bayesq.hold_out(fit.specification.design.runs, fit.law, fit.response, **split)
    return part


def _foretell(
    fits: Mapping[str, Fit], parts: Sequence[HeldOut], *, with_average: bool
) -> tuple[dict[str, pd.DataFrame], Result | None]:
    """Score fits to the rows kept on the rows left out that both laws foretell."""
    rows = [part.places["row"] for part in parts]
    common = np.intersect1d(*rows)
    beyond = {}
    for (name, fit), part in zip(fits.items(), parts, strict=True):
        prediction = bayesq.predict(fit, part.scenarios, kind="run", seed=SEED)
        told = pd.DataFrame(part.places | bayesq.score(prediction, part.observed).to_dict("list"))
        beyond[name] = told[told["row"].isin(common)].reset_index(drop=True)
    if not with_average:
        return beyond, None
    # Weights from rows left out within the rows kept: the others are not seen.
    within = bayesq.compare(fits, outside=None, cure=CURES["misfit"], progress=False)
    average = bayesq.average(within, "stacking")
    tables = [
        part.scenarios[np.isin(at, common)].reset_index(drop=True)
        for part, at in zip(parts, rows, strict=True)
    ]
    scenarios = tables[0].assign(**{c: tables[1][c] for c in tables[1] if c not in tables[0]})
    observed = parts[0].observed[np.isin(rows[0], common)]
    mixed = bayesq.score(bayesq.predict(average, scenarios, kind="run", seed=SEED), observed)
    result: Result = {"weight_first": next(iter(average.weights.values()))}
    for who, table in zip(WHO, (*beyond.values(), mixed), strict=True):
        means = table.rename(columns={"in_90": "cover_90"})[list(METRICS)].mean()
        result |= {f"{who}_{metric}": float(means[metric]) for metric in METRICS}
    return beyond, result


def _differences(compared: Comparison, question: Question) -> Result:
    found: Result = {}
    for place in PLACES if compared.beyond else PLACES[:1]:
        apart = compared.difference(*question.names, outside=place == "outside")
        found |= {place: apart.elpd, f"{place}_se": apart.se}
    return found


def _severe(fits: Mapping[str, Fit]) -> str:
    """Name the severe notes of fits by their codes."""
    codes = {n.code for fit in fits.values() for n in fit.notes if n.severity == "severe"}
    return " ".join(sorted(codes))


def progress(result: Result) -> str:
    """Word one result as a line."""
    where = f"{result['question']}, {result['pool']}, {result['setting']}"
    if "absent" in result:
        return f"{where}: left out. {result['absent']}"
    if given(result, "why"):
        return f"{where}: cannot be asked. {result['why']}"
    said = ", ".join(f"{place} {shown(result, place)}" for place in PLACES)
    cures = f"{result['refitted']} refitted, {result['bad']} bad"
    return f"{where}: {said} ({cures}, {result['seconds']:.0f} s)"


def write(results: Sequence[Result], made: str) -> None:
    """Write the numbers to results.csv, and the tables between the marks in README.md."""
    table = pd.DataFrame(results).drop(columns="seconds", errors="ignore")
    replace_text(_RESULTS, table.to_csv(index=False, float_format="%.6g"))
    # Of the numbers as they are written, so that whoever reads them gets the same words.
    write_between(_README, [made, *sections(read(_RESULTS), questions())])


def read(path: Path) -> list[Result]:
    """Read the results that were written."""
    return [dict(row) for row in pd.read_csv(path).to_dict("records")]


if __name__ == "__main__":
    main()
