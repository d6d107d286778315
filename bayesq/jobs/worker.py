"""What a worker does: one unit of work at a time, by itself and on one thread.

Nothing but the standard library is imported before a unit is read: what says how many threads there
are to be is read by the others when they are loaded.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

# What BLAS, OpenMP and XLA read when they are loaded.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NPROC": "1",  # by which XLA sizes its pool on the processor, as by no flag of its own
    # Where there is a GPU, each process would else take most of its memory as JAX is loaded.
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
}
# Of one process, all units are done one after the other, on whichever of its threads they come.
_ALONE = threading.Lock()
_here = threading.local()
# What the last units were to call: what comes again is read once, and keeps what it has compiled.
_FUNCTIONS: OrderedDict[bytes, Callable[..., Any]] = OrderedDict()
_MOST_KEPT = 4


@cache
def versions() -> Mapping[str, str]:
    """Tell what has to be the same where work is sent from and where it is done.

    Without bayesq, Python or cloudpickle of the same version a unit may not be read; with others of
    what draws, its digits would be others.
    """
    libraries = ("bayesq", "cloudpickle", "jax", "jaxlib", "numpy", "nutpie")
    return {"Python": "{}.{}".format(*sys.version_info)} | {n: version(n) for n in libraries}


def at_work() -> bool:
    """Whether this is a unit of work, which is not to be spread any further."""
    return getattr(_here, "works", False)


def run(sent_by: Mapping[str, str], function: bytes, arguments: bytes) -> tuple[str, Any]:
    """Do a unit of work.

    Parameters
    ----------
    sent_by : mapping of str to str
        What :func:`versions` tells where the work comes from.
    function, arguments : bytes
        What is to be called with what, as cloudpickle writes it.

    Returns
    -------
    how : {"done", "failed", "memory", "unreadable", "versions"}
        How it ended.
    what
        The result as cloudpickle writes it; the error so, and where it was raised; or words.
    """
    with _ALONE:
        _here.works = True
        try:
            return _run(sent_by, function, arguments)
        except MemoryError:
            return "memory", ""
        finally:
            _here.works = False


def _run(sent_by: Mapping[str, str], function: bytes, arguments: bytes) -> tuple[str, Any]:
    here = versions()
    other = [f"{n} {here[n]} and not {v}" for n, v in sent_by.items() if here.get(n) != v]
    if other:
        return "versions", " and ".join(other)
    if "jax" not in sys.modules:
        os.environ.update(ONE_THREAD)
    import cloudpickle

    try:
        call, given = _read(function), cloudpickle.loads(arguments)
    except MemoryError:
        raise
    # The user's own code may be what is loaded, and may fail in any way.
    except Exception as error:
        return "unreadable", f"{type(error).__name__}: {error}"
    from threadpoolctl import threadpool_limits

    from bayesq.progress import silence

    try:
        with threadpool_limits(limits=1), silence():
            result = call(*given)
        return "done", cloudpickle.dumps(result)
    except MemoryError:
        raise
    except Exception as error:
        if out_of_memory(error):
            return "memory", ""
        return "failed", _failure(error)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory was too small: XLA has words of its own for that."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and "RESOURCE_EXHAUSTED" in str(error)
    )


def _read(function: bytes) -> Callable[..., Any]:
    import cloudpickle

    if function not in _FUNCTIONS:
        _FUNCTIONS[function] = cloudpickle.loads(function)
        while len(_FUNCTIONS) > _MOST_KEPT:
            _FUNCTIONS.popitem(last=False)
    _FUNCTIONS.move_to_end(function)
    return _FUNCTIONS[function]


def _failure(error: Exception) -> tuple[bytes, str]:
    """Pack an error with the lines where it was raised; one that does not travel as its words."""
    import traceback

    import cloudpickle

    where = "".join(traceback.format_exception(error)).rstrip()
    try:
        packed = cloudpickle.dumps(error)
        cloudpickle.loads(packed)
    except Exception:
        packed = cloudpickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed, where


def begin(parent: int) -> None:
    """Make a process ready to work for another one, and end with it.

    Parameters
    ----------
    parent : int
        Number of the process that it works for.
    """
    import signal

    # Ctrl-C reaches all processes of a terminal; the one that they work for says what is kept.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), name="bayesq parent", daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)
