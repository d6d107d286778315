"""The results in words: a reading of each question, what to doubt, and the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from questions import Question
from writing import markdown

from bayesq.comparison.difference import Difference

# Formulas alone, which are compared, and with their misfit, as laws predict.
SETTINGS = ("alone", "misfit")
LABELS = {"alone": "formulas alone", "misfit": "with misfit"}
PLACES = ("inside", "outside")
METRICS = ("log_score", "crps", "interval_score", "cover_90")
# Who predicts: the two laws, and their average.
WHO = ("first", "second", "average")

Result = dict[str, Any]


def sections(results: Sequence[Result], asked: Sequence[Question]) -> list[str]:
    """Word the results: a reading, and the two tables, in Markdown."""
    compared = [r for r in results if not given(r, "why")]
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


def planned(asked: Sequence[Question]) -> Iterator[tuple[Question, str, str]]:
    """List what there is to run, the quick formulas alone first: question, pool and setting."""
    return ((q, e.name, s) for s in SETTINGS for q in asked for e in q.pools)


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
    if not given(result, place):
        return ""
    if not given(result, f"{place}_se"):
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
    told = [r for r in of if not given(r, "why")]
    words = [f"**{question.name}**: {question.asked}"]
    for setting in SETTINGS:
        some = [r for r in told if r["setting"] == setting]
        if some:
            said = "; ".join(f"{place} {_counted(question, some, place)}" for place in PLACES)
            words.append(f"{LABELS[setting].capitalize()}, {_pools(len(some))}: {said}.")
    for r in {r["pool"]: r for r in of if given(r, "why")}.values():
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
        for r in (r for r in results if given(r, name)):
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
    some = [r for r in results if given(r, "average_crps")]
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
            str(int(r[name])) if given(r, name) else "-"
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
        if given(r, "average_crps"):
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


def given(result: Result, name: str) -> bool:
    """Tell whether a result has something there; a table read from a file has NaN where not."""
    value = result.get(name)
    return value is not None and value != "" and not (isinstance(value, float) and np.isnan(value))
