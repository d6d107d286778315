"""How to make the same again, and whom to cite."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from importlib.metadata import version

from markupsafe import Markup

from bayesq.law.law import Law
from bayesq.model.noises import noise_names
from bayesq.pool.pools import pools
from bayesq.posterior.average import Average
from bayesq.posterior.constants import PublishedFit
from bayesq.posterior.fit import Fit
from bayesq.reporting.pieces import Section, code, facts, heading, lines, paragraph
from bayesq.reporting.subjects import Part, Subject, Subjects

_POOL = re.compile(r"pool ([\w.-]+)(?: where (.*))?", re.DOTALL)
# Tables that no command can name.
_NAMELESS = ("the data frame", "standard input")
_FILE = re.compile(r"(.+?)(?: where (.*))?", re.DOTALL)


def reproducing(
    subjects: Subjects, questions: Sequence[str], prob: float | None, figures: bool
) -> Section:
    """Say which commands make these fits and this report again, of what, with what."""
    told: list[Markup] = []
    fits = [part for part in subjects.parts if isinstance(part.fit, Fit)]
    commands = [command for part in fits if (command := fit_command(part))]
    commands += [average_command(s) for s in subjects.each if isinstance(s.fit, Average)]
    commands.append(report_command(subjects, questions, prob, figures))
    told.append(code("\n".join(commands), "Commands"))
    if fits:
        told.append(
            paragraph(
                "The same rows, seed and versions give the same draws. Rows are the same where "
                "bayesq check prints the fingerprint below; options that a table was read with, "
                "such as -c and --skip-bad, are not kept and go with it as they did."
            )
        )
    again = [part for part in fits if isinstance(part.fit, Fit) and part.fit.can_refit]
    if again:
        told.append(
            paragraph(
                "A fit's file holds its rows, so that this makes its draws again without the table:"
            )
        )
        told.append(code("\n".join(_script(again[0])), "A script"))
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
        "fingerprint of the rows": attrs["fingerprint"],
        "identity of the model": attrs.get("key", "not recorded"),
        "law": fit.law.name,
        "response": fit.response,
        "noise": fit.noise.name,
        "discrepancy": "the law is taken as true" if wrong is None else "the law may be wrong",
        "pooled by": fit.pooling.by if fit.pooling else "nothing",
        "seed": attrs["seed"],
        "chains": sizes["chain"],
        "draws a chain": sizes["draw"],
        "tuning draws a chain": attrs.get("tune", "not recorded"),
    }
    versions = (k for k in map(str, attrs) if k.startswith("version_"))
    return told | {f"version of {k.removeprefix('version_')}": attrs[k] for k in versions}


def fit_command(part: Part) -> str:
    """Write the command that makes a fit; empty where no table is known that it could name."""
    fit = part.fit
    assert isinstance(fit, Fit)
    attrs, sizes = fit.data.attrs, fit.posterior.sizes
    table, where = _table(str(attrs["source"]))
    if table in _NAMELESS:
        return ""
    words = ["bayesq", "fit", table, "--law", fit.law.name, "--response", fit.response]
    if where:
        words += ["--where", where]
    name = fit.noise.name
    if set(name.split(" + ")) <= set(noise_names()):
        words += ["--noise", name]
    if fit.specification.discrepancy is None:
        words.append("--no-discrepancy")
    if fit.pooling is not None:
        words += ["--pool-by", fit.pooling.by]
    words += ["--chains", str(sizes["chain"]), "--draws", str(sizes["draw"])]
    if "tune" in attrs:
        words += ["--tune", str(attrs["tune"])]
    return _line([*words, "--seed", str(attrs["seed"]), "-o", part.file])


def average_command(subject: Subject) -> str:
    """Write the command that makes an average of fits again."""
    assert isinstance(subject.fit, Average)
    weights = ",".join(f"{name}={value!r}" for name, value in subject.fit.weights.items())
    files = [part.file for part in subject.parts]
    return _line(["bayesq", "average", *files, "--weights", weights, "-o", subject.file])


def report_command(
    subjects: Subjects, questions: Sequence[str], prob: float | None, figures: bool
) -> str:
    """Write the command that makes this report again."""
    words = ["bayesq", "report", *(_named(s) for s in subjects.questioned)]
    if subjects.base is not None and subjects.base not in subjects.questioned:
        words += ["--base", _named(subjects.base)]
    for study in {s.study for s in subjects.each if s.study is not None}:
        words += ["--study", study]
    for question in questions:
        words += ["--decide", question]
    if prob is not None:
        words += ["--prob", f"{prob:g}"]
    words += [] if figures else ["--no-figures"]
    return _line([*words, "-o", "report.html"])


def _line(words: Sequence[str]) -> str:
    """Write a command, a choice of rows in double quotes where these mean nothing else."""
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
        for word in words
    )


def _named(subject: Subject) -> str:
    """Name a fit as a command line does: by its file, or a paper's constants by the law."""
    fit = subject.fit
    if isinstance(fit, PublishedFit):
        return f"{fit.law.name}:{fit.constants.label}"
    return subject.file


def _table(source: str) -> tuple[str, str]:
    """Take apart what a fit says of where its rows are from: a table, and a choice of rows."""
    found = _POOL.fullmatch(source)
    if found is None or found[1] not in pools():
        found = _FILE.fullmatch(source)
    assert found is not None  # it takes any text
    return found[1], found[2] or ""


def _script(part: Part) -> list[str]:
    fit = part.fit
    assert isinstance(fit, Fit)
    attrs, sizes = fit.data.attrs, fit.posterior.sizes
    asked = {"draws": sizes["draw"], "tune": attrs.get("tune"), "chains": sizes["chain"]}
    asked["seed"] = attrs["seed"]
    given = ", ".join(f"{k}={v}" for k, v in asked.items() if v is not None)
    return [
        "import bayesq",
        "from bayesq.fitting import fit_specification",
        f"fit = bayesq.load_fit({part.file!r})",
        f"again = fit_specification(fit.specification, {given})",
    ]


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
            named = _POOL.fullmatch(str(part.fit.data.attrs["source"]))
            if named and named[1] in pools():
                pool = pools()[named[1]]
                found.append(f"Pool {pool.name}: {pool.source}, licence: {pool.licence}.")
    told = (paragraph("Whoever uses these numbers may cite"), lines(dict.fromkeys(found)))
    return Section("cite", "How to cite", told)
