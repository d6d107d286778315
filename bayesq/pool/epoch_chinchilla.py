"""The points of Chinchilla's Figure 4, as Besiroglu et al. (2024) read them from its SVG."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesq.runs.records import Record


def parse(path: Path) -> list[Record]:
    """Turn ``svg_extracted_data.csv`` into records in the common columns.

    The figure gives the compute C of each point; D is what C = 6·N·D makes of it, so errors of
    N and D are linked.

    Parameters
    ----------
    path : Path
        The file of the public repository.

    Returns
    -------
    list of dict
        All 245 points, in the file's order. The authors fit the 240 with the lowest loss.
    """
    with path.open(encoding="utf-8", newline="") as file:
        return [_record(number, point) for number, point in enumerate(csv.DictReader(file))]


def _record(number: int, point: dict[str, str]) -> Record:
    parameters = float(point["Model Size"])
    return {
        "study": "epoch_chinchilla",
        "run": f"fig4-{number:03d}",
        "N": round(parameters),
        "D": round(float(point["Training FLOP"]) / (6 * parameters)),
        "stage": "none",
        # Ten digits, as in the local tables, so that both ways give one fingerprint.
        "loss": f"{float(point['loss']):.10g}",
        "corpus": "massivetext",
    }
