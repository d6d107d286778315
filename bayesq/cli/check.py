"""``bayesq check``: a table before anything is fitted to it."""

from __future__ import annotations

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
    """Check a table, and say what laws can do with it."""
    from bayesq.checks.check import check as check_table
    from bayesq.cli import report

    table = read_table(runs, reading)
    report.print_check(check_table(table, law, response), as_json)
