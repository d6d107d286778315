"""Draws from the priors of a model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesq.model.specification import Specification


def draw_from_prior(
    specification: Specification, names: Sequence[str], *, draws: int, seed: int
) -> dict[str, np.ndarray]:
    """Draw variables of the model that is fitted from its priors.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    names : sequence of str
        Its parameters, or the response, which is on the scale of the noise.
    draws : int
        Number of draws.
    seed : int
        The same seed and the same names give the same draws.

    Returns
    -------
    dict of str to ndarray
        By name, shape (draws, ...); a far tail of a prior may be infinite.
    """
    import pymc as pm
    from pytensor.compile import Mode

    from bayesq.model.compose import compose

    model = compose(specification, to_sample=False, to_draw=True)
    # NumPy runs the few scalars of the prior faster than any compiler starts.
    mode = Mode(linker="py", optimizer="fast_compile")
    variables = [model[name] for name in names]
    # Of two at least: of one draw PyMC leaves the dimension out.
    with np.errstate(over="ignore"):
        drawn = pm.draw(variables, draws=max(draws, 2), random_seed=seed, mode=mode)
    return {name: values[:draws] for name, values in zip(names, drawn, strict=True)}
