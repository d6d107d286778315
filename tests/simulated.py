"""A table of runs for any law, from what the law says of itself: its stages and its inputs.

Nothing here knows a law by name: a new file in the folder of laws has its table at once. Formats
are taken from a menu; which of them a law's rows have follows from the inputs that the law derives
from the columns. Losses are not here: who needs some draws them from the priors.
"""

from __future__ import annotations

from functools import cache
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

import bayesq
from bayesq import Input, Law
from bayesq.model.design import Design, design

# More levels of an input than these make no table better.
ENOUGH = 6


def crossed(**axes: list[Any] | np.ndarray) -> pd.DataFrame:
    """Cross levels of columns."""
    return pd.DataFrame(list(product(*axes.values())), columns=list(axes))


def base_table() -> pd.DataFrame:
    """Cross 6 sizes with 6 lengths of training over two decades each."""
    n, d = np.meshgrid(np.geomspace(1e7, 1e9, 6), np.geomspace(1e9, 1e11, 6))
    return pd.DataFrame({"N": n.ravel(), "D": d.ravel(), "stage": "none"})


def quantized_table(formats: pd.DataFrame) -> pd.DataFrame:
    """Cross 3 sizes and 4 lengths of training with formats."""
    sizes = crossed(N=np.geomspace(1e7, 1e9, 3), D=np.geomspace(1e9, 1e11, 4))
    return sizes.merge(formats, how="cross")


def alike(**columns: list[Any]) -> pd.DataFrame:
    """Give weights and activations the same formats."""
    both = {f"{side}_{name}": values for name, values in columns.items() for side in "wa"}
    return pd.DataFrame(both)


# Formats to choose from, by stage. To simulate for laws that look at more, add some.
MENU: dict[str, tuple[pd.DataFrame, ...]] = {
    "post": (
        crossed(w_bits=[3, 4, 5, 6], w_group=[32, 128, 512]),
        crossed(w_bits=[3, 4, 5, 6], train_w_bits=[6, 8, 16], a_bits=[8, 16]),
    ),
    "train": (
        crossed(w_bits=[4], w_group=[32, 64, 128, 256]),
        # Weights, and weights and activations: kinds that differ in bits alone.
        pd.DataFrame({"w_bits": [2, 3, 4, 2, 3, 4, 8], "a_bits": [16, 16, 16, 2, 3, 4, 8]}),
        pd.DataFrame(
            [(w, 16, 16) for w in (2, 3, 4, 6)]
            + [(16, a, 16) for a in (2, 3, 4, 6)]
            + [(16, 16, kv) for kv in (2, 3, 4, 6)]
            + [(4, 4, 16), (4, 4, 4)],
            columns=["w_bits", "a_bits", "kv_bits"],
        ),
        # Weights, activations, and both of them, and both with a wider input of FC2.
        pd.concat(
            [
                crossed(w_bits=[4], w_group=[32, 64, 128]),
                crossed(a_bits=[4], a_group=[32, 64, 128]),
                alike(bits=[4] * 3, group=[32, 64, 128]),
                alike(bits=[4] * 3, group=[32, 64, 128]).assign(fc2_a_bits=8),
            ]
        ).fillna({"w_bits": 16, "a_bits": 16}),
        pd.concat(
            [
                alike(bits=[1 + e + m], exponent=[e], mantissa=[m], group=[g]).assign(
                    w_kind="fp", a_kind="fp"
                )
                for e, m in ((1, 2), (2, 1), (3, 0), (2, 3), (4, 3))
                for g in (32, 128)
            ]
        ),
        pd.DataFrame(
            [
                (f"fwd={f};bwd={b}", 16 if f == "none" else 4, 16 if b == "none" else 4)
                for f in ("none", "rtn", "had")
                for b in ("none", "sr")
                if (f, b) != ("none", "none")
            ],
            columns=["method", "w_bits", "grad_bits"],
        ),
    ),
}


@cache
def table_for(law: Law) -> pd.DataFrame:
    """Lay out the rows of a law.

    A base law has full-precision rows; a law of quantization those of its stages, beside them where
    it is usually fitted to the loss. Inputs other than N, D and formats take four values each.

    Returns
    -------
    DataFrame
        Without losses; every row is one that the law can use.
    """
    response = law.responses[0]
    rows = base_table()
    if law.base is not None:
        formats = quantized_table(formats_for(law))
        rows = pd.concat([rows, formats], ignore_index=True) if response == "loss" else formats
    for i in law.inputs_of(response):
        if i.symbol not in ("N", "D") and not i.format:
            rows = rows.merge(pd.DataFrame({c: levels_of(i, law) for c in i.columns}), how="cross")
    return rows


def levels_of(i: Input, law: Law) -> np.ndarray:
    """Four values of an input that is no format, within the range in which the law was observed."""
    low, high = law.observed.get(i.symbol, (0.5, 2.0))
    if i.scale == "flag":
        return np.array([0.0, 1.0])
    return np.geomspace(low, high, 4) if i.scale == "log" else np.linspace(low, high, 4)


def formats_for(law: Law) -> pd.DataFrame:
    """Choose formats in which everything that the law looks at varies, one table a stage."""
    stages = law.stages or tuple(MENU)
    choices = [usable(law, parts) for parts in product(*(staged(stage) for stage in stages))]
    best = max(choices, key=lambda choice: choice[1])
    assert best[1] > 0, f"no formats on the menu vary all that law {law.name} looks at; add some"
    return best[0]


def staged(stage: str) -> list[pd.DataFrame]:
    """List the tables of formats of a stage."""
    return [formats.assign(stage=stage) for formats in MENU[stage]]


def usable(law: Law, parts: tuple[pd.DataFrame, ...]) -> tuple[pd.DataFrame, int]:
    """Keep one of all formats that are the same to a law, and count the levels of what it sees."""
    formats = pd.concat(parts, ignore_index=True)
    columns = bayesq.read_runs(formats.assign(N=1e8, D=1e10, loss=3.0)).columns
    response = law.responses[0]
    seen = {i.symbol: i.values(columns) for i in law.inputs_of(response) if i.format}
    kinds = {f"kind of {s}": k.label(columns) for s, k in law.levels_of(response).items()}
    told = pd.DataFrame(seen | kinds)
    good = told.notna().all(axis=1) & ~told.duplicated()
    # What has one value in all of them, as a width that only the full-precision rows do not have.
    counts = told[good].nunique() if good.any() else pd.Series([0])
    varies = bool((counts > 1).all())
    return formats[good].dropna(axis=1, how="all"), varies * int(counts.clip(upper=ENOUGH).sum())


@cache
def template(name: str) -> Design:
    """Choose a law's rows of its table; the losses are a stand-in until they are drawn."""
    law = bayesq.laws()[name]
    return design(bayesq.read_runs(with_losses(table_for(law))), law)


def with_losses(table: pd.DataFrame) -> pd.DataFrame:
    """Give rows what a table needs and a law does not look at, where they have none."""
    stand_in = {"run": [f"r{i}" for i in range(len(table))], "loss": 3.1, "loss_full": 3.0}
    return table.assign(**{k: v for k, v in stand_in.items() if k not in table})


def inputs_at(law: Law) -> dict[str, float]:
    """Values of all inputs of a law in one row, in which all that it can be asked of is on."""
    rows = template(law.name)
    whole = design(rows.runs, law, "loss")
    values = {symbol: float(x[-1]) for symbol, x in whole.inputs.items()}
    return values | {"N": 3e8, "D": 2e10, "quantized": 1.0}
