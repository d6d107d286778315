"""What a measured process tells of its steps: one line of JSON each, when the step is done."""

from __future__ import annotations

import json
import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from clock.stranger import megabytes

# Before each line, to tell it from whatever else the process prints.
_MARK = "measured: "


@contextmanager
def step(name: str) -> Iterator[dict[str, Any]]:
    """Time a step, and tell it with what is put into the dictionary that it gives."""
    told: dict[str, Any] = {"step": name}
    began, cpu = time.perf_counter(), _cpu()
    yield told
    told |= {"seconds": time.perf_counter() - began, "cpu": _cpu() - cpu}
    told["peak"] = megabytes(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    tell(**told)


def tell(**facts: Any) -> None:
    """Tell what is known of the step before when no clock runs."""
    print(f"{_MARK}{json.dumps(facts)}", flush=True)


def read(output: str) -> list[dict[str, Any]]:
    """Read what a process told, each step with the facts that came after it."""
    steps: list[dict[str, Any]] = []
    for line in output.splitlines():
        # A process that was stopped may have written half a line.
        if not line.startswith(_MARK) or not line.endswith("}"):
            continue
        told = json.loads(line.removeprefix(_MARK))
        if "step" in told:
            steps.append(told)
        elif steps:
            steps[-1] |= told
    return steps


def _cpu() -> float:
    """Seconds of all cores, of this process and of the children that have ended."""
    return sum(os.times()[:4])
