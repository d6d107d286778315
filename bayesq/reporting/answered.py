"""The questions of a report, put to the fits that can answer them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass

from bayesq.decide.decision import Decision
from bayesq.decide.in_words import InWords, in_words
from bayesq.errors import BayesqError
from bayesq.progress import Progress
from bayesq.reporting.subjects import Subject, Subjects


@dataclass(frozen=True, eq=False)
class Answered:
    """A question with its answer.

    Parameters
    ----------
    words : str
        The question as it was put; empty for a decision that came with its answer.
    title : str
        What it asks, in a line.
    of : str
        Name of the fit that answers, with the study that is asked.
    decision : Decision
        The answer.
    """

    words: str
    title: str
    of: str
    decision: Decision


def read_questions(decide: str | Decision | Sequence[str | Decision]) -> list[InWords | Decision]:
    """Read all questions, before anything is asked.

    Raises
    ------
    BayesqError
        If one cannot be read.
    """
    given = [decide] if isinstance(decide, str | Decision) else list(decide)
    found: list[InWords | Decision] = []
    for one in given:
        if isinstance(one, Decision):
            found.append(one)
        elif isinstance(one, str):
            found.append(_read(one))
        else:
            raise BayesqError(
                f"decide has a {type(one).__name__}; give a question, such as 'fewest_bits "
                "level=0.01 N=7B D=1T', or what a function of bayesq.decide returned."
            )
    return found


def answer_all(
    decide: str | Decision | Sequence[str | Decision],
    questions: Sequence[InWords | Decision],
    subjects: Subjects,
    told: Progress,
) -> tuple[list[Answered], list[str]]:
    """Put questions to the fits.

    Each goes to every fit that is not the base law of another; where none of these can answer, to
    the fit of the base law.

    Returns
    -------
    list of Answered
    list of str
        Why a fit among several has no answer, in sentences.

    Raises
    ------
    BayesqError
        If no fit can answer one of them.
    """
    given = [decide] if isinstance(decide, str | Decision) else list(decide)
    found: list[Answered] = []
    refused: list[str] = []
    for words, question in zip(given, questions, strict=True):
        if isinstance(question, Decision):
            found.append(Answered("", "A decision that was made before", "", question))
            continue
        text = str(words)
        told.say(f"working out {question.function.__name__} in every draw")
        answers, whys = _ask(text, question, subjects, subjects.questioned)
        if not answers and subjects.base is not None:
            answers, _ = _ask(text, question, subjects, [subjects.base])
            if answers:
                whys = {}
        if not answers:
            raise BayesqError(f"decide {text!r}: {next(iter(whys.values()))}")
        found += answers
        refused += [f"{name} does not answer {text}: {why}" for name, why in whys.items()]
    return found, refused


def _ask(
    words: str, question: InWords, subjects: Subjects, of: Sequence[Subject]
) -> tuple[list[Answered], dict[str, str]]:
    found, refused = [], {}
    title = (inspect.getdoc(question.function) or "").split("\n\n")[0].rstrip(".")
    for subject in of:
        base = subjects.base_for(subject) if question.takes_base else None
        try:
            decision = question.ask(subject.asked, base=base)
        except BayesqError as error:
            refused[subject.title] = str(error)
        else:
            found.append(Answered(words, title, subject.title, decision))
    return found, refused


def _read(words: str) -> InWords:
    """Read one question; a mistake in it is told with the question."""
    try:
        return in_words(words)
    except BayesqError as error:
        said = str(error)
        if said.startswith(f"decide {words!r}"):
            raise
        raise BayesqError(f"decide {words!r}: {said}") from error
