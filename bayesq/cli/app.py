"""The command line. Heavy libraries are imported by the commands that need them, not before."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from bayesq.errors import BayesqError, nearest
from bayesq.progress import Progress, showing
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE
from bayesq.stopped import Stopped, stopping

if TYPE_CHECKING:
    from bayesq.posterior.posterior import Posterior
    from bayesq.runs.runs import Runs


class _Commands(TyperGroup):
    """The commands; Ctrl-C ends any of them with one sentence."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stopped:
            words = stopped.words("command") if isinstance(stopped, Stopped) else ""
            _say(f"stopped: {words}." if words else "stopped.")
            # What a shell calls a program that Ctrl-C ended.
            raise typer.Exit(130) from None


app = typer.Typer(
    name="bayesq",
    cls=_Commands,
    help="Fit scaling laws of LLM quantization to measured losses, with error bars.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

RunsArgument = Annotated[
    str,
    typer.Argument(metavar="RUNS", help="A CSV, Parquet or JSON Lines file, or a pool's name."),
]
FitArgument = Annotated[Path, typer.Argument(metavar="FIT", help="A fit that was saved.")]
PosteriorArgument = Annotated[
    str,
    typer.Argument(
        metavar="FIT",
        help="A fit that was saved; or a paper's constants, by the law: sun2025, chen2025:W4A16.",
    ),
]
LawOption = Annotated[
    str, typer.Option("--law", "-l", help="A law's name, or a Python file that defines law.")
]
OptionalLaw = Annotated[
    str | None,
    typer.Option("--law", "-l", help="A law's name, or a Python file that defines law."),
]
ResponseOption = Annotated[
    str | None, typer.Option(help="loss or degradation; by default the law's usual one.")
]
WhereOption = Annotated[
    str | None, typer.Option(help="Rows to keep: \"w_kind == 'int' and w_group == 128\".")
]
ColumnOption = Annotated[
    list[str] | None,
    typer.Option("--column", "-c", metavar="THEIRS=OURS", help="Rename a column: params=N."),
]
DrawsOption = Annotated[int, typer.Option(help="Draws to keep, a chain.")]
TuneOption = Annotated[int, typer.Option(help="Tuning draws, a chain.")]
ChainsOption = Annotated[int, typer.Option(help="Number of chains.")]
StudyOption = Annotated[
    str | None,
    typer.Option(help="Of a fit pooled by study: the name of one, new or population."),
]
NoiseOption = Annotated[
    str | None,
    typer.Option(
        help="student-t, normal, known-se or falls-with-D; effects after a plus: 'student-t + run'."
    ),
]
DiscrepancyOption = Annotated[
    bool, typer.Option(help="Whether the law may be wrong, more so outside the data.")
]
PoolByOption = Annotated[
    str | None, typer.Option(help="study or corpus: fit those of this column together.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
QuietOption = Annotated[
    bool, typer.Option("--quiet", "-q", help="Do not say on the error stream what is being done.")
]
ProbOption = Annotated[float, typer.Option(help="Probability of the intervals.")]


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"bayesq {version('bayesq')}")
        raise typer.Exit()


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and leave."
        ),
    ] = False,
) -> None:
    # A callback keeps every command a subcommand, whatever their number.
    pass


@app.command()
def laws(as_json: JsonOption = False) -> None:
    """List the laws that bayesq knows."""
    from bayesq.cli import report
    from bayesq.law.registry import laws as known

    if as_json:
        report.print_json({name: law.to_dict() for name, law in known().items()})
    else:
        report.print_catalogue(known(), ("title", "inputs", "parameters", "base"))


@app.command()
def pools(as_json: JsonOption = False) -> None:
    """List the pools of runs that bayesq knows."""
    from bayesq.cli import report
    from bayesq.pool.catalogue import pools as known

    if as_json:
        report.print_json({name: pool.summary_row() for name, pool in known().items()})
    else:
        report.print_catalogue(known(), ("title", "rows", "N", "D", "licence", "source"))


@app.command()
def check(
    runs: RunsArgument,
    law: OptionalLaw = None,
    response: ResponseOption = None,
    where: WhereOption = None,
    column: ColumnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a table, and say what laws can do with it."""
    from bayesq.cli import report
    from bayesq.cli.check import check_runs

    report.print_check(check_runs(_read(runs, where, column), law, response), as_json)


@app.command()
def fit(
    runs: RunsArgument,
    law: LawOption,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to save the fit to.")],
    response: ResponseOption = None,
    where: WhereOption = None,
    column: ColumnOption = None,
    noise: NoiseOption = None,
    discrepancy: DiscrepancyOption = True,
    pool_by: PoolByOption = None,
    draws: DrawsOption = DRAWS,
    tune: TuneOption = TUNE,
    chains: ChainsOption = CHAINS,
    seed: Annotated[int | None, typer.Option(help="The same seed gives the same draws.")] = None,
    prob: ProbOption = 0.9,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit a law to a table and save the fit."""
    table = _read(runs, where, column)
    # Whatever is wrong is said before the libraries that sample are even loaded.
    from bayesq.cli import report
    from bayesq.files import check_target
    from bayesq.model.specification import specify
    from bayesq.posterior.files import EXAMPLE
    from bayesq.posterior.summary import tail_of

    check_target(output, EXAMPLE)
    specification = specify(
        table, law, response, noise=noise, discrepancy=discrepancy, pool_by=pool_by
    )
    tail_of(prob)
    with _told(quiet, as_json) as told, stopping(lambda: Stopped("nothing was saved")):
        told.say(f"fitting {specification.law.name}")
        from bayesq.fitting import fit_specification

        result = fit_specification(
            specification,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            progress=told.shown,
        )
        result.save(output)
    report.print_fit(result, prob, as_json, saved=output)


@app.command()
def show(
    fit: FitArgument, law: OptionalLaw = None, prob: ProbOption = 0.9, as_json: JsonOption = False
) -> None:
    """Show a saved fit."""
    from bayesq.cli import report
    from bayesq.posterior.load import load_fit

    report.print_fit(load_fit(fit, law), prob, as_json)


@app.command()
def sensitivity(
    fit: FitArgument,
    law: OptionalLaw = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Tell which parameters of a saved fit depend on which prior."""
    from bayesq.cli import report
    from bayesq.posterior.sensitivity import sensitivity as of_priors

    with _told(quiet, as_json) as told:
        found = of_priors(_posterior(str(fit), law), progress=told.shown)
    report.print_sensitivity(found, as_json)


@app.command()
def predict(
    fit: PosteriorArgument,
    at: Annotated[
        list[str],
        typer.Option("--at", help="A scenario: N=70B,D=15T,w_bits=4. Give it again for more."),
    ],
    kind: Annotated[str, typer.Option(help="mean (of the law) or run (a new one).")] = "mean",
    study: StudyOption = None,
    law: OptionalLaw = None,
    prob: ProbOption = 0.9,
    as_json: JsonOption = False,
) -> None:
    """Predict from a saved fit, or from a paper's constants."""
    scenarios = _scenarios(at)
    from bayesq.cli import report
    from bayesq.prediction.predict import predict as predict_scenarios

    found = predict_scenarios(_posterior(fit, law), scenarios, kind, study=study)
    report.print_prediction(found, prob, as_json)


@app.command()
def backtest(
    runs: RunsArgument,
    law: LawOption,
    response: ResponseOption = None,
    split: Annotated[
        str, typer.Option(help="largest-compute, largest-N, largest-D, study or run.")
    ] = "largest-compute",
    quantile: Annotated[
        float, typer.Option(help="Of a split by size, the share of rows to fit.")
    ] = 0.7,
    where: WhereOption = None,
    column: ColumnOption = None,
    noise: NoiseOption = None,
    discrepancy: DiscrepancyOption = True,
    pool_by: PoolByOption = None,
    draws: DrawsOption = DRAWS,
    tune: TuneOption = TUNE,
    chains: ChainsOption = CHAINS,
    seed: Annotated[int, typer.Option(help="The same seed gives the same folds and draws.")] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep finished folds, to go on with if it is stopped."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Fit a law to some of the rows, and score what it foretells of the others."""
    table = _read(runs, where, column)
    from bayesq.cli import report
    from bayesq.cli.backtest import run_backtest
    from bayesq.law.registry import find_law

    asked = {"noise": noise, "pool_by": pool_by, "discrepancy": None if discrepancy else False}
    # Only what differs from the defaults: the same backtest in Python is then the same.
    given = {name: value for name, value in asked.items() if value is not None}
    with _told(quiet, as_json) as told:
        result = run_backtest(
            table,
            find_law(law),
            response,
            split=split,
            quantile=quantile,
            **given,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            save=save,
            progress=told.shown,
        )
    report.print_backtest(result, as_json, saved=save)


@app.command()
def compare(
    runs: RunsArgument,
    laws: Annotated[
        str,
        typer.Option(help="With commas: kumar2024-ptq,ouyang2024,kumar2024-ptq:gamma_D=0"),
    ],
    response: ResponseOption = None,
    unit: Annotated[str, typer.Option(help="What is left out: row, run or cell.")] = "row",
    outside: Annotated[
        str,
        typer.Option(help="largest-compute, largest-N, largest-D, study, or none."),
    ] = "largest-compute",
    quantile: Annotated[
        float, typer.Option(help="Of the largest, the share of rows that is not left out.")
    ] = 0.7,
    cure: Annotated[
        str,
        typer.Option(
            help="Where importance sampling fails: refit without the rows (slow, right), moments "
            "(moment matching only), or none."
        ),
    ] = "refit",
    where: WhereOption = None,
    column: ColumnOption = None,
    noise: NoiseOption = None,
    discrepancy: DiscrepancyOption = True,
    pool_by: PoolByOption = None,
    draws: DrawsOption = DRAWS,
    tune: TuneOption = TUNE,
    chains: ChainsOption = CHAINS,
    seed: Annotated[int, typer.Option(help="The same seed gives the same draws.")] = 0,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Keep the fits; those that are there are not made."),
    ] = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compare laws by what each foretells of rows that it has not seen."""
    table = _read(runs, where, column)
    from bayesq.cli import report
    from bayesq.cli.compare import run_comparison

    with _told(quiet, as_json) as told:
        found = run_comparison(
            table,
            [name.strip() for name in laws.split(",") if name.strip()],
            response,
            unit=unit,
            outside=None if outside == "none" else outside,
            quantile=quantile,
            cure=cure,
            save=save,
            noise=noise,
            discrepancy=discrepancy,
            pool_by=pool_by,
            draws=draws,
            tune=tune,
            chains=chains,
            seed=seed,
            progress=told.shown,
        )
    report.print_comparison(found, as_json, saved=save)


@app.command()
def decide(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The decision; see below.")],
    fit: PosteriorArgument,
    question: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="The question: N=1B D=100B level=0.01"),
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="A fit of the base law, beside a fit of the degradation.")
    ] = None,
    study: StudyOption = None,
    law: OptionalLaw = None,
    prob: ProbOption = 0.9,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Answer a question with a saved fit, or with a paper's constants.

    NAME is one of compute_optimal, critical_tokens, effective_parameters, fewest_bits,
    inference_optimal, iso_loss, largest_group, optimal_format, optimal_precision, speedup,
    tokens_to_degradation, weight_activation_crossover.

    Example: bayesq decide critical_tokens sun2025 N=1B exponent=4 mantissa=3 group=128
    """
    asked = _pairs(question or [], "The question", "N=1B")
    from bayesq import decide as decisions
    from bayesq.cli import report
    from bayesq.cli.decide import answer, find_decision, other_fits

    function = find_decision(decisions, name, asked)
    sides = {} if base is None else {"base": _posterior(base, None)}
    sides |= {key: _posterior(asked.pop(key), None) for key in other_fits(function, asked)}
    of = _posterior(fit, law)
    of = of if study is None else of.of_study(study)
    with _told(quiet, as_json) as told:
        told.say(f"working out {function.__name__} in every draw")
        found = answer(function, of, asked, sides)
    report.print_decision(found, prob, as_json)


def _told(quiet: bool, as_json: bool) -> AbstractContextManager[Progress]:
    """Say what is being done; beside JSON only where it leaves no trace, on a terminal."""
    return showing(not quiet and (not as_json or sys.stderr.isatty()))


def _say(text: str) -> None:
    """Write a sentence on the error stream."""
    from rich.console import Console

    Console(stderr=True, highlight=False).print(text, markup=False, soft_wrap=True)


def _posterior(fit: str, law: str | None) -> Posterior:
    """Load a saved fit, or take a paper's constants by the law's name (and ``:label``)."""
    from bayesq.law.registry import laws as known

    name, _, label = fit.partition(":")
    if name in known() and not os.path.exists(fit):
        if law is not None:
            raise BayesqError(f"{fit} is a law with its paper's constants; leave --law out.")
        if "=" in label:
            raise BayesqError(
                f"{fit} is a variant of law {name}, of which there are no published constants; fit "
                f"it with bayesq fit ... --law {fit} and name the file."
            )
        from bayesq.posterior.published import published

        return published(name, label or None)
    from bayesq.posterior.load import load_fit

    return load_fit(fit, law)


def _read(runs: str, where: str | None, column: list[str] | None) -> Runs:
    from bayesq.pool.catalogue import pools as known
    from bayesq.runs.runs import read_runs

    columns = _pairs(column or [], "--column", "params=N")
    if runs in known():
        from bayesq.pool.load import load_pool

        if columns:
            raise BayesqError(f"Pool {runs} is in the common columns; leave --column out.")
        table = load_pool(runs)
    # os.path, because Path.exists raises on names that no file can have.
    elif not os.path.exists(runs) and not Path(runs).suffix:
        raise BayesqError(f"{runs!r} is neither a file nor a pool; {nearest(runs, known())}.")
    else:
        table = read_runs(runs, columns)
    return table.select(where) if where else table


def _scenarios(at: list[str]) -> dict[str, list[str]]:
    given = [_pairs(text.split(","), "--at", "N=70B") for text in at]
    names = list(given[0])
    for number, scenario in enumerate(given, start=1):
        if set(scenario) != set(names):
            raise BayesqError(
                f"--at number {number} gives {', '.join(scenario)} and the first gives "
                f"{', '.join(names)}; let every scenario give the same columns."
            )
    return {name: [scenario[name] for scenario in given] for name in names}


def _pairs(texts: list[str], option: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, value = (part.strip() for part in (text.partition("=")[::2]))
        if not (name and value):
            raise BayesqError(f"{option} {text!r} is not NAME=VALUE; write it like {example}.")
        if name in pairs:
            raise BayesqError(f"{option} gives {name} twice; give it once.")
        pairs[name] = value
    return pairs


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line; a mistake of the user's ends it with one sentence and status 2."""
    try:
        return app(arguments)
    except BayesqError as error:
        _say(f"error: {error}")
        sys.exit(2)


if __name__ == "__main__":
    main()
