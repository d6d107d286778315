"""A backtest on the command line: checked before it starts, and stopped in plain words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesq.law.law import Law
from bayesq.runs.runs import Runs
from bayesq.stopped import Stopped, stopping

if TYPE_CHECKING:
    from bayesq.backtesting.result import Backtest


def run_backtest(
    runs: Runs, law: Law, response: str | None, *, save: Path | None, **settings: Any
) -> Backtest:
    """Run a backtest; if Ctrl-C stops it, say where the finished folds are.

    Raises
    ------
    BayesqError
        As :func:`bayesq.backtest`.
    Stopped
        If it was stopped.
    """
    # Whatever is wrong with the rows is said before the libraries that sample are even loaded.
    from bayesq.backtesting.folds import make_folds
    from bayesq.model.design import design

    split, quantile, seed = (settings[name] for name in ("split", "quantile", "seed"))
    make_folds(design(runs, law, response), split, quantile, seed)
    lost = "nothing was kept; with --save FOLDER finished folds are"
    with stopping(lambda: Stopped(lost if save is None else "no fold was finished")):
        from bayesq.backtesting.backtest import backtest

        return backtest(runs, law, response, save=save, **settings)
