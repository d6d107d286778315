"""Work in small units, each by itself: in this process, in others, or on other machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

from bayesq.errors import BayesqError
from bayesq.jobs.cluster import Watch
from bayesq.jobs.lost import LostError, failed, misunderstood, told_as, too_large
from bayesq.jobs.processes import asked, cores, start, stop, worth
from bayesq.jobs.worker import at_work, out_of_memory, run, versions
from bayesq.progress import Progress

# Units that are packed and sent ahead, for each that can be under way at once: what waits where it
# is to be done waits for nobody, and all of a large sweep at once would fill the memory.
_AHEAD = 2
_LEAST_AHEAD = 16
# Seconds between looks at whether the cluster is still there.
_TICK = 1.0


@dataclass(frozen=True, eq=False)
class Unit:
    """One piece of work: the same arguments give the same result, wherever it runs.

    Parameters
    ----------
    key : str
        What its result is called.
    function : callable
        What is to be done. A worker reads one that several units share once, so that what it holds
        is compiled once.
    arguments : tuple
        What it is done with.
    """

    key: str
    function: Callable[..., Any]
    arguments: tuple[Any, ...]


def spread(
    units: Sequence[Unit],
    executor: Executor | int | None,
    told: Progress,
    what: str,
    *,
    already: int = 0,
    folder: Path | None = None,
) -> Iterator[tuple[str, Any]]:
    """Do work wherever there is room for it, and yield what is finished as it comes.

    Parameters
    ----------
    units : sequence of Unit
        What is to be done, each with a key of its own.
    executor : concurrent.futures.Executor, int or None
        Where: an executor, so many processes of this machine (1 for this process), or by default
        as many as it has cores, where the work is worth it.
    told : Progress
        Is told how far all of it is.
    what : str
        What one unit is called: ``"fold"``.
    already : int
        How many were finished before.
    folder : Path, optional
        Where the caller keeps what is yielded, to be named when work is lost.

    Yields
    ------
    key : str
        Key of a finished unit.
    result
        What it gave.

    Raises
    ------
    BayesqError
        If there is no such executor, or work is lost for good: it does not fit into memory, workers
        die of it or cannot read it, or the cluster is gone. What a unit itself raises is raised.
    """
    place = check_executor(executor)
    work = _Work(list(units), told, what, already, folder)
    try:
        if isinstance(place, Executor):
            yield from work.by(place)
        elif place is None:
            yield from work.where_worth()
        elif place == 1 or len(units) < 2:
            yield from work.here()
        else:
            yield from work.by_processes(place)
    except LostError as lost:
        total = already + len(units)
        raise told_as(lost, what, total - len(work.left), total, folder) from lost.__cause__


def check_executor(executor: Executor | int | None) -> Executor | int | None:
    """Refuse what no work can be given to.

    Returns
    -------
    concurrent.futures.Executor, int or None
        The executor; a number of processes, be it asked for here or by ``BAYESQ_JOBS``; None where
        it is left to the work.

    Raises
    ------
    BayesqError
        If it is no executor, one of threads, or one that forks.
    """
    if at_work() and not isinstance(executor, Executor):
        return 1
    if executor is None or (isinstance(executor, Integral) and not isinstance(executor, bool)):
        return asked(None if executor is None else int(executor))
    if not isinstance(executor, Executor):
        raise BayesqError(
            f"executor is a {type(executor).__name__}; pass a number of processes, or an executor "
            "as concurrent.futures has them, which a Dask client gives by client.get_executor()."
        )
    if isinstance(executor, ThreadPoolExecutor):
        raise BayesqError(
            "executor is one of threads, which would wait for each other in one process; pass a "
            "number of processes: executor=4."
        )
    context = getattr(executor, "_mp_context", None)
    if context is not None and context.get_start_method() == "fork":
        raise BayesqError(
            "executor forks this process, in which the forked would hang; pass a number of "
            "processes, or ProcessPoolExecutor(4, mp_context=multiprocessing.get_context('spawn'))."
        )
    return executor


class _Work:
    """Units that are left, and how many are finished."""

    def __init__(
        self, units: list[Unit], told: Progress, what: str, already: int, folder: Path | None
    ) -> None:
        # By number, in the order in which they are to be begun.
        self.left = dict(enumerate(units))
        self._told, self._what, self._already = told, what, already
        self._total = already + len(units)

    @property
    def done(self) -> int:
        return self._total - len(self.left)

    def here(self) -> Iterator[tuple[str, Any]]:
        """Do all in this process."""
        for _, finished in self._one_by_one():
            yield finished

    def where_worth(self) -> Iterator[tuple[str, Any]]:
        """Begin in this process, which compiles what the others then find, and go where is room."""
        processes = 0
        took: list[float] = []
        for seconds, finished in self._one_by_one():
            yield finished
            took.append(seconds)
            if len(self.left) < 2:
                continue
            processes = processes or cores()
            if worth(took, len(self.left), processes):
                break
        if self.left:
            yield from self.by_processes(processes)

    def _one_by_one(self) -> Iterator[tuple[float, tuple[str, Any]]]:
        numbered = list(self.left.items())
        names = self._told.each(numbered, self._what, lambda n: n[1].key, already=self._already)
        for number, unit in names:
            began = time.perf_counter()
            try:
                result = unit.function(*unit.arguments)
            except (MemoryError, RuntimeError) as error:
                if out_of_memory(error):
                    raise too_large(self._name(unit)) from error
                raise
            seconds = time.perf_counter() - began
            del self.left[number]
            yield seconds, (unit.key, result)

    def by_processes(self, processes: int) -> Iterator[tuple[str, Any]]:
        """Spread what is left over processes of this machine.

        When one dies, what was under way is done again, each unit by a process alone: most die
        because memory is too small for several. A unit that ends that one too is set aside, and all
        others are done before it is said.
        """
        aside: dict[int, BaseException] = {}
        while todo := [n for n in self.left if n not in aside]:
            dead = yield from self._until_death(min(processes, len(todo)), todo)
            if dead is None:
                continue
            # Units are begun in their order, so that those under way are the first unfinished.
            for number in [n for n in todo if n in self.left][:processes]:
                if alone := (yield from self._until_death(1, [number])):
                    aside[number] = alone
            processes = max(processes // 2, 1)
        if aside:
            names = [self._name(self.left[number]) for number in aside]
            others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise LostError(
                f"{names[0]}{others} ended every process that took it on, as work does that needs "
                "more memory than there is; give it fewer rows, draws or chains, or a machine with "
                "more memory"
            ) from next(iter(aside.values()))

    def _until_death(
        self, processes: int, numbers: list[int]
    ) -> Generator[tuple[str, Any], None, BaseException | None]:
        """Do some units in new processes; return what befell one of these, if that ended them."""
        pool = start(processes)
        try:
            yield from self.by(pool, numbers)
        except LostError as lost:
            if not isinstance(lost.__cause__, BrokenExecutor):
                raise
            return lost.__cause__
        finally:
            stop(pool)
        return None

    def by(self, executor: Executor, numbers: list[int] | None = None) -> Iterator[tuple[str, Any]]:
        """Give what is left to an executor, or some of it."""
        wanted = list(self.left) if numbers is None else numbers
        waiting = [(n, self.left[n]) for n in reversed(wanted)]
        sent_by, packed = versions(), _Packed()
        under_way: dict[Future[Any], tuple[int, Unit]] = {}
        watch = Watch(executor)
        self._say()
        try:
            while waiting or under_way:
                room = max(_AHEAD * _at_once(executor, watch), _LEAST_AHEAD)
                while waiting and len(under_way) < room:
                    number, unit = waiting.pop()
                    function, arguments = packed.function(unit), packed.arguments(unit)
                    try:
                        future = executor.submit(run, sent_by, function, arguments)
                    except (BrokenExecutor, RuntimeError) as error:
                        raise _lost(self._name(unit), error, watch) from error
                    under_way[future] = number, unit
                finished = wait(under_way, _TICK, FIRST_COMPLETED).done
                # What is finished is kept, whatever has befallen the others.
                for future in sorted(finished, key=_mishap):
                    number, unit = under_way.pop(future)
                    result = self._result(future, unit, watch)
                    del self.left[number]
                    self._say()
                    yield unit.key, result
        finally:
            for future in under_way:
                future.cancel()

    def _result(self, future: Future[Any], unit: Unit, watch: Watch) -> Any:
        """Open what a worker has sent back."""
        import cloudpickle

        name = self._name(unit)
        try:
            how, content = future.result()
        except (Exception, CancelledError) as error:
            raise _lost(name, error, watch) from error
        if how == "done":
            return cloudpickle.loads(content)
        if how == "memory":
            raise too_large(name)
        if how == "failed":
            raised = cloudpickle.loads(content[0])
            if not isinstance(raised, BayesqError):
                raised.add_note(f"In a worker, {name}:\n{content[1]}")
            raise raised
        raise misunderstood(name, how, content)

    def _say(self) -> None:
        self._told.step(self.done, self._total, f"{self._what}: finished")

    def _name(self, unit: Unit) -> str:
        return f"{self._what} {unit.key}"


class _Packed:
    """Units as bytes; a function that several share is packed once."""

    def __init__(self) -> None:
        self._last: tuple[Callable[..., Any], bytes] | None = None

    def function(self, unit: Unit) -> bytes:
        import cloudpickle

        # Equal, not the same: a bound method is made anew each time it is looked up.
        if self._last is None or self._last[0] != unit.function:
            self._last = unit.function, cloudpickle.dumps(unit.function)
        return self._last[1]

    def arguments(self, unit: Unit) -> bytes:
        import cloudpickle

        packed: bytes = cloudpickle.dumps(unit.arguments)
        return packed


def _at_once(executor: Executor, watch: Watch) -> int:
    """Count the units that can be under way at once."""
    known = watch.workers()
    return int(getattr(executor, "_max_workers", 1) if known is None else known)


def _lost(unit: str, error: BaseException, watch: Watch) -> BaseException:
    """Say what the error of an executor means; one of no known meaning is raised as it is."""
    # Of an executor that was shut down by others, concurrent.futures says RuntimeError.
    if isinstance(error, CancelledError) or "after shutdown" in str(error):
        return watch.lost()
    return failed(unit, error) or error


def _mishap(future: Future[Any]) -> bool:
    """Whether no result of a unit came back."""
    if future.cancelled() or future.exception() is not None:
        return True
    return bool(future.result()[0] != "done")
