"""``bayesq decide``: a question put to a fit, a command for each decision."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from bayesq.cli import arguments
from bayesq.errors import BayesqError
from bayesq.posterior.by_name import find_one, find_posterior
from bayesq.runs.name_values import read_pairs

_ASK = "ask"


class _Decision(TyperCommand):
    """One decision, whose help says what it asks."""

    @cached_property
    def asked(self) -> Any:
        """What it asks."""
        from bayesq import decide as decisions
        from bayesq.cli.questions import asked_by
        from bayesq.decide.asked import find_decision

        return asked_by(find_decision(decisions, str(self.name)))

    def get_short_help_str(self, limit: int = 45) -> str:
        """Say in a line what it finds."""
        return str(self.asked.title)

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """Write what it finds and what of, what can be asked, and what comes back."""
        asked = self.asked
        for paragraph in (asked.title, *asked.more, f"FIT: {asked.fit}"):
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)
        with formatter.section("Questions"):
            setting = [("KEY=VALUE", asked.setting)] if asked.setting else []
            formatter.write_dl([*asked.questions, *setting])
        with formatter.section("Answer"):
            formatter.write_text(asked.answer)


class _Decisions(TyperGroup):
    """The decisions, which are looked up: a new one is a command as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the name of a decision that comes after options, too."""
        names = self.list_commands(ctx) if args and args[0].startswith("-") else []
        place = next((i for i, a in enumerate(args) if a.replace("-", "_") in names), 0)
        ordered = [args[place], *args[:place], *args[place + 1 :]] if place else args
        return super().parse_args(ctx, ordered or ["--help"])

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the decisions."""
        from bayesq import decide as decisions
        from bayesq.decide.asked import names_of

        return names_of(decisions)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Make the command of a decision."""
        from bayesq import decide as decisions
        from bayesq.decide.asked import find_decision

        try:
            name = find_decision(decisions, cmd_name).__name__
        except BayesqError:
            if ctx.resilient_parsing:
                return None
            raise
        found = copy.copy(self.commands[_ASK])
        found.name = name
        return found


decisions = typer.Typer(
    cls=_Decisions,
    help="""Answer a question with a saved fit, or with a paper's constants.

    Example: bayesq decide critical_tokens sun2025 N=1B exponent=4 mantissa=3 group=128

    bayesq decide NAME --help says what a decision asks, with units and defaults.
    """,
)


@decisions.command(_ASK, cls=_Decision)
def decide(
    context: typer.Context,
    fit: arguments.Posterior,
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE", help="The question: N=1B D=100B level=0.01"),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A fit of the base law, beside a fit of the degradation.")
    ] = None,
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    prob: arguments.Prob = None,
    as_json: arguments.Json = False,
    as_latex: arguments.Latex = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Answer a question with a saved fit, or with a paper's constants."""
    arguments.check_form(as_json, as_latex)
    asked = read_pairs(question or [], "The question", "N=1B")
    from bayesq.cli import printing
    from bayesq.decide.in_words import read_question
    from bayesq.intervals import asked_for

    put = read_question(str(context.info_name), asked)
    side = None if base is None else find_one(base)
    of = find_posterior(fit, law)
    of = of if study is None else of.of_study(study)
    with arguments.telling(quiet, as_json or as_latex) as told:
        told.say(f"working out {put.function.__name__} in every draw")
        with asked_for(prob):
            found = put.ask(of, base=side)
    if as_latex:
        printing.print_latex(found.to_latex(prob))
    else:
        printing.print_decision(found, prob, as_json)
