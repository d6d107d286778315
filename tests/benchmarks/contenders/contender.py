"""What every contender does with its command line: fit the rows, keep the draws, print one line.

    python CONTENDER.py TABLE.csv [--before OTHER.csv] [--draws DRAWS.npz]

With ``--before`` other rows of equal count are fitted first in the same process, untimed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

Fit = Callable[[str], tuple[dict[str, Any], dict[str, float]]]


def contend(fit: Fit) -> None:
    """Run one contender.

    Parameters
    ----------
    fit : callable
        From the path of a table to the draws of law and noise, each of shape (chain, draw), none
        where nothing is sampled, and to what the sampler says of itself: ``sampling_seconds``,
        with tuning and without compiling, and ``gradients``.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table")
    parser.add_argument("--before")
    parser.add_argument("--draws")
    arguments = parser.parse_args()
    if arguments.before:
        fit(arguments.before)
    start = time.perf_counter()
    draws, said = fit(arguments.table)
    seconds = time.perf_counter() - start
    if arguments.draws and draws:
        np.savez(arguments.draws, **draws)
    print(json.dumps({"seconds": seconds, "sampled": bool(draws), **said}))
