"""Fits whose tables are sampled side by side: one program, one call, each with its own draws.

What costs a call for each table, on a GPU above all, is then paid once for all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import batched

from bayesq.errors import BayesqError
from bayesq.fitting import fit_of_draws
from bayesq.intervals import Interval
from bayesq.model.specification import Specification
from bayesq.progress import Progress
from bayesq.sampling.compiled import Compiled, sample_together
from bayesq.sampling.reduction import takes_weighted
from bayesq.sampling.sampled import Sampled
from bayesq.sweeping.outcomes import Keep, Outcome, outcome_of
from bayesq.sweeping.planned import Planned

SAMPLERS = ("numpyro", "blackjax")
# Tables in one call: more take no less time for each, and memory grows with them.
_MOST = 500


def check_together(planned: Sequence[Planned]) -> None:
    """Refuse samplers that take one table at a time.

    Raises
    ------
    BayesqError
        If there is one.
    """
    for one in planned:
        if (sampler := one.sampling["sampler"]) not in SAMPLERS:
            raise BayesqError(
                f"Sampler {sampler} takes one table at a time; pass sampler='numpyro' or "
                "'blackjax', or leave batch out."
            )


def sampled_together(
    planned: Sequence[Planned], told: Progress
) -> Iterator[tuple[Planned, Sampled]]:
    """Draw from the posteriors of all that can be sampled side by side, program by program.

    Parameters
    ----------
    planned : sequence of Planned
        What is to be fitted. Tables so large that weighted rows stand for them are passed over.
    told : Progress
        Is told how far it is.

    Yields
    ------
    Planned
        One of them.
    Sampled
        Its draws.
    """
    groups: dict[tuple[int, int, int, int, str], list[tuple[Planned, Compiled]]] = {}
    told.say("describing the tables to the sampler")
    for one in planned:
        described, sampling = one.described, dict(one.sampling)
        assert isinstance(described, Specification)
        device = sampling.get("device", "cpu")
        if takes_weighted(len(described.design.index), sampling.get("coreset"), device):
            continue
        model = Compiled(described, told.say, device, many=True)
        draws, tune, chains = (int(sampling[name]) for name in ("draws", "tune", "chains"))
        alike = id(model.program), draws, tune, chains, str(sampling["sampler"])
        groups.setdefault(alike, []).append((one, model))
    for (_, draws, tune, chains, sampler), pairs in groups.items():
        doing = f"sampling {len(pairs)} tables side by side"
        for chunk in batched(pairs, _MOST):
            found = sample_together(
                [model for _, model in chunk],
                draws=draws,
                tune=tune,
                chains=chains,
                seeds=[int(one.sampling["seed"]) for one, _ in chunk],
                sampler=sampler,
                step=partial(told.step, what=doing),
            )
            yield from zip([one for one, _ in chunk], found, strict=True)


def looked_at(planned: Planned, drawn: Sampled, asked: Interval, keep: Keep | None) -> Outcome:
    """Make a fit of draws and say what it comes to: a unit of work, on a processor."""
    described, sampling = planned.described, planned.sampling
    assert isinstance(described, Specification)
    made = {name: sampling[name] for name in ("seed", "draws", "tune", "sampler")}
    made |= {"device": sampling["device"]} if sampling.get("device", "cpu") != "cpu" else {}
    fit = fit_of_draws(described, Compiled(described), drawn, {**made, "side_by_side": "yes"})
    return outcome_of(fit, asked, keep)
