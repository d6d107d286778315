"""Draws by nutpie's NUTS, called back for each gradient."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import numpy as np

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import Sampled, start

# What nutpie calls what ArviZ calls otherwise.
_NAMES = {"depth": "tree_depth", "logp": "lp", "mean_tree_accept": "acceptance_rate"}


class _NoDensityError(ValueError):
    """A step to where the density is not finite; the sampler then turns back."""

    is_recoverable = True


def sample(
    program: Program,
    rows: Packed,
    *,
    draws: int,
    tune: int,
    chains: int,
    seed: int,
    low_rank: bool,
    target_accept: float | None,
    starts: np.ndarray | None,
    step: Callable[[int, int], object],
) -> Sampled:
    """Draw with nutpie; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    import nutpie
    from nutpie.compiled_pyfunc import from_pyfunc

    density = program.density(rows)
    middle = program.start(rows)
    gradients = 0

    def evaluate(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal gradients
        gradients += 1
        found = density(point)
        if not math.isfinite(found[0]):
            raise _NoDensityError
        return found

    def begin(seed: int) -> np.ndarray:
        return start(middle, starts, np.random.default_rng(seed))

    def kept(*_: int) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        return lambda point: {"point": np.array(point)}

    model = from_pyfunc(
        program.coordinates,
        lambda: evaluate,
        kept,
        [np.dtype("float64")],
        [(program.coordinates,)],
        ["point"],
        make_initial_point_fn=begin,
    )
    began = time.perf_counter()
    running = nutpie.sample(
        model,
        draws=draws,
        tune=tune,
        chains=chains,
        # One after the other: calls come back through Python, which chains side by side would wait
        # for longer than they would gain.
        cores=1,
        seed=seed,
        progress_bar=False,
        progress_callback=lambda all_: step(
            sum(c.finished_draws for c in all_), sum(c.total_draws for c in all_)
        ),
        save_warmup=False,
        # With the misfit centred on what the rows tell, what remains is nearly normal, and its
        # correlations are learned: 2 to 10 times the effective draws of the diagonal adaptation.
        adaptation="low_rank" if low_rank else "diag",
        **({} if target_accept is None else {"target_accept": target_accept}),
        blocking=False,
    )
    try:
        tree = running.wait()
    except BaseException:
        # Waiting for it in nutpie would turn Ctrl-C into a shorter result that looks whole.
        running.cancel()
        raise
    stats = tree["sample_stats"].to_dataset()
    # Text of divergences cannot be written to netCDF and says nothing that the flag does not.
    stats = stats.drop_vars([n for n in stats if stats[n].dtype == object])
    stats = stats.rename(_NAMES)
    points = tree["posterior"]["point"].values
    return Sampled(points, stats, gradients, time.perf_counter() - began)
