"""Draws from the priors of a model: parameters, and what its rows would then measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bayesq.model.specification import Specification


def draw_from_prior(
    specification: Specification,
    names: Sequence[str] = (),
    *,
    draws: int,
    seed: int,
    rows: np.ndarray | slice = slice(None),
    together: int | None = None,
) -> dict[str, np.ndarray]:
    """Draw from the priors of the model that is fitted.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    names : sequence of str
        Variables to tell, besides the response.
    draws : int
        Number of draws.
    seed : int
        The same seed and the same names give the same draws.
    rows : ndarray of int or slice
        Rows whose response is kept.
    together : int, optional
        So many draws of all rows are held at a time, by default all of them.

    Returns
    -------
    dict of str to ndarray
        By name, shape (draws, ...); the response in nats per token, shape (draws, rows), infinite
        where a far tail of the prior overflows.
    """
    import pymc as pm
    from pytensor.compile import Mode

    from bayesq.model.compose import compose

    response = specification.response
    model = compose(specification, to_sample=False)
    # NumPy runs the few scalars of the prior faster than any compiler starts.
    mode = Mode(linker="py", optimizer="fast_compile")
    wanted = [*names, response]
    variables = [model[name] for name in wanted]
    step = together or draws
    found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
    # A far tail of the prior may overflow; infinite is then the honest word for that loss.
    with np.errstate(over="ignore"):
        for start in range(0, draws, step):
            count = min(step, draws - start)
            # Of two at least: of one draw PyMC leaves the dimension out.
            drawn = pm.draw(variables, draws=max(count, 2), random_seed=seed + start, mode=mode)
            for name, values in zip(wanted, drawn, strict=True):
                kept = values[:count]
                found[name].append(kept[:, rows] if name is wanted[-1] else kept)
        held = {name: np.concatenate(values) for name, values in found.items()}
        held[response] = np.asarray(specification.noise.from_scale(held[response]))
    held[response][np.isnan(held[response])] = np.inf  # infinite times nothing
    return held
