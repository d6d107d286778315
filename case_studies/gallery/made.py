"""What the gallery's figures are of: fits of the shipped grid, made when first asked for."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import bayesq

ROUNDED = "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"
FORMATS = "stage == 'none' or stage == 'train' and w_kind == 'fp'"


class Made:
    """Fits of the shipped grid, and what comes of them.

    Parameters
    ----------
    folder : Path
        Where fits are kept from one run to the next; a fit that is there is loaded.
    """

    def __init__(self, folder: Path, **sampling: Any) -> None:
        self.folder = folder
        self.sampling = {"seed": 1, "progress": False, **sampling}
        self.grid = bayesq.load_pool("grid")
        self.rounded = self.grid.select(ROUNDED)

    @cached_property
    def base(self) -> bayesq.Fit:
        """The base law, of full-precision rows."""
        return self._fit("base", self.grid, "chinchilla")

    @cached_property
    def added(self) -> bayesq.Fit:
        """What rounding adds, by Kumar et al."""
        return self._fit("added", self.rounded, "kumar2024-ptq")

    @cached_property
    def ouyang(self) -> bayesq.Fit:
        """What rounding adds, by Ouyang et al."""
        return self._fit("ouyang", self.rounded, "ouyang2024")

    @cached_property
    def trained(self) -> bayesq.Fit:
        """Training in float formats, by Sun et al."""
        return self._fit("trained", self.grid.select(FORMATS), "sun2025")

    @cached_property
    def comparison(self) -> bayesq.Comparison:
        """Kumar et al. beside Ouyang et al."""
        return bayesq.compare([self.added, self.ouyang], progress=False)

    @cached_property
    def backtest(self) -> bayesq.Backtest:
        """The base law held against the grid's largest runs."""
        path = self.folder / "scores.csv"
        if not path.exists():
            found = bayesq.backtest(self.grid, "chinchilla", progress=False)
            self.folder.mkdir(parents=True, exist_ok=True)
            found.save(path)
        return bayesq.load_backtest(path)

    @cached_property
    def decided(self) -> bayesq.DecisionBacktest:
        """Critical tokens of the grid, held against its rows: few draws are enough for a figure."""
        path = self.folder / "decided.csv"
        if not path.exists():
            wanted = f"stage == 'none' or {ROUNDED}"
            bayesq.backtest_decision(
                self.grid.select(wanted),
                "kumar2024-ptq",
                "critical_tokens",
                base="chinchilla",
                split="none",
                about="w_bits <= 4",
                **{"draws": 250, "tune": 400, "chains": 2, **self.sampling},
            ).save(path)
        return bayesq.load_decision_backtest(path)

    def _fit(self, name: str, runs: bayesq.Runs, law: str) -> bayesq.Fit:
        path = self.folder / f"{name}.nc"
        if path.exists():
            return bayesq.load_fit(path)
        self.folder.mkdir(parents=True, exist_ok=True)
        found = bayesq.fit(runs, law, **self.sampling)
        found.save(path)
        return found
