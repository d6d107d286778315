"""``bayesq average``: several fits, each with a weight, in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.named_fits import find_posteriors
from bayesq.cli.targets import Target
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.runs.name_values import read_pairs
from bayesq.stopped import Stopped, stopping


def average(
    fits: arguments.Fits,
    output: arguments.Output = None,
    weights: Annotated[
        str,
        typer.Option(
            help="stacking, stacking-outside, pseudo-bma+ or equal; or weights of your own: "
            "kumar2024-ptq=0.3,ouyang2024=0.7."
        ),
    ] = "stacking",
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Average over laws, and save what predicts and decides like one fit.

    Without -o the file is named by the laws.
    """
    given = _weights(weights)
    from bayesq.cli import printing

    found = find_posteriors(fits, law)
    target = Target(output, "average", *found)
    with arguments.telling(quiet, as_json) as told, stopping(lambda: Stopped("nothing was saved")):
        from bayesq.comparison.averaging import average as average_fits

        told.say(f"averaging {how_many(len(found), 'fit')}")
        mixed = average_fits(found, given, progress=told.shown)
        with target.taken() as path:
            mixed.save(path)
    printing.print_average(mixed, as_json, target)


def _weights(text: str) -> str | Mapping[str, float]:
    if "=" not in text:
        return text
    pairs = read_pairs(text.split(","), "--weights", "kumar2024-ptq=0.3")
    try:
        return {name: float(value) for name, value in pairs.items()}
    except ValueError as error:
        raise BayesqError(f"--weights {text!r} holds what is no number; write 0.3.") from error
