"""Which law to try on a table, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from bayesq.checks.law_check import LawCheck
from bayesq.checks.stages import Unsaid
from bayesq.counted import how_many
from bayesq.law.law import Law
from bayesq.law.registry import laws as shipped
from bayesq.notes import Note

_AT_MOST = 2  # laws named for one kind of rows
_DOUBTS = {"severe": 3, "warning": 2, "info": 1}
_OF_STAGE = {"post": "quantization after training", "train": "training in low precision"}


def advise(
    laws: Sequence[LawCheck], notes: Sequence[Note] = (), unsaid: Unsaid | None = None
) -> str:
    """Say which laws to try: for each kind of rows those with the fewest doubts and most rows.

    Parameters
    ----------
    laws : sequence of LawCheck
        What each law can do with the table.
    notes : sequence of Note
        What is wrong or doubtful in its rows, whatever the law.
    unsaid : Unsaid, optional
        What to say first of quantized rows that do not give their stage. Laws of the other stage
        are not named where the table tells it all the same; else those of ``post`` come first.
    """
    usable = [law for law in laws if not law.refused]
    if not usable:
        which = f"Law {laws[0].law} cannot" if len(laws) == 1 else "No law can"
        return f"{which} be fitted to this table; its line says what a law lacks."
    known = shipped()
    kinds: dict[str, list[LawCheck]] = {}
    for law in usable:
        kinds.setdefault(_kind(known.get(law.law)), []).append(law)
    if unsaid is not None:
        kinds = _ordered(kinds, unsaid)
    tried = "; ".join(_best(kind, found) for kind, found in kinds.items())
    wrong = any(note.severity == "severe" for note in notes)
    mind = " Mend first what the severe notes say." if wrong else ""
    if not wrong and all(_doubt(law) == _DOUBTS["severe"] for law in usable):
        mind = " Mend first what their lines call severe."
    way = "bayesq.fit(runs, NAME), on the command line bayesq fit RUNS --law NAME"
    first = "" if unsaid is None else f"{unsaid.sentence} "
    return f"{first}Laws to try: {tried}. Fit one with {way}.{mind}"


def _ordered(kinds: dict[str, list[LawCheck]], unsaid: Unsaid) -> dict[str, list[LawCheck]]:
    """Order laws by the stage that rows without one have, or are taken to have."""
    first = unsaid.stage or "post"
    others = [kind for stage, kind in _OF_STAGE.items() if stage != first]
    if unsaid.stage is not None and set(kinds) - set(others):
        kinds = {kind: found for kind, found in kinds.items() if kind not in others}
    places = [_OF_STAGE[first], *others]
    place = {kind: places.index(kind) if kind in places else len(places) for kind in kinds}
    return {kind: kinds[kind] for kind in sorted(kinds, key=place.__getitem__)}


def _kind(law: Law | None) -> str:
    """Name the rows that a law is about."""
    if law is None:
        return "these rows"
    if law.base is None:
        return "rows in full precision"
    by_stage = {
        ("post",): _OF_STAGE["post"],
        ("train",): _OF_STAGE["train"],
        ("train", "post"): "both together",
    }
    return by_stage.get(law.stages or (), "quantized rows")


def _best(kind: str, found: Sequence[LawCheck]) -> str:
    ranked = sorted(found, key=_rank)
    alike = [law for law in ranked if _rank(law)[:2] == _rank(ranked[0])[:2]][:_AT_MOST]
    names = " or ".join(f"{law.law} ({how_many(law.rows, 'row')})" for law in alike)
    return f"{names} for {kind}"


def _rank(law: LawCheck) -> tuple[bool, int, int]:
    """Order laws: those that are there to be compared with last, then by doubts, then by rows."""
    known = shipped().get(law.law)
    beside = known is not None and known.title.endswith("for comparison")
    return beside, _doubt(law), -law.rows


def _doubt(law: LawCheck) -> int:
    """How bad its worst note is, 0 where it has none."""
    return _DOUBTS[law.worst.severity] if law.worst else 0
