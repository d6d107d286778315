"""The options of the command line, each declared once, and what the shared ones come to.

A command file takes from here what several commands share, and declares what is its own.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from bayesq.errors import BayesqError
from bayesq.jobs.spread import check_executor
from bayesq.progress import Progress, showing

_LAW = typer.Option(
    "--law", "-l", help="A law's name, or a Python file that defines law: its code is run."
)
_SEED = typer.Option(help="The same seed gives the same draws.")

# --- what a command is about -------------------------------------------------------------------

Runs = Annotated[
    str,
    typer.Argument(
        metavar="RUNS",
        help="A CSV, Parquet or JSON Lines file, packed as .gz or not, - for standard input, or a "
        "pool's name.",
    ),
]
Fit = Annotated[Path, typer.Argument(metavar="FIT", help="A fit that was saved.")]
Posterior = Annotated[
    str,
    typer.Argument(
        metavar="FIT",
        help="A fit or average that was saved; or a paper's constants, by the law: sun2025, "
        "chen2025:W4A16.",
    ),
]
Fits = Annotated[
    list[str],
    typer.Argument(metavar="FIT", help="Fits that were saved, or papers' constants."),
]

# --- how a table is read -----------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """How a table is read: the options that every command with RUNS has."""

    where: Annotated[
        str | None,
        typer.Option(
            help="Rows to keep, before their cells are judged: \"w_kind == 'int' and N >= 1B\"."
        ),
    ] = None
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            "-c",
            metavar="THEIRS=OURS",
            help="Rename a column: params=N, or params='N (B)' where it counts billions.",
        ),
    ] = None
    columns: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help='A TOML file of renamings, one to a line: params = "N".'),
    ] = None
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out rows with cells that cannot be read.")
    ] = False
    bytes_per_token: Annotated[
        float | None,
        typer.Option(help="Bytes per token of the text, where losses are in bits per byte."),
    ] = None


AS_IT_IS = Reading()


def with_reading(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of :class:`Reading` in place of its parameter `reading`."""
    whole = inspect.signature(command, eval_str=True)
    options = [
        Parameter(f.name, Parameter.KEYWORD_ONLY, default=f.default, annotation=hint)
        for f, hint in zip(
            fields(Reading), get_type_hints(Reading, include_extras=True).values(), strict=True
        )
    ]
    parameters = [
        option
        for p in whole.parameters.values()
        for option in (options if p.name == "reading" else [p.replace(kind=Parameter.KEYWORD_ONLY)])
    ]

    @functools.wraps(command)
    def read(**given: Any) -> None:
        reading = Reading(**{option.name: given.pop(option.name) for option in options})
        command(**given, reading=reading)

    read.__signature__ = whole.replace(parameters=parameters)  # type: ignore[attr-defined]
    read.__annotations__ = {p.name: p.annotation for p in parameters}
    return read


# --- how a law is fitted -----------------------------------------------------------------------

Law = Annotated[str, _LAW]
OptionalLaw = Annotated[str | None, _LAW]
Response = Annotated[
    str | None, typer.Option(help="loss or degradation; by default the law's usual one.")
]
Noise = Annotated[
    str | None,
    typer.Option(
        help="student-t, normal, known-se (loss_se and a rest), only-se (nothing but it) or "
        "falls-with-D; effects after a plus: 'student-t + run'."
    ),
]
Discrepancy = Annotated[
    bool, typer.Option(help="Whether the law may be wrong, more so outside the data.")
]
PoolBy = Annotated[
    str | None, typer.Option(help="study or corpus: fit those of this column together.")
]
Draws = Annotated[int, typer.Option(help="Draws to keep, a chain.")]
Tune = Annotated[int, typer.Option(help="Tuning draws, a chain.")]
Chains = Annotated[int, typer.Option(help="Number of chains.")]
Sampler = Annotated[
    str,
    typer.Option(
        help="Whose NUTS: nutpie, numpyro, blackjax or pymc; all draw from the same posterior."
    ),
]
Coreset = Annotated[
    bool | None,
    typer.Option(
        "--coreset/--no-coreset",
        help="Whether weighted rows stand for all; by default where there are very many.",
    ),
]
Device = Annotated[
    str,
    typer.Option(metavar="cpu|gpu", help="Where it is sampled; gpu with numpyro or blackjax."),
]
Seed = Annotated[int, _SEED]
Jobs = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Processes of this machine to fit in; by default as many as it has cores, where that "
        "is sooner, or BAYESQ_JOBS.",
    ),
]
Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS", help="Fit on the cluster of a Dask scheduler: tcp://HOST:8786."
    ),
]
OptionalSeed = Annotated[int | None, _SEED]

Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="File to save to; by default a new one, named by laws and table."
    ),
]

# --- what is asked of a fit, and how it is said ------------------------------------------------

Study = Annotated[
    str | None,
    typer.Option(help="Of a fit pooled by study: the name of one, new or population."),
]
Prob = Annotated[
    float | None,
    typer.Option(help="Probability of the intervals; by default ArviZ's, where set, else 0.9."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Latex = Annotated[
    bool, typer.Option("--latex", help="Print a table for a paper, in LaTeX, and nothing else.")
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Do not say on the error stream what is being done.")
]


def check_form(as_json: bool, as_latex: bool) -> None:
    """Refuse two forms of one result.

    Raises
    ------
    BayesqError
        If both are asked for.
    """
    if as_json and as_latex:
        raise BayesqError("--json and --latex ask for one result in two forms; leave one out.")


@contextmanager
def executor_of(jobs: int | None, scheduler: str | None) -> Iterator[Executor | int | None]:
    """Give what fits are given to, for the length of a ``with``.

    Raises
    ------
    BayesqError
        If both are asked for, the number is none of processes, or no scheduler answers.
    """
    if scheduler is None:
        yield check_executor(jobs)
        return
    if jobs is not None:
        raise BayesqError(
            "--jobs is of this machine and --scheduler of a cluster, which has as many jobs as "
            "workers; leave one out."
        )
    from bayesq.jobs.cluster import connected

    with connected(scheduler) as executor:
        yield executor


def telling(quiet: bool, as_json: bool) -> AbstractContextManager[Progress]:
    """Say what is being done; beside JSON only where it leaves no trace, on a terminal."""
    return showing(not quiet and (not as_json or sys.stderr.isatty()))
