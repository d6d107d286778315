"""Calibrate the models by simulation: write ranks.png and the table in README.md beside this file.

    .venv/bin/python case_studies/calibration/run.py --simulations 200

Finished simulations are kept in out/calibration, and a run that was stopped goes on where it was;
other code begins anew.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

_HERE = Path(__file__).parent
sys.path += [str(_HERE.parents[1] / "tests"), str(_HERE.parent)]

from finished import start  # noqa: E402
from writing import markdown, write_between  # noqa: E402

from bayesq.jobs.processes import cores  # noqa: E402
from bayesq.progress import showing  # noqa: E402
from bayesq.sweeping.calibration_check import (  # noqa: E402
    FALSE_ALARMS,
    NO_QUANTITIES,
    CalibrationCheck,
    simulate,
)
from bayesq.sweeping.uniformity import envelope  # noqa: E402
from sbc import CASES  # noqa: E402

_KEPT = _HERE.parents[1] / "out" / "calibration"
_TARGET = _HERE / "README.md"
_COLUMNS = 3


def ranks_of(name: str, simulations: int, out: Path, jobs: int | None = 1) -> pd.DataFrame:
    """Simulate what is not kept yet, and keep it."""
    path = out / f"{name.replace(', ', '-').replace(' + ', '-')}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = pd.read_csv(path) if path.exists() else pd.DataFrame()
    there = set(kept["simulation"]) if len(kept) else set()
    if missing := [number for number in range(simulations) if number not in there]:
        with showing(True) as told:
            rows = simulate(CASES[name].simulation, missing, jobs, told, already=len(there))
            for row in rows:
                pd.DataFrame([row]).to_csv(path, mode="a", header=not path.exists(), index=False)
        kept = pd.read_csv(path)
    return kept


def verdicts(ranks: pd.DataFrame) -> pd.Series:
    """p-value of the uniformity of each quantity's ranks."""
    return CalibrationCheck("", ranks).to_frame()["p_value"]


def kept_ranks(out: Path) -> dict[str, pd.DataFrame]:
    """Read the ranks of all cases that have been run."""
    return {name: found for name in CASES if len(found := ranks_of(name, 0, out))}


def draw(found: dict[str, pd.DataFrame]) -> None:
    """Draw how far the distribution of ranks lies from the uniform one, one panel a model."""
    rows = -(-len(found) // _COLUMNS)
    figure, axes = plt.subplots(
        rows, _COLUMNS, figsize=(10, 2.6 * rows + 0.4), squeeze=False, sharex=True, sharey=True
    )
    for ax, (name, ranks) in zip(axes.flat, found.items(), strict=False):
        count, table = len(ranks), ranks.drop(columns=list(NO_QUANTITIES))
        grid, low, high = envelope(count, 1 - FALSE_ALARMS / table.shape[1])
        ax.fill_between(grid, low - grid, high - grid, color="0.88", linewidth=0)
        ax.axhline(0, color="0.6", linewidth=0.6)
        p = verdicts(ranks)
        worst = str(p.idxmin())
        for quantity in sorted(table, key=lambda q: q == worst):
            share = np.searchsorted(np.sort(table[quantity]), grid, side="right") / count
            marked = {"color": "#b2182b", "linewidth": 1.4, "label": f"{worst}, p = {p.min():.2g}"}
            plain = {"color": "#4878a8", "linewidth": 0.7, "alpha": 0.7}
            ax.plot(grid, share - grid, **(marked if quantity == worst else plain))
        ax.set_title(f"{name} ({count})", fontsize=9)
        ax.legend(loc="upper right", fontsize=7, frameon=False, handlelength=1.2)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[len(found) :]:
        ax.set_visible(False)
    for column in range(_COLUMNS):
        lowest = [ax for ax in axes[:, column] if ax.get_visible()]
        if lowest:
            lowest[-1].tick_params(labelbottom=True)
            lowest[-1].set_xlabel("rank of the truth among the draws")
    for ax in axes[:, 0]:
        ax.set_ylabel("share below, less uniform")
    figure.tight_layout()
    figure.savefig(_HERE / "ranks.png", dpi=130)


def table(found: dict[str, pd.DataFrame]) -> str:
    """Tabulate the verdict of each model in Markdown."""
    header = (
        *("model", "simulations", "quantities", "smallest p", "of", "all within the envelope"),
        *("effective draws, 5 % quantile", "divergent draws"),
    )
    lines = []
    for name, ranks in found.items():
        p = verdicts(ranks)
        right = "yes" if p.min() * len(p) > FALSE_ALARMS else "**no**"
        worst = f"{p.min():.2g}", f"`{p.idxmin()}`"
        draws = f"{ranks['ess'].quantile(0.05):.0f}", f"{ranks['divergences'].sum():.0f}"
        lines.append((name, str(len(ranks)), str(len(p)), *worst, right, *draws))
    return markdown(header, lines)


def main() -> None:
    """Run the simulations, then write figure and table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=200, help="of each model")
    parser.add_argument("--jobs", type=int, default=cores(), help="processes; one for each core")
    parser.add_argument("--only", help="models, with semicolons; printed only")
    options = parser.parse_args()
    # bayesq itself spreads simulations over the processes.
    making = start(_KEPT, [_HERE, _HERE.parents[1] / "tests" / "sbc.py"], options.jobs)
    for name in options.only.split(";") if options.only else CASES:
        ranks = ranks_of(name.strip(), options.simulations, making.out, options.jobs)
        print(f"{name}: {len(ranks)} simulations", verdicts(ranks).round(4).to_dict(), flush=True)
    mpl.use("agg")
    found = kept_ranks(making.out)
    if set(found) != set(CASES):
        print("\n" + table(found))
        return
    draw(found)
    write_between(_TARGET, [making.line(), table(found)], "table")


if __name__ == "__main__":
    main()
