"""The stranger's clock: how long people wait for bayesq, and for what they would use in its place.

    make bench
    make bench BENCH="--tables 28 --rounds 1"

Every contender fits the same rows in turn, as processes timed from outside: first ever, with an
empty home; in a new process; and other rows of the law in the same process. Writes table.md,
table.csv, figure.png and figure.svg. Nothing fails for being slow: machines are noisy, and the
ratios are for reading.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clock import rows
from clock.environments import python_with
from clock.machine import machine
from clock.measured import KINDS, PLAIN, Measured
from clock.stranger import FailedError, Took, clock, moved_in
from clock.write import NOTES, markdown, markdown_quick, write_csv

HERE = Path(__file__).parent
OUT = rows.ROOT / "build" / "bench"
FIRST, NEW, SAME = KINDS
BAYESQ = Path(sys.executable).parent / "bayesq"
CONTENDERS = {
    "bayesq": "bayesq_in_python.py",
    PLAIN: "plain_pymc.py",
    "NumPyro by hand": "numpyro_by_hand.py",
    "Huber bootstrap": "huber_bootstrap.py",
    "simple-scaling-laws": "simple_scaling_laws_fit.py",
}
PINNED = {
    "NumPyro by hand": HERE / "requirements-numpyro.txt",
    "simple-scaling-laws": HERE / "requirements-simple-scaling-laws.txt",
}


@dataclass
class Contender:
    """One contender on one table, with the home that it moved into."""

    python: Path | str
    home: dict[str, str]
    table: Path
    measured: Measured
    took: dict[str, list[Took]] = field(default_factory=dict)

    @property
    def script(self) -> Path:
        """Its program."""
        return HERE / "contenders" / CONTENDERS[self.measured.contender]

    @property
    def draws(self) -> Path:
        """Where the draws of the last fit are."""
        return Path(self.home["HOME"]) / "draws.npz"

    def fit(self, kind: str) -> None:
        """Fit the table in a process of its own; for bayesq by the command line."""
        if self.measured.contender == "bayesq":
            command = [BAYESQ, "fit", self.table, "--law", "chinchilla", "--seed", "1"]
            command += ["-o", saved_fit(self)]
        else:
            command = [self.python, self.script, self.table]
        self._run(kind, command)

    def fit_again(self, before: Path) -> None:
        """Fit the table after other rows in the same process."""
        command = [self.python, self.script, self.table]
        self._run(SAME, [*command, "--before", before, "--draws", self.draws])

    def _run(self, kind: str, command: Sequence[str | Path]) -> None:
        if self.measured.why:
            return
        try:
            took = clock(command, self.home)
        except FailedError as error:
            self.measured.why = f"failed: {error}"
            return
        self.took.setdefault(kind, []).append(took)
        name = f"{self.measured.rows} rows, {self.measured.contender}, {kind}"
        said = f"{took.seconds:.1f} s, {took.cpu:.1f} s of cores, {took.peak:.0f} MB"
        print(f"{name}: {said}", file=sys.stderr, flush=True)


def main() -> None:
    """Run the benchmark and write what it found."""
    arguments = parse()
    out: Path = arguments.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    about = machine(list(PINNED.values()))
    with tempfile.TemporaryDirectory(prefix="stranger-") as folder:
        contenders = []
        sources = []
        for size in arguments.tables:
            found, source = run_table(size, arguments, Path(folder), out)
            contenders += found
            sources.append(f"{size:,} rows: {source}")
        quick = run_quick(contenders, arguments.rounds)
        for contender in contenders:
            finish(contender)
    measured = [c.measured for c in contenders]
    text = "\n\n".join([markdown(measured), *quick, NOTES, "; ".join(sources) + ".", about]) + "\n"
    (out / "table.md").write_text(text, encoding="utf-8")
    write_csv(measured, out / "table.csv")
    # Imported when all clocks have stopped: see clock/stranger.py.
    from clock.figure import draw

    draw(measured, out / "figure")
    print(text)
    print(f"Written to {out}: table.md, table.csv, figure.png, figure.svg.")


def parse() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=OUT, help="folder of what is written")
    parser.add_argument(
        "--tables", "--only", type=_several(int, rows.SIZES), default=rows.SIZES,
        help="numbers of rows, with commas: 28, 240, 1000",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="new processes a contender")
    parser.add_argument(
        "--contenders", type=_several(str, CONTENDERS), default=tuple(CONTENDERS),
        help=f"with commas: {', '.join(CONTENDERS)}",
    )  # fmt: skip
    return parser.parse_args()


def _several(kind: Callable[[str], object], known: object) -> Callable[[str], tuple[object, ...]]:
    """Read values with commas between them, each of them known."""

    def read(text: str) -> tuple[object, ...]:
        values = tuple(kind(part.strip()) for part in text.split(","))
        for value in values:
            if value not in known:
                raise argparse.ArgumentTypeError(f"no {value} among {', '.join(map(str, known))}")
        return values

    return read


def run_table(
    size: int, arguments: argparse.Namespace, folder: Path, out: Path
) -> tuple[list[Contender], str]:
    """Let every contender fit one table, round by round, so that all meet the same noise."""
    found, source = rows.table(size)
    table, before = folder / f"{size}.csv", folder / f"{size}-before.csv"
    rows.write(found, table)
    rows.write(rows.others(size), before)
    contenders = []
    for i, name in enumerate(arguments.contenders):
        measured = Measured(size, name)
        python: Path | str = sys.executable
        try:
            if name in PINNED:
                python = python_with(PINNED[name], out / PINNED[name].stem.split("-", 1)[1])
        except FailedError as error:
            measured.why = str(error)
        home = moved_in(folder / f"home-{size}-{i}")
        contenders.append(Contender(python, home, table, measured))
    for kind in (FIRST, *[NEW] * arguments.rounds):
        for contender in contenders:
            contender.fit(kind)
    for contender in contenders:
        contender.fit_again(before)
    return contenders, source


def saved_fit(contender: Contender) -> Path:
    """Tell where bayesq's command line saved its fit."""
    return Path(contender.home["HOME"]) / "x.nc"


def run_quick(contenders: Sequence[Contender], rounds: int) -> list[str]:
    """Time the commands that fit nothing, and the bare interpreter."""
    fitted = [c for c in contenders if c.measured.contender == "bayesq" and not c.measured.why]
    if not fitted:
        return []
    saved, home = saved_fit(fitted[0]), fitted[0].home
    commands = {
        "bayesq --version": ["--version"],
        "bayesq --help": ["--help"],
        "bayesq laws": ["laws"],
        "bayesq check runs.csv": ["check", rows.GRID],
        "bayesq show fit.nc": ["show", saved],
        "bayesq predict fit.nc": ["predict", saved, "--at", "N=30M,D=1B"],
    }
    bare: list[float] = []
    took: dict[str, list[float]] = {name: [] for name in commands}
    failed: dict[str, str] = {}
    for turn in range(rounds + 1):
        bare.append(clock([sys.executable, "-c", "pass"], home).seconds)
        for name, command in commands.items():
            try:
                seconds = clock([BAYESQ, *command], home).seconds
            except FailedError as error:
                failed[name] = f"failed: {error}"
                continue
            if turn:  # the first fills what may be kept
                took[name].append(seconds)
    medians = {name: statistics.median(s) for name, s in took.items() if name not in failed}
    return [markdown_quick(medians | failed, statistics.median(bare))]


def finish(contender: Contender) -> None:
    """Put together what was measured of a contender."""
    # Imported when all clocks have stopped: see clock/stranger.py.
    from clock.facts import least_ess, one_pass

    measured = contender.measured
    for kind, took in contender.took.items():
        measured.seconds[kind] = statistics.median(t.seconds for t in took)
        measured.cpu[kind] = statistics.median(t.cpu for t in took)
        measured.peak[kind] = max(t.peak for t in took)
    if SAME not in contender.took:
        return
    said = json.loads(contender.took[SAME][-1].output.splitlines()[-1])
    measured.seconds[SAME] = said["seconds"]
    sampling, gradients = said.get("sampling_seconds"), said.get("gradients")
    if said["sampled"]:
        measured.least_ess = least_ess(contender.draws)
        if sampling:
            measured.ess_a_second = measured.least_ess / sampling
    if sampling and gradients:
        measured.gradient_in_passes = sampling / gradients / one_pass(contender.table)


if __name__ == "__main__":
    main()
