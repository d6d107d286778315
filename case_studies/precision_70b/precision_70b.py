# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A precision for a 70B model at 15T tokens
#
# A network of 70 billion parameters is to be trained on 15 trillion tokens, and its weights are to
# be rounded to integers afterwards. How many bits keep its loss? Nobody trains it twice, so the
# answer must come from smaller runs. This study goes the whole road from a CSV to a report, and
# collects on the way everything that should make one doubt the answer. At its end stands what was
# measured on a model of that size and length by others.
#
# The table is the one that is shipped: four small transformers, rounded to nearest in groups of
# 128. It is the worst case of a cheap table, and a common one. A second table, OLMo-1B up to 3T
# tokens, lies nearer to the question.

# %%
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import bayesq
from bayesq.plot import plot_comparison, plot_fan
from bayesq.runs.counts import format_count

sys.path.append("..")
from studying import ASKED, figure, say, table

OUT = Path("../../out/precision_70b")
OUT.mkdir(parents=True, exist_ok=True)
QUESTION = {"N": "70B", "D": "15T"}
LEVEL = "1%"  # of perplexity

# %% [markdown]
# ## The table, as one has it
#
# A CSV with names of one's own: one row a network and width, 16 bits where nothing is rounded. Two
# columns are worth the trouble: `stage` says that the rounding came after training (`post`), and
# `annealed` that the learning rate was brought down for each length of training.

# %%
grid = bayesq.load_pool("grid").frame
rounded = (grid["w_kind"] == "int") & (grid["w_group"] == 128) & grid["w_bits"].between(3, 6)
mine = grid[(grid["stage"] == "none") | (grid["stage"] == "post") & rounded]
theirs = {"N": "model_size", "D": "train_tokens", "w_bits": "wbits", "w_group": "gs"}
mine = mine[["run", "stage", *theirs, "loss"]].rename(columns={**theirs, "loss": "val_loss"})
mine.assign(annealed="yes").to_csv(OUT / "runs.csv", index=False)
table(mine.iloc[[0, 1, 2, 50, 100]], digits=6)

# %% [markdown]
# `bayesq check runs.csv` says what is in it, what looks wrong, and what each law can do with it.

# %%
ran = subprocess.run(
    [sys.executable, "-m", "bayesq", "check", "runs.csv"],
    cwd=OUT,
    env=os.environ | {"FORCE_COLOR": "1", "COLUMNS": "96"},  # as in a terminal, lines cut
    capture_output=True,
    text=True,
    check=True,
)
said = re.sub(r"\x1b\[[0-9;]*m", "", ran.stdout).strip()  # less the colours
say(f"```text\n{said}\n```")
runs = bayesq.read_runs(OUT / "runs.csv")

# %% [markdown]
# ## Three laws
#
# Kumar et al. (2024) have the degradation fall exponentially in bits, Ouyang et al. (2024) as a
# power of bits; a third says that tokens do not matter at all (`ptq-without-d`), which is the claim
# of Catalan-Tatjer et al. (2025). All three are fitted to the same rows and compared, inside the
# data and on the rows of most compute, which a second fit does not see. elpd is the log predictive
# density of what was left out, in nats, and more is better. Inside, what a fit without a row would
# say is worked out from the draws, which is not to be trusted of some rows (note `pareto-k`);
# outside, each law is fitted again.

# %%
LAWS = ["kumar2024-ptq", "ouyang2024", "ptq-without-d"]
fits = bayesq.fit_laws(runs, LAWS, **ASKED)
compared = bayesq.compare(fits, cure="none", progress=False)
first, *others = LAWS
differences = {
    name: {
        where: compared.difference(name, first, outside=outside)
        for where, outside in {"inside": False, "outside": True}.items()
    }
    for name in others
}
table(
    pd.DataFrame(
        {
            name: {
                f"{where}, elpd less {first}": f"{found.elpd:+.1f} ± {found.se:.1f}"
                for where, found in each.items()
            }
            for name, each in differences.items()
        }
    ).T
)
without = differences["ptq-without-d"]["outside"]
say(
    f"On the {len(compared.beyond[first])} rows of most compute the law without tokens is "
    f"{-without.elpd:.0f} nats behind, with a standard error of {without.se:.0f}. Kumar's law and "
    "Ouyang's cannot be told apart inside or outside: a difference below 4 nats says little."
)
for note in compared.notes:
    if note.code == "few-runs-to-compare":
        say(f"> [{note.severity}] {note.code}: {note.message}")
figure(plot_comparison(compared).get_viz("figure"))

# %% [markdown]
# ## The answer, law by law
#
# `fewest_bits` looks for the bits that keep the degradation below 1 % of perplexity, in each draw.
# `average` mixes the laws by how well they foretell rows left out.

# %%
mixed = bayesq.average(compared)
asked = {**fits, "average of the three": mixed}
decisions = {
    name: bayesq.decide.fewest_bits(fit, level=LEVEL, risk=0.05, choice=4, **QUESTION)
    for name, fit in asked.items()
    if name != "ptq-without-d"
}
decisions["ptq-without-d"] = bayesq.decide.fewest_bits(
    fits["ptq-without-d"], level=LEVEL, risk=0.05, choice=4, N=QUESTION["N"]
)
kumar = decisions["kumar2024-ptq"]


def line(decision: bayesq.decide.Decision) -> dict[str, float]:
    """Tell bits with their interval, and how probably whole bits keep the level."""
    told = decision.to_frame().iloc[0]
    choices = decision.choices
    if isinstance(choices.index, pd.MultiIndex):
        choices = choices.loc["average"]
    keeps = choices.drop_duplicates("w_bits").set_index("w_bits")["probability_keeps"]
    return {**told[["median", "lower", "upper"]]} | {
        f"P({bits} bits keep 1 %)": float(keeps[bits]) for bits in (4, 5, 6)
    }


answers = {f"grid, {name}": line(decision) for name, decision in decisions.items()}
table(pd.DataFrame(answers).T)
safe = float(kumar.choices.loc["safe", "w_bits"])
say(
    f"By Kumar's law {safe:.2f} bits are enough with a probability of 95 %. Of the average "
    f"`ptq-without-d` has a weight of {mixed.weights['ptq-without-d']:.0%}. How the other two "
    "share the rest says little, as they cannot be told apart."
)

# %% [markdown]
# ## First doubt: how far it is
#
# The interval is wide because it includes the law being wrong out there, as wrong as laws were on
# other pools.

# %%
fit = fits["kumar2024-ptq"]
foretold = bayesq.predict(fit, {**QUESTION, "w_bits": [3, 4, 5, 6, 8]})
shown = foretold.to_frame()
columns = ["w_bits", "median", "lower", "upper", "from_misfit"]
table(shown[columns])
far = shown.iloc[0]
believed = bayesq.fit(runs, "kumar2024-ptq", discrepancy=False, **ASKED)
trusting = bayesq.decide.fewest_bits(believed, level=LEVEL, **QUESTION)
alone = trusting.to_frame().iloc[0]
whole = kumar.to_frame().iloc[0]
say(
    f"The question lies {far['distance_N']:,.0f} times outside in N, {far['distance_D']:,.0f} "
    f"times in D and {far['distance_compute']:.1e} times in compute. At 4 bits "
    f"{shown.loc[1, 'from_misfit']:.0%} of the variance is the law's own misfit. A fit that takes "
    f"the law to be true (`discrepancy=False`) says {alone['median']:.2f} bits "
    f"({alone['lower']:.2f} to {alone['upper']:.2f}): {alone['upper'] - alone['lower']:.1f} bits "
    f"wide where the fit with its misfit is {whole['upper'] - whole['lower']:.1f} bits wide."
)
figure(plot_fan(fit, x="D", at={"N": "70B", "P": 4}, limits=("25M", "15T"), shares=False))

# %% [markdown]
# ## Second doubt: another table says otherwise
#
# OLMo-1B, rounded to nearest in groups of 128, evaluated on C4 at checkpoints up to 3T tokens (pool
# `olmo_ptq`). It is near in D and has one size; and its checkpoints are of one schedule, so that D
# and the learning rate cannot be told apart.

# %%
olmo = bayesq.load_pool("olmo_ptq").select(
    "study == 'olmo_ptq-c4' and (stage == 'none' or method == 'RTN' and w_bits > 2)"
)
near = bayesq.fit(olmo, "kumar2024-ptq", **ASKED)
nearer = bayesq.decide.fewest_bits(near, level=LEVEL, risk=0.05, choice=4, **QUESTION)
answers["OLMo-1B, kumar2024-ptq"] = line(nearer)
table(pd.DataFrame(answers).T.loc[["grid, kumar2024-ptq", "OLMo-1B, kumar2024-ptq"]])
say("What the fit to OLMo-1B and its answer say against themselves:")
for note in (*near.notes, *nearer.notes):
    if note.code in {"few-levels", "one-schedule", "extrapolation"}:
        say(f"> [{note.severity}] {note.code}: {note.message}")

# %% [markdown]
# ## Third doubt: the papers' constants
#
# A paper's constants can be asked like a fit. They have no interval.

# %%
paper = bayesq.published("ouyang2024")
theirs = bayesq.decide.fewest_bits(paper, level=LEVEL, choice=4, **QUESTION)
say(f"> {theirs.text}")
answers["constants of Ouyang et al."] = line(theirs)
try:
    bayesq.published("kumar2024-ptq")
    bayesq.decide.fewest_bits(bayesq.published("kumar2024-ptq"), level=LEVEL, **QUESTION)
except bayesq.BayesqError as error:
    say(f"Those of Kumar et al. cannot be asked: “{error}”")

# %% [markdown]
# ## Fourth doubt: the priors
#
# Would another prior give another answer? `sensitivity` weighs the draws anew and says how far each
# number moves when all priors, or all of the data, count for more: of the parameters, and of the
# answer itself (`of`). From 0.05 on it counts.

# %%
moved = {}
for name, (source, decision) in {"grid": (fit, kumar), "OLMo-1B": (near, nearer)}.items():
    found = source.sensitivity(progress=False).to_frame().loc[["gamma_N", "gamma_D", "gamma_post"]]
    answer = source.sensitivity(of=decision, progress=False).to_frame().iloc[0]
    found.loc["the answer, bits"] = answer
    for side in ("prior", "likelihood"):
        moved[f"{name}, {side}"] = found[side].map("{:.2f}".format)
table(pd.DataFrame(moved))
of_size = {name: moved[f"{name}, prior"]["gamma_N"] for name in ("grid", "OLMo-1B")}
say(
    f"gamma_N says how a network of another size takes it. Its sensitivity to priors is "
    f"{of_size['grid']} with the grid, which has four sizes, and {of_size['OLMo-1B']} with "
    "OLMo-1B, which has one. So far outside, the answer rests on the misfit too. How fast misfit "
    "grows with distance is what pools of runs taught, and no row here can check it."
)

# %% [markdown]
# ## Fifth doubt: how often such decisions were right
#
# The rows can be split: fit the smaller networks, decide for the largest, and look. Today's
# practice is a least-squares fit with a bootstrap, as papers do it.

# %%
proved = bayesq.backtest_decision(
    runs, "kumar2024-ptq", "fewest_bits", level=[0.003, 0.01, 0.03], quantile=0.5, **ASKED
)
say(f"> {proved.text}")
tested = bayesq.backtest(runs, "kumar2024-ptq", quantile=0.5, **ASKED)
say(f"> {tested.text}")
reached = float(tested.rows["distance"].max())
say(
    f"These backtests reach {reached:,.0f} times outside their rows; the question lies "
    f"{far['distance']:.1e} times outside. They say that the method holds at the first distance, "
    "where today's practice holds as well. That it holds at the second is an extrapolation of its "
    "own, and no run here can show it."
)

# %% [markdown]
# ## Tokens, and memory
#
# After how many tokens would more of them harm the rounded network? And what is the best width in a
# given memory, where a larger network at fewer bits competes? Both need the base law too.

# %%
base = bayesq.fit(runs, "chinchilla", **ASKED)
turns = []
for bits in (4, 5):
    turn = bayesq.decide.critical_tokens(fit, base=base, N=QUESTION["N"], w_bits=bits)
    last = turn.draws.attrs["searched"][1]
    ends = np.quantile(turn.draws.fillna(np.inf), [0.5, 0.05, 0.95], method="inverted_cdf")
    median, *ends = (
        f"10^{np.log10(end):.1f}" if end < last else f"beyond 10^{np.log10(last):.1f}"
        for end in ends
    )
    turns.append(f"at {bits} bits after {median} ({' to '.join(ends)})")
say(
    f"More tokens raise the loss of the rounded network {' and '.join(turns)} tokens: median and "
    f"90 % interval; the search ends at {format_count(last)} tokens. At {QUESTION['D']} tokens the "
    "question itself lies beyond both medians."
)
best = bayesq.decide.optimal_precision(fit, base=base, memory="40GB", D=QUESTION["D"], w_group=128)
told = best.to_frame().loc["bits"]
say(
    f"In 40 GB of weights {told['median']:.1f} bits ({told['lower']:.1f} to {told['upper']:.1f}) "
    f"give the least loss at {QUESTION['D']} tokens. The memory that widths take:"
)
widths = {
    f"INT{bits} g128": bayesq.decide.bits_per_weight(bits, group=128) for bits in (3, 4, 5, 6, 8)
}
widths |= {name: bayesq.decide.bits_per_weight(name) for name in ("NVFP4", "Q4_K", "Q6_K", "BF16")}
stored = pd.DataFrame({"bits stored a weight": widths})
stored["GB for 70B"] = stored["bits stored a weight"] * 70e9 / 8e9
table(stored)

# %% [markdown]
# ## What runs would help
#
# `suggest_runs` says of runs that one could afford how much they would narrow this very answer. To
# know how far to trust it so far outside, it is also asked about a run whose use is known: the very
# one that the question is about. To measure what is asked takes off all of its variance but the
# noise of a run.

# %%
affordable = pd.DataFrame(
    [
        {"N": n, "D": d, "w_bits": bits}
        for n in (30e6, 100e6, 300e6, 1e9)
        for d in (1e9, 10e9, 100e9)
        for bits in (3, 4, 5)
    ]
)
plan = bayesq.suggest_runs(
    fit,
    affordable,
    1e21,
    lambda fit: bayesq.decide.fewest_bits(fit, level=LEVEL, **QUESTION),
    progress=False,
)
there = bayesq.suggest_runs(
    fit,
    pd.DataFrame({"N": [8e9, 70e9], "D": [15e12, 15e12], "w_bits": [4, 4]}),
    1e26,
    lambda fit: bayesq.predict(fit, {**QUESTION, "w_bits": 4}),
    progress=False,
)
gains = there.table.set_index("N")["gain"]
left = float(plan.chosen["sd_left"].min())
say(
    f"All of these runs that 1e21 FLOP buy are expected to leave {left:.0%} of today's standard "
    f"deviation of the bits. The very run that is asked about is expected to take off "
    f"{gains[70e9]:.1%} of the variance of its degradation, and one of 8B parameters and as many "
    f"tokens {gains[8e9]:.0%}. So far outside most of this is what runs share of the law's misfit. "
    "How fast misfits part with distance is what pools of runs taught, and no row here checks it."
)

# %% [markdown]
# ## What was measured at 70B and 15T
#
# Llama-3-70B was trained on about 15T tokens, as its makers say, and others posted its perplexity
# after rounding: the pool `ptq_perplexity` has EfficientQAT in groups of 128 (which fine-tunes
# after rounding), and a comment in
# [pull request 6745](https://github.com/ggml-org/llama.cpp/pull/6745) of llama.cpp has GGUF files,
# as in the case study of GGUF files (`case_studies/gguf`). Their text is WikiText-2, their methods
# are not ours, and neither is their network. It is one network.

# %%
pool = bayesq.load_pool("ptq_perplexity").select("run == 'Llama-3-70B' and w_group == 128").frame
pool = pool.assign(what="EfficientQAT g128", degradation=pool["loss"] - pool["loss_full"])
files = pd.read_csv("../gguf/files.csv").query("model == 'Llama-3-70B'")
files = files.assign(
    degradation=np.log(files["ppl"] / files["ppl"].iloc[0]),
    w_bits=8 * 2**30 * files["size_GiB"] / 70.55e9,
    what="GGUF " + files["file"],
)
files = files[files["file"].isin(["Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0"])]
seen = pd.concat([pool, files])[["what", "w_bits", "degradation"]].reset_index(drop=True)
seen = seen.sort_values("w_bits", ignore_index=True)
seen["% of perplexity"] = 100 * np.expm1(seen["degradation"])
tables = {"grid": fit, "OLMo-1B": near}
for name, source in tables.items():
    told = bayesq.predict(source, {**QUESTION, "w_bits": seen["w_bits"].to_numpy()}).to_frame()
    seen[f"{name}, lower"], seen[f"{name}, upper"] = told["lower"], told["upper"]
table(seen)

level = np.log(1.01)
enough = files.loc[files["degradation"] <= level, "w_bits"].min()
short = files.loc[files["degradation"] > level, "w_bits"].max()
within = {
    name: int(seen["degradation"].between(seen[f"{name}, lower"], seen[f"{name}, upper"]).sum())
    for name in tables
}
say(
    f"Of the {len(seen)} measured degradations the 90 % intervals hold {within['grid']} (grid) and "
    f"{within['OLMo-1B']} (OLMo-1B); they are of one network and count as about one observation. "
    f"Among the GGUF files the first within 1 % has {enough:.2f} bits a weight, the last that "
    f"is not has {short:.2f}."
)

# %%
_, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
asked_bits = np.linspace(3, 8.5, 23)
for (name, source), colour in zip(tables.items(), ("C0", "C1"), strict=True):
    told = bayesq.predict(source, {**QUESTION, "w_bits": asked_bits}).to_frame()
    axis.plot(asked_bits, told["median"], color=colour, label=f"{name}, foretold")
    axis.fill_between(
        asked_bits, told["lower"], told["upper"], color=colour, alpha=0.25, linewidth=0
    )
published = bayesq.predict(paper, {**QUESTION, "w_bits": asked_bits}).to_frame()
axis.plot(asked_bits, published["median"], "k--", linewidth=1, label="constants of Ouyang et al.")
for what, marker in (("EfficientQAT", "s"), ("GGUF", "o")):
    points = seen[seen["what"].str.startswith(what) & (seen["w_bits"] >= 3)]
    axis.plot(
        points["w_bits"],
        points["degradation"],
        f"k{marker}",
        markersize=5,
        label=f"{what}, measured",
    )
axis.axhline(level, color="0.5", linestyle=":", linewidth=1)
axis.set(
    xlabel="bits a weight", ylabel="degradation (nats per token)", yscale="log", ylim=(1e-5, 5)
)
axis.legend(fontsize=8)
figure(
    axis,
    "Degradation against bits a weight at 70B and 15T: 90 % bands foretold from the grid and from "
    "OLMo-1B, the constants of Ouyang et al., and what was measured on Llama-3-70B. The dotted "
    f"line is 1 % of perplexity; measured GGUF files cross it between {short:.2f} and "
    f"{enough:.2f} bits.",
)

# %% [markdown]
# ## The report
#
# One page with the answers first, then what to doubt, to hand on. `bayesq report` makes the same
# from saved fits.

# %%
report = bayesq.report(
    {"grid": fit, "base": base},
    OUT / "report.html",
    decide=[
        f"fewest_bits level={LEVEL} N=70B D=15T risk=0.05 choice=4",
        "critical_tokens N=70B w_bits=4",
    ],
    title="A precision for 70B at 15T tokens",
    progress=False,
)
size = (OUT / "report.html").stat().st_size / 1e6
say(f"The page is in `out/precision_70b/report.html` ({size:.1f} MB). It begins:")
say(f"> {report.text.strip().partition(';')[0]} …")

# %% [markdown]
# ## The verdict

# %%
everything = pd.DataFrame(answers).T
table(everything)
held = everything.drop(index="grid, ptq-without-d")
medians, spans = held["median"], held["upper"].max() - held["lower"].min()

say(
    "**What can be said.** 4 bits by rounding to nearest are not safe at 1 % of perplexity: the "
    f"grid gives them a probability of {answers['grid, kumar2024-ptq']['P(4 bits keep 1 %)']:.0%}, "
    f"OLMo-1B one of {answers['OLMo-1B, kumar2024-ptq']['P(4 bits keep 1 %)']:.0%}, and the "
    "constants of Ouyang et al. say no."
)
say(
    f"**What cannot.** How many bits are enough. Medians go from {medians.min():.1f} to "
    f"{medians.max():.1f} bits and intervals from {held['lower'].min():.1f} to "
    f"{held['upper'].max():.1f}, {spans:.1f} bits in all (without the law that ignores tokens, to "
    f"which the comparison gives {mixed.weights['ptq-without-d']:.0%}). "
    "Laws with tokens in them that were fitted to the same rows agree with each other, and that "
    "says nothing about 70B: tables differ more than these laws."
)
say(
    f"**How it came out.** One measured network of that size and length loses more than 1 % at "
    f"{short:.2f} bits and less at {enough:.2f}, as GGUF. Intervals end at "
    f"{answers['grid, kumar2024-ptq']['upper']:.2f} bits (grid) and "
    f"{answers['OLMo-1B, kumar2024-ptq']['upper']:.2f} (OLMo-1B, the nearer table); that of the "
    f"grid with the law taken to be true ended at {alone['upper']:.2f}, "
    f"{short - alone['upper']:.1f} bits short of what did not suffice. The medians lie below what "
    "was measured, all but that of the published constants."
)
say(
    "So the road ends with a measurement to make, not with a width: round a checkpoint of the same "
    "family, as large and as long as there is one, and ask again."
)

# %% [markdown]
# **What this does not say.** Nothing of methods that fine-tune, calibrate or mix widths, of
# activations in few bits, or of tasks: only of losses after rounding to nearest. The measured
# network is one, was rounded by other methods, and was read on another text, so that it agrees or
# not with an interval is one observation, and no proof of either table.
#
# ## Sources
#
# - T. Kumar et al. (2024), *Scaling Laws for Precision*, arXiv:2411.04330.
# - X. Ouyang et al. (2024), *Low-Bit Quantization Favors Undertrained LLMs*, arXiv:2411.17691.
# - A. Catalan-Tatjer, N. Ajroldi, J. Geiping (2025), *Training Dynamics Impact Post-Training
#   Quantization Robustness*, arXiv:2510.06213.
# - Pools `grid`, `olmo_ptq` and `ptq_perplexity`: `bayesq pools` names their source and licence.
