"""``bayesq plot``: a figure of a fit, a comparison, a backtest or a decision, in a file."""

from __future__ import annotations

import inspect
from inspect import Parameter
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bayesq.cli import arguments
from bayesq.cli.targets import Target
from bayesq.errors import BayesqError

_ENDINGS = (".png", ".svg", ".pdf")
_LEAST, _MOST = 1.5, 50.0  # inches: on less no label fits, and of more nothing is printed
_DPI = (10, 600)
_SHAPE = 0.62  # height over width, where one of the two is given


class _Figures(TyperGroup):
    """The figures, which are looked up: a new one is a command as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Show the help where no figure is named."""
        return super().parse_args(ctx, args or ["--help"])

    def list_commands(self, ctx: Any) -> list[str]:
        """Name the figures."""
        from bayesq import plot as figures
        from bayesq.cli.figures import names_of

        return names_of(figures)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Make the command of a figure."""
        from bayesq import plot as figures
        from bayesq.cli.figures import find_figure

        try:
            return _command(find_figure(figures, cmd_name))
        except BayesqError:
            if ctx.resilient_parsing:
                return None
            raise


plots = typer.Typer(
    cls=_Figures,
    help="""Draw a figure into a PNG, SVG or PDF file.

    Example: bayesq plot law fit.nc -o law.svg --width 3.25

    bayesq plot NAME --help says what a figure shows, and its options.
    """,
)


@plots.callback()
def _root() -> None:
    # The figures are looked up; without a command of its own a group needs a callback.
    pass


def _shared(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE", help="What it is of."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A .png, .svg or .pdf file; by default a new PNG file."
        ),
    ] = None,
    width: Annotated[
        float | None, typer.Option(help="In inches; 3.25 is a column of a paper.")
    ] = None,
    height: Annotated[float | None, typer.Option(help="In inches.")] = None,
    dpi: Annotated[float, typer.Option(help="Dots per inch of a PNG file.")] = 200,
    decide: Annotated[
        str | None,
        typer.Option(help="The decision to draw: 'fewest_bits level=0.01 N=7B D=1T'."),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A fit of the base law, beside a fit of the degradation.")
    ] = None,
    cure: Annotated[
        str,
        typer.Option(
            help="Between several fits, where importance sampling fails: refit, moments or none."
        ),
    ] = "refit",
    outside: Annotated[
        str,
        typer.Option(
            help="Between several fits, what each foretells when fitted to the rest, which takes "
            "a fit each: largest-compute, largest-N, largest-D, study, or none."
        ),
    ] = "none",
    study: arguments.Study = None,
    law: arguments.OptionalLaw = None,
    as_json: arguments.Json = False,
    quiet: arguments.Quiet = False,
) -> None:
    """Give the options that all figures share a place to stand."""


def _command(figure: Any) -> Any:
    """Make the command of a figure: its own options, then those that all share."""
    from bayesq.cli.drawn_from import words_for
    from bayesq.cli.figures import drawn_of, name_of, options_of
    from bayesq.cli.questions import described

    kinds = drawn_of(figure)
    own = options_of(figure)
    names = {option.name for option in own}
    unfit = set() if "Decision" in kinds else {"decide", "base"}
    unfit |= set() if "Comparison" in kinds else {"cure", "outside"}
    shared = [
        p.replace(kind=Parameter.KEYWORD_ONLY)
        for p in inspect.signature(_shared, eval_str=True).parameters.values()
        if p.name not in names | unfit
    ]
    source = shared[0].replace(
        annotation=Annotated[
            list[str], typer.Argument(metavar="SOURCE", help=f"{words_for(kinds)}.")
        ]
    )

    def draw(**given: Any) -> None:
        _draw(figure, {name: given.pop(name) for name in names}, given)

    draw.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [source, *own, *shared[1:]]
    )
    draw.__annotations__ = {p.name: p.annotation for p in (source, *own, *shared[1:])}
    told = described(figure)
    draw.__doc__ = "\n\n".join([told.title, *told.more])
    made = typer.Typer(rich_markup_mode=None, add_completion=False)
    made.command(name_of(figure), context_settings={"help_option_names": ["-h", "--help"]})(draw)
    return typer.main.get_command(made)


def _draw(figure: Any, own: dict[str, Any], shared: dict[str, Any]) -> None:
    """Draw a figure into a file."""
    import matplotlib as mpl

    mpl.use("agg")
    from bayesq.cli import printing
    from bayesq.cli.drawn_from import Sources
    from bayesq.cli.figures import drawn_of, keywords_of, name_of
    from bayesq.cli.saved_figures import save

    name = name_of(figure)
    output, as_json = shared["output"], shared["as_json"]
    if output is not None and output.suffix.lower() not in _ENDINGS:
        raise BayesqError(
            f"{output} ends in no format that a figure has; name a file in {', '.join(_ENDINGS)}."
        )
    size = _size(shared["width"], shared["height"])
    if not _DPI[0] <= shared["dpi"] <= _DPI[1]:
        raise BayesqError(
            f"--dpi is {shared['dpi']:g}; give dots per inch from {_DPI[0]} to {_DPI[1]}, such as "
            "200."
        )
    target = Target(output, name, ending=".png")
    keywords = keywords_of(figure, own)
    takes = inspect.signature(figure).parameters
    if size is not None and "figsize" in takes:
        keywords["figsize"] = size
    with arguments.telling(shared["quiet"], as_json) as told:
        sources = Sources(
            tuple(shared["sources"]),
            law=shared["law"],
            study=shared["study"],
            decide=shared.get("decide"),
            base=shared.get("base"),
            cure=shared.get("cure", "refit"),
            outside=shared.get("outside", "none"),
            progress=told.shown,
        )
        if (
            len(sources.names) > 1
            and sources.outside == "none"
            and "Comparison" in drawn_of(figure)
        ):
            told.keep("comparing inside the data alone; --outside largest-compute looks beyond too")
        found = sources.find(name, drawn_of(figure))
        told.say(f"drawing {name}")
        text = save(lambda: figure(found, **keywords), target, name, shared["dpi"])
    facts = {"path": target.path, "text": text}
    if as_json:
        printing.print_json({**facts, "path": str(target.path)})
    else:
        printing.show(text or None, target.said)


def _size(width: float | None, height: float | None) -> tuple[float, float] | None:
    """Read width and height in inches; one alone gives a figure of the usual shape."""
    for option, value in (("--width", width), ("--height", height)):
        if value is not None and not _LEAST <= value <= _MOST:
            raise BayesqError(
                f"{option} is {value:g}; give inches from {_LEAST:g} to {_MOST:g}, such as 3.25."
            )
    if width is None and height is None:
        return None
    return width or height / _SHAPE, height or width * _SHAPE  # type: ignore[operator]
