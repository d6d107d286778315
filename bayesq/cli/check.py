"""``bayesq check``: a table before anything is fitted to it."""

from __future__ import annotations

from bayesq.cli.sources import read_table


def check(
    runs: options.Runs,
    law: options.OptionalLaw = None,
    response: options.Response = None,
    where: options.Where = None,
    column: options.Column = None,
    as_json: options.Json = False,
) -> None:
    """Check a table, and say what laws can do with it."""
    from bayesq.cli import report
    from bayesq.cli.usable import check_runs

    report.print_check(check_runs(read_table(runs, where, column), law, response), as_json)
