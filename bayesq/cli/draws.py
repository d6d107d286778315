"""``bayesq draws``: the draws of a saved fit as a plain table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.targets import Target
from bayesq.errors import BayesqError
from bayesq.posterior.by_name import find_one


def draws(
    fit: arguments.Fit,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="File to write: draws.csv or draws.parquet.")
    ],
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
) -> None:
    """Write the draws of a saved fit as a table, one row a draw.

    A file that is there is replaced. Parquet holds the units too; the header of CSV has the names
    that bayesq show has, and nothing else.
    """
    from bayesq.draws import check_draws_file

    check_draws_file(output)
    target = Target(output)  # before the fit is read
    from bayesq.cli import printing
    from bayesq.posterior.fitted import Fitted

    found = find_one(str(fit), law)
    found = found if study is None else found.of_study(study)
    if not isinstance(found, Fitted):
        raise BayesqError(f"{fit} is a law with its paper's constants; name a fit that was saved.")
    table = found.to_draws()
    with target.taken() as path:
        found.save_draws(path)
    printing.print_draws(table, target, as_json)
