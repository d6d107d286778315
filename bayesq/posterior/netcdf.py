"""Fits on disk: written beside and renamed, read whole, never run.

A file holds the draws, the rows that were fitted, and the description of the fit: enough to
predict, to decide, and to fit it again where its law is at hand.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesq.errors import BayesqError
from bayesq.files import write_beside
from bayesq.law.kind import Kind
from bayesq.law.law import Law
from bayesq.law.prior import Prior
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.hierarchy import Pooling
from bayesq.model.noise import Noise
from bayesq.model.specification import Specification, suit
from bayesq.model.study_fields import from_group
from bayesq.notes import Note, by_severity
from bayesq.posterior.migration import BEFORE, FORMAT, SEALED, SEVERAL, TOO_OLD
from bayesq.posterior.sealed import BrokenSealError, ReachingError, from_bytes, to_bytes
from bayesq.posterior.summary import CONVERGENCE
from bayesq.runs.runs import Runs
from bayesq.runs.schema import blank

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

# The group of the rows.
ROWS = "runs"
# A name for messages.
EXAMPLE = "fit.nc"


def attributes_of(specification: Specification) -> dict[str, Any]:
    """Describe what was fitted, for the attributes of a tree."""
    design, noise = specification.design, specification.noise
    told = {
        "format": FORMAT,
        "key": specification.key,
        "law": json.dumps(design.law.to_dict()),
        "law_digest": design.law.digest,
        "law_parts": json.dumps(design.law.parts),
        "response": design.response,
        "noise": json.dumps(noise.to_dict()),
        "discrepancy": json.dumps(specification.described["discrepancy"]),
        "typical_loss": design.typical,
        "source": design.runs.source,
        "rows": len(design.index),
        "fingerprint": design.runs.fingerprint,
        "pivots": json.dumps(design.pivots),
        "formats": json.dumps(design.formats),
        "kinds": json.dumps({s: [k.to_dict() for k in ks] for s, ks in design.kinds.items()}),
    }
    if design.pooling is not None:
        told["pooling"] = json.dumps(asdict(design.pooling))
    return told


def specification_from(tree: xr.DataTree, law: Law, noise: Noise) -> Specification:
    """Put together again what a tree says of it.

    Parameters
    ----------
    tree : DataTree
        What was read.
    law, noise
        Those of the fit, as far as they are at hand.

    Raises
    ------
    KeyError, TypeError, ValueError
        If the file is damaged.
    """
    attrs = tree.attrs
    pooled = json.loads(attrs.get("pooling", "null"))
    pooling = None if pooled is None else Pooling(**pooled)
    pivots = {symbol: float(value) for symbol, value in json.loads(attrs["pivots"]).items()}
    typical = float(attrs["typical_loss"])
    if not np.isfinite([typical, *pivots.values()]).all():
        raise ValueError("a pivot or the typical loss is not finite")
    described = json.loads(attrs["kinds"])
    kinds = {s: [Kind.from_dict(kind) for kind in found] for s, found in described.items()}
    known = tree["constant_data"].to_dataset()
    inputs = (*pivots, *kinds, *([] if pooling is None else [pooling.by]))
    response = law.check_response(attrs["response"])
    if law.at_hand:
        expected = {i.symbol for i in law.inputs_of(response)}
        if response == "loss" and law.base is not None:
            expected.add("quantized")
        if set(pivots) != expected or set(kinds) != set(law.levels_of(response)):
            raise ValueError("pivots or kinds are not those of the law")
    observed = tree["observed_data"].to_dataset()[response]
    design = Design(
        law,
        response,
        _runs_from(tree, observed.values if response == "loss" else known["loss"].values),
        observed["row"].values,
        {symbol: known[symbol].values for symbol in inputs},
        observed.values,
        pivots,
        kinds,
        (),
        typical,
        dict(json.loads(attrs["formats"])),
        pooling,
    )
    taken = json.loads(attrs["discrepancy"])
    field = None
    if taken is not None:
        by = None if pooling is None else pooling.by
        field = from_group(tree.children["discrepancy"], Discrepancy.from_dict(taken), by)
    return Specification(design, _as_it_was(suit(noise, design), attrs), field)


def _as_it_was(noise: Noise, attrs: Mapping[Any, Any]) -> Noise:
    """Give a noise the priors that it was fitted with, which an earlier bayesq took otherwise."""
    told = {p["symbol"]: p["prior"] for p in json.loads(attrs["noise"])["parameters"]}
    then = {symbol: Prior.from_dict(prior) for symbol, prior in told.items()}
    if all(p.prior == then[p.symbol] for p in noise.parameters):
        return noise
    parameters = tuple(replace(p, prior=then[p.symbol]) for p in noise.parameters)
    return replace(noise, parameters=parameters, remember=False)


def complete(
    tree: xr.DataTree, specification: Specification, convergence: pd.DataFrame
) -> xr.DataTree:
    """Add to a tree what a fit needs that is to be read again: its rows, and its convergence.

    A fit of a file of format 4 has no rows, and neither has what is saved of it.
    """
    import xarray as xr

    found = tree.copy()
    found.attrs["convergence"] = _table_to_json(convergence)
    if not specification.design.complete:
        return found
    runs = specification.design.runs
    # A column may be called anything, a variable of a file may not.
    found[ROWS] = xr.DataTree(
        xr.Dataset(
            {f"column_{i}": ("run", values) for i, values in enumerate(runs.columns.values())}
            | {"number": ("run", runs.numbers)},
            attrs={"columns": json.dumps(list(runs.columns))},
        )
    )
    return found


def _runs_from(tree: xr.DataTree, loss: np.ndarray) -> Runs:
    """Take the rows out of a tree; of one that has none, their losses."""
    source = str(tree.attrs["source"])
    if ROWS not in tree.children:
        return Runs({"loss": loss}, source)
    held = tree[ROWS].to_dataset()
    columns = {
        name: _column(held[f"column_{i}"].values)
        for i, name in enumerate(json.loads(held.attrs["columns"]))
    }
    unknown = blank(len(loss))
    numbers = held["number"].values if "number" in held else np.arange(1, len(loss) + 1)
    return Runs(unknown | columns, source, numbers)


def _column(values: np.ndarray) -> np.ndarray:
    return values.copy() if values.dtype.kind == "f" else values.astype(object)


def write_tree(tree: xr.DataTree, path: Path) -> Path:
    """Write a tree to netCDF, beside `path` and then renamed, with a checksum at its end.

    Raises
    ------
    BayesqError
        If the folder does not exist or cannot be written to.
    """
    return write_beside(path, lambda beside: beside.write_bytes(to_bytes(tree)), EXAMPLE)


def read_tree(path: Path) -> xr.DataTree:
    """Read a tree that :func:`write_tree` wrote, wholly into memory.

    Raises
    ------
    BayesqError
        If the file is missing, cut short, changed since it was saved, not a saved fit, or reaches
        beyond itself.
    """
    if os.path.isdir(path):
        raise BayesqError(f"{path} is a directory; name a saved fit in it, such as {path}/fit.nc.")
    if not os.path.exists(path):
        raise BayesqError(f"{path} does not exist; save a fit there first or check the path.")
    if not os.path.isfile(path):  # to read from a pipe may take for ever
        raise BayesqError(f"{path} is not an ordinary file; name a saved fit, such as fit.nc.")
    try:
        tree, sealed = from_bytes(path.read_bytes())
    except BrokenSealError as error:
        raise BayesqError(
            f"{path} is damaged: its checksum is not that of its content; save the fit again."
        ) from error
    except ReachingError as error:
        raise BayesqError(
            f"{path} holds what no saved fit does ({error}), and nothing of it was followed; save "
            "the fit again."
        ) from error
    # A damaged file fails in many ways, deep in the libraries that read it.
    except Exception as error:
        raise BayesqError(
            f"{path} cannot be read as a saved fit: it was cut short or is another kind of file; "
            "save the fit again."
        ) from error
    found = str(tree.attrs.get("format", "unknown"))
    if found in TOO_OLD:
        raise BayesqError(
            f"{path} was saved by an earlier bayesq, which took laws to be wrong in another way; "
            "fit the table again (the draws in it can be read with xarray.open_datatree)."
        )
    if found not in (*BEFORE, FORMAT, SEVERAL):
        raise BayesqError(
            f"{path} is not a fit saved by bayesq (format {_shown(found)}); name a file that "
            "fit.save() or bayesq fit -o wrote."
        )
    if found in SEALED and not sealed:
        raise BayesqError(
            f"{path} has no checksum at its end: it was cut short or written by another program; "
            "save the fit again."
        )
    return tree


def _shown(text: str) -> str:
    return text if text.isprintable() and len(text) < 40 else ascii(text)[:40]


def _table_to_json(table: pd.DataFrame) -> str:
    """Write a table of numbers as text for an attribute of a file, to the last digit."""
    return json.dumps({"rows": list(table.index), **{c: table[c].tolist() for c in table.columns}})


def table_from_json(text: str) -> pd.DataFrame:
    """Read what :func:`_table_to_json` wrote of a table of convergence.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    import pandas as pd

    held = json.loads(text)
    columns = {name: [float(value) for value in held[name]] for name in CONVERGENCE}
    return pd.DataFrame(columns, index=pd.Index(held["rows"]))


def notes_to_json(notes: tuple[Note, ...]) -> str:
    """Write notes as text for an attribute of a file."""
    return json.dumps([note.to_dict() for note in notes])


def notes_from_json(text: str) -> tuple[Note, ...]:
    """Read notes that :func:`notes_to_json` wrote, the severe ones first.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    return by_severity(Note(**note) for note in json.loads(text))
