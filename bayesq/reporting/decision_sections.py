"""What a report says of its questions: the answers first, what to doubt, and all of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
from markupsafe import Markup

from bayesq.comparison.comparison import Comparison
from bayesq.notes import Note, Severity, series
from bayesq.reporting.answered import Answered
from bayesq.reporting.drawings import Drawings
from bayesq.reporting.headlines import number
from bayesq.reporting.pieces import Section, folded, heading, lines, notes, paragraph, table
from bayesq.reporting.subjects import Subjects
from bayesq.runs.counts import format_count

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
        f"{one.words or one.title}, by {one.of or 'what answered'}: "
        f"{nearest(one.decision.evidence)}"
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
        sources.append(("comparison", comparison.notes))
    for of, told in sources:
        for note in told:
            names = about.setdefault(note, [])
            if of not in names:
                names.append(of)
    return [(", ".join(names), note) for note, names in about.items()]


def nearest(evidence: pd.DataFrame) -> str:
    """Say what was measured nearest to a question, and what the curve says there."""
    row = evidence.iloc[0]
    here = evidence[evidence["distance"] <= _HERE]
    own = {"measured", "median", "lower", "upper", "distance"}
    where = series(
        f"{name} {format_count(row[name]) if isinstance(row[name], float) else row[name]}"
        for name in evidence.columns
        if name not in own
    )
    what = (
        f"{len(here)} {'rows were' if len(here) > 1 else 'row was'} measured at this very setting, "
        f"the first at {where}"
        if len(here)
        else f"the nearest row lies {row['distance']:.2g} decades away, at {where}"
    )
    inside = int(evidence["measured"].between(evidence["lower"], evidence["upper"]).sum())
    return (
        f"{what}: {number(row['measured'])} was measured and the curve says "
        f"{number(row['median'])} ({number(row['lower'])} to {number(row['upper'])}) nats per "
        f"token; {inside} of the {len(evidence)} nearest rows lie in such intervals of the curve, "
        "which leave the scatter of runs out."
    )


def decisions(
    answered: Sequence[Answered], prob: float | None, drawings: Drawings
) -> Section | None:
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
        frame = decision.to_frame() if prob is None else decision.to_frame(prob)
        name = decision.interval_of(prob).name
        what = f"Answers, with the {name} from lower to upper"
        told.append(table(frame, what, row_units=decision.units))
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


def comparisons(comparison: Comparison | None, drawings: Drawings) -> Section | None:
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
        table(comparison.to_frame(), caption),
        Markup('<div class="figures">{}{}</div>').format(
            drawings.draw("Laws beside the best", "plot_comparison", comparison),
            drawings.draw("Pareto k of each row", "plot_khat", comparison),
        ),
    ]
    return Section("comparison", "Comparison", tuple(told))
