"""How time and memory grow: with rows, with fits, with processes.

    make bench-scale
    make bench-scale BENCH="--rows 100 10000 --fits 1 10 --processes 1 2"
    make bench-scale BENCH="--from build/bench-scale elsewhere/bench-scale"

Each step is measured as a process from outside, and stopped where it takes more time or memory than
it may. A part whose sizes are not named is left out where those of another are. Writes table.md,
table.csv, figure.png, figure.svg and measured.json; ``--from`` draws and writes what several
machines kept. Needs no installed bayesq, and no network: ``python tests/benchmarks/scale.py``
measures the checkout that it is in. Nothing fails for being slow.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from clock import machine
from growth.measured import Machine, Measured
from growth.sweeps import FITS_OF_A_PROCESS, Sweeps
from growth.write import NOTES, markdown, write_csv

OUT = machine.ROOT / "build" / "bench-scale"
KEPT = "measured.json"
ROWS = (100, 1_000, 10_000, 100_000, 1_000_000)
FITS = (1, 10, 100, 1_000)
PROCESSES = (1, 2, 4, 8, 16)
PACKAGES = (
    "bayesq", "pymc", "nutpie", "numba", "numpy", "scipy", "pandas", "pyarrow", "jax", "blackjax",
    "numpyro", "loky", "distributed",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, or read what was measured, and write it."""
    asked = parse(arguments)
    out: Path = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    if asked.kept:
        machines = [Machine.load(folder / KEPT) for folder in asked.kept]
    else:
        machines = [measure(asked, out / KEPT)]
    write(machines, out)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of what is written")
    for name, usual in (("rows", ROWS), ("fits", FITS), ("processes", PROCESSES)):
        parser.add_argument(
            f"--{name}", type=int, nargs="+", metavar="SIZE",
            help=f"sizes: {' '.join(map(str, usual))}",
        )  # fmt: skip
    parser.add_argument(
        "--fits-of-a-process", type=int, default=FITS_OF_A_PROCESS, metavar="COUNT",
        help="fits that are made in each number of processes",
    )  # fmt: skip
    parser.add_argument("--seconds", type=float, default=900, help="what one process may take")
    parser.add_argument(
        "--gib", type=float, default=0.75 * machine.memory(), help="memory that one may take"
    )
    parser.add_argument("--machine", default="", help="a short name for this machine")
    parser.add_argument("--commit", default="", help="the commit, where git cannot tell it")
    parser.add_argument(
        "--from", dest="kept", type=Path, nargs="+", metavar="FOLDER",
        help="write what these folders hold, measured before, here or on other machines",
    )  # fmt: skip
    asked = parser.parse_args(arguments)
    if not (asked.rows or asked.fits or asked.processes):
        cores = machine.cores()
        asked.rows, asked.fits = ROWS, FITS
        asked.processes = [n for n in PROCESSES if n <= cores]
    return asked


def measure(asked: argparse.Namespace, kept: Path) -> Machine:
    """Measure what was asked for, and keep it as it comes."""
    card, cores = machine.gpu(), machine.cores()
    name = asked.machine or (f"{cores} cores, {card}" if card else f"{cores} cores")
    found = Machine(f"{name}: {about(asked, card)}", [])
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        sweeps = Sweeps(Path(folder), name, asked.seconds, asked.gib)
        for one in _all(sweeps, asked, cores, bool(card)):
            found.measured.append(one)
            found.save(kept)
    return found


def _all(sweeps: Sweeps, asked: argparse.Namespace, cores: int, cards: bool) -> Iterator[Measured]:
    if asked.rows:
        yield from sweeps.rows(asked.rows)
    if asked.fits:
        yield from sweeps.fits(asked.fits, cores, cards)
    if asked.processes:
        yield from sweeps.processes(asked.processes, asked.fits_of_a_process)


def about(asked: argparse.Namespace, card: str) -> str:
    """Tell the machine, the versions, the commit and the limits."""
    commit = asked.commit or machine.commit() or "not known"
    return (
        f"{machine.hardware()}, {machine.memory():.0f} GiB, {card or 'no GPU'}; "
        f"{', '.join(machine.versions(PACKAGES))}; commit {commit}; a process may take "
        f"{asked.seconds:,.0f} s and {asked.gib:.3g} GiB."
    )


def write(machines: Sequence[Machine], out: Path) -> None:
    """Write tables and figure of what machines measured."""
    # Imported when all clocks have stopped: see clock/stranger.py.
    from growth.figure import draw

    measured = [one for found in machines for one in found.measured]
    text = "\n\n".join([markdown(measured), NOTES, *(found.about for found in machines)]) + "\n"
    (out / "table.md").write_text(text, encoding="utf-8")
    write_csv(measured, out / "table.csv")
    draw(measured, out / "figure")
    print(text)
    print(f"Written to {out}: table.md, table.csv, figure.png, figure.svg.", file=sys.stderr)


if __name__ == "__main__":
    main()
