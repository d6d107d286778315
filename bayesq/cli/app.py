"""The command line. Heavy libraries are imported by the commands that need them, not before."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import bayesq
from bayesq.cli.backtest import backtest
from bayesq.cli.check import check
from bayesq.cli.compare import compare
from bayesq.cli.decide import decide
from bayesq.cli.fit import fit, sensitivity, show
from bayesq.cli.known import laws, pools
from bayesq.cli.predict import predict
from bayesq.errors import BayesqError
from bayesq.stopped import Stopped

# In the order of the help. Each is a plain function in the file of its group.
COMMANDS = (laws, pools, check, fit, show, sensitivity, predict, backtest, compare, decide)


class _Commands(TyperGroup):
    """The commands; Ctrl-C ends any of them with one sentence."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            words = stopped.words("command") if isinstance(stopped, Stopped) else ""
            _say(f"stopped: {words}." if words else "stopped.")
            # What a shell calls a program that Ctrl-C ended.
            raise typer.Exit(130) from None


app = typer.Typer(
    name="bayesq",
    cls=_Commands,
    help="Fit scaling laws of LLM quantization to measured losses, with error bars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for command in COMMANDS:
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"bayesq {bayesq.__version__}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    # A callback keeps every command a subcommand, whatever their number.
    pass


def _say(text: str) -> None:
    """Write a sentence on the error stream."""
    from bayesq.terminal import Terminal

    Terminal(stderr=True).print(text, soft_wrap=True)


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a mistake of the user's ends it with one sentence and status 2."""
    try:
        try:
            return app(arguments)
        finally:
            sys.stdout.flush()
    except BayesqError as error:
        _say(f"error: {error}")
        sys.exit(2)
    except BrokenPipeError:
        _close_output()
        sys.exit(1)  # as Click has it
    except OSError as error:
        if error.filename is not None:
            raise  # not of the output, which has no name
        _close_output()
        _say(f"error: The output cannot be written ({error.strerror}); mend that, and ask again.")
        sys.exit(2)


def _close_output() -> None:
    """Let what was not written go nowhere, or it would be tried once more at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
