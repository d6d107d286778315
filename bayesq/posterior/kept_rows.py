"""The rows of a fit as its tree keeps them, beside its draws."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import xarray as xr

from bayesq.model.design import Design
from bayesq.runs.schema import TEXT, Row

NATS = "nats/token"
# Columns by which rows are told apart and paired, besides the inputs of a law.
_ALSO = ("loss", "loss_se", "loss_full", "degradation_se", "study", "run", "corpus", "stage")
_IN_NATS = ("loss", "loss_se", "loss_full", "degradation_se")


def constant_data(design: Design) -> xr.Dataset:
    """Lay out what is known of rows beside what was fitted.

    Returns
    -------
    Dataset
        Dimension row, each variable with its unit: inputs by symbol, numbers of kinds and studies
        with their labels, ``cluster`` (rows of one training run), what was measured and its
        standard errors, and where the rows come from.
    """
    law, columns = design.law, design.runs.columns
    units = {i.symbol: i.unit for i in (*law.inputs_of(design.response), *law.inputs_of("loss"))}
    labels: dict[str, list[str]] = dict(design.levels)
    if design.pooling is not None:
        labels[design.pooling.by] = list(design.pooling.names)
    known: dict[str, Any] = {}
    for symbol, values in design.inputs.items():
        attrs = {"units": units.get(symbol) or "1"}
        if symbol in labels:
            attrs["labels"] = json.dumps(labels[symbol])
        known[symbol] = ("row", values, attrs)
    known["cluster"] = ("row", design.runs.cluster, {"units": "1"})
    if design.response != "loss":
        # What the loss of these rows depends on, where their degradation does not.
        for i in law.inputs_of("loss"):
            if i.symbol not in known:
                values = np.asarray(i.values(columns), dtype=float)
                known[i.symbol] = ("row", values, {"units": i.unit or "1"})
    for name in _ALSO:
        if name in columns and name not in known and name != design.response:
            attrs = {"long_name": str(Row.model_fields[name].description)}
            attrs |= {"units": NATS} if name in _IN_NATS else {}
            values = columns[name]
            # Text as a file gives it back.
            known[name] = ("row", values.astype(str) if name in TEXT else values, attrs)
    return xr.Dataset(known, _rows(design))


def observed_data(design: Design) -> xr.Dataset:
    """Lay out what was fitted, by the name of the response."""
    measured = ("row", design.observed, {"units": NATS})
    return xr.Dataset({design.response: measured}, _rows(design))


def _rows(design: Design) -> dict[str, Any]:
    told = {"long_name": "place of a row in the table that was given, from 0"}
    return {"row": ("row", design.index, told)}
