"""A Dask cluster: connected to, watched, and told apart from other executors."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from bayesq.errors import BayesqError
from bayesq.jobs.lost import LostError

# Seconds that a scheduler has to answer.
_ANSWERS_IN = 10
# Seconds between two looks at a cluster, and without any worker until it is given up: one that is
# restarted, or a node that takes over, is back sooner.
_LOOK = 2.0
_GONE_FOR = 60.0


@contextmanager
def connected(address: str) -> Iterator[Executor]:
    """Work on the cluster of a Dask scheduler for the length of a ``with``.

    Parameters
    ----------
    address : str
        Of the scheduler: ``"tcp://10.0.0.1:8786"``.

    Raises
    ------
    BayesqError
        If Dask is not installed, or no scheduler answers there.
    """
    try:
        from distributed import Client
        from distributed.comm import get_address_host_port
    except ImportError as error:
        raise BayesqError(
            "A scheduler needs Dask, which is not installed; pip install 'bayesq[dask]'."
        ) from error
    try:
        # A client that finds nobody tries on in the background, and holds up the end by that.
        socket.create_connection(get_address_host_port(address), _ANSWERS_IN).close()
        client = Client(address, timeout=_ANSWERS_IN, set_as_default=False)
    # What is no scheduler may answer anything, and the client fail in any way.
    except Exception as error:
        raise BayesqError(
            f"No Dask scheduler answers at {address!r} within {_ANSWERS_IN} seconds; start one "
            "with dask scheduler, and pass the address that it prints, as in tcp://10.0.0.1:8786."
        ) from error
    try:
        yield client.get_executor(pure=False)
    finally:
        client.close()


class Watch:
    """A look now and then at whether a cluster still has a scheduler and workers.

    Parameters
    ----------
    executor : concurrent.futures.Executor
        What work is given to; whatever is no Dask cluster is not looked at.
    """

    def __init__(self, executor: Executor) -> None:
        module = type(executor).__module__
        self._client: Any = (
            getattr(executor, "_client", None) if module.startswith("distributed.") else None
        )
        self._looked = -_LOOK
        self._seen = time.monotonic()
        self._workers = 0
        self._had_any = False

    @property
    def address(self) -> str:
        """Where the scheduler is."""
        return str(self._client.scheduler.address) if self._client is not None else ""

    def workers(self) -> int | None:
        """Count what can work at a time; None where that is not known.

        Raises
        ------
        LostError
            If the scheduler is gone, or all workers have been for a while.
        """
        if self._client is None:
            return None
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return self._workers
        self._looked = now
        if self._client.status != "running":
            raise self.lost()
        try:
            self._workers = sum(self._client.nthreads().values())
        except (OSError, TimeoutError) as error:  # as its own errors of connections are
            raise self.lost() from error
        if self._workers:
            self._seen, self._had_any = now, True
        elif self._had_any and now - self._seen > _GONE_FOR:
            raise LostError(
                f"All workers of the scheduler at {self.address} are gone; start some with "
                "dask worker"
            )
        return self._workers

    def lost(self) -> LostError:
        """Say that nothing is known of the work any more."""
        if self._client is None:
            return LostError("The executor was shut down or has dropped the work; make it anew")
        return LostError(
            f"The scheduler at {self.address} is there no more; start it again with dask scheduler"
        )
