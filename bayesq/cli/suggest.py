"""``bayesq suggest``: which runs to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bayesq.cli import arguments
from bayesq.cli.named_fits import find_posteriors
from bayesq.cli.settings import read_settings
from bayesq.errors import BayesqError, nearest
from bayesq.posterior.by_name import find_one, find_posterior
from bayesq.runs.name_values import read_pairs

if TYPE_CHECKING:
    import pandas as pd


def suggest(
    fits: Annotated[
        list[str],
        typer.Argument(metavar="FIT", help="A fit that was saved, several, or an average."),
    ],
    budget: Annotated[
        str, typer.Option(help="Floating-point operations for all runs together: 1e21.")
    ],
    at: Annotated[
        list[str] | None,
        typer.Option("--at", help="A candidate: N=1B,D=20B,w_bits=4. Give it again for more."),
    ] = None,
    candidates: Annotated[
        str | None, typer.Option(help="A CSV file of candidates, in place of --at.")
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option(
            help="The answer to narrow, as bayesq decide has it: 'critical_tokens N=1B w_bits=4', "
            "or 'predict N=70B D=15T w_bits=4'. By default which of the laws holds."
        ),
    ] = None,
    cost: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of the candidates with their floating-point operations, by default 6 N D.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the predictions.")] = 0,
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Rank candidate runs by how much they are expected to teach, per FLOP.

    Of one fit, --decision says what is to be narrowed; of several, or an average, the runs are to
    tell which law holds.
    """
    from bayesq.cli import printing
    from bayesq.planning.suggest import suggest_runs

    table = _candidates(at or [], candidates)
    costs = None if cost is None else _costs(table, cost)
    asks = None if decision is None else _asks(decision)
    of: Any = find_posterior(fits[0], law) if len(fits) == 1 else find_posteriors(fits, law)
    with arguments.telling(quiet, as_json) as told:
        found = suggest_runs(of, table, budget, asks, cost=costs, seed=seed, progress=told.shown)
    printing.print_suggestions(found, as_json)


def _candidates(at: Sequence[str], path: str | None) -> pd.DataFrame:
    """Take candidates from the line or from a file, as text."""
    import pandas as pd

    if bool(at) == (path is not None):
        raise BayesqError("Give candidates: --at N=1B,D=20B,w_bits=4 or --candidates FILE.")
    if path is None:
        return pd.DataFrame(read_settings(at))
    from bayesq.runs.table_files import read_records

    records = read_records(path)
    return pd.DataFrame({name: list(cells) for name, cells in records.columns.items()})


def _costs(table: pd.DataFrame, name: str) -> list[float]:
    """Take the column of costs out of the candidates."""
    from bayesq.decide.question import number

    if name not in table:
        raise BayesqError(f"The candidates lack column {name!r}; {nearest(name, map(str, table))}.")
    return [number(name, cell) for cell in table.pop(name)]


def _asks(words: str) -> Callable[[Any], Any]:
    """Read the answer to narrow, and see that it can be asked, before it is."""
    from bayesq.decide.in_words import read_question, split
    from bayesq.prediction.predict import predict

    name, rest = split(words, "--decision")
    pairs = read_pairs(rest, "--decision", "N=1B")
    if name == "predict":
        return lambda fit: predict(fit, pairs)
    base = pairs.pop("base", None)
    side = None if base is None else find_one(base)
    question = read_question(name, pairs)
    return lambda fit: question.ask(fit, base=side)
