"""N and D in other units than parameters and tokens, typed wrongly, or another quantity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bayesq.checks.settings import codes_of, groups_of
from bayesq.checks.usual_loss import full_level, nats_at
from bayesq.counted import how_many
from bayesq.notes import Note
from bayesq.runs.counts import format_count
from bayesq.runs.runs import Runs

_LEAST = {"N": 1e4, "D": 1e5}
# Where a column has values below the least, and none as high as this, it is of one unit.
_OF_ONE_UNIT = {"N": 1e6, "D": 1e8}
# No network has so many parameters, and none saw so many tokens or tokens per parameter.
_MOST, _MOST_PER_PARAMETER = {"N": 1e15, "D": 1e16}, 1e7
_WHAT = {"N": "parameters", "D": "tokens"}
_UNITS = {"M": ("millions", 1e6), "B": ("billions", 1e9), "T": ("trillions", 1e12)}
_PER_PARAMETER = "tokens per parameter"
# Nobody writes 7B parameters as 0.007 trillions.
_LEAST_IN_TRILLIONS = 0.1
# Of networks in use, in the middle of a table.
_SIZES, _TOKENS, _PER = (3e4, 5e12), (1e6, 2e14), (0.3, 1e5)
# What losses may be of what web text costs: code, simple stories and characters cost far less. From
# where on they are as those of web text, and by how much one unit must do better than another, as
# logarithms: in the level, which the text decides too, and in what is left of it row by row.
_LEVEL, _LIKE_WEB, _BETTER_LEVEL, _BETTER_SCATTER = (0.15, 2.0), 0.4, 0.4, 0.03
# Of units with losses like those of web text and units without, by what share less scatter counts.
_AS_GOOD = 0.9
# A number typed a thousand times off: how far the loss is from that of other rows, as a logarithm,
# how near it comes, and in how many of the rows it may be.
_FAR, _NEAR, _SOME = 0.25, 0.08, 0.34


@dataclass(frozen=True)
class Reading:
    """A unit in which a column may be: its letter, or none for tokens per parameter.

    With it the letter of the other column, where that is low too, and how the losses lie against
    those of web text.
    """

    letter: str
    other: str = ""
    level: float = 0.0
    scatter: float = 0.0


def size_notes(runs: Runs) -> list[Note]:
    """Say where N and D are in another unit, or another quantity.

    Returns
    -------
    list of Note
        Codes ``n-in-billions``, ``d-in-billions``, ``n-in-flops``, ``d-in-flops``, ``d-below-n``,
        ``typed-size``.
    """
    n, d = runs.columns["N"], runs.columns["D"]
    low = {name: _low(runs.columns[name], name) for name in ("N", "D")}
    notes = [_unit_note(runs, name, rows, low) for name, rows in low.items() if rows.any()]
    notes = notes or _compute(runs)
    below = d < n
    if not notes and below.mean() > 0.5:
        rows = np.flatnonzero(below)
        one = rows[len(rows) // 2]
        notes.append(
            Note(
                "d-below-n",
                "warning",
                f"D is below N in {len(rows)} of {how_many(len(runs), 'row')} (N "
                f"{format_count(n[one])} and D "
                f"{format_count(d[one])} in {runs.named(np.array([one]))}), fewer tokens than "
                "parameters: are N and D exchanged, or in different units?",
                "If so, map them anew: -c N=D -c D=N, or write units behind the numbers (300B).",
                tuple(runs.numbers[rows]),
            )
        )
    return notes or _typed(runs)


def _low(values: np.ndarray, name: str) -> np.ndarray:
    low = values < _LEAST[name]
    if low.any() and not (values >= _OF_ONE_UNIT[name]).any():
        return ~np.isnan(values)
    return np.asarray(low)


def _unit_note(runs: Runs, name: str, low: np.ndarray, every: dict[str, np.ndarray]) -> Note:
    values = runs.columns[name]
    middle = float(np.median(values[low]))
    whole = bool(low[~np.isnan(values)].all())
    readings = _readings(runs, name, low, every)
    other = "D" if name == "N" else "N"
    words = list(dict.fromkeys(_in_words(r, other, len(readings) > 1) for r in readings))
    listed = " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
    asked = f"are these {listed}? Nothing in the table decides."
    if len(words) == 1:
        asked = f"as {words[0]} they agree with the losses."
        if not _like_web(readings[0]):
            asked = (
                f"as {words[0]} N and D are sizes in use, though web text would cost networks of "
                "these sizes far more than these losses."
            )
    offers = dict.fromkeys(_offer(name, reading, middle, whole) for reading in readings)
    return Note(
        f"{name.lower()}-in-billions",
        "severe",
        f"Column {name} counts {_WHAT[name]}, and {runs.named(low)} "
        f"{'has' if low.sum() == 1 else 'have'} about {middle:.3g}: {asked}",
        f"F{'; f'.join(offers)}.",
        tuple(runs.numbers[low]),
    )


def _in_words(reading: Reading, other: str, several: bool) -> str:
    """Name a unit, and where others are offered too the unit of the other column with it."""
    if not reading.letter:
        return _PER_PARAMETER
    word = _UNITS[reading.letter][0]
    beside = f" (with {other} in {_UNITS[reading.other][0]})" if reading.other else ""
    return word + beside * several


def _offer(name: str, reading: Reading, middle: float, whole: bool) -> str:
    """Write how a column, or its low numbers alone, are read in a unit."""
    some = f"table['{name}'] < {_LEAST[name]:g}"
    if not reading.letter:
        chosen = "table['D']" if whole else f"table.loc[{some}, 'D']"
        return f"or {_PER_PARAMETER}, in Python {chosen} *= table['N']"
    word, factor = _UNITS[reading.letter]
    if whole:
        unit = f"{name} ({reading.letter})"
        return (
            f"or {word}, -c '{name}={unit}' with the table's own name of the column before the "
            f"=, in Python columns={{'{name}': '{unit}'}}"
        )
    return (
        f"or {word}, write the unit behind these numbers alone ({middle:.3g}{reading.letter}), in "
        f"Python table.loc[{some}, '{name}'] *= {factor:g}"
    )


def _readings(
    runs: Runs, name: str, low: np.ndarray, every: dict[str, np.ndarray]
) -> list[Reading]:
    """List the units that agree with sizes in use and with the losses, the likeliest first.

    Where the other column is low too, each goes with a unit of that one.
    """
    level, told = full_level(runs)
    rows = np.flatnonzero(low & told) if (low & told).any() else np.flatnonzero(low)
    columns = {n: runs.columns[n] for n in ("N", "D")}
    other = "D" if name == "N" else "N"
    right = told & ~every["N"] & ~every["D"]
    usual = _share(level, columns["N"], columns["D"], right) if right.sum() > 3 else None
    written = columns["N"][rows][every["N"][rows]]
    in_trillions = bool(len(written)) and np.median(written) >= _LEAST_IN_TRILLIONS
    found: list[Reading] = []
    for letter, factor in _factors(name, columns["N"], every):
        # The other may be in a unit of its own.
        others = _factors(other, columns["N"], every) if every[other][rows].any() else [("", 1.0)]
        for second_letter, second in others:
            of_n = letter if name == "N" else second_letter
            if np.ndim(second) or (of_n == "T" and not in_trillions):
                continue
            scaled = {
                name: columns[name] * factor,
                other: np.where(every[other], columns[other] * second, columns[other]),
            }
            n, d = scaled["N"][rows], scaled["D"][rows]
            if _in_use(n, d):
                share = _share(level, scaled["N"], scaled["D"], rows)
                found.append(Reading(letter, second_letter, *share))
    inside = [r for r in found if np.log(_LEVEL[0]) < r.level < np.log(_LEVEL[1])]
    if not inside:
        return [Reading(letter) for letter in (("B", "M") if name == "N" else ("B", "T"))]
    return _best(inside, usual)


def _best(inside: list[Reading], usual: tuple[float, float] | None) -> list[Reading]:
    """Keep the units that agree best, with rows of known units or else with web text."""
    centre = usual[0] if usual else 0.0
    nearest = min(inside, key=lambda r: abs(r.level - centre))
    least, best = abs(nearest.level - centre), min(r.scatter for r in inside)

    def near(r: Reading) -> bool:
        if abs(r.level - centre) < least + (0.15 if usual else _BETTER_LEVEL):
            return True
        # Of what text the losses are the table does not say; how they differ from row to row
        # depends less on it.
        return not usual and r.scatter < _AS_GOOD * nearest.scatter

    def even(r: Reading) -> bool:
        if r.scatter < 2 * best + _BETTER_SCATTER:
            return True
        # On a text that is not like the web's, good networks differ more than web text has it.
        return not usual and r is nearest and _like_web(r)

    kept = [r for r in inside if near(r) and even(r)] or inside
    if usual:
        return sorted(kept, key=lambda r: r.scatter + abs(r.level - centre))
    return sorted(kept, key=lambda r: (not _like_web(r), r.scatter + 0.01 * abs(r.level)))


def _like_web(reading: Reading) -> bool:
    return bool(reading.level > np.log(_LIKE_WEB))


def _factors(
    name: str, n: np.ndarray, low: dict[str, np.ndarray]
) -> list[tuple[str, np.ndarray | float]]:
    units: list[tuple[str, np.ndarray | float]] = [(u, f) for u, (_, f) in _UNITS.items()]
    return [*units, ("", n)] if name == "D" and not low["N"].any() else units


def _in_use(n: np.ndarray, d: np.ndarray) -> bool:
    """Whether the middle of some networks and of their tokens is of sizes in use."""
    if not _SIZES[0] <= np.median(n) <= _SIZES[1]:
        return False
    given = ~np.isnan(d)
    if not given.any():
        return True
    per = np.median(d[given] / n[given])
    return bool(_TOKENS[0] <= np.median(d[given]) <= _TOKENS[1] and _PER[0] <= per <= _PER[1])


def _share(
    level: np.ndarray, n: np.ndarray, d: np.ndarray, rows: np.ndarray
) -> tuple[float, float]:
    """Level of the losses against those of web text, and its scatter, as logarithms."""
    share = np.log(level[rows] / nats_at(n[rows], d[rows]))
    return float(np.median(share)), float(np.std(share))


def _compute(runs: Runs) -> list[Note]:
    """Numbers that are beyond any count of parameters or tokens: FLOPs, as a rule."""
    n, d = runs.columns["N"], runs.columns["D"]
    for name, beyond, mend in (
        ("N", n > _MOST["N"], "table['N'] = table['N'] / (6 * table['D'])"),
        ("D", (d > _MOST["D"]) | (d / n > _MOST_PER_PARAMETER), ""),
    ):
        if not beyond.any():
            continue
        one = np.flatnonzero(beyond)[:1]
        mend = mend or "table['D'] = table['D'] / (6 * table['N'])"
        some = "" if beyond.all() else " for these rows"
        return [
            Note(
                f"{name.lower()}-in-flops",
                "severe",
                f"Column {name} counts {_WHAT[name]}, and {runs.named(beyond)} "
                f"{'has' if beyond.sum() == 1 else 'have'} more than there are (N "
                f"{format_count(n[one[0]])} and D {format_count(d[one[0]])} in {runs.named(one)}): "
                "is this compute in FLOPs, or another unit?",
                f"If it is compute C = 6ND, work {name} out of it{some}, in Python {mend}; else "
                f"write {_WHAT[name]}.",
                tuple(runs.numbers[beyond]),
            )
        ]
    return []


def _typed(runs: Runs) -> list[Note]:
    """Sizes or tokens of few rows that are out of the range of all others, and a thousand off."""
    level, told = full_level(runs)
    n, d = runs.columns["N"], runs.columns["D"]
    own = np.log(level / nats_at(n, d))
    for group in groups_of(codes_of(runs, ("study", "corpus")), told, 6):
        middle = np.median(own[group])
        far = group[np.abs(own[group] - middle) > _FAR]
        rest = np.setdiff1d(group, far)
        if not 0 < len(far) <= _SOME * len(group) or np.std(own[rest]) > _FAR / 4:
            continue
        for name in ("N", "D"):
            for factor in (1e3, 1e-3):
                values = {"N": n[far], "D": d[far]}
                others = runs.columns[name][rest]
                out = (values[name] < others.min() / 10) | (values[name] > others.max() * 10)
                values[name] = values[name] * factor
                out &= (values[name] > others.min() / 3) & (values[name] < others.max() * 3)
                away = np.log(level[far] / nats_at(values["N"], values["D"])) - middle
                out &= np.abs(away) < max(_NEAR, 3 * np.std(own[rest]))
                if out.any():
                    return [_typed_note(runs, name, far[out], factor)]
    return []


def _typed_note(runs: Runs, name: str, rows: np.ndarray, factor: float) -> Note:
    values = runs.columns[name]
    times = "1,000 times" if factor > 1 else "a thousandth of"
    return Note(
        "typed-size",
        "warning",
        f"{name} is {format_count(values[rows[0]])} in {runs.named(rows)}, far from all others, "
        f"and the losses there are those of {times} it "
        f"({format_count(values[rows[0]] * factor)}): was it typed in another unit?",
        f"Correct {name} of these rows alone, or leave them out with --where.",
        tuple(runs.numbers[rows]),
    )
