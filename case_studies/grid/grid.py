# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # How the grid was trained
#
# The pool `grid`, which bayesq ships, holds measured losses of small transformers that were trained
# for this project: in full precision, in low precision, and rounded after training. Most examples
# of this documentation use it. This page says what is in it, what a row stands for, how far two
# runs of one setting differ, what it cost, and what is missing. Read it before you trust a number
# that a fit to the grid gives you.
#
# The folder `case_studies/grid` holds the programs that trained it. Its `README.md` says how to run
# them. All counts below are taken from the shipped table and from those programs.

# %%
from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

sys.path.append("..")
from compare_runs import compare
from jobs import BATCH, SEQUENCE, SIZES, VOCABULARY
from phases import POST_TRAINING, phase_one, phase_two

import bayesq
from bayesq.plot import plot_law
from bayesq.runs.counts import format_count
from studying import ASKED, figure, say, table

grid = bayesq.load_pool("grid")
rows = grid.frame
trained = rows[rows["stage"] != "post"]
stages = rows["stage"].value_counts()
say(
    f"The table has **{len(rows):,} rows** from **{rows['run'].nunique()} training runs**: "
    f"{stages['none']} losses in full precision, {stages['train']} of networks that were trained "
    f"in low precision, and {stages['post']} of full-precision networks whose weights were rounded "
    f"after training. Sizes go from {format_count(rows['N'].min())} to "
    f"{format_count(rows['N'].max())} parameters, tokens from {format_count(rows['D'].min())} to "
    f"{format_count(rows['D'].max())}, and losses from {rows['loss'].min():.3f} to "
    f"{rows['loss'].max():.2f} nats per token."
)

# %% [markdown]
# ## The networks
#
# The text is source code of the Linux kernel, cut into tokens by a byte-level BPE. The networks are
# decoders: RMSNorm, rotary positions, GELU layers of four times the width, no biases, untied
# embeddings. The optimiser is AdamW with weight decay on matrices only, a clipped gradient norm and
# bfloat16 autocast. A loss is the mean cross-entropy of the next token on held-out text, the same
# for every row.
#
# N counts the weights of the linear layers in the blocks, and nothing else. In networks this small
# the embedding and the output layer hold more weights than that, as the last column (embed. / N)
# shows. They always stay in full precision. So N is not the size of the file, and N of the grid
# compares with N of other studies only where these count alike. The peak rate is that of learning;
# rows do not count those that were rounded after training.


# %%
def constants(program: str) -> dict[str, float]:
    """Read the numbers that a program of this folder names, without torch, which it needs."""
    found = {}
    for line in ast.parse(Path(program).read_text(encoding="utf-8")).body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant):
            found[line.targets[0].id] = line.value.value
    return found


of_training, of_corpus = constants("train.py"), constants("corpus.py")
losses = trained.groupby("N").size()
table(
    pd.DataFrame(
        [
            {
                "size": name,
                "width": size.width,
                "blocks": size.layers,
                "N": f"{size.parameters:,}",
                "peak rate": f"{size.learning_rate:g}",
                "rows": losses.get(size.parameters, 0),
                "embed. / N": 2 * VOCABULARY * size.width / size.parameters,
            }
            for name, size in SIZES.items()
        ]
    ).set_index("size")
)
say(
    f"s0 is for a trial run only, and no loss of s5 was measured. The vocabulary has "
    f"{VOCABULARY:,} words. A step sees {BATCH} sequences of {SEQUENCE} tokens, "
    f"{BATCH * SEQUENCE:,} tokens in all. The weight decay is {of_training['WEIGHT_DECAY']:g}, the "
    f"gradient norm is clipped at {of_training['GRADIENT_NORM']:g}, and a loss is taken over "
    f"{of_corpus['HELD_OUT_TOKENS']:,} held-out tokens."
)

# %% [markdown]
# ## One run, several lengths
#
# To train a network anew for each number of tokens would be wasteful. A run has a trunk that warms
# up and stays at the peak learning rate. For each D it branches off, lets the learning rate fall to
# almost nothing, is measured, and goes back to where it branched off. So every row is the end of a
# whole decay, which column `annealed` says, and D varies while the end of the schedule does not.
# Checkpoints along one long decay would mix the two.

# %%
LENGTHS = phase_one()[1].measured_tokens()
STEP = BATCH * SEQUENCE
TRUNK, FLOOR = of_training["TRUNK_SHARE"], of_training["DECAY_FLOOR"]


def warm_up(first: int) -> int:
    """Count the steps of the warm-up of a run whose shortest length is this one."""
    return max(2, min(int(of_training["LONGEST_WARM_UP"]), first // STEP // 4))


fig, ax = plt.subplots(figsize=(7, 3), layout="constrained")
branches = [int(count // STEP * TRUNK) * STEP for count in LENGTHS]
first = warm_up(LENGTHS[0]) * STEP
ax.plot([0, first, branches[-1]], [0, 1, 1], color="black", label="trunk")
for number, (branch, count) in enumerate(zip(branches, LENGTHS, strict=True)):
    ax.plot([branch, count], [1, FLOOR], color="C0", label=None if number else "decay, for one D")
    ax.plot(count, FLOOR, "o", color="C0", markersize=4)
ax.set_xlabel("tokens")
ax.set_ylabel("learning rate / peak")
ax.xaxis.set_major_formatter(lambda value, _: format_count(value))
ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
figure(
    fig,
    f"Learning rate of a run over tokens: it rises within {format_count(first)} tokens and stays "
    f"at the peak; at {TRUNK:.0%} of each of {', '.join(map(format_count, LENGTHS))} tokens a line "
    "branches off and falls to almost nothing, where a dot marks a measured loss.",
)
say(
    f"The decay takes the last {1 - TRUNK:.0%} of the tokens and ends at {FLOOR:.1%} of the peak. "
    f"The warm-up is a quarter of the steps of the run's *first* D and at most "
    f"{of_training['LONGEST_WARM_UP']:.0f} steps: {warm_up(LENGTHS[0])} where the first D is "
    f"{format_count(LENGTHS[0])}, {warm_up(LENGTHS[1])} where it is {format_count(LENGTHS[1])}."
)

# %% [markdown]
# This is why rows of one run are not independent. They share the trunk, the seed and the order of
# the data. Column `run` names it, fits say so in the note `few-runs`, and
# `bayesq.fit(..., noise="student-t + run")` lets rows of one run err together.

# %%
full = trained[trained["stage"] == "none"]
say(
    f"So the {len(full)} full-precision losses are {full['run'].nunique()} runs, and the "
    f"{stages['post']} rounded ones come from "
    f"{rows.loc[rows['stage'] == 'post', 'run'].nunique()} networks trained in full precision, "
    f"each at several D and in up to {len(POST_TRAINING)} formats."
)

# %% [markdown]
# ## What is rounded, and how
#
# Neighbours on the last axis share one scale, which maps the group's largest magnitude to the
# format's largest value. Rounding is to nearest. Scales are not rounded. A group of -1 in the table
# is one scale for the whole axis: an output channel of the weights, a token of the activations.
#
# - **INT b** has the levels $-(2^{b-1}-1)$ to $2^{b-1}-1$, so 2 bits are ternary.
# - **ExMy** is a minifloat with subnormals that gives no code to infinity or NaN. With one exponent
#   bit all steps are equal, so E1M1 has the values of INT3, and E1M2 those of INT4.
# - **Training in low precision** (`stage` is `train`, `method` is `ste`) rounds weights and inputs
#   of all linear layers of the blocks going forward; gradients pass straight through, in full
#   precision. Runs with `kv_bits` round keys and values instead; runs with `fc2_a_bits` read the
#   input of each second feed-forward layer at 8 bits.
# - **Rounding after training** (`post`, `rtn`) rounds the weights alone, with no calibration.

# %%
labels = trained["run"].str.replace(r"-s\d.*", "", regex=True)


def named(chosen: pd.DataFrame) -> str:
    """Name what rows were trained in."""
    return ", ".join(sorted(set(labels[chosen.index])))


counts = trained.groupby([labels, "N"]).size().unstack(fill_value=0)
counts.columns = [format_count(size) for size in counts.columns]
counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index]
table(counts.rename_axis("trained in").assign(rows=counts.sum(axis=1)))

# %% [markdown]
# A name reads: bits of weights and activations and the group, as in `w4a4g32` (`gch`: one scale a
# channel); or the minifloat and the group, as in `e2m1b32`. Each row counts the losses by size.
#
# ## What the losses look like
#
# The base law of full precision, fitted to the full-precision rows. The band is the 90 % interval
# of the mean of runs.

# %%
base = bayesq.fit(grid, "chinchilla", **ASKED)
figure(plot_law(base))

# %% [markdown]
# ## How far do two runs of one setting differ?
#
# The scatter of repeats bounds what any law can foretell, and no single loss of the table has a
# standard error. Some settings were trained twice, with seeds 0 and 1. The difference of the two
# says how far such losses scatter. Their standard deviation is that of the difference divided by
# the square root of 2.

# %%
SETTING = ["precision", "N", "D"]
repeats = (
    trained.assign(precision=labels)
    .groupby([*SETTING, "seed"])["loss"]
    .mean()
    .unstack("seed")
    .dropna()
)
repeats["difference"] = repeats[1.0] - repeats[0.0]
quantized = repeats.index.get_level_values("precision") != "base"


def scatter(differences: pd.Series) -> float:
    """Estimate the standard deviation of one loss from differences of pairs."""
    return float(np.sqrt((differences**2).mean() / 2))


def by(kind: str, chosen: pd.DataFrame) -> dict[str, object]:
    """Say how far pairs differ."""
    differences = chosen["difference"]
    return {
        "pairs": kind,
        "number": len(chosen),
        "least": differences.min(),
        "greatest": differences.max(),
        "standard deviation of one loss": scatter(differences),
    }


lengths = repeats.index.get_level_values("D")
kinds = {"full precision": repeats[~quantized], "low precision": repeats[quantized]}
kinds |= {f"D {format_count(count)}": repeats[lengths == count] for count in sorted({*lengths})}
table(pd.DataFrame([by(*kind) for kind in kinds.items()]).set_index("pairs"))

# %%
fig, ax = plt.subplots(figsize=(6, 3), layout="constrained")
for label, chosen in list(kinds.items())[:2]:
    ax.plot(
        chosen.index.get_level_values("D"), chosen["difference"], "o", markersize=4, label=label
    )
ax.axhline(0, color="0.6", linewidth=0.8)
ax.set_xscale("log")
ax.set_xticks(sorted({*lengths}), [format_count(count) for count in sorted({*lengths})])
ax.minorticks_off()
ax.set_xlabel("D (tokens)")
ax.set_ylabel("loss, seed 1 less seed 0 (nats)")
ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
figure(
    fig,
    f"Differences of the losses of two seeds against D, {len(repeats)} pairs, between "
    f"{repeats['difference'].min():.3f} and {repeats['difference'].max():.3f} nats.",
)
typical = float(full["loss"].median())
sigma = typical * np.quantile(base.posterior["sigma"], [0.05, 0.5, 0.95])
say(
    f"One loss scatters by about {scatter(repeats['difference']):.4f} nats. The fit of the base "
    f"law, which knows nothing of pairs, has a noise of {sigma[1]:.4f} nats (90 % interval "
    f"{sigma[0]:.4f} to {sigma[2]:.4f}) at a loss of {typical:.2f}. So a difference between two "
    f"formats of less than about {2 * 2**0.5 * scatter(repeats['difference']):.2f} nats, measured "
    "once each, says little."
)

# %% [markdown]
# Two seeds of full precision also differ in their warm-up, as seed 1 starts at the second length.
# So the differences above hold a little more than the seed. The same confounds another comparison:
# minifloat runs of seed 0 start at the second length too, while the full-precision runs that
# `loss_full` comes from start at the first. E1M2 has the values of INT4, so what sets their losses
# apart is that and the noise together.

# %%
wide = trained.assign(precision=labels).pivot_table(
    index=["N", "D", "seed"], columns="precision", values="loss"
)
same = pd.concat([wide[f"e1m2b{g}"] - wide[f"w4a4g{g}"] for g in (32, 128)]).dropna()
post = rows[(rows["stage"] == "post") & (rows["w_group"] > 0)]
keys = ["N", "D", "seed", "w_group"]
int4 = post[(post["w_kind"] == "int") & (post["w_bits"] == 4)].set_index(keys)["loss"]
e1m2 = post[(post["w_exponent"] == 1) & (post["w_mantissa"] == 2)].set_index(keys)["loss"]
apart = (int4 - e1m2).dropna().abs()
below = trained[trained["loss"] < trained["loss_full"]]
again = trained[trained.duplicated([*grid.frame.columns.drop(["loss", "loss_full"])], keep=False)]
spans = again.groupby("D")["loss"].agg(lambda two: two.max() - two.min())
say(
    f"- Trained in E1M2 and in INT4, {len(same)} pairs differ by {same.min():.3f} to "
    f"{same.max():.3f} nats. Rounded after training, {len(apart)} pairs differ by at most "
    f"{apart.max():g}: there is no training in between to differ.\n"
    f"- Even one seed does not repeat on a GPU. {again['run'].iloc[0]} was trained twice with one "
    "seed, and the two differ by "
    + " and ".join(f"{span:.3f} at {format_count(count)} tokens" for count, span in spans.items())
    + ". Both are in the table.\n"
    f"- {len(below)} losses of training in low precision ({named(below)}) lie below their "
    f"full-precision partner, by up to "
    f"{(below['loss_full'] - below['loss']).max():.3f}: there the noise is larger than the cost of "
    "quantization."
)

# %% [markdown]
# ## What it cost
#
# A run pays for its trunk once and for a decay a length. Counted as 6·N·D, which leaves out the
# embeddings and the attention itself.


# %%
def spent(run: pd.DataFrame) -> pd.Series:
    """Count tokens of a run as it was trained, and as one run a length would have taken."""
    lengths = run["D"].unique()
    shared = TRUNK * lengths.max() + (1 - TRUNK) * lengths.sum()
    return pd.Series({"N": run["N"].iloc[0], "shared": shared, "apart": lengths.sum()})


cost = pd.DataFrame([spent(run) for _, run in trained.groupby("run")])
flops = (6 * cost["N"] * cost["shared"]).groupby(cost["N"]).sum()
tokens = cost.groupby("N")["shared"].sum()
table(
    pd.DataFrame(
        {
            "runs": cost.groupby("N").size(),
            "tokens": tokens.map(format_count),
            "training FLOPs": flops.map("{:.2g}".format),
        }
    ).rename(index=format_count)
)
asked = {job.id: job for job in [*phase_one(), *phase_two()]}
say(
    f"In all {format_count(cost['shared'].sum())} tokens and {flops.sum():.2g} FLOPs. One run a "
    f"length would have taken {(cost['N'] * cost['apart']).sum() * 6 / flops.sum():.2f} times as "
    "much. What left no row is not counted: lost runs, and what a run went on to train after its "
    "last loss."
)

# %% [markdown]
# ## What is missing
#
# The programs' two lists of jobs ask for more than was measured. The first list stopped early, and
# the second took up some of what was left; `README.md` names every run and says what is known of
# why. What matters to a fit is where the holes are.

# %%
shipped = Path(bayesq.__path__[0]) / "data" / "grid.csv"
packaged = pd.read_csv(shipped, dtype=str, keep_default_na=False)
found = compare([*phase_one(), *phase_two()], packaged.to_dict("records"))
holes = pd.Series([asked[run].size for run in found.absent]).value_counts()
say(
    f"Of {len(asked)} runs, {len(found.complete)} are complete, {len(found.partial)} lack some D "
    f"and {len(found.absent)} have no row: "
    + ", ".join(f"{count} of {size}" for size, count in holes.sort_index().items())
    + f". Rows that no job asks for: {len(found.unexplained)}."
)
largest = trained[trained["N"] == trained["N"].max()]
longest = trained.groupby("stage")["D"].max()
floats = trained[(trained["w_kind"] == "fp")]
twice = floats.loc[floats["D"] == floats["D"].max()]
say(
    f"- The largest size, {format_count(trained['N'].max())}, has {len(largest)} full-precision "
    f"losses and what was rounded from them; losses of training in low precision: "
    f"{int((largest['stage'] == 'train').sum())}.\n"
    f"- Training in low precision ends at {format_count(longest['train'])} tokens, full precision "
    f"at {format_count(longest['none'])}. Minifloats reach {format_count(floats['D'].max())} in "
    f"{len(twice)} rows only ({named(twice)}).\n"
    f"- In training {trained.loc[trained['stage'] == 'train', 'N'].nunique()} sizes were measured, "
    "and one corpus. No law of the grid says anything of other corpora or of networks a hundred "
    "times as large; fits tell how far a question lies outside."
)
two_bits = trained[trained["kv_bits"] == 2].pivot(index="N", columns="D", values="loss")
say("Keys and values of 2 bits diverge: their loss rises with D. Leave them out of a fit.")
table(two_bits.rename(index=format_count, columns=format_count))

# %% [markdown]
# ## What nobody recorded
#
# - How many tokens the training text had. Batches begin again when it ends, so whether the longest
#   runs saw a text twice is not known, and column `U` is empty.
# - The length of a row of weights (`row_length`). Laws with the group as a number leave out rows of
#   one scale a channel.
# - Any standard error of a loss. The scatter of seeds above is the best there is.
# - On the smallest size a channel of most layers is as long as the largest group, so there the two
#   differ only in the second feed-forward layer.
