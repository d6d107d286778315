"""Where JAX works, set up for many small calls, without a change to what others set up."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import jax

from bayesq.sampling.cache import folder


@cache
def processor() -> Any:
    """Return the processor. Its client is made so that a call waits where it is made.

    A call that is handed to another thread to be waited for takes 30 microseconds longer, and JAX
    has an option for its client alone, of which a process has one. Where JAX is in use already, its
    client stays as it is.
    """
    before = jax.config.values["jax_cpu_enable_async_dispatch"]
    jax.config.update("jax_cpu_enable_async_dispatch", False)
    try:
        return jax.local_devices(backend="cpu")[0]
    finally:
        jax.config.update("jax_cpu_enable_async_dispatch", before)


def place(device: str) -> Any:
    """Return the processor, or the first GPU of NVIDIA.

    Raises
    ------
    RuntimeError
        If JAX sees no GPU.
    """
    usual = processor()  # its client is made first
    return usual if device == "cpu" else jax.local_devices(backend="cuda")[0]


def put(value: Any, device: str) -> Any:
    """Put arrays where the functions of a device want them."""
    with jax.enable_x64(True):
        return jax.device_put(value, place(device))


def on_processor(value: Any) -> Any:
    """Put arrays where the processor's functions want them."""
    return put(value, "cpu")


@contextmanager
def compiling(device: str = "cpu") -> Iterator[None]:
    """Compile for a device, and let JAX keep what XLA makes beside the programs."""
    from jax.experimental.compilation_cache import compilation_cache

    wanted: dict[str, Any] = {
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    if jax.config.values["jax_compilation_cache_dir"] is None:
        wanted["jax_compilation_cache_dir"] = str(folder() / "xla")
    before = {name: jax.config.values[name] for name in wanted}
    for name, value in wanted.items():
        jax.config.update(name, value)
    if "jax_compilation_cache_dir" in wanted:
        compilation_cache.reset_cache()
    try:
        with warnings.catch_warnings(), jax.enable_x64(True), jax.default_device(place(device)):
            # Of an entry that another process is just writing, or a folder that cannot be written
            # to: the function is compiled all the same.
            warnings.filterwarnings("ignore", "Error (reading|writing) persistent")
            yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)
        if "jax_compilation_cache_dir" in wanted:
            compilation_cache.reset_cache()
