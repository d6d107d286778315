"""One law for training in 4-bit weights and activations, over three studies at once.

Each study alone spans too little: the grid two decades of tiny sizes, QuEST one number of tokens a
parameter, so that N and D cannot be told apart there, Quartet less than a decade of sizes. Here
their degradations are fitted together, exponents and scale partially pooled by study.

    python case_studies/pooled_w4a4/run.py

BAYESQ_DATA names the folder of public pools.
"""

from __future__ import annotations

import pandas as pd

import bayesq
from bayesq import Law, Parameter, Prior

SEED, DRAWS = 1, 2000

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
    """Fit, and print what the population and each study say."""
    fit = bayesq.fit(runs(), LAW, "degradation", pool_by="study", draws=DRAWS, seed=SEED)
    table = fit.summary()
    wanted = [name for name in table.index if name.startswith("gamma_")]
    columns = ["median", "lower", "upper", "r_hat", "ess_bulk"]
    print(f"{fit.title}; {4 * DRAWS} draws, 90 % intervals")
    print(table.loc[wanted, columns].to_string(float_format="{:.3f}".format))
    spread = table.loc[["k_spread", "tau", "sigma"], columns]
    print(spread.to_string(float_format="{:.3f}".format))
    print(f"largest R-hat {table['r_hat'].max():.3f}, least ESS {table['ess_bulk'].min():.0f}")
    print(f"divergences: {int(fit.data['sample_stats']['diverging'].sum())}")
    print(*fit.notes, sep="\n")

    print("\nDegradation at N = 200M, D = 20B, nats per token:")
    rows = {}
    for study in (*fit.studies, "new", "population"):
        told = bayesq.predict(fit, {"N": "200M", "D": "20B"}, study=study, seed=SEED)
        rows[study] = told.to_frame()[["median", "lower", "upper"]].iloc[0]
    print(pd.DataFrame(rows).T.to_string(float_format="{:.4f}".format))


if __name__ == "__main__":
    main()
