"""Draws by PyMC's own NUTS, called back for each gradient of the compiled density."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pytensor.compile import Mode
from pytensor.graph import Apply, Op

from bayesq.sampling.packing import Packed
from bayesq.sampling.program import Program
from bayesq.sampling.sampled import Sampled, all_starts, stats_of

# What is kept of all that PyMC tells of its draws.
_KEPT = (
    *("diverging", "tree_depth", "n_steps", "step_size", "step_size_bar"),
    *("acceptance_rate", "energy", "energy_error", "lp"),
)


class _Density(Op):  # type: ignore[misc]
    """The compiled log density and its gradient, as PyTensor calls it."""

    itypes = (pt.dvector,)
    otypes = (pt.dscalar, pt.dvector)

    def __init__(self, density: Callable[[np.ndarray], tuple[float, np.ndarray]]) -> None:
        self.density = density
        self.gradients = 0

    def perform(self, node: Apply, inputs: Sequence[Any], outputs: list[list[Any]]) -> None:
        """Work both out."""
        self.gradients += 1
        value, gradient = self.density(inputs[0])
        outputs[0][0], outputs[1][0] = np.asarray(value), gradient

    def pullback(
        self, inputs: Sequence[Any], outputs: Sequence[Any], cotangents: Sequence[Any]
    ) -> list[Any]:
        """Say that the second output is the gradient of the first."""
        return [cotangents[0] * outputs[1]]


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
    """Draw with PyMC; parameters as :func:`bayesq.sampling.sample.sample` takes them."""
    began = time.perf_counter()
    density = _Density(program.density(rows))
    points = all_starts(program, rows, chains, seed, starts)
    total, done, stopped = chains * (tune + draws), 0, False

    def count(*_: Any, **__: Any) -> None:
        nonlocal done, stopped
        done += 1
        if done % 100 == 0 or done == total:
            try:
                step(done, total)
            except KeyboardInterrupt:
                stopped = True
                raise

    with pm.Model(), warnings.catch_warnings():
        # PyMC calls the adaptation of a whole matrix experimental.
        warnings.filterwarnings("ignore", "QuadPotentialFullAdapt", UserWarning)
        point = pm.Flat("point", shape=program.coordinates)
        pm.Potential("density", density(point)[0])
        tree = pm.sample(
            draws,
            tune=tune,
            chains=chains,
            cores=1,
            random_seed=seed,
            progressbar=False,
            quiet=True,
            init="adapt_full" if low_rank else "adapt_diag",
            initvals=[{"point": p} for p in points],
            callback=count,
            compute_convergence_checks=False,
            # What is compiled is one call of what is compiled already.
            compile_kwargs={"mode": Mode(linker="py", optimizer="fast_compile")},
            **({} if target_accept is None else {"target_accept": target_accept}),
        )
    if stopped or done < total:  # PyMC takes Ctrl-C for a wish for fewer draws
        raise KeyboardInterrupt

    told = {name: tree["sample_stats"][name].values for name in _KEPT}
    drawn = tree["posterior"]["point"].values
    return Sampled(drawn, stats_of("pymc", told), density.gradients, time.perf_counter() - began)
