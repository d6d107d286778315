"""What a report says of its questions: the answers first, what to doubt, and all of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import pandas as pd
from markupsafe import Markup

from bayesq.comparison.comparison import Comparison
from bayesq.decide.decision import Decision
from bayesq.notes import Note, Severity, series
from bayesq.reporting.answered import Answered
from bayesq.reporting.drawings import Drawings
from bayesq.reporting.headlines import number
from bayesq.reporting.pieces import Section, folded, heading, lines, notes, paragraph, table
from bayesq.reporting.refitting import line
from bayesq.reporting.subjects import Subjects
from bayesq.runs.counts import format_count

# Importance sampling fails, as a comparison says that was told to fit nothing again.
_UNCURED = "pareto-k"
_HERE = 0.01  # decades: sizes that differ by less are one setting
_SEVERITIES: dict[Severity, str] = {
    "severe": "Severe: do not use these numbers as they stand",
    "warning": "Warnings",
    "info": "For information",
}


def answers(
    answered: Sequence[Answered], headlines: Sequence[str], refused: Sequence[str]
) -> Section:
    """Say first what was asked and what comes of it; without a question, what was fitted."""
    told: list[Markup] = []
    for one in answered:
        asked = f"{one.title}: {one.words}" if one.words else one.title
        of = f", by {one.of}" if one.of else ""
        told.append(paragraph(f"{asked}{of}", "question"))
        told.append(paragraph(one.decision.answer, "answer"))
        told += [
            paragraph(f"{note.severity.title()}: {note.message}", f"caveat {note.severity}")
            for note in one.decision.notes
            if note.severity != "info"
        ]
    if answered:
        told += [paragraph(why, "left-out") for why in refused]
        told.append(paragraph("What answers:"))
        told.append(lines(headlines))
        return Section("answer", "Question and answer", tuple(told))
    told += [paragraph(sentence, "answer") for sentence in headlines]
    return Section("answer", "What was found", tuple(told))


def doubts(
    subjects: Subjects, answered: Sequence[Answered], comparison: Comparison | None
) -> Section:
    """List what to doubt: notes, the severe first, and what was measured near the questions."""
    found = list(_notes(subjects, answered, comparison))
    told: list[Markup] = []
    for severity, title in _SEVERITIES.items():
        these = [(of, note) for of, note in found if note.severity == severity]
        if these:
            told += [heading(title), notes(these)]
    if not found:
        told.append(paragraph("No note was made."))
    near = [
        f"{one.words or one.title}, by {one.of or 'what answered'}: {nearest(one.decision)}"
        for one in answered
        if one.decision.evidence is not None and len(one.decision.evidence)
    ]
    if near:
        told += [heading("Measured nearest to the questions"), lines(near)]
    elif answered:
        told.append(paragraph("Nothing that was measured can be set beside the questions."))
    return Section("doubts", "What to doubt", tuple(told))


def _notes(
    subjects: Subjects, answered: Sequence[Answered], comparison: Comparison | None
) -> Iterable[tuple[str, Note]]:
    """Give each note once, with all that it is about."""
    about: dict[Note, list[str]] = {}
    sources: list[tuple[str, Iterable[Note]]] = [
        (one.words or one.title, one.decision.notes) for one in answered
    ]
    sources += [(s.name, s.fit.notes) for s in subjects.each]
    sources += [(part.name, part.fit.notes) for part in subjects.parts]
    if comparison is not None:
        others = [note for note in comparison.notes if note.code != _UNCURED]
        sources.append(("comparison", others))
    for of, told in sources:
        for note in told:
            names = about.setdefault(note, [])
            if of not in names:
                names.append(of)
    return [(", ".join(names), note) for note, names in about.items()]


def nearest(decision: Decision) -> str:
    """Say what was measured nearest to a question, and what the curve says there."""
    of_law = _by_law(decision)
    rows = pd.concat(of_law.values())
    # Of several laws each has the same rows, beside a curve of its own.
    rows = rows.assign(row=rows.index).drop_duplicates(["row", "measured"]).sort_values("distance")
    row, here = rows.iloc[0], rows[rows["distance"] <= _HERE]
    own = {"measured", "median", "lower", "upper", "distance", "row"}
    where = series(
        f"{name} {format_count(row[name]) if isinstance(row[name], float) else row[name]}"
        for name in rows.columns
        if name not in own and not pd.isna(row[name])
    )
    what = (
        f"{len(here)} {'rows were' if len(here) > 1 else 'row was'} measured at this very setting, "
        f"the first at {where}"
        if len(here)
        else f"the nearest row lies {row['distance']:.2g} decades away, at {where}"
    )
    name = decision.interval.name
    said, inside = [], []
    for law, near in of_law.items():
        same = (near.index == row["row"]) & (near["measured"] == row["measured"])
        by = f"{law} says" if law else "the curve says"
        for _, at in near[same].head(1).iterrows():
            ends = f"{number(at['lower'])} to {number(at['upper'])}"
            said.append(f"{by} {number(at['median'])} ({name} {ends})")
        count = int(near["measured"].between(near["lower"], near["upper"]).sum())
        inside.append(f"{count} of the {len(near)} nearest rows{f' by {law}' if law else ''}")
    return (
        f"{what}: {number(row['measured'])} was measured and {series(said)} nats per token; "
        f"{series(inside)} lie in such intervals of the curve, which leave the scatter of runs out."
    )


def _by_law(decision: Decision) -> dict[str, pd.DataFrame]:
    """Take evidence apart by law; that of one law has no name."""
    found = decision.evidence
    assert found is not None
    if not isinstance(found.index, pd.MultiIndex):
        return {"": found}
    return {str(law): part.droplevel(0) for law, part in found.groupby(level=0, sort=False)}


def decisions(answered: Sequence[Answered], drawings: Drawings) -> Section | None:
    """Show each decision with its distribution, choices, evidence and figure."""
    if not answered:
        return None
    told: list[Markup] = []
    for one in answered:
        decision = one.decision
        told.append(heading(f"{one.title}{f', by {one.of}' if one.of else ''}"))
        if one.words:
            told.append(paragraph(one.words, "question"))
        told.append(paragraph(decision.answer))
        what = f"Answers. {decision.intervals}"
        units, ends = decision.units, decision.searched
        told.append(table(decision.to_frame(), what, row_units=units, searched=ends))
        near, choices = decision.near_optimal, decision.choices
        if near is not None:
            told.append(table(near, "Near the best", row_units=decision.units))
        if choices is not None and (near is None or list(near) != list(choices)):
            told.append(table(choices, "Choices", units=decision.units))
        asked = one.words or one.title
        told.append(drawings.draw(f"The answer to: {asked}", "plot_decision", decision))
        if decision.evidence is not None:
            seen = "Measured nearest, beside the curve there, in nats per token"
            told.append(folded(seen, table(decision.evidence, f"{seen}: {asked}")))
    return Section("decisions", "Decisions", tuple(told))


def comparisons(
    comparison: Comparison | None, subjects: Subjects, drawings: Drawings
) -> Section | None:
    """Show fits of one response to the same rows side by side."""
    if comparison is None:
        return None
    caption = "Sums of log predictive densities in nats, more is better"
    told = [
        paragraph(comparison.text),
        paragraph(
            "By importance sampling from these fits alone: nothing was fitted again, neither where "
            "it fails nor to foretell the largest rows, which bayesq compare does."
        ),
        *_uncured(comparison, subjects),
        table(comparison.to_frame(), caption),
        Markup('<div class="figures">{}{}</div>').format(
            drawings.draw("Laws beside the best", "plot_comparison", comparison),
            drawings.draw("Pareto k of each row", "plot_khat", comparison),
        ),
    ]
    return Section("comparison", "Comparison", tuple(told))


def _uncured(comparison: Comparison, subjects: Subjects) -> Iterable[Markup]:
    """Say where importance sampling fails, and the command that does without it there."""
    files = {part.name: part.file for part in subjects.parts}
    words = ["bayesq", "compare", *(files[name] for name in comparison.fits)]
    remedy = f"Run {line(words)}, which fits again where that is needed."
    found = [replace(n, remedy=remedy) for n in comparison.notes if n.code == _UNCURED]
    return [notes(("this comparison", note) for note in found)] if found else []
