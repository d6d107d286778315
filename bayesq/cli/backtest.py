"""A backtest on the command line: checked before it starts, and stopped in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bayesq.law.law import Law
from bayesq.runs.runs import Runs

if TYPE_CHECKING:
    from bayesq.backtesting.result import Backtest

_STOPPED = 130  # what a shell calls a program that Ctrl-C ended


def run_backtest(
    runs: Runs, law: Law, response: str | None, *, save: Path | None, **settings: Any
) -> Backtest:
    """Run a backtest; if Ctrl-C stops it, say where the finished folds are.

    Raises
    ------
    BayesqError
        As :func:`bayesq.backtest`.
    typer.Exit
        If it was stopped.
    """
    # Whatever is wrong with the rows is said before the libraries that sample are even loaded.
    from bayesq.backtesting.folds import make_folds
    from bayesq.model.design import design

    split, quantile, seed = (settings[name] for name in ("split", "quantile", "seed"))
    make_folds(design(runs, law, response), split, quantile, seed)
    try:
        from bayesq.backtesting.backtest import backtest

        return backtest(runs, law, response, save=save, **settings)
    except KeyboardInterrupt as stopped:
        raise _say_stopped(save) from stopped


def _say_stopped(save: Path | None) -> typer.Exit:
    from rich.console import Console

    if save is None:
        where = "nothing is kept; with --save FOLDER finished folds are"
    elif not save.exists():
        where = "no fold was finished"
    else:
        where = f"the finished folds are in {save}, and the same command goes on from there"
    screen = Console(stderr=True, highlight=False)
    screen.print(f"stopped: {where}.", markup=False, soft_wrap=True)
    return typer.Exit(_STOPPED)
