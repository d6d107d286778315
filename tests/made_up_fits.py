"""Fits of draws that were made up: what is saved, shown and asked of them needs no sampler."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import xarray as xr

import bayesq
from bayesq import Fit, Law
from bayesq.model.specification import Specification, specify
from bayesq.posterior.kept_rows import constant_data, observed_data
from bayesq.posterior.netcdf import attributes_of


def made_up_fit(specification: Specification, posterior: xr.Dataset, **groups: xr.Dataset) -> Fit:
    """Make a fit of a specification without discrepancy, as if these were its draws."""
    design = specification.design
    known = {"observed_data": observed_data(design), "constant_data": constant_data(design)}
    tree = xr.DataTree.from_dict({"posterior": posterior, **known, **groups})
    tree.attrs = attributes_of(specification) | {"notes": "[]", "seed": 1}
    return Fit(specification, tree, ())


def around(
    runs: bayesq.Runs, law: str | Law, response: str, about: dict[str, float], draws: int = 200
) -> Fit:
    """Put draws around given values where a fit would have its posterior."""
    rng = np.random.default_rng(0)
    over, sizes = ("chain", "draw"), (2, draws)
    posterior = {k: (over, v * rng.normal(1, 0.02, sizes)) for k, v in about.items()}
    described = specify(runs, law, response, discrepancy=False)
    return made_up_fit(described, xr.Dataset(posterior, {"chain": range(2), "draw": range(draws)}))


def with_kinds(law: Law, *formats: dict[str, object]) -> Specification:
    """Describe a fit of a law to a few rows of full precision and of some formats."""
    sizes = [{"N": n, "D": d} for n, d in product([1e7, 1e8, 1e9], [1e9, 1e10])]
    rows = [{**size, "stage": "none"} for size in sizes]
    rows += [{**size, "stage": "train", **told} for size in sizes for told in formats]
    return specify(bayesq.read_runs(pd.DataFrame(rows).assign(loss=3.0)), law, discrepancy=False)
