"""The command line. Heavy libraries are imported by the commands that need them, not before."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import bayesq
from bayesq.cli.average import average
from bayesq.cli.backtest import backtest
from bayesq.cli.check import check
from bayesq.cli.compare import compare
from bayesq.cli.decide import decisions
from bayesq.cli.draws import draws
from bayesq.cli.fit import fit, sensitivity, show
from bayesq.cli.known import laws, pools
from bayesq.cli.plot import plots
from bayesq.cli.predict import predict
from bayesq.cli.report import report
from bayesq.cli.suggest import suggest
from bayesq.cli.sweep import sweep
from bayesq.errors import BayesqError
from bayesq.stopped import Stopped

# In the order of the help. Each is a plain function in the file of its group.
COMMANDS = (
    *(laws, pools, check, fit, sweep, show, draws, sensitivity, predict, backtest, compare),
    *(average, suggest, report),
)


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
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    # Help is text that a pipe can take: without frames, and nothing in brackets is markup.
    rich_markup_mode=None,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(decisions, name="decide")
app.add_typer(plots, name="plot")


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


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; a mistake of the user's ends it with one sentence and status 2."""
    status = 2
    try:
        try:
            status = _run(sys.argv[1:] if arguments is None else arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has left, as head does
        _close_output()
        status = 1
    except OSError as error:
        if error.filename is not None:
            raise  # not of the output, which has no name
        _close_output()
        _say(f"error: The output cannot be written ({error.strerror}); mend that, and ask again.")
    sys.exit(status)


def _run(given: list[str]) -> int:
    as_json = "--json" in given
    try:
        status: int | None = app(given or ["--help"], prog_name="bayesq", standalone_mode=False)
        return status or 0
    except BayesqError as error:
        said = str(error)
    except typer.TyperException as error:  # how the options are written
        asked = getattr(error, "ctx", None)
        path = asked.command_path if asked is not None else "bayesq"
        said = f"{error.format_message().removesuffix('.')}; {path} --help says what there is."
    if as_json:  # where it was asked for, on the stream that is read
        from bayesq.cli.printing import print_json

        print_json({"error": said})
    else:
        _say(f"error: {said}")
    return 2


def _close_output() -> None:
    """Let what was not written go nowhere, or it would be tried once more at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
