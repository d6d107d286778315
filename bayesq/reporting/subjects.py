"""What a report is of: fits by name, and which of them is the base law of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bayesq.errors import BayesqError
from bayesq.law.law import Law
from bayesq.law.registry import find_law
from bayesq.posterior.average import Average
from bayesq.posterior.by_name import find_posterior
from bayesq.posterior.fit import Fit
from bayesq.posterior.posterior import Posterior, check_posterior

type Reported = Posterior | Average | str | Path


@dataclass(frozen=True, eq=False)
class Part:
    """A single fit, or a paper's constants: itself a subject, or one of those of an average.

    Parameters
    ----------
    fit : Posterior
        What it is.
    name, file, study
        As of a subject.
    law : str or None
        The file of its law, where the law does not ship and its file was named.
    """

    fit: Posterior
    name: str
    file: str
    study: str | None = None
    law: str | None = None

    @property
    def asked(self) -> Posterior:
        """What answers questions: one study of a fit that is pooled."""
        return self.fit if self.study is None else self.fit.of_study(self.study)


@dataclass(frozen=True, eq=False)
class Subject:
    """One thing that is reported.

    Parameters
    ----------
    fit : Posterior or Average
        What it is.
    name : str
        What the report calls it.
    file : str
        The file that it was read from, or the one that a reader may save it to.
    study : str or None
        Of a fit that is pooled, the study that is asked.
    law : Law or None
        A law that was named for the fits that need it.
    law_file : str or None
        What it was named by.
    """

    fit: Posterior | Average
    name: str
    file: str
    study: str | None = None
    law: Law | None = None
    law_file: str | None = None

    @property
    def title(self) -> str:
        """Its name, with the study that is asked."""
        return self.name if self.study is None else f"{self.name}, study {self.study}"

    @property
    def asked(self) -> Posterior | Average:
        """What answers questions: one study of a fit that is pooled."""
        return self.fit if self.study is None else self.fit.of_study(self.study)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The fits that it is made of: of an average several."""
        if isinstance(self.fit, Posterior):
            law = self._file_of(self.fit)
            return (Part(self.fit, self.name, self.file, self.study, law),)
        return tuple(
            Part(fit, name, f"{_plain(name)}.nc", self.study, self._file_of(fit))
            for name, fit in self.fit.fits.items()
        )

    def _file_of(self, fit: Posterior) -> str | None:
        """Name the file of a fit's law, if it is the law that was named, as it was fitted."""
        named = self.law is not None and fit.law.at_hand and fit.law.digest == self.law.digest
        return self.law_file if named and isinstance(fit, Fit) else None


@dataclass(frozen=True, eq=False)
class Subjects:
    """All that is reported.

    Parameters
    ----------
    each : tuple of Subject
        In the order given, that of the base law last.
    base : Subject or None
        The fit of the base law of others.
    """

    each: tuple[Subject, ...]
    base: Subject | None

    @property
    def questioned(self) -> tuple[Subject, ...]:
        """Those that questions go to: not the base law of another."""
        return tuple(s for s in self.each if s is not self.base) or self.each

    @property
    def parts(self) -> tuple[Part, ...]:
        """Fits and constants, one by one, each once."""
        found: dict[int, Part] = {}
        for subject in self.each:
            for part in subject.parts:
                found.setdefault(id(part.fit), part)
        return tuple(found.values())

    def base_for(self, subject: Subject) -> Posterior | None:
        """Return the fit of the base law that a question to a fit may need."""
        base = None if self.base is None else self.base.asked
        return base if isinstance(base, Posterior) and subject is not self.base else None


def subjects(
    fits: Reported | Sequence[Reported] | Mapping[str, Reported],
    base: Reported | None,
    study: str | None,
    law: str | Path | Law | None = None,
) -> Subjects:
    """Read what is to be reported.

    Raises
    ------
    BayesqError
        If nothing is given, something that is no fit or stands there twice, or a base law's fit
        that is one of a degradation.
    """
    # A law that was named is found by its name, as long as it is held.
    held = None if law is None else find_law(law)
    found = [*_read(fits)]
    _check_twice(found)
    if not found:
        raise BayesqError("There is no fit to report; give one, such as bayesq.fit(...) returns.")
    below = None
    if base is not None:
        (below,) = _read(base)
        check_posterior(below.fit)
        _check_base(below)
        same = [s for s in found if s.fit is below.fit or s.file == below.file != ""]
        below = same[0] if same else below
        found = [*(s for s in found if s is not below), below]
    pooled = [s for s in found if study is not None and s is not below]
    found = [replace(s, study=study) if s in pooled else s for s in found]
    if held is not None:
        words = None if isinstance(law, Law) else str(law)
        found = [replace(s, law=held, law_file=words) for s in found]
    named = _named(found)
    if below is not None:
        return Subjects(tuple(named), named[-1])
    return _with_base(named)


def _read(given: Any) -> Iterable[Subject]:
    if isinstance(given, Mapping):
        for name, fit in given.items():
            (one,) = _read(fit)
            yield replace(one, name=str(name))
    elif isinstance(given, str | Path):
        text = str(given)
        yield Subject(find_posterior(text, None), "", text)
    elif isinstance(given, Posterior | Average):
        yield Subject(given, "", "")
    elif isinstance(given, Sequence):
        for one in given:
            yield from _read(one)
    else:
        check_posterior(given)


def _check_twice(found: Sequence[Subject]) -> None:
    for i, one in enumerate(found):
        for other in found[:i]:
            same = (
                one.file and other.file and Path(one.file).resolve() == Path(other.file).resolve()
            )
            if same or one.fit is other.fit:
                raise BayesqError(
                    f"{one.file or _law_of(one.fit)} is given twice; give each fit once."
                )


def _check_base(below: Subject) -> None:
    fit = below.fit
    if isinstance(fit, Posterior) and fit.response == "degradation":
        name = below.file or below.name or fit.law.name
        wanted = "" if fit.law.base is None else f" of law {fit.law.base.name}"
        raise BayesqError(
            f"base is {name}, a fit of the degradation; give a fit of the loss{wanted}."
        )


def _named(found: Sequence[Subject]) -> list[Subject]:
    """Name fits by law, or by file where two are of one law; and files for those without one."""
    by_law = [_law_of(s.fit) for s in found]
    by_file = [Path(s.file).stem for s in found]
    numbered = [f"fit {i} of {name}" for i, name in enumerate(by_law, start=1)]
    names = next((n for n in (by_law, by_file) if len(set(n)) == len(n) and all(n)), numbered)
    named = [s.name or name for s, name in zip(found, names, strict=True)]
    files = [s.file or f"{_plain(name)}.nc" for s, name in zip(found, named, strict=True)]
    each = zip(found, named, files, strict=True)
    return [replace(s, name=name, file=file) for s, name, file in each]


def _law_of(fit: Posterior | Average) -> str:
    return "average" if isinstance(fit, Average) else fit.law.name


def _plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_." else "-" for c in name)


def _with_base(named: Sequence[Subject]) -> Subjects:
    """See whether one of the fits is of the base law of all others that are of a degradation."""
    wanted = {
        part.fit.law.base.name
        for subject in named
        for part in subject.parts
        if part.fit.law.base is not None and part.fit.response == "degradation"
    }
    fitting = [s for s in named if isinstance(s.fit, Posterior) and s.fit.law.name in wanted]
    if len(fitting) != 1 or len(named) < 2:
        return Subjects(tuple(named), None)
    (base,) = fitting
    return Subjects((*(s for s in named if s is not base), base), base)
