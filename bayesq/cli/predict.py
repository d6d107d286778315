"""``bayesq predict``: losses of scenarios."""

from __future__ import annotations

from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.settings import read_settings
from bayesq.posterior.by_name import find_posterior


def predict(
    fit: arguments.Posterior,
    at: Annotated[
        list[str],
        typer.Option("--at", help="A scenario: N=70B,D=15T,w_bits=4. Give it again for more."),
    ],
    kind: Annotated[str, typer.Option(help="mean (of the law) or run (a new one).")] = "mean",
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = None,
    as_json: arguments.Json = False,
    as_latex: arguments.Latex = False,
) -> None:
    """Predict from a saved fit, or from a paper's constants."""
    arguments.check_form(as_json, as_latex)
    scenarios = read_settings(at)
    from bayesq.cli import printing
    from bayesq.prediction.predict import predict as predict_scenarios

    found = predict_scenarios(find_posterior(fit, law), scenarios, kind, study=study)
    if as_latex:
        printing.print_latex(found.to_latex(prob))
    else:
        printing.print_prediction(found, prob, as_json)
