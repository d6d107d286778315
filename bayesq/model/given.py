"""What a model takes from its rows: numbers only, so that one compiled model serves many tables.

Whatever depends on the rows of a fit enters its model through these arrays: inputs and measured
values, the middle of the data, the basis of the misfit and what the rows tell of it. Two fits of
one law whose arrays have the same shapes differ in nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.law.levels import OrderedByBits
from bayesq.model.design import Design
from bayesq.model.effects import groups
from bayesq.model.field import PARTS
from bayesq.model.hierarchy import Pooling
from bayesq.model.noise import Noise
from bayesq.model.quick_fit import strangers
from bayesq.model.sizes import eights, fill, filled
from bayesq.model.specification import Specification, check_errors, few_rows
from bayesq.model.study_fields import AnyField

# A degradation of so many nats has noise as large as itself, about.
_LOST_IN_NOISE = 0.001
# What lies above the asymptote is at least this share of a loss.
_LEAST_ABOVE = 0.02

Given = dict[str, np.ndarray]
# How the names begin of what only the model in the sampler's coordinates takes.
_ONLY_TO_SAMPLE = (
    *("amid_", "size", "seen", "least", "told", "turn", "tells", "weight_", "usual_above"),
    "scale_of",
)


@dataclass(frozen=True, eq=False)
class Standing:
    """What rows stand for, those of a large table that is fitted as a smaller one.

    Parameters
    ----------
    weights : ndarray of float, shape (rows,)
        For how many rows each stands.
    groups : mapping of str to ndarray of int
        By effect of the noise the number of each row's group, among those of the large table.
    counts : mapping of str to int
        Numbers of these groups.
    bases : mapping of str to ndarray
        What :meth:`bayesq.model.field.Field.bases` gives at these rows; empty without a misfit.
    """

    weights: np.ndarray
    groups: Mapping[str, np.ndarray]
    counts: Mapping[str, int]
    bases: Mapping[str, np.ndarray]


def given(
    specification: Specification,
    *,
    fill_up: bool = False,
    standing: Standing | None = None,
) -> Given:
    """Work out all that the model of a fit takes from its rows.

    Parameters
    ----------
    specification : Specification
        What is fitted.
    fill_up : bool
        Whether rows, parts of the misfit and groups of rows are filled up to one of a few sizes.
        What fills up does not count.
    standing : Standing, optional
        What the rows stand for, where each is not itself alone.

    Returns
    -------
    dict of str to ndarray
        ``input_N``, ``measured``, ``counted``, ``loss_se``: shape ``(rows,)``. ``pivot_N``,
        ``amid_N``, ``typical``, ``size``, ``weight_sigma``: numbers. ``basis_shared``,
        ``basis_own``: shape ``(rows, parts)``. ``seen``, ``least``, ``tells``, ``told``, ``turn``,
        ``turned``: what rows tell of the misfit. ``group_run``, ``is_compression``: 1 where a row
        is of a group or kind, shape ``(rows, groups)``. Of kinds ``ladder_eff_first`` and so on;
        of studies ``among_N``, ``typical_of``, ``scale_of``.
    """
    design, noise = specification.design, specification.noise
    check_errors(noise, design)  # a file of an earlier version may lack them
    count = len(design.index)
    rows = filled(count) if fill_up else count
    counted = (np.arange(rows) < count).astype(float)
    if standing is not None:
        counted[:count] = standing.weights
    found: dict[str, Any] = {
        "measured": fill(noise.to_scale(design.observed), rows),
        "counted": counted,
        "loss_se": fill(np.nan_to_num(design.errors), rows),
        "typical": design.typical,
        "size": float(np.exp(np.log(np.abs(design.observed[design.observed != 0])).mean())),
        "amid_loss_se": design.usual_error,
    }
    for symbol, values in design.inputs.items():
        found[f"input_{symbol}"] = fill(values.astype(float), rows)
        found[f"amid_{symbol}"] = float(np.median(values))
    found |= {f"pivot_{symbol}": value for symbol, value in design.pivots.items()}
    found |= {f"weight_{s}": w for s, w in noise.weights(design.observed).items()}
    for effect in noise.effects:
        codes = groups(design.runs, effect) if standing is None else standing.groups[effect]
        of_it = int(codes.max()) + 1 if standing is None else standing.counts[effect]
        found[f"group_{effect}"] = _is(codes, filled(of_it) if fill_up else of_it, rows)
    for p in design.law.parameters_of(design.response):
        if p.by is not None:
            assert isinstance(p.prior, OrderedByBits)  # the law saw to it
            kinds = design.kinds[p.by.symbol]
            found |= _ladder(p.symbol, *p.prior.steps(kinds))
            # One more for the rows that are of no kind.
            found[f"is_{p.by.symbol}"] = _is(
                design.inputs[p.by.symbol].astype(int), len(kinds) + 1, rows
            )
    if design.pooling is not None:
        found |= _of_studies(design, design.pooling)
        codes = design.inputs[design.pooling.by].astype(int)
        found[f"is_{design.pooling.by}"] = _is(codes, len(design.pooling.names), rows)
    if specification.field is not None:
        found |= _misfit(design, noise, specification.field, rows, fill_up, standing)
    return {name: np.asarray(value, dtype=float, order="C") for name, value in found.items()}


def _is(codes: np.ndarray, count: int, rows: int) -> np.ndarray:
    """Write numbers of groups as 0 and 1, shape (rows, groups).

    A product with it gives each row what its group has. Looking it up would be compiled far worse.
    """
    return fill((codes[:, None] == np.arange(count)).astype(float), rows)


def _ladder(symbol: str, above: np.ndarray, below_4: np.ndarray) -> dict[str, Any]:
    """Lay out the kinds of one parameter; row i of ``sums`` adds up the steps up to kind i."""
    first = above == 0
    family = np.cumsum(first)
    sums = (family[:, None] == family[None, :]) & np.tri(len(above), dtype=bool)
    return {
        f"ladder_{symbol}_first": first,
        f"ladder_{symbol}_above": np.where(first, 1.0, above),
        f"ladder_{symbol}_below_4": below_4,
        f"ladder_{symbol}_sums": sums,
    }


def _of_studies(design: Design, pooling: Pooling) -> dict[str, Any]:
    found: dict[str, Any] = {
        f"among_{s}": np.array([at[s] for at in pooling.pivots]) for s in pooling.pivots[0]
    }
    found["typical_of"] = np.array(pooling.typical)
    # How large a term is amid each study's rows, about, on the logarithm. It decides how fast the
    # sampler is, not what it finds. Of a loss the quantized part is not seen apart; a hundredth of
    # the loss is as good a guess as any.
    if design.response == "loss":
        found["scale_of"] = np.log(0.01 * np.array(pooling.typical))
    else:
        codes = design.inputs[pooling.by].astype(int)
        sizes = [np.median(design.observed[codes == i]) for i in range(len(pooling.names))]
        found["scale_of"] = np.log(np.maximum(sizes, 0.001))
    return found


def of_rows(specification: Specification, like: Given, standing: Standing, size: int) -> Given:
    """Work out what the stated model takes from some rows of a large table.

    Parameters
    ----------
    specification : Specification
        The fit of these rows alone.
    like : dict of str to ndarray
        What the model takes from others of that table: numbers, groups and kinds are the same.
    standing : Standing
        What the rows stand for.
    size : int
        What they are filled up to.

    Returns
    -------
    dict of str to ndarray
        As :func:`given`, without what only the sampler's coordinates take.
    """
    design, noise = specification.design, specification.noise
    found: dict[str, Any] = {n: v for n, v in like.items() if not n.startswith(_ONLY_TO_SAMPLE)}
    found["measured"] = fill(noise.to_scale(design.observed), size)
    found["counted"] = np.zeros(size)
    found["counted"][: len(design.index)] = standing.weights
    found["loss_se"] = fill(np.nan_to_num(design.errors), size)
    for symbol, values in design.inputs.items():
        found[f"input_{symbol}"] = fill(values.astype(float), size)
    for effect, codes in standing.groups.items():
        found[f"group_{effect}"] = _is(codes, like[f"group_{effect}"].shape[1], size)
    for p in design.law.parameters_of(design.response):
        if p.by is not None:
            kind = f"is_{p.by.symbol}"
            codes = design.inputs[p.by.symbol].astype(int)
            found[kind] = _is(codes, like[kind].shape[1], size)
    if design.pooling is not None:
        codes = design.inputs[design.pooling.by].astype(int)
        found[f"is_{design.pooling.by}"] = _is(codes, len(design.pooling.names), size)
    for name, basis in standing.bases.items():
        if f"basis_{name}" in like:
            wide = np.zeros((size, like[f"basis_{name}"].shape[1]))
            wide[: len(basis), : basis.shape[1]] = basis
            found[f"basis_{name}"] = wide
    return {name: np.asarray(value, dtype=float, order="C") for name, value in found.items()}


def _misfit(
    design: Design,
    noise: Noise,
    field: AnyField,
    rows: int,
    fill_up: bool,
    standing: Standing | None,
) -> dict[str, Any]:
    """Write down the field at the rows, and say what they tell of it once the law is given.

    In directions in which the regression's precision is diagonal: exactly where the scales are as
    usual, and nearly so elsewhere.
    """
    medians = {p.symbol: p.prior.median for p in field.parameters}  # type: ignore[union-attr]
    bases, usual, real = {}, [], []
    known = field.bases(design.inputs) if standing is None else standing.bases
    for name, basis in known.items():
        parts = basis.shape[1]
        if PARTS[name] in medians and parts:
            wide = eights(parts) if fill_up else parts
            bases[f"basis_{name}"] = np.zeros((rows, wide))
            bases[f"basis_{name}"][: len(basis), :parts] = basis
            usual.append(np.full(wide, medians[PARTS[name]]))
            real.append(np.arange(wide) < parts)
    scale, is_real = np.concatenate(usual), np.concatenate(real)
    basis = np.hstack(list(bases.values()))
    tells = np.zeros(rows)
    tells[: len(design.observed)] = _tells(design)
    if "dof" in {p.symbol for p in noise.parameters}:
        # Heavy tails leave these rows to the noise, so that they say nothing of the misfit.
        tells[: len(design.observed)][strangers(design)] = 0.0
    if standing is not None:
        tells[: len(design.observed)] *= standing.weights
    inside = (scale * basis)[:, is_real]
    # Parts that fill up are directions by themselves, of which rows tell nothing.
    told, turn = np.zeros(len(scale)), np.eye(len(scale))
    told[is_real], turn[np.ix_(is_real, is_real)] = np.linalg.eigh(
        inside.T @ (inside * tells[:, None])
    )
    turn = scale[:, None] * turn
    observed = fill(design.observed, rows)
    least = np.maximum(_LEAST_ABOVE * np.abs(observed), _LOST_IN_NOISE / 10)
    # Few rows let the asymptote come near the least loss, where they tell far less of the misfit.
    if design.asymptotes and few_rows(design):
        bases["usual_above"] = np.array(_above(design).mean())
    return bases | {
        "seen": observed,
        "least": least,
        "told": np.maximum(told, 0.0),
        "turn": turn,
        "turned": basis @ turn,
        "tells": tells,
    }


def _tells(design: Design) -> np.ndarray:
    """How well each row tells its misfit, 1 for one whose relative noise is the usual one."""
    size = np.abs(design.observed)
    if not design.asymptotes:
        weight = (size / (size + _LOST_IN_NOISE)) ** 2
        return np.asarray(np.where(design.observed > 0, weight, 0.0))
    # A share of the noise of a loss.
    return np.asarray((_above(design) / size) ** 2)


def _above(design: Design) -> np.ndarray:
    """Guess what lies above the asymptote in each row: of a typical loss, half."""
    size = np.abs(design.observed)
    middle = float(np.exp(np.log(size).mean()))
    return np.asarray(np.maximum(size - 0.5 * middle, 0.1 * size))


def labels(specification: Specification) -> dict[str, list[Any]]:
    """Name what each dimension of a fit holds, without what fills it up.

    Returns
    -------
    dict of str to list
        By dimension: ``row``, parts of the misfit, kinds, studies and groups of rows.
    """
    design, field = specification.design, specification.field
    found: dict[str, list[Any]] = {"row": design.index.tolist(), **design.levels}
    if field is not None:
        found |= {f"{name}_part": list(range(n)) for name, n in field.counts.items()}
    if design.pooling is not None:
        found[design.pooling.by] = list(design.pooling.names)
    for effect in specification.noise.effects:
        found[f"effect_{effect}_group"] = list(range(int(groups(design.runs, effect).max()) + 1))
    return found
