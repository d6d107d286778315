"""``bayesq predict``: losses of scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.sources import find_posterior, read_pairs
from bayesq.errors import BayesqError


def predict(
    fit: arguments.Posterior,
    at: Annotated[
        list[str],
        typer.Option("--at", help="A scenario: N=70B,D=15T,w_bits=4. Give it again for more."),
    ],
    kind: Annotated[str, typer.Option(help="mean (of the law) or run (a new one).")] = "mean",
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = 0.9,
    as_json: arguments.Json = False,
) -> None:
    """Predict from a saved fit, or from a paper's constants."""
    scenarios = _scenarios(at)
    from bayesq.cli import report
    from bayesq.prediction.predict import predict as predict_scenarios

    found = predict_scenarios(find_posterior(fit, law), scenarios, kind, study=study)
    report.print_prediction(found, prob, as_json)


def _scenarios(at: list[str]) -> dict[str, list[str]]:
    given = [read_pairs(text.split(","), "--at", "N=70B") for text in at]
    names = list(given[0])
    for number, scenario in enumerate(given, start=1):
        if set(scenario) != set(names):
            raise BayesqError(
                f"--at number {number} gives {', '.join(scenario)} and the first gives "
                f"{', '.join(names)}; let every scenario give the same columns."
            )
    return {name: [scenario[name] for scenario in given] for name in names}
