"""A page of its own: the question and its answer, what to doubt, and all that they come from."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from bayesq.comparison.comparison import Comparison
from bayesq.decide.decision import Decision
from bayesq.files import check_target, write_beside
from bayesq.intervals import asked_for
from bayesq.law.law import Law
from bayesq.posterior.fit import Fit
from bayesq.progress import Progress, showing
from bayesq.reporting import decision_sections, fit_sections, reproducing
from bayesq.reporting.answered import Answered, answer_all, read_questions
from bayesq.reporting.drawings import Drawings
from bayesq.reporting.headlines import headlines
from bayesq.reporting.page import page
from bayesq.reporting.subjects import Reported, Subjects, subjects

_EXAMPLE = "report.html"


@dataclass(frozen=True, eq=False)
class Report:
    """A report, ready to be saved. Made by :func:`bayesq.report`.

    Parameters
    ----------
    html : str
        The page, which asks nothing of any other place.
    text : str
        What it says first, in plain sentences, with what warns of it.
    decisions : tuple of Decision
        The answers, in the order of the questions.
    comparison : Comparison or None
        Where several fits are of one response and the same rows.
    """

    html: str
    text: str
    decisions: tuple[Decision, ...] = ()
    comparison: Comparison | None = None

    def save(self, path: str | Path) -> Path:
        """Write the page beside `path`, then rename it.

        Returns
        -------
        Path
            The file written.

        Raises
        ------
        BayesqError
            If it cannot be written.
        """
        return write_beside(
            Path(path), lambda beside: beside.write_text(self.html, encoding="utf-8"), _EXAMPLE
        )

    def _repr_html_(self) -> str:
        # A page within the page of a notebook, so that neither styles the other.
        held = html.escape(self.html, quote=True)
        return (
            f'<iframe srcdoc="{held}" title="bayesq report" '
            'style="width: 100%; height: 40rem; border: 1px solid #888"></iframe>'
        )

    def __repr__(self) -> str:
        return self.text


def report(
    fits: Reported | Sequence[Reported] | Mapping[str, Reported],
    path: str | Path | None = None,
    *,
    decide: str | Decision | Sequence[str | Decision] = (),
    base: Reported | None = None,
    study: str | None = None,
    law: str | Path | Law | None = None,
    prob: float | None = None,
    title: str | None = None,
    figures: bool = True,
    progress: bool = True,
) -> Report:
    """Write down fits, their checks and decisions as one page that stands by itself.

    Parameters
    ----------
    fits : Posterior, Average, path, or several
        Fits, averages and papers' constants, or files and names as the command line takes them. A
        mapping gives them names.
    path : str or Path, optional
        Where to save the page; a file that is there is replaced.
    decide : str or Decision, or several
        Questions: as words, ``"fewest_bits level=0.01 N=7B D=1T"``, which go to every fit that is
        not the base law of another, or what a function of :mod:`bayesq.decide` returned.
    base : Posterior or path, optional
        A fit of the base law beside fits of the degradation; by default that among `fits`.
    study : str, optional
        Of fits that are pooled: the study that is asked.
    law : str, Path or Law, optional
        A law that does not ship, or its file: for the saved fits of it.
    prob : float, optional
        Probability of the intervals; by default what ArviZ's ``stats.ci_prob`` says where that was
        set, else 0.9.
    title : str, optional
        The heading of the page.
    figures : bool
        Whether it has figures, which take most of its time.
    progress : bool
        Say on the error stream what is being done.

    Returns
    -------
    Report
        With the page as ``html`` and its first sentences as ``text``.

    Raises
    ------
    BayesqError
        If nothing is given, a question cannot be read or answered, or the page cannot be saved.

    Examples
    --------
    >>> import bayesq
    >>> question = "critical_tokens N=1B exponent=4 mantissa=3 group=128"
    >>> found = bayesq.report("sun2025", decide=question, progress=False)
    >>> found.decisions[0].answer
    'At N 1B, E 4, M 3, B 128, more than 27.3T tokens raise the loss.'
    """
    if path is not None:
        check_target(Path(path), _EXAMPLE)
    questions = read_questions(decide)
    with asked_for(prob), showing(progress) as told:
        found = subjects(fits, base, study, law)
        answered, refused = answer_all(decide, questions, found, told)
        compared = _compare(found, told)
        made = _write(found, answered, refused, compared, prob, title, Drawings(figures), told)
    if path is not None:
        made.save(path)
    return made


def _write(
    found: Subjects,
    answered: list[Answered],
    refused: list[str],
    compared: Comparison | None,
    prob: float | None,
    title: str | None,
    drawings: Drawings,
    told: Progress,
) -> Report:
    first = headlines(found)
    parts = found.parts
    asked = list(dict.fromkeys(one.words for one in answered if one.words))
    told.say("writing the report and drawing its figures")
    sections = [
        decision_sections.answers(answered, first, refused),
        decision_sections.doubts(found, answered, compared),
        decision_sections.decisions(answered, drawings),
        fit_sections.data(parts),
        fit_sections.laws(parts),
        fit_sections.checks(parts, drawings),
        fit_sections.figures(parts, drawings),
        decision_sections.comparisons(compared, found, drawings),
        reproducing.reproducing(found, asked, prob, drawings.wanted),
        reproducing.citing(found),
    ]
    names = ", ".join(s.title for s in found.each)
    heading = title or f"Scaling laws of quantization: {names}"
    several = len({one.of for one in answered}) > 1
    said = [f"{one.of}: " * several + one.decision.text for one in answered] or first
    return Report(
        page(heading, [section for section in sections if section is not None]),
        "\n".join([*said, *refused]),
        tuple(one.decision for one in answered),
        compared,
    )


def _compare(found: Subjects, told: Progress) -> Comparison | None:
    """Set fits of one response and the same rows side by side, without any new fit."""
    from bayesq.comparison.compare import compare

    fits = {part.name: part.fit for part in found.parts if isinstance(part.fit, Fit)}
    alike: dict[str, list[str]] = {}
    for (one, a), (other, b) in combinations(fits.items(), 2):
        if a.response == b.response and _rows(a) == _rows(b):
            alike.setdefault(one, [one]).append(other)
    if not alike:
        return None
    names = max(alike.values(), key=len)
    told.say("comparing the fits of the same rows")
    return compare({n: fits[n] for n in names}, outside=None, cure="none", progress=False)


def _rows(fit: Fit) -> str:
    return str(fit.data.attrs["fingerprint"])
