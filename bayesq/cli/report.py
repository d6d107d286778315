"""``bayesq report``: fits, checks and decisions as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bayesq.cli import arguments
from bayesq.cli.targets import Target


def report(
    fits: arguments.Fits,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Page to write, such as report.html; by default a new one."
        ),
    ] = None,
    decide: Annotated[
        list[str] | None,
        typer.Option(
            help="A question, as bayesq decide has it: 'fewest_bits level=0.01 N=7B D=1T'. Give it "
            "again for more."
        ),
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(
            help="A fit of the base law, beside a fit of the degradation; by default that of FIT."
        ),
    ] = None,
    study: arguments.Study = None,
    title: Annotated[str | None, typer.Option(help="The heading of the page.")] = None,
    figures: Annotated[
        bool, typer.Option(help="Draw figures, which take most of the time.")
    ] = True,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Write one page of fits: questions and answers, doubts, data, law, checks and figures.

    The page stands by itself: it asks nothing of the network.
    """
    from bayesq.cli import printing
    from bayesq.reporting.report import report as write_report

    target = Target(output, "report", ending=".html")
    with arguments.telling(quiet, as_json) as told:
        found = write_report(
            fits,
            decide=decide or (),
            base=base,
            study=study,
            law=law,
            title=title,
            figures=figures,
            prob=prob,
            progress=told.shown,
        )
        with target.taken() as path:
            found.save(path)
    printing.print_report(found, as_json, target)
