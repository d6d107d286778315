"""Put the questions that the papers dispute to every pool, and write the tables of README.md.

    make comparisons

The public pools are read from the folder that BAYESQ_DATA names; where a pool is not at hand a line
says so, and the tables of the others are printed only. Finished fits and results are kept in
out/comparisons, so that a run that was stopped goes on where it was: remove that folder after a
change of bayesq other than of a law.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from questions import Question, questions

import bayesq
from bayesq import Comparison, Fit, HeldOut
from bayesq.comparison.difference import Difference

sys.path.append(str(Path(__file__).parents[1]))
from working import add_names, choose
from writing import markdown, replace_text, write_between

_HERE = Path(__file__).parent
_README, _RESULTS = _HERE / "README.md", _HERE / "results.csv"
_KEPT = Path("out") / "comparisons"

SEED = 1
SPLIT, QUANTILE = "largest-compute", 0.7
# Formulas alone, which are compared, and with their misfit, as laws predict.
SETTINGS = ("alone", "misfit")
LABELS = {"alone": "formulas alone", "misfit": "with misfit"}
# With misfit a fit takes long and more rows are hard to leave out: these are not fitted again.
CURES = {"alone": "refit", "misfit": "moments"}
PLACES = ("inside", "outside")
METRICS = ("log_score", "crps", "interval_score", "cover_90")
# Who predicts: the two laws, and their average.
WHO = ("first", "second", "average")

Result = dict[str, Any]


def main() -> None:
    """Run what is not finished, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_names(parser, "--only", "questions")
    add_names(parser, "--pools", "pools")
    parser.add_argument("--finished", action="store_true", help="write what is finished; run none")
    parser.add_argument("--draws", type=int, default=500, help="draws a chain")
    parser.add_argument("--out", type=Path, default=_KEPT, help="folder of what is finished")
    arguments = parser.parse_args()
    asked = choose(questions(), arguments.only, parser, "question")
    pools = choose([e for q in asked for e in q.pools], arguments.pools, parser, "pool")
    asked = [replace(q, pools=tuple(e for e in q.pools if e in pools)) for q in asked]
    results, absent = [], False
    for question, pool, setting in planned(asked):
        job = (question, pool, setting, arguments.draws, arguments.out)
        try:
            result = cell(*job, run=not arguments.finished)
        except bayesq.BayesqError as error:
            print(f"{question.name}, {pool}, {setting}: left out. {error}", flush=True)
            absent = True
            continue
        if result is not None:
            print(progress(result), flush=True)
            results.append(result)
    if arguments.only or arguments.pools or absent:
        print("\n" + "\n\n".join(sections(results, asked)))
    else:
        write(results)


def planned(asked: Sequence[Question]) -> Iterator[tuple[Question, str, str]]:
    """List what there is to run, the quick formulas alone first: question, pool and setting."""
    return ((q, e.name, s) for s in SETTINGS for q in asked for e in q.pools)


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
    if _given(result, "why"):
        return f"{where}: cannot be asked. {result['why']}"
    said = ", ".join(f"{place} {shown(result, place)}" for place in PLACES)
    cures = f"{result['refitted']} refitted, {result['bad']} bad"
    return f"{where}: {said} ({cures}, {result['seconds']:.0f} s)"


def write(results: Sequence[Result]) -> None:
    """Write the numbers to results.csv, and the tables between the marks in README.md."""
    table = pd.DataFrame(results).drop(columns="seconds", errors="ignore")
    replace_text(_RESULTS, table.to_csv(index=False, float_format="%.6g"))
    # Of the numbers as they are written, so that whoever reads them gets the same words.
    write_between(_README, sections(read(_RESULTS), questions()))


def read(path: Path) -> list[Result]:
    """Read the results that were written."""
    return [dict(row) for row in pd.read_csv(path).to_dict("records")]


def sections(results: Sequence[Result], asked: Sequence[Question]) -> list[str]:
    """Word the results: a reading, and the two tables, in Markdown."""
    compared = [r for r in results if not _given(r, "why")]
    return [
        *missing(results, asked),
        "### In words",
        *(reading(q, results) for q in asked if any(r["question"] == q.name for r in results)),
        *doubts(compared),
        "### Which law foretells better",
        markdown(
            (
                *("question", "pool", "rows", "runs", "rows out", "runs out"),
                "first / second",
                *(f"{place}, {setting}" for setting in SETTINGS for place in PLACES),
            ),
            _comparison_lines(compared),
        ),
        "### Do averages predict as well as the best law",
        *averages_reading(compared),
        markdown(
            ("question", "pools", "best law", *(m.replace("_", " ") for m in METRICS)),
            _average_lines(compared),
        ),
        markdown(
            (
                *("question", "pool", "kept", "out", "weight of first"),
                *(m.replace("_", " ") for m in METRICS),
            ),
            _score_lines(compared),
        ),
    ]


def missing(results: Sequence[Result], asked: Sequence[Question]) -> list[str]:
    """Say what was not run."""
    done = {(r["question"], r["pool"], r["setting"]) for r in results}
    words = []
    for setting in SETTINGS:
        lacking: dict[str, list[str]] = {}
        for question, pool, at in planned(asked):
            if at == setting and (question.name, pool, at) not in done:
                lacking.setdefault(question.name, []).append(pool)
        if lacking:
            named = "; ".join(f"{name} on {', '.join(pools)}" for name, pools in lacking.items())
            words.append(f"Not run, {LABELS[setting]}: {named}.")
    return [" ".join(words)] if words else []


def verdict(result: Result, place: str) -> str:
    """Say which law is preferred: first, second or neither; empty where nothing is told."""
    if not _given(result, place):
        return ""
    if not _given(result, f"{place}_se"):
        return "one run"
    sign = Difference(result[place], result[f"{place}_se"]).sign
    return {1: "first", -1: "second", 0: "neither"}[sign]


def shown(result: Result, place: str) -> str:
    """Show a difference, its standard error and the verdict."""
    said = verdict(result, place)
    if not said:
        return "-"
    if said == "one run":
        return f"{result[place]:+.1f}, one run"
    return f"{result[place]:+.1f} ± {result[f'{place}_se']:.1f}, {said}"


def reading(question: Question, results: Sequence[Result]) -> str:
    """Say in words what the results of one question come to."""
    of = [r for r in results if r["question"] == question.name]
    told = [r for r in of if not _given(r, "why")]
    words = [f"**{question.name}**: {question.asked}"]
    for setting in SETTINGS:
        some = [r for r in told if r["setting"] == setting]
        if some:
            said = "; ".join(f"{place} {_counted(question, some, place)}" for place in PLACES)
            words.append(f"{LABELS[setting].capitalize()}, {_pools(len(some))}: {said}.")
    for r in {r["pool"]: r for r in of if _given(r, "why")}.values():
        words.append(f"It cannot be asked of {r['pool']}: {r['why']}")
    return " ".join(words)


def _counted(question: Question, results: Sequence[Result], place: str) -> str:
    """Count the verdicts, and name the pools of each."""
    pools: dict[str, list[str]] = {}
    for r in results:
        pools.setdefault(verdict(r, place), []).append(r["pool"])
    first, second = (f"`{name}`" for name in question.names)
    words = {
        "first": f"{first} is preferred in",
        "second": f"{second} is preferred in",
        "neither": "they cannot be told apart in",
        "one run": "rows of one run give no standard error in",
        "": "nothing was left out in",
    }
    return ", ".join(
        f"{said} {len(pools[which])} ({', '.join(pools[which])})"
        for which, said in words.items()
        if which in pools
    )


def doubts(results: Sequence[Result]) -> list[str]:
    """Say which numbers are not to be trusted."""
    words = []
    bad = [f"{_where(r)} ({int(r['bad'])})" for r in results if r["bad"]]
    if bad:
        words.append(f"Rows inside whose Pareto k stayed too high: {'; '.join(bad)}.")
    for rows, name in (("all rows", "severe"), ("the rows kept", "severe_kept")):
        by_code: dict[str, list[str]] = {}
        for r in (r for r in results if _given(r, name)):
            for code in r[name].split():
                by_code.setdefault(code, []).append(_where(r))
        words += [
            f"A fit to {rows} has the severe note `{code}`: {'; '.join(where)}."
            for code, where in sorted(by_code.items())
        ]
    return [" ".join(words)] if words else []


def averages_reading(results: Sequence[Result]) -> list[str]:
    """Say in words whether averages predict as well as the best law."""
    scored, left = _scored(results)
    if not scored:
        return []
    apart = [_metric(r, "average", "log_score") - _best_score(r) for r in scored]
    above = sum(a > 0 for a in apart)
    worst = scored[int(np.argmin(apart))]
    words = [
        f"In {_pools(len(scored), 'comparison')} with rows left out, the average's mean log score "
        f"a row less the better law's is {np.mean(apart):+.3f} on average, from {min(apart):+.3f} "
        f"({_where(worst)}) to {max(apart):+.3f}; it is above the better law's in {above}."
    ]
    names = {q: _best_law(of) for q, of in _by_question(scored).items()}
    for metric, name in zip(
        METRICS, ("log score", "CRPS", "interval score", "cover 90"), strict=True
    ):
        means = _means(scored, names, metric)
        words.append(
            f"Mean {name}: {_number(means[0], metric)} of the average, {_number(means[1], metric)} "
            f"of each question's best law and {_number(means[2], metric)} of each pool's."
        )
    if left:
        words.append(
            f"Left out are {', '.join(map(_where, left))}, where a few draws far out leave no CRPS."
        )
    return [" ".join(words)]


def _scored(results: Sequence[Result]) -> tuple[list[Result], list[Result]]:
    """Take the results with scores, and apart those whose heavy tails leave one without a value."""
    some = [r for r in results if _given(r, "average_crps")]
    sound = [
        r
        for r in some
        if all(np.isfinite(_metric(r, w, m)) for w in WHO for m in METRICS)
        and all(0 < _metric(r, w, "crps") <= _metric(r, w, "interval_score") for w in WHO)
    ]
    return sound, [r for r in some if r not in sound]


def _by_question(results: Sequence[Result]) -> dict[str, list[Result]]:
    names = dict.fromkeys(r["question"] for r in results)
    return {name: [r for r in results if r["question"] == name] for name in names}


def _metric(result: Result, who: str, metric: str) -> float:
    return float(result[f"{who}_{metric}"])


def _best_of(result: Result) -> str:
    """Name the law that foretells this pool better: first or second."""
    return max(WHO[:2], key=lambda who: _metric(result, who, "log_score"))


def _best_score(result: Result) -> float:
    return _metric(result, _best_of(result), "log_score")


def _best_law(results: Sequence[Result]) -> str:
    """Name the law that foretells best on the mean over pools: first or second."""
    return max(WHO[:2], key=lambda w: np.mean([_metric(r, w, "log_score") for r in results]))


def _means(
    results: Sequence[Result], best: Mapping[str, str], metric: str
) -> tuple[float, float, float]:
    """Average a metric over pools: of the average, of each question's best law, of each pool's."""
    rows = [
        (
            _metric(r, "average", metric),
            _metric(r, best[r["question"]], metric),
            _metric(r, _best_of(r), metric),
        )
        for r in results
    ]
    means = np.mean(rows, axis=0)
    return float(means[0]), float(means[1]), float(means[2])


def _comparison_lines(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    cells = dict.fromkeys((r["question"], r["pool"]) for r in results)
    for question, pool in cells:
        by_setting = {
            r["setting"]: r for r in results if (r["question"], r["pool"]) == (question, pool)
        }
        r = next(iter(by_setting.values()))
        differences = (
            shown(by_setting[s], place) if s in by_setting else "not run"
            for s in SETTINGS
            for place in PLACES
        )
        counts = (
            str(int(r[name])) if _given(r, name) else "-"
            for name in ("rows", "runs", "out", "runs_out")
        )
        yield question, pool, *counts, f"{r['first']} / {r['second']}", *differences


def _average_lines(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    scored, _ = _scored(results)
    by_question = _by_question(scored)
    best = {name: _best_law(of) for name, of in by_question.items()}
    for name, of in by_question.items():
        yield name, str(len(of)), of[0][best[name]], *_triples(of, best)
    if scored:
        yield "all", str(len(scored)), "each question's", *_triples(scored, best)


def _triples(results: Sequence[Result], best: Mapping[str, str]) -> Iterator[str]:
    for metric in METRICS:
        yield " / ".join(_number(v, metric) for v in _means(results, best, metric))


def _score_lines(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for r in results:
        if _given(r, "average_crps"):
            counts = (str(int(r["kept"])), str(int(r["out"])), f"{r['weight_first']:.2f}")
            values = (
                " / ".join(_number(_metric(r, who, metric), metric) for who in WHO)
                for metric in METRICS
            )
            yield r["question"], r["pool"], *counts, *values


def _number(value: float, metric: str) -> str:
    return format(value, ".2f" if metric in ("cover_90", "log_score") else ".2g")


def _where(result: Result) -> str:
    return f"{result['question']} on {result['pool']}, {result['setting']}"


def _pools(count: int, what: str = "pool") -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _given(result: Result, name: str) -> bool:
    """Tell whether a result has something there; a table read from a file has NaN where not."""
    value = result.get(name)
    return value is not None and value != "" and not (isinstance(value, float) and np.isnan(value))


if __name__ == "__main__":
    main()
