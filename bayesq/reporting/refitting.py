"""The command that makes a fit again, or why none does, and a script that does."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from bayesq.errors import BayesqError
from bayesq.law.identity import NoIdentityError, identity
from bayesq.law.registry import laws
from bayesq.model.noises import noise_names
from bayesq.model.specification import Specification, specify_rows
from bayesq.pool.pools import pools
from bayesq.posterior.fit import Fit
from bayesq.reporting.subjects import Part
from bayesq.runs.where_from import is_by_hand, take_apart
from bayesq.sampling.defaults import SAMPLER
from bayesq.sampling.reduction import asked_for

_POOL = re.compile(r"pool ([\w.-]+)")
# Tables that no command can name.
_NAMELESS = {
    "the data frame": "its rows were in a data frame",
    "standard input": "its rows were piped into it",
}


class NoCommandError(Exception):
    """Says why no command makes a fit again."""


def fit_command(part: Part) -> str:
    """Write the command that makes a fit.

    Raises
    ------
    NoCommandError
        If none does: a command would describe another fit, or it cannot be told.
    """
    fit = part.fit
    assert isinstance(fit, Fit)
    attrs, sizes = fit.data.attrs, fit.posterior.sizes
    table, where = table_of(str(attrs["source"]))
    law = _law_in_words(part)
    words = ["bayesq", "fit", table, "--law", law, "--response", fit.response]
    if where:
        words += ["--where", where]
    words += _of_the_model(fit)
    words += ["--chains", str(sizes["chain"]), "--draws", str(attrs.get("draws", sizes["draw"]))]
    if "tune" in attrs:
        words += ["--tune", str(attrs["tune"])]
    if (sampler := str(attrs.get("sampler", SAMPLER))) != SAMPLER:
        words += ["--sampler", sampler]
    if (device := str(attrs.get("device", "cpu"))) != "cpu":
        words += ["--device", device]
    if (coreset := asked_for(attrs, len(fit.design.index))) is not None:
        words.append("--coreset" if coreset else "--no-coreset")
    return line([*words, "--seed", str(attrs["seed"]), "-o", part.file])


def script(part: Part, name: str = "fit") -> list[str]:
    """Write lines of Python that make the draws of a fit again of its own file."""
    fit = part.fit
    assert isinstance(fit, Fit)
    attrs, sizes = fit.data.attrs, fit.posterior.sizes
    asked = {"draws": attrs.get("draws", sizes["draw"]), "tune": attrs.get("tune")}
    asked |= {"chains": sizes["chain"], "seed": attrs["seed"], "sampler": attrs.get("sampler")}
    asked |= {"device": attrs.get("device"), "coreset": asked_for(attrs, len(fit.design.index))}
    plain = {
        k: v if isinstance(v, str | bool) else int(v) for k, v in asked.items() if v is not None
    }
    given = ", ".join(f"{k}={v!r}" for k, v in plain.items())
    told, own = [repr(part.file)], []
    if part.law is not None:
        told.append(f"law={part.law!r}")
    elif not _ships(fit):
        own.append(f"law {fit.law.name}")
    if not _is_ours(fit):
        told.append("noise=noise")
        own.append(f"noise = bayesq.Noise(...), which is {fit.noise.name}")
    first = [f"# First make {' and '.join(own)}, as for this fit."] if own else []
    return [
        *first,
        f"{name} = bayesq.load_fit({', '.join(told)})",
        f"again = fit_specification({name}.specification, {given})",
    ]


def table_of(source: str) -> tuple[str, str]:
    """Take apart what a fit says of where its rows are from, as the command line names them.

    Returns
    -------
    str
        The table, or the pool.
    str
        The choice of rows; empty for all.

    Raises
    ------
    NoCommandError
        If a command cannot name the table, or choose the rows.
    """
    if is_by_hand(source):
        raise NoCommandError("its rows were chosen by hand")
    table, where = take_apart(source)
    if table in _NAMELESS:
        raise NoCommandError(_NAMELESS[table])
    pool = _POOL.fullmatch(table)
    return (pool[1] if pool and pool[1] in pools() else table), where or ""


def line(words: Sequence[str]) -> str:
    """Write a command, a choice of rows in double quotes where these mean nothing else."""
    return " ".join(
        f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)
        for word in words
    )


def _law_in_words(part: Part) -> str:
    fit = part.fit
    assert isinstance(fit, Fit)
    if part.law is not None:
        return part.law
    if not fit.law.at_hand:
        raise NoCommandError("its law is not at hand")
    if not _ships(fit):
        raise NoCommandError(f"its law {fit.law.name} neither ships nor is in a file named here")
    return fit.law.name


def _ships(fit: Fit) -> bool:
    """Tell whether a law of the fit's name and making ships with bayesq."""
    found = laws().get(fit.law.name)
    return found is not None and found.digest == fit.data.attrs["law_digest"]


def _is_ours(fit: Fit) -> bool:
    """Tell whether the noise is the one that a command would find by the name."""
    if not fit.noise.at_hand or not set(fit.noise.name.split(" + ")) <= set(noise_names()):
        return False
    try:
        return identity(_by_names(fit).noise) == identity(fit.noise)
    except (BayesqError, NoIdentityError):
        return False


def _by_names(fit: Fit) -> Specification:
    """Describe the fit of the same rows as a command does, that has no more than names."""
    wrong = fit.specification.discrepancy is not None
    return specify_rows(fit.design, noise=fit.noise.name, discrepancy=wrong)


def _of_the_model(fit: Fit) -> list[str]:
    """Write noise, discrepancy and pooling; what these words make is held against the fit's own."""
    if not fit.design.complete:
        raise NoCommandError("its file is of an earlier version, which did not hold its rows")
    if not _is_ours(fit):
        raise NoCommandError(f"its noise {fit.noise.name} is none of bayesq's by that name")
    described = fit.specification.described["discrepancy"]
    if described != _by_names(fit).described["discrepancy"]:
        raise NoCommandError("its discrepancy is one of its own")
    words = ["--noise", fit.noise.name, *([] if described else ["--no-discrepancy"])]
    return words if fit.pooling is None else [*words, "--pool-by", fit.pooling.by]
