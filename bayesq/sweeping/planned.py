"""The fits of a sweep before any is made: their names, what each is of, and what cannot be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

from bayesq.errors import BayesqError, nearest
from bayesq.fitting import check_settings, fit, split_options
from bayesq.law.law import Law
from bayesq.law.registry import find_law
from bayesq.model.specification import Specification, check_described, specify
from bayesq.runs.runs import Runs

# What nothing else is asked of is called.
USUAL = "usual"
type Options = Mapping[str, Mapping[str, Any]] | Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True, eq=False)
class Planned:
    """One fit of a sweep.

    Parameters
    ----------
    names : tuple of str
        Of its table, its law and its options.
    described : Specification or str
        What is to be fitted, or the sentence that says why it cannot be.
    sampling : mapping
        Draws, tune, chains, seed and sampler, and what else sampling was asked for.
    together : bool
        Whether it is sampled beside others, which gives other draws of the same posterior.
    """

    names: tuple[str, str, str]
    described: Specification | str
    sampling: Mapping[str, Any]
    together: bool = False

    @property
    def key(self) -> str:
        """Hash of all that decides its result, its names among that; of a refused one empty."""
        if isinstance(self.described, str):
            return ""
        told = [self.names, self.described.key, self.sampling, *["together"] * self.together]
        text = json.dumps(told, sort_keys=True, default=lambda value: value.item())  # NumPy's
        return hashlib.sha256(text.encode()).hexdigest()


def plan(
    tables: Mapping[str, Runs],
    laws: Mapping[str, Law],
    options: Mapping[str, Mapping[str, Any]],
    common: Mapping[str, Any],
) -> list[Planned]:
    """Describe every fit, table by table.

    Parameters
    ----------
    tables, laws, options
        By name.
    common : mapping
        Options of all fits, which those of one go before.

    Raises
    ------
    BayesqError
        If what is asked of a fit is none of its options, or nothing can be fitted at all.
    """
    asked = {name: {**common, **own} for name, own in options.items()}
    for wanted in asked.values():
        _check(wanted)
    found = []
    for table, runs in tables.items():
        for law, formula in laws.items():
            for option, wanted in asked.items():
                describing, sampling = split_options(wanted)
                described: Specification | str
                try:
                    described = specify(runs, formula, **describing)
                except BayesqError as error:
                    described = str(error)
                found.append(Planned((table, law, option), described, sampling))
    if refused := [p for p in found if isinstance(p.described, str)]:
        if len(found) == 1:
            raise BayesqError(str(refused[0].described))
        if len(refused) == len(found):
            raise BayesqError(
                f"None of the {len(found)} fits can be made; of {', '.join(refused[0].names[:2])}: "
                f"{refused[0].described}"
            )
    return found


def name_tables(tables: Runs | Sequence[Runs] | Mapping[str, Runs]) -> dict[str, Runs]:
    """Name tables: as they are named, else by where they come from, else by their number.

    Raises
    ------
    BayesqError
        If there are none, or one is no table.
    """
    if isinstance(tables, Mapping):
        named = {str(name): runs for name, runs in tables.items()}
    else:
        several = [tables] if isinstance(tables, Runs) else _listed(tables, "tables")
        sources = [runs.source if isinstance(runs, Runs) else "" for runs in several]
        apart = len(set(sources)) == len(sources)
        names = sources if apart else [f"table {i}" for i in range(1, len(sources) + 1)]
        named = dict(zip(names, several, strict=True))
    for name, runs in named.items():
        if not isinstance(runs, Runs):
            raise BayesqError(
                f"Table {name or 1} is a {type(runs).__name__}; read it with bayesq.read_runs(...)."
            )
    if not named:
        raise BayesqError("A sweep was given no table; pass one or several.")
    return named


def name_laws(laws: str | Law | Sequence[str | Law]) -> dict[str, Law]:
    """Find laws by their names.

    Raises
    ------
    BayesqError
        If there is none, one is unknown, or one stands twice.
    """
    several = [laws] if isinstance(laws, str | Law) else _listed(laws, "laws")
    found = {law.name: law for law in map(find_law, several)}
    if len(found) < max(len(several), 1):
        raise BayesqError(f"Pass laws, each once; these are {', '.join(found) or 'none'}.")
    return found


def name_options(options: Options) -> dict[str, Mapping[str, Any]]:
    """Name options of fits: as they are named, else by what they say.

    Raises
    ------
    BayesqError
        If they are none, or two are called alike.
    """
    if options is None:
        return {USUAL: {}}
    if isinstance(options, Mapping):
        named = {str(name): own for name, own in options.items()}
        for name, own in named.items():
            if not isinstance(own, Mapping):
                raise BayesqError(
                    f"Options {name} are {own!r}; give a dictionary of options by the name of "
                    "each: {'normal': {'noise': 'normal'}}."
                )
    else:
        several = _listed(options, "options")
        named = {_words(own): own for own in several}
        if len(named) < len(several):
            raise BayesqError(f"Options stand twice; these are {', '.join(named)}.")
    if not named:
        raise BayesqError("A sweep was given no options; leave options out for the usual ones.")
    return named


def _listed(things: Any, what: str) -> list[Any]:
    if isinstance(things, str) or not isinstance(things, Iterable):
        how = ", read by bayesq.read_runs(...)" if what == "tables" else ""
        raise BayesqError(f"{what} is a {type(things).__name__}; pass one{how}, or a list of them.")
    return list(things)


def _words(own: Any) -> str:
    if not isinstance(own, Mapping):
        raise BayesqError(
            f"One of the options is {own!r}; give a dictionary, such as {{'noise': 'normal'}}."
        )
    told = (f"{name}={getattr(value, 'name', value)}" for name, value in own.items())
    return ", ".join(told) or USUAL


def _check(wanted: Mapping[str, Any]) -> None:
    """Refuse what is no option of a fit, or is one that no table could have.

    Raises
    ------
    BayesqError
        If there is any.
    """
    known = [n for n in signature(fit).parameters if n not in ("runs", "law", "progress")]
    for name in wanted:
        if name not in known:
            raise BayesqError(f"A fit takes no {name}; {nearest(str(name), known)}.")
    check_settings(**split_options(wanted)[1])
    check_described(**split_options(wanted)[0])
