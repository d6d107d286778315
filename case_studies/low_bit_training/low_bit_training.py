# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Training in low bits: bits, groups, weights and activations
#
# What does it cost to train in few bits? This study asks how much each width and group costs,
# whether the weights or the activations cost more and when that changes, which group keeps a level,
# and what three studies together say that none says alone.
#
# Four families of laws answer. Kumar et al. (2024) and Frantar et al. (2025) say that a network in
# few bits acts like a smaller one, by the same factor at any number of tokens. Chen et al. (2025)
# say that the degradation is a term of its own that grows with tokens and with the group. They
# cannot all be right. The runs are those of the [grid](../grid/grid.ipynb), of QuEST and of
# Quartet; in all of them rounding happens during training, and the loss is set beside a
# full-precision run of equal size and tokens.
#
# ## What was measured

# %%
from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

sys.path += ["..", "../pooled_w4a4"]
from run import LAW as POOLED_LAW
from run import runs as pooled_runs

import bayesq
from bayesq.plot import plot_law
from bayesq.runs.counts import format_count
from studying import ASKED, figure, say, table

grid = bayesq.load_pool("grid")
INTEGERS = "stage == 'train' and w_kind != 'fp' and a_kind != 'fp' and kv_bits == 16"
rows = grid.select(INTEGERS).frame
rows["degradation"] = rows["loss"] - rows["loss_full"]
rows["bits"] = [
    ("" if w == 16 else f"W{w:g}")
    + ("" if a == 16 else f"A{a:g}")
    + (" FC2 at 8" if f == 8 else "")
    for w, a, f in zip(rows["w_bits"], rows["a_bits"], rows["fc2_a_bits"], strict=True)
]
rows["group"] = rows["w_group"].fillna(rows["a_group"])
SIZE, TOKENS = 7_077_888.0, 99_942_400.0
middle = rows[(rows["N"] == SIZE) & (rows["D"] == TOKENS)]
measured = middle.pivot_table(index="bits", columns="group", values="degradation")
measured = measured.rename(columns=lambda g: "channel" if g < 0 else f"group {g:g}")
say(
    f"{len(rows)} rows of {rows['run'].nunique()} runs, {format_count(rows['N'].min())} to "
    f"{format_count(rows['N'].max())} parameters and {format_count(rows['D'].min())} to "
    f"{format_count(rows['D'].max())} tokens. Degradation at N {format_count(SIZE)} and D "
    f"{format_count(TOKENS)}, nats per token, seeds averaged:"
)
table(measured.loc[measured.mean(axis=1).sort_values().index].astype(object).fillna(""), digits=2)


# %%
def between(draws: Any, digits: int = 2) -> str:
    """Write a median with its 90 % interval."""
    median, lower, upper = np.quantile(draws, [0.5, 0.05, 0.95])
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


DATA = ("few-levels", "few-studies", "lack-of-fit", "moving-together", "rows-left-out")


def against(fit: bayesq.Fit) -> None:
    """Show what a fit says against itself of the data; draws by their R-hat alone."""
    told = [f"- {note}" for note in fit.notes if note.code in DATA]
    say("\n".join([*told, f"- The largest R-hat is {fit.summary()['r_hat'].max():.3f}."]))


# %% [markdown]
# ## Bits and groups as a smaller network
#
# `frantar2025` gives each compression one share `eff` of the size, the same at every N and D. No
# formula ties widths and groups together, so the shares say themselves how bits and groups trade.

# %%
shares = bayesq.fit(grid.select(f"stage == 'none' or {INTEGERS}"), "frantar2025", **ASKED)
eff = shares.posterior["eff"]
order = eff.median(("chain", "draw")).sortby(eff.median(("chain", "draw"))).coords["compression"]
fig, ax = plt.subplots(figsize=(7, 5), layout="constrained")
for place, kind in enumerate(order.values):
    lower, median, upper = np.quantile(eff.sel(compression=kind), [0.05, 0.5, 0.95])
    ax.plot([lower, upper], [place, place], color="C0")
    ax.plot(median, place, "o", color="C0", markersize=4)
ax.set_yticks(range(len(order)), [kind.removesuffix(" ste") for kind in order.values])
ax.set_xlabel("share of the size that counts, 90 % intervals")
figure(
    fig,
    "Shares of the size that count, with 90 % intervals: "
    + "; ".join(f"{kind} {between(eff.sel(compression=kind))}" for kind in order.values)
    + ".",
)


def share(kind: str) -> Any:
    """Take the draws of a share of the grid."""
    return eff.sel(compression=f"{kind} ste").values.ravel()


papers = {
    f"{p.source.split(' (')[0].split(',')[0]}{'' if p.checked else ', unchecked'}": p.values["eff"]
    for p in shares.law.published
}
NAMES = {"W4": "W4 int g32", "W3": "W3 int g32", "W2": "W2 int g32"} | {
    f"W{b}A{b}": f"W{b}A{b} int g{g}" for b, g in ((4, 32), (3, 32), (8, 128))
}
table(
    pd.DataFrame(
        {
            name: {"grid": f"{kind}: {between(share(kind))}"}
            | {paper: f"{told[name]:.2f}" if name in told else "" for paper, told in papers.items()}
            for name, kind in NAMES.items()
        }
    ).T
)
product = share("W4 int g128") * share("A4 int g128")
say(
    f"Published shares are of other methods, sizes and groups (unchecked: taken from a "
    f"transcript, not from the paper itself); QuEST's rotates the weights, which "
    f"the grid does not. Kumar's law takes the shares of weights and activations to multiply. On "
    f"the grid with groups of 128, W4 and A4 alone multiply to {between(product)}, and W4A4 has "
    f"{between(share('W4A4 int g128'))}; in {np.mean(product > share('W4A4 int g128')):.0%} of the "
    "draws the product is greater than what both together keep."
)
say("What the fit says against itself:")
against(shares)

# %% [markdown]
# ## A share needs its law
#
# `kumar2024-qat` makes the share a function of bits, here for groups of 128. A share of the size is
# worth what the exponent of N makes of it, and each fit has its own exponent, so shares of two
# formulas are not one number. What can be compared is the size in full precision that has the same
# loss, on the mean of runs: `effective_parameters` at one N and D asks for that.

# %%
bits_law = bayesq.fit(
    grid.select(
        f"stage == 'none' or {INTEGERS} and fc2_a_bits != 8 and (w_group == 128 or a_group == 128)"
    ),
    "kumar2024-qat",
    **ASKED,
)
kept = {side: -np.expm1(-4 / bits_law.posterior[f"gamma_{side}"]) for side in "wa"}
worth = {
    name: bayesq.decide.effective_parameters(bits_law, N=SIZE, D=TOKENS, w_bits=w, a_bits=a)
    for name, (w, a) in {"W4": (4, 16), "A4": (16, 4), "W4A4": (4, 4)}.items()
}
formula = {"W4": kept["w"], "A4": kept["a"], "W4A4": kept["w"] * kept["a"]}
table(
    pd.DataFrame(
        {
            name: {
                "kumar2024-qat, formula": between(formula[name]),
                "with its misfit": between(worth[name].draws["eff"]),
                "frantar2025, formula": between(share(f"{name} int g128")),
            }
            for name in formula
        }
    ).T
)
say(
    f"The exponent of N is {between(bits_law.posterior['alpha'])} under Kumar's law and "
    f"{between(shares.posterior['alpha'])} under Frantar's. So a share is no property of a format "
    "that can be carried from one study to another."
)
say("What the fit of Kumar's law says against itself:")
against(bits_law)

# %% [markdown]
# ## Weights or activations?
#
# `chen2025-schemes` has a term for the weights and one for the activations. Where the weights' term
# grows faster with tokens, it overtakes the other at some number of tokens per parameter. The
# paper's constants say so.

# %%
four = f"{INTEGERS} and (w_bits == 4 or a_bits == 4)"
schemes = bayesq.fit(grid.select(four), "chen2025-schemes", **ASKED)
paper = bayesq.published("chen2025-schemes")
SIDES = ["gamma_Nw", "gamma_Na", "gamma_Dw", "gamma_Da", "gamma_Gw", "gamma_Ga", "rho"]
table(
    schemes.summary()
    .loc[SIDES, ["median", "lower", "upper"]]
    .assign(paper=[paper.posterior[name].item() for name in SIDES])
)
ahead = float((schemes.posterior["gamma_Da"] > schemes.posterior["gamma_Dw"]).mean())
say(
    f"On the grid the order is the other one: in {ahead:.0%} of the draws the activations' term "
    "grows faster with tokens than the weights'."
)
crossing = bayesq.decide.weight_activation_crossover(schemes, N=SIZE, group=[32, 128])
overtaken = crossing.draws.notnull().mean(("chain", "draw"))
said = " and ".join(f"{float(s):.0%} with groups of {float(s.group):g}" for s in overtaken)
say(
    f"Asked at N {format_count(SIZE)} for the tokens from which on the weights' error is the "
    f"larger one, the fit has an answer in {said} of the draws. In the others the weights never "
    "overtake, or are ahead only before."
)
printed = bayesq.decide.weight_activation_crossover(paper, N=595e6, group=[32, 128])
say(f"The paper's constants: {printed.text}")
say("What the fit says against itself:")
against(schemes)

# %% [markdown]
# The same without any law: the degradation with 4-bit activations over that with 4-bit weights, for
# each pair of runs of equal size, tokens, group and seed.

# %%
alone = (
    rows[rows["bits"].isin(["W4", "A4"])]
    .pivot_table(index=["N", "D", "group", "seed"], columns="bits", values="degradation")
    .dropna()
)
alone["ratio"] = alone["A4"] / alone["W4"]
fig, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
for number, (group, pairs) in enumerate(alone.groupby("group")):
    label = "one channel" if group < 0 else f"groups of {group:g}"
    ax.plot(pairs.index.get_level_values("D"), pairs["ratio"], "os^"[number], label=label)
ax.axhline(1, color="0.6", linewidth=0.8)
ax.set_xscale("log")
lengths = sorted({*alone.index.get_level_values("D")})
ax.set_xticks(lengths, [format_count(d) for d in lengths])
ax.set_xlabel("D (tokens)")
ax.set_yscale("log")
ax.set_yticks([0.5, 1, 2, 4, 8, 16], ["0.5", "1", "2", "4", "8", "16"])
ax.minorticks_off()
ax.set_ylabel("degradation, A4 / W4")
ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
by_length = alone.groupby("D")["ratio"].median()
figure(
    fig,
    f"Degradation with 4-bit activations over that with 4-bit weights against D, {len(alone)} "
    f"pairs; medians {', '.join(f'{r:.2f} at {format_count(d)}' for d, r in by_length.items())}.",
)
worse = int((alone["ratio"] > 1).sum())
widest = alone.loc[alone["ratio"].idxmax()]
say(
    f"In {worse} of {len(alone)} pairs the activations cost more. The largest ratio, "
    f"{widest['ratio']:.0f}, is over a degradation of {widest['W4']:.4f} nats, less than two equal "
    "runs differ by (see how the grid was trained). The median ratio is "
    + ", ".join(f"{r:.2f} at {format_count(d)} tokens" for d, r in by_length.items())
    + ". The grid has no sign of weights that overtake. The paper has them do so at far more "
    "tokens per parameter than either study trained on, so that is its formula carried on, too."
)

# %% [markdown]
# ## Which group?
#
# `chen2025` with weights and activations of 4 bits, and the same law without tokens beside it.

# %%
w4a4 = grid.select(f"{INTEGERS} and w_bits == 4 and a_bits == 4 and fc2_a_bits != 8")
chen = bayesq.fit(w4a4, "chen2025", **ASKED)
without = bayesq.fit(w4a4, "qat-without-d", **ASKED)
figure(np.ravel(plot_law(chen, x="G", at={"D": TOKENS}))[0])
LEVEL = 0.06
largest = bayesq.decide.largest_group(chen, level=LEVEL, N=SIZE, D=TOKENS, choice=64, risk=0.05)
kept_to = np.nan_to_num(largest.draws, nan=0.0)  # none: not even groups of two
say(
    f"At N {format_count(SIZE)} and D {format_count(TOKENS)}, groups of up to "
    f"{between(kept_to, 0)} elements keep the degradation below {LEVEL:g} nats per token."
)
say("The probability that a group keeps the level, and the rows nearest to the question:")
table(largest.choices)
table(largest.evidence.head(5))
compared = bayesq.compare([chen, without], outside=None, cure="none", progress=False)
apart = compared.difference(without.law.name, chen.law.name)
say(
    f"gamma_G is {between(chen.posterior['gamma_G'])}, gamma_D "
    f"{between(chen.posterior['gamma_D'])}: whether the degradation grows with tokens these rows "
    "do not say. Nor does the comparison: with rows left out one at a time, the elpd of the law "
    f"without tokens less that of Chen's is {apart.elpd:+.1f} ± {apart.se:.1f} nats, and a few "
    "nats or standard errors say little."
)

# %% [markdown]
# ## Three studies
#
# QuEST (INT4 with a Hadamard rotation, a scale a channel) and Quartet (MXFP4 forward, gradients in
# full precision) trained larger networks for longer, on another text. Each has one group, so the
# law is Chen's without it. First each study by itself, then all three with exponents and scale
# partially pooled: a study's own values around those of a population. The selection and the law are
# those of [the pooled fit](../pooled_w4a4/README.md), which shows it with more draws.

# %%
every = pooled_runs()
frame = every.frame
table(
    frame.assign(tokens_a_parameter=frame["D"] / frame["N"])
    .groupby("study")
    .agg(
        rows=("loss", "size"),
        runs=("run", "nunique"),
        smallest_N=("N", "min"),
        largest_N=("N", "max"),
        least_tokens_a_parameter=("tokens_a_parameter", "min"),
        most_tokens_a_parameter=("tokens_a_parameter", "max"),
    )
)
by_study = {
    study: bayesq.fit(every.select(f"study == '{study}'"), POOLED_LAW, "degradation", **ASKED)
    for study in ("grid", "quest", "quartet")
}
pooled = bayesq.fit(every, POOLED_LAW, "degradation", pool_by="study", **ASKED)

# %%
together = pooled.summary()


def summed(table_of: pd.DataFrame, name: str) -> str:
    """Write the median and interval of a parameter."""
    row = table_of.loc[name]
    return f"{row['median']:.2f} ({row['lower']:.2f} to {row['upper']:.2f})"


SYMBOLS = ("gamma_N", "gamma_D")
exponents = {
    study: {f"{s}, alone": summed(fit.summary(), s) for s in SYMBOLS}
    | {f"{s}, pooled": summed(together, f"{s}[{study}]") for s in SYMBOLS}
    for study, fit in by_study.items()
}
exponents["population"] = {f"{s}, pooled": summed(together, s) for s in SYMBOLS}
table(
    pd.DataFrame(exponents)
    .T[[f"{s}, {how}" for s in SYMBOLS for how in ("alone", "pooled")]]
    .fillna("")
)
for study, fit in by_study.items():
    say(f"What {study} alone says against itself:")
    against(fit)
say("What the pooled fit says against itself:")
against(pooled)

# %% [markdown]
# Asked for one network, a study's own law, a new study, and the middle of the population answer
# differently. A new study is what a team with another method should read.

# %%
ASK = {"N": "200M", "D": "20B"}
answers = {}
for study in (*by_study, "new", "population"):
    told = bayesq.predict(pooled, ASK, study=study, seed=1)
    alone_too = bayesq.predict(by_study[study], ASK, seed=1) if study in by_study else None
    answers[study] = {
        "alone": between(alone_too.draws, 3) if alone_too else "",
        "pooled": between(told.draws, 3),
        "severe notes": ", ".join(
            n.code for n in told.notes if n.severity == "severe" and n.code != "severe-fit"
        )
        or "none",
    }
say(f"Degradation at N {ASK['N']} and D {ASK['D']}, nats per token:")
table(pd.DataFrame(answers).T)

# %% [markdown]
# ## What this says, and what it does not

# %%
width = {
    how: float(np.ptp(np.quantile(of, [0.05, 0.95])))
    for how, of in {
        "alone": by_study["quest"].posterior["gamma_N"],
        "prior": POOLED_LAW.pick("gamma_N")[0].prior.quantile(np.linspace(0.0005, 0.9995, 1000)),
    }.items()
}
rising = float((pooled.posterior["gamma_D"] > 0).mean())
say(
    f"- **Activations cost more than weights** at 4 bits on the grid, in {worse} of {len(alone)} "
    "pairs, and larger groups cost more. Where weights overtake, the paper's constants say and the "
    "grid does not.\n"
    f"- **A smaller network is a way of speaking.** Shares by two formulas differ by more than "
    "their intervals, because each has its own exponent of N. Of weights and activations with "
    "groups of 128 they about multiply.\n"
    f"- **Tokens.** Whether the degradation of training in low bits grows with tokens, no study "
    f"says alone; pooled, the exponent of the population is above 0 in {rising:.0%} of the draws, "
    "and twice the tokens multiply the degradation by "
    f"{between(2 ** pooled.posterior['gamma_D'])}.\n"
    f"- **Pooling.** QuEST's networks have one number of tokens a parameter, so alone its gamma_N "
    f"is hardly narrower than the prior ({width['alone']:.2f} against {width['prior']:.2f} wide). "
    "What pooling adds there is the other studies' word, taken to be about alike, and three "
    "studies hardly tell how alike studies are.\n"
    "- **Methods and texts are confounded with studies.** No difference between studies here is "
    "one between INT4 and MXFP4: they differ in text, size, method and schedule at once."
)

# %% [markdown]
# ## Sources
#
# - T. Kumar et al. (2024), *Scaling Laws for Precision*, arXiv:2411.04330.
# - E. Frantar et al. (2025), *Compression Scaling Laws*, arXiv:2502.16440.
# - M. Chen et al. (2025), *Scaling Law for Quantization-Aware Training*, arXiv:2505.14302.
# - A. Panferov et al. (2025), *QuEST*, arXiv:2502.05003, and R. Castro et al. (2025), *Quartet*,
#   arXiv:2505.14669.
# - Pools `grid`, `quest` and `quartet`: `bayesq pools` names their source and licence.
