"""``bayesq check``: a table before anything is fitted to it."""

from __future__ import annotations

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import read_table


@arguments.with_reading
def check(
    runs: arguments.Runs,
    law: arguments.OptionalLaw = None,
    response: arguments.Response = None,
    reading: arguments.Reading = arguments.AS_IT_IS,
    as_json: arguments.Json = False,
) -> None:
    """Check a table, and say what laws can do with it.

    The exit status is 2 where none can be fitted.
    """
    from bayesq.checks.check import check as check_table
    from bayesq.cli import printing

    table = read_table(runs, reading)
    found = check_table(table, law, response)
    printing.print_check(found, as_json)
    if not found.usable:
        raise typer.Exit(2)
