"""How to make the same again, and whom to cite."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version

from markupsafe import Markup

from bayesq.law.law import Law
from bayesq.pool.pools import pools
from bayesq.posterior.average import Average
from bayesq.posterior.constants import PublishedFit
from bayesq.posterior.fit import Fit
from bayesq.reporting.pieces import Section, code, facts, heading, lines, paragraph
from bayesq.reporting.refitting import NoCommandError, fit_command, line, script
from bayesq.reporting.subjects import Part, Subject, Subjects
from bayesq.sampling.defaults import SAMPLER

_POOL = re.compile(r"pool ([\w.-]+)(?=$| where |, rows )")


def reproducing(
    subjects: Subjects, questions: Sequence[str], prob: float | None, figures: bool
) -> Section:
    """Say which commands make these fits and this report again, of what, with what."""
    told: list[Markup] = []
    fits = [part for part in subjects.parts if isinstance(part.fit, Fit)]
    commands, without = [], dict[Part, str]()
    for part in fits:
        try:
            commands.append(fit_command(part))
        except NoCommandError as refused:
            without[part] = str(refused)
    commands += [average_command(s) for s in subjects.each if isinstance(s.fit, Average)]
    commands.append(report_command(subjects, questions, prob, figures))
    told.append(code("\n".join(commands), "Commands"))
    again = [part for part in fits if isinstance(part.fit, Fit) and part.fit.can_refit]
    for part, why in without.items():
        instead = "; use the script" if part in again else ""
        told.append(paragraph(f"No command makes fit {part.name} again: {why}{instead}."))
    if fits:
        told.append(
            paragraph(
                "The same rows, seed and versions give the same draws. Rows are the same where "
                "bayesq fit prints the fingerprint below: that of the rows that the law takes. "
                "bayesq check prints that of the whole table, which is another where a law leaves "
                "rows out. Options that a table was read with, such as -c and --skip-bad, are not "
                "kept and go with it as they did."
            )
        )
    if again:
        told.append(
            paragraph(
                "A fit's file holds its rows, so that this makes its draws again without the table:"
            )
        )
        shown = [part for part in again if part in without] or again[:1]
        lines_of = ["import bayesq", "from bayesq.fitting import fit_specification"]
        lines_of += [text for part in shown for text in script(part)]
        told.append(code("\n".join(lines_of), "A script"))
    for part in fits:
        told += [heading(part.name), facts(settings(part))]
    told.append(paragraph(f"This report was made by bayesq {version('bayesq')}."))
    return Section("reproduce", "How to reproduce", tuple(told))


def settings(part: Part) -> dict[str, object]:
    """List what the draws of a fit depend on."""
    fit = part.fit
    assert isinstance(fit, Fit)
    attrs, sizes = fit.data.attrs, fit.posterior.sizes
    wrong = fit.specification.discrepancy
    told: dict[str, object] = {
        "rows": attrs["rows"],
        "fingerprint of the law's rows": attrs["fingerprint"],
        "identity of the model": attrs.get("key", "not recorded"),
        "law": fit.law.name,
        "response": fit.response,
        "noise": fit.noise.name,
        "discrepancy": "the law is taken as true" if wrong is None else "the law may be wrong",
        "pooled by": fit.pooling.by if fit.pooling else "nothing",
        "sampler": attrs.get("sampler", SAMPLER),
        "seed": attrs["seed"],
        "chains": sizes["chain"],
        "draws a chain": sizes["draw"],
        "tuning draws a chain": attrs.get("tune", "not recorded"),
    }
    versions = (k for k in map(str, attrs) if k.startswith("version_"))
    return told | {f"version of {k.removeprefix('version_')}": attrs[k] for k in versions}


def average_command(subject: Subject) -> str:
    """Write the command that makes an average of fits again."""
    assert isinstance(subject.fit, Average)
    weights = ",".join(f"{name}={value!r}" for name, value in subject.fit.weights.items())
    files = [part.file for part in subject.parts]
    return line(["bayesq", "average", *files, "--weights", weights, "-o", subject.file])


def report_command(
    subjects: Subjects, questions: Sequence[str], prob: float | None, figures: bool
) -> str:
    """Write the command that makes this report again."""
    words = ["bayesq", "report", *(_named(s) for s in subjects.questioned)]
    if subjects.base is not None and subjects.base not in subjects.questioned:
        words += ["--base", _named(subjects.base)]
    for study in {s.study for s in subjects.each if s.study is not None}:
        words += ["--study", study]
    for law in dict.fromkeys(p.law for p in subjects.parts if p.law is not None):
        words += ["--law", law]
    for question in questions:
        words += ["--decide", question]
    if prob is not None:
        words += ["--prob", f"{prob:g}"]
    words += [] if figures else ["--no-figures"]
    return line([*words, "-o", "report.html"])


def _named(subject: Subject) -> str:
    """Name a fit as a command line does: by its file, or a paper's constants by the law."""
    fit = subject.fit
    if isinstance(fit, PublishedFit):
        return f"{fit.law.name}:{fit.constants.label}"
    return subject.file


def citing(subjects: Subjects) -> Section:
    """Name whom to cite: bayesq, the papers of the laws, whoever measured a pool."""
    found = [f"bayesq, version {version('bayesq')}: Bayesian scaling laws for LLM quantization."]
    for part in subjects.parts:
        law: Law | None = part.fit.law
        while law is not None:
            if law.source:
                found.append(f"Law {law.name}: {law.source}.")
            law = law.base
        if isinstance(part.fit, PublishedFit):
            found.append(f"Constants {part.fit.constants.label}: {part.fit.constants.source}.")
        if isinstance(part.fit, Fit):
            named = _POOL.match(str(part.fit.data.attrs["source"]))
            if named and named[1] in pools():
                pool = pools()[named[1]]
                found.append(f"Pool {pool.name}: {pool.source}, licence: {pool.licence}.")
    told = (paragraph("Whoever uses these numbers may cite"), lines(dict.fromkeys(found)))
    return Section("cite", "How to cite", told)
