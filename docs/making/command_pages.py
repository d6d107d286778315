"""The command line's page: the help of each command, as the command itself prints it.

sphinxcontrib-typer reads help off a Rich console. bayesq's is plain text, without frames, so that
a pipe can take it, and each decision's is made of its signature; so it is asked for it directly.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from as_markdown import write

_COLUMNS = 92  # of the help's lines
_START = """# The command line

What `bayesq COMMAND -h` prints. A table is a file (CSV, TSV, Parquet, JSON lines) or the name of a
pool; a fit is a file that `bayesq fit` saved or, for `predict` and `decide`, the name of a law, for
its paper's constants.
"""


def write_commands(docs: Path) -> None:
    """Write the page."""
    import typer

    from bayesq.cli.app import app

    parts = [_START, *_helps(typer.main.get_command(app), "bayesq", None, 2)]
    write(docs / "reference" / "made" / "command_line.md", "\n".join(parts))


def _helps(command: Any, name: str, parent: Any, level: int) -> Iterator[str]:
    """Word the help of a command, then that of the commands below it."""
    context = command.context_class(
        command,
        info_name=name,
        parent=parent,
        terminal_width=_COLUMNS,
        max_content_width=_COLUMNS,
        **command.context_settings,
    )
    path = context.command_path
    yield f"{'#' * level} {path}\n\n```text\n{command.get_help(context).rstrip()}\n```\n"
    for below in command.list_commands(context) if hasattr(command, "list_commands") else ():
        # Decisions and figures stand below their command; all others are of equal rank.
        deeper = level if parent is None else level + 1
        yield from _helps(command.get_command(context, below), below, context, deeper)
