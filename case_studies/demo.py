"""Fit two laws to the shipped runs, check them, predict and decide: ``make demo``.

Every number that it prints comes from the fits of that very run.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.text import Text

import bayesq
from bayesq.cli.printing import console, print_fit, show
from bayesq.errors import BayesqError
from bayesq.plot import plot_law
from bayesq.progress import showing

ROUNDED = "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"
# One scenario inside the data, one five times larger in size and in tokens.
SCENARIOS = {"N": ["7M", "100M"], "D": ["200M", "2B"]}
BITS = 4
# A setting at which runs were measured, and how often a decision may be wrong.
MEASURED = {"N": "7.08M", "D": "400M"}
RISK = 0.05
# The decisions as the report is asked for them.
QUESTIONS = (
    f"fewest_bits level=4% risk={RISK} N={MEASURED['N']} D={MEASURED['D']}",
    f"critical_tokens N={MEASURED['N']} w_bits=3",
    f"fewest_bits level=0.01 risk={RISK} N=1B D=100B",
)
BOLD = "bold"
EXPONENTS = ("gamma_D", "gamma_N", "gamma_post")
PROB = 0.9


def main(arguments: list[str] | None = None) -> int:
    """Read the command line and run the demo; a user's mistake gives one sentence and status 2."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; made if new")
    parser.add_argument("--draws", type=int, default=1000, help="draws to keep, a chain")
    parser.add_argument("--tune", type=int, default=1000, help="tuning draws, a chain")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same numbers")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # in a pipe it would come all at the end
    try:
        demo(options.out, draws=options.draws, tune=options.tune, seed=options.seed)
    except BayesqError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def demo(out: Path, *, draws: int, tune: int, seed: int) -> None:
    """Run the whole demo and write two fits, a figure and a report to `out`."""
    make_folder(out)
    say("bayesq: what does a model lose when its weights are rounded after training?", BOLD)

    title("1  The runs and the laws")
    grid = bayesq.load_pool("grid")
    rounded = grid.select(ROUNDED)
    wanted = {"chinchilla": grid, "kumar2024-ptq": rounded}
    say(
        f"The shipped grid has {len(grid):,} measured losses of small transformers. N counts "
        "parameters, D training tokens, P bits; losses are in nats per token."
    )
    say(
        f"chinchilla: loss = E + A / N^alpha + B / D^beta, {int((~grid.quantized).sum())} "
        "full-precision rows."
    )
    say(
        "kumar2024-ptq: degradation = C_T * D^gamma_D / N^gamma_N * exp(-P / gamma_post), what "
        f"rounding adds to the loss, for {len(rounded)} rows rounded to 3, 4, 5 and 6 bits."
    )

    title("2  Before the fit: do the priors expect losses like these?")
    for law, runs in wanted.items():
        with showing(True) as told:
            told.say(f"drawing losses from the priors of {law}")
            check = bayesq.prior_check(runs, law)
        say(check.text)
        show(*check.notes)

    title("3  The fits")
    say(
        "If the law is right, a parameter lies between lower and upper with the probability below "
        "the table. r_hat near 1 and ess of hundreds: the sampler worked."
    )
    fits = {}
    for law, runs in wanted.items():
        with showing(True) as told:
            told.say(f"fitting {law}")
            fits[law] = bayesq.fit(runs, law, draws=draws, tune=tune, seed=seed)
        console.print()
        print_fit(fits[law], PROB, as_json=False)
    base, added = fits["chinchilla"], fits["kumar2024-ptq"]
    console.print()
    say(what_it_means(added))

    title("4  Does least squares agree?")
    say("Least squares on the log of the degradation beside the posterior medians.")
    show(beside_least_squares(added))

    title("5  Two predictions: inside the data, and for a larger model")
    say(
        "A new run scatters around the mean of runs. The last column is the largest factor outside "
        "the data; the intervals include the law being wrong there."
    )
    show(predictions(base, added))

    title("6  Decisions: how many bits, and after how many tokens do more of them harm?")
    say("For the largest network trained for long, where there are rows to look at:")
    near = bayesq.decide.fewest_bits(added, level="4%", risk=RISK, **MEASURED)
    say(near.text)
    show(measured(near))
    turn = bayesq.decide.critical_tokens(added, base=base, N=MEASURED["N"], w_bits=3)
    say(turn.text)
    say("And for 1B parameters trained on 100B tokens:")
    far = bayesq.decide.fewest_bits(added, level=0.01, risk=RISK, N="1B", D="100B")
    say(far.text)

    title("7  Written")
    for fit in fits.values():
        fit.save(out / f"{fit.law.name}.nc")
    draw(base, added).savefig(out / "law_over_data.png", dpi=150)
    bayesq.report([added, base], out / "report.html", decide=QUESTIONS, prob=PROB)
    say("Both fits, a figure of both laws, and report.html, a page of all this, are in")
    say(str(out))


def make_folder(out: Path) -> None:
    """Make the folder to write to before any work is done for it."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BayesqError(
            f"Folder {out} cannot be made ({error.strerror}); name another one with --out."
        ) from error


def what_it_means(fit: bayesq.Fit) -> str:
    """Put the exponents into words."""
    posterior = fit.posterior
    factors = {
        "twice the tokens": 2 ** posterior["gamma_D"],
        "twice the parameters": 2 ** -posterior["gamma_N"],
        "one bit more": np.exp(-1 / posterior["gamma_post"]),
    }
    tail = (1 - PROB) / 2
    shown = ", ".join(
        "by {:.2f} ({:.2f} to {:.2f}) with {}".format(
            *np.quantile(draws, [0.5, tail, 1 - tail]), what
        )
        for what, draws in factors.items()
    )
    return f"In words, with {PROB:.0%} intervals: the degradation is multiplied {shown}."


def beside_least_squares(fit: bayesq.Fit) -> pd.DataFrame:
    """Compare posterior medians with least squares on the logarithm of the degradation.

    Rows measured at 0 or below have no logarithm and are left to the posterior alone.
    """
    inputs = fit.data["constant_data"]
    degradation = fit.data["observed_data"]["degradation"].values
    rows = degradation > 0
    d, n, p = (inputs[symbol].values[rows] for symbol in ("D", "N", "P"))
    design = np.column_stack([np.ones(rows.sum()), np.log(d), np.log(n), p])
    (_, slope_d, slope_n, slope_p), *_ = np.linalg.lstsq(design, np.log(degradation[rows]))
    squares = np.array([slope_d, -slope_n, -1 / slope_p])
    medians = fit.summary(PROB).loc[list(EXPONENTS), "median"].to_numpy()
    return pd.DataFrame(
        {
            "parameter": EXPONENTS,
            "least squares": squares,
            "posterior median": medians,
            "difference": [f"{difference:+.1%}" for difference in medians / squares - 1],
        }
    )


def predictions(base: bayesq.Fit, added: bayesq.Fit) -> pd.DataFrame:
    """Predict the loss before rounding and what rounding adds, each with its interval."""
    asked = (
        ("loss before rounding", base, "run", {}),
        (f"added by {BITS} bits", added, "mean", {"w_bits": BITS}),
        (f"added by {BITS} bits", added, "run", {"w_bits": BITS}),
    )
    tables = []
    for what, fit, kind, bits in asked:
        table = bayesq.predict(fit, {**SCENARIOS, **bits}, kind).to_frame(PROB)
        table["what"] = what
        table["of"] = "mean of runs" if kind == "mean" else "a new run"
        tables.append(table)
    columns = ["N", "D", "what", "of", "median", "lower", "upper", "distance"]
    return pd.concat(tables)[columns].sort_values("N", kind="stable")


def measured(decision: bayesq.decide.Decision) -> pd.DataFrame:
    """Take the rows at the very setting of a decision, beside what the fit says of them."""
    assert decision.evidence is not None  # the fit has its rows
    here = decision.evidence[decision.evidence["distance"] < 0.01]
    return here[["N", "D", "P", "measured", "median", "lower", "upper"]]


def draw(base: bayesq.Fit, added: bayesq.Fit) -> Figure:
    """Draw both laws over their data."""
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    plot_law(base, kind="run", prob=PROB, ax=left).set_title("In full precision")
    size = "7.08M"
    plot_law(added, kind="run", prob=PROB, at={"N": size}, ax=right)
    right.set_title(f"Added by rounding the weights,\nN {size}")
    return figure


def title(text: str) -> None:
    """Print the title of a section."""
    console.print()
    say(text, BOLD)


def say(text: str, style: str = "") -> None:
    """Print a sentence, whatever characters it has."""
    console.print(Text(text, style=style))


if __name__ == "__main__":
    sys.exit(main())
