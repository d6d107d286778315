"""The runs of QuEST (Panferov et al. 2025): quantization-aware training from scratch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bayesq.runs.records import Record

_FULL_PRECISION = "NoQuantizer"


def parse(path: Path) -> list[Record]:
    """Turn ``runs_for_scaling.json`` into records in the common columns.

    Parameters
    ----------
    path : Path
        The file of the public repository.

    Returns
    -------
    list of dict
        The 104 runs of the file, in its order. A local table of this pool may hold 29 rows more
        (``run`` starts with ``table-``: STE, LSQ, QuEST and AdaBin at 30M and 50M); they come
        from a dictionary in a notebook of the same repository, which is not fetched.
    """
    with path.open(encoding="utf-8") as file:
        return [_record(number, entry) for number, entry in enumerate(json.load(file))]


def _record(number: int, entry: dict[str, Any]) -> Record:
    weights, activations = entry["w_quant"], entry["a_quant"]
    quantized = (weights, activations) != (_FULL_PRECISION, _FULL_PRECISION)
    settings = entry["args"]
    return {
        "study": "quest",
        "run": f"json-{number:03d}:{settings['wandb_run_prefix']}",
        "N": entry["non_embedding_parameters"],
        "D": entry["tokens"],
        "stage": "train" if quantized else "none",
        "method": _method(weights, activations) if quantized else None,
        **_format("w", weights, entry["w_bits"]),
        **_format("a", activations, entry["a_bits"]),
        # 4:8 sparsity keeps four of each eight weights.
        "sparsity": 0.5 if "FourEight" in weights else 0,
        "seed": settings["seed"],
        # Ten digits, as in the local tables, so that both ways give the same rows.
        "loss": f"{entry['loss']:.10g}",
        "corpus": f"{settings['dataset']}-val",
    }


def _method(weights: str, activations: str) -> str:
    """Name the scheme of the weights, and that of the activations where it is another one."""
    if weights == activations:
        return weights.removesuffix("Quantizer")
    other = "none" if activations == _FULL_PRECISION else activations.removesuffix("Quantizer")
    return f"{weights.removesuffix('Quantizer')}|A:{other}"


def _format(operand: str, quantizer: str, bits: int) -> Record:
    """Describe the number format of the weights (``w``) or the activations (``a``)."""
    if quantizer == _FULL_PRECISION:
        return {}
    cells: Record = {"kind": "int", "bits": bits, "group": -1}
    if "FP4" in quantizer:
        # The file says 16 bits for these; the format is E2M1.
        cells |= {"kind": "fp", "bits": 4, "exponent": 2, "mantissa": 1}
    return {f"{operand}_{name}": value for name, value in cells.items()}
