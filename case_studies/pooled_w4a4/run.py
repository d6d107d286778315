"""One law for training in 4-bit weights and activations, over three studies at once.

Each study alone spans too little: the grid two decades of tiny sizes, QuEST one number of tokens a
parameter, so that N and D cannot be told apart there, Quartet less than a decade of sizes. Here
their degradations are fitted together, exponents and scale partially pooled by study.

    python case_studies/pooled_w4a4/run.py

fits, and writes what it finds to README.md. BAYESQ_DATA names the folder of public pools.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pandas as pd

import bayesq
from bayesq import Fit, Law, Parameter, Prior

sys.path.append(str(Path(__file__).parents[1]))
from finished import Making
from writing import write_between

README = Path(__file__).parent / "README.md"
SEED, DRAWS = 1, 2000
AT = {"N": "200M", "D": "20B"}

# One scheme a study, all with weights and activations of 4 bits and gradients in 16.
CHOSEN = {
    # INT4, straight-through estimator, one scale for 32.
    "grid": "stage == 'train' and w_kind == 'int' and w_bits == 4 and a_bits == 4"
    " and fc2_a_bits != 8 and w_group == 32",
    # INT4, Hadamard rotation and trust, one scale a channel; the others lack a partner, or gave up.
    "quest": "w_kind == 'int' and w_bits == 4 and a_bits == 4 and method == 'HadamardTrust'",
    # MXFP4 forward by the same authors' method, backward pass in full precision.
    "quartet": "w_kind == 'mxfp' and method == 'fwd=QuEST;bwd=BF16'",
}


def sensitivity(N, D, gamma_N, gamma_D):
    """Chen's, without the group: each study has one."""
    return D**gamma_D / N**gamma_N


def degradation(N, D, k, gamma_N, gamma_D):
    """Loss that quantization adds, in nats per token."""
    return k * sensitivity(N, D, gamma_N, gamma_D)


LAW = Law(
    name="w4a4-by-study",
    title="degradation of one scheme a study",
    source="Chen et al. 2025, arXiv:2505.14302, without the group",
    base=bayesq.laws()["chinchilla"],
    degradation=degradation,
    stages=("train",),
    # The priors of chen2025.
    parameters=(
        Parameter("k", Prior("LogNormal", mu=-3.0, sigma=1.5), "nats/token", "scale", sensitivity),
        Parameter("gamma_N", Prior("Normal", mu=0.25, sigma=0.3), "1", "exponent of parameters"),
        Parameter("gamma_D", Prior("Normal", mu=0.1, sigma=0.3), "1", "exponent of tokens"),
    ),
)


def runs() -> bayesq.Runs:
    """Put the chosen rows of the three pools into one table."""
    frames = [bayesq.load_pool(pool).select(rows).frame for pool, rows in CHOSEN.items()]
    return bayesq.read_runs(pd.concat(frames, ignore_index=True))


def main() -> None:
    """Fit, and write what the population and each study say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=DRAWS, help="draws a chain; others only print")
    draws = parser.parse_args().draws
    making = Making(1)
    parts = sections(pooled(draws))
    if draws == DRAWS:
        write_between(README, [making.line(), *parts])
    print("\n\n".join(parts))


def pooled(draws: int = DRAWS) -> Fit:
    """Fit the law to the three studies at once."""
    options = {"pool_by": "study", "draws": draws, "seed": SEED, "progress": False}
    return bayesq.fit(runs(), LAW, "degradation", **options)


def sections(fit: Fit) -> list[str]:
    """Word a fit: what its draws say, its tables, and its notes."""
    table, told = fit.summary(), predicted(fit)
    names = [n for n in table.index if n.startswith("gamma_")] + ["k_spread", "tau", "sigma"]
    columns = ["median", "lower", "upper", "r_hat", "ess_bulk"]
    new, draws = told.loc["new"], fit.posterior
    worst, least = table["r_hat"].max(), table["ess_bulk"].min()
    counts = {
        "fall with size": float((draws["gamma_N"] > 0).mean()),
        "grow with tokens": float((draws["gamma_D"] > 0).mean()),
    }
    shares = " and ".join(f"{what} in {share:.0%}" for what, share in counts.items())
    return [
        f"Fit of {fit.data.attrs['rows']} rows of {len(fit.studies)} studies, seed {SEED}, "
        f"{draws['gamma_N'].size:,} draws: the population's degradations {shares} of them. The "
        f"largest R-hat is {worst:.3f}, the least ESS {least:.0f}, and "
        f"{int(fit.data['sample_stats']['diverging'].sum())} draws diverged.",
        _text(table.loc[names, columns], "{:.3f}"),
        f"Degradation at N {AT['N']} and D {AT['D']}, nats per token. Of a new study the 90 % "
        f"interval spans a factor of {new['upper'] / new['lower']:.0f}.",
        _text(told, "{:.4f}"),
        "What bayesq notes:",
        "\n".join(f"* `{note.code}`: {note.message}" for note in fit.notes),
    ]


def predicted(fit: Fit) -> pd.DataFrame:
    """Predict at one size and one length, for each study, a new one and the population."""
    rows = {}
    for study in (*fit.studies, "new", "population"):
        told = bayesq.predict(fit, AT, study=study, seed=SEED)
        rows[study] = told.to_frame()[["median", "lower", "upper"]].iloc[0]
    return pd.DataFrame(rows).T


def _text(table: pd.DataFrame, form: str) -> str:
    return f"```text\n{table.rename_axis(None).to_string(float_format=form.format)}\n```"


if __name__ == "__main__":
    main()
