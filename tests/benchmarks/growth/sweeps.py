"""The three sweeps: over rows, over fits, over processes. Each step is a process of its own."""

from __future__ import annotations

import itertools
import json
import os
import site
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clock import rows
from clock.machine import ROOT
from clock.stranger import moved_in
from growth import telling
from growth.measured import FIRST, Measured
from growth.watch import Watched, watch

HERE = Path(__file__).parents[1]
# Taken over beside what clock.stranger takes over: where packages and graphics cards are.
OUTER = ("PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
FITS_OF_A_PROCESS = 48


@dataclass
class Sweeps:
    """Measures, a process at a time, in homes below one folder.

    Parameters
    ----------
    folder : Path
        Where homes and tables are, and are left.
    machine : str
        A short name for this machine.
    seconds, gib : float
        What one process may take.
    """

    folder: Path
    machine: str
    seconds: float
    gib: float
    _homes: Iterator[int] = field(default_factory=itertools.count)

    def rows(self, sizes: Sequence[int]) -> Iterator[Measured]:
        """Read, check, fit, save, load, predict and compare tables of so many rows."""
        stopped: dict[str, str] = {}
        for size in sorted(sizes):
            table = self.folder / f"{size}.csv"
            rows.write(rows.each_simulated(size, seed=1), table, ("N", "D", "loss"))
            home = self._home()
            yield from self._table(size, stopped, "", ("read", "check"), ["read", table], home)
            files = []
            for name, more in (("with misfit", []), ("law true", ["--law-true"])):
                file = self.folder / f"{size}-{len(files)}.nc"
                files.append(file)
                fit = ["fit", table, file, *more]
                own = self._home()
                steps = ("fit", "save")
                for when in (FIRST, ""):
                    yield from self._table(size, stopped, f", {name}{when}", steps, fit, own)
            if all(file.is_file() for file in files):
                yield from self._table(
                    size, stopped, "", ("load", "predict", "compare"), ["after", *files], home
                )
            for file in [table, *files]:
                file.unlink(missing_ok=True)

    def fits(self, sizes: Sequence[int], cores: int, cards: bool) -> Iterator[Measured]:
        """Fit so many tables one by one, in processes and as one batch; and backtest in folds."""
        home = self._warm_home()
        ways: dict[str, dict[str, object]] = {"one by one": {"executor": 1}}
        if cores > 1:
            ways[f"in {cores} processes"] = {"executor": cores}
        batch = {"executor": 1, "batch": True, "sampler": "numpyro"}
        ways["as one batch"] = {**batch, "device": "cpu"}
        if cards:
            ways["as one batch, GPU"] = {**batch, "device": "gpu"}
        stopped: dict[str, str] = {}
        for size in sorted(sizes):
            for way, options in ways.items():
                given = {"step_name": way, "fits": size, **options}
                yield from self._many("fits", size, size, stopped, way, "sweep", given, home)
        for way, options in ways.items():
            if "batch" not in options:
                name = f"backtest, {way}"
                given = {"step_name": name, "executor": options["executor"]}
                yield from self._many("fits", 10, 10, stopped, name, "backtest", given, home)

    def processes(self, sizes: Sequence[int], fits: int) -> Iterator[Measured]:
        """Fit tables in so many processes, on as many cores where there are so many."""
        home = self._warm_home()
        stopped: dict[str, str] = {}
        name = f"{fits} fits"
        for size in sorted(sizes):
            given = {"step_name": name, "fits": fits, "executor": size, "cores": size}
            yield from self._many("processes", size, fits, stopped, name, "sweep", given, home)

    def _table(
        self,
        size: int,
        stopped: dict[str, str],
        named: str,
        steps: Sequence[str],
        arguments: Sequence[str | Path],
        home: Mapping[str, str],
    ) -> Iterator[Measured]:
        """Run a process of one table, and tell of its steps; what was over is over at more rows."""
        names = [f"{step}{named}" for step in steps]
        first = f"{names[0]}{FIRST}"
        if not (why := stopped.get(names[0]) or stopped.get(first, "")):
            took = self._run([sys.executable, "-m", "growth.one_table", *arguments], home)
            told = {f"{t['step']}{named}": t for t in telling.read(took.output)}
        else:
            took, told = Watched(0, 0, 0, "", why=why), {}
        over, why = took.over, took.why
        for name in names:
            one = Measured("rows", size, name, self.machine)
            if name in told:
                known = {n: v for n, v in told[name].items() if n != "step"}
                one = Measured("rows", size, name, self.machine, **known)
            else:
                one.over, one.why = over, why or "told nothing"
                if over:
                    one.cpu, one.peak = took.cpu, took.peak
                    stopped[names[0]] = f"not tried: {size:,} rows took {took.why}"
                # What comes after the step that was stopped has not begun.
                over, why = None, "-"
            yield self._say(one)

    def _many(
        self,
        part: str,
        size: int,
        fits: int,
        stopped: dict[str, str],
        name: str,
        what: str,
        given: Mapping[str, object],
        home: Mapping[str, str],
    ) -> Iterator[Measured]:
        """Run a process of many fits; its core seconds and memory are those of all its workers."""
        one = Measured(part, size, name, self.machine, fits=fits)
        if name in stopped:
            one.why = stopped[name]
        else:
            command = [sys.executable, "-m", "growth.many_fits", what, json.dumps(given)]
            took = self._run(command, home)
            one.cpu, one.peak, one.over, one.why = took.cpu, took.peak, took.over, took.why
            for told in telling.read(took.output):
                one.seconds, one.least_ess = told["seconds"], told.get("least_ess")
            if took.over and part == "fits":
                stopped[name] = f"not tried: {size:,} took {took.why}"
        yield self._say(one)

    def _run(self, command: Sequence[str | Path], home: Mapping[str, str]) -> Watched:
        return watch(command, home, self.seconds, self.gib)

    def _home(self) -> dict[str, str]:
        """Make an empty home, whose processes find this checkout before an installed bayesq."""
        own = moved_in(self.folder / f"home-{next(self._homes)}")
        own |= {name: os.environ[name] for name in OUTER if name in os.environ}
        paths = [str(HERE), str(ROOT), own.get("PYTHONPATH")]
        if site.ENABLE_USER_SITE:  # packages below a home that is another's here
            paths.append(site.getusersitepackages())
        return own | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def _warm_home(self) -> dict[str, str]:
        """Make a home in which the law was fitted once: compiling is another sweep's question."""
        home = self._home()
        given = {"step_name": "warm up", "fits": 1, "executor": 1}
        self._run([sys.executable, "-m", "growth.many_fits", "sweep", json.dumps(given)], home)
        return home

    def _say(self, one: Measured) -> Measured:
        """Tell on the error stream what was measured."""
        said = f"{one.seconds:.1f} s" if one.seconds is not None else one.why
        if one.peak:
            said += f", {one.peak:,.0f} MB"
        print(f"{one.part}: {one.size:,}, {one.step}: {said}", file=sys.stderr, flush=True)
        return one
