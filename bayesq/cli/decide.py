"""``bayesq decide``: a question put to a fit."""

from __future__ import annotations

from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import find_posterior, read_pairs


def decide(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The decision; see below.")],
    fit: arguments.Posterior,
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="The question: N=1B D=100B level=0.01"),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A fit of the base law, beside a fit of the degradation.")
    ] = None,
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = 0.9,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Answer a question with a saved fit, or with a paper's constants.

    NAME is one of compute_optimal, critical_tokens, effective_parameters, fewest_bits,
    inference_optimal, iso_loss, largest_group, optimal_format, optimal_precision, speedup,
    tokens_to_degradation, weight_activation_crossover.

    Example: bayesq decide critical_tokens sun2025 N=1B exponent=4 mantissa=3 group=128
    """
    asked = read_pairs(question or [], "The question", "N=1B")
    from bayesq import decide as decisions
    from bayesq.cli import report
    from bayesq.cli.asked import answer, find_decision, other_fits

    function = find_decision(decisions, name, asked)
    sides = {} if base is None else {"base": find_posterior(base, None)}
    sides |= {key: find_posterior(asked.pop(key), None) for key in other_fits(function, asked)}
    of = find_posterior(fit, law)
    of = of if study is None else of.of_study(study)
    with arguments.telling(quiet, as_json) as told:
        told.say(f"working out {function.__name__} in every draw")
        found = answer(function, of, asked, sides)
    report.print_decision(found, prob, as_json)
