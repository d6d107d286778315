"""The options of the command line, each declared once, and what the shared ones come to.

A command file takes from here what several commands share, and declares what is its own.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer

from bayesq.progress import Progress, showing

_LAW = typer.Option("--law", "-l", help="A law's name, or a Python file that defines law.")
_SEED = typer.Option(help="The same seed gives the same draws.")

# --- what a command is about -------------------------------------------------------------------

Runs = Annotated[
    str,
    typer.Argument(metavar="RUNS", help="A CSV, Parquet or JSON Lines file, or a pool's name."),
]
Fit = Annotated[Path, typer.Argument(metavar="FIT", help="A fit that was saved.")]
Posterior = Annotated[
    str,
    typer.Argument(
        metavar="FIT",
        help="A fit that was saved; or a paper's constants, by the law: sun2025, chen2025:W4A16.",
    ),
]
Where = Annotated[
    str | None, typer.Option(help="Rows to keep: \"w_kind == 'int' and w_group == 128\".")
]
Column = Annotated[
    list[str] | None,
    typer.Option("--column", "-c", metavar="THEIRS=OURS", help="Rename a column: params=N."),
]

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
Seed = Annotated[int, _SEED]
OptionalSeed = Annotated[int | None, _SEED]

# --- what is asked of a fit, and how it is said ------------------------------------------------

Study = Annotated[
    str | None,
    typer.Option(help="Of a fit pooled by study: the name of one, new or population."),
]
Prob = Annotated[float, typer.Option(help="Probability of the intervals.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Do not say on the error stream what is being done.")
]


def telling(quiet: bool, as_json: bool) -> AbstractContextManager[Progress]:
    """Say what is being done; beside JSON only where it leaves no trace, on a terminal."""
    return showing(not quiet and (not as_json or sys.stderr.isatty()))
