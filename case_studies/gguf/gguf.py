# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Which GGUF file for a given memory?
#
# You have a machine with 8, 12, 24 or 48 GB for a language model, and a page that lists thirty
# files of one model and twenty of its larger sister. Each has a size and a perplexity. After this
# study you can turn such tables into a choice, and say what they do not tell.
#
# `files.csv` has three tables as people posted them, numbers only:
#
# - **Llama-3-8B**: the scoreboard in `tools/perplexity/README.md` of
#   [llama.cpp](https://github.com/ggml-org/llama.cpp) (MIT licence), revision f364eb6f, with and
#   without importance matrix (imatrix). Of files that were made with several matrices it keeps the
#   one of 10 million tokens.
# - **Llama-3-70B**: a comment of 3 May 2024 by dranger003 in
#   [pull request 6745](https://github.com/ggml-org/llama.cpp/pull/6745) of llama.cpp; an imatrix
#   from 400 chunks of WikiText's training text below Q6_K. We take its files of 6 bits and more to
#   be made without.
# - **Llama-2-70B**: the older scoreboard at the end of the same README; no errors, no imatrix.
#
# All perplexities are of WikiText-2's test text. The losses of Llama 2 and Llama 3 cannot be
# compared, since their tokenizers differ.

# %%
import sys

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

import bayesq
from bayesq.plot import plot_law

sys.path.append("..")
from studying import ASKED, DRAWS, figure, say, table

files = pd.read_csv("files.csv")
table(files.iloc[[0, 1, 7, 8, 15, 28, 34, 35, 50]], digits=6)

# %% [markdown]
# ## From a posted table to rows
#
# Two things are missing: parameters and bits. Parameters and training tokens are those of the model
# cards. Bits per weight are **measured**: the size of the file over its parameters. The name of a
# file does not give them, since a file mixes blocks of several kinds.

# %%
PARAMS = {"Llama-3-8B": 8.03e9, "Llama-3-70B": 70.55e9, "Llama-2-70B": 68.98e9}
TOKENS = {"Llama-3-8B": 15e12, "Llama-3-70B": 15e12, "Llama-2-70B": 2e12}
GIB = 2**30  # bytes

files["params"] = files["model"].map(PARAMS)
files["tokens"] = files["model"].map(TOKENS)
files["whole"] = files["file"] == "F16"
files["bpw"] = (8 * GIB * files["size_GiB"] / files["params"]).where(~files["whole"], 16.0)
files["kind"] = np.where(files["file"].str.startswith("IQ"), "i-quants", "k-quants")
files.loc[files["file"].str.fullmatch(r"Q\d_\d"), "kind"] = "legacy"
files["stage"] = np.where(files["whole"], "none", "post")
files["w_kind"] = np.where(files["whole"], "", "int")
# An error of the difference to F16 on the same text, where it was posted.
files["degradation_se"] = files["delta_ppl_se"] / files["ppl"]

COLUMNS = ["model", "params", "tokens", "bpw", "stage", "w_kind"]
MEASURED = ["ppl", "ppl_se", "degradation_se"]


def read(rows: pd.DataFrame) -> bayesq.Runs:
    """Read rows of the table: perplexities become losses, errors come along."""
    return bayesq.read_runs(rows[COLUMNS + MEASURED], columns={"model": "run"})


q4 = files.query("file == 'Q4_K_M'")
try:
    bayesq.decide.bits_per_weight("Q4_K_M")
except bayesq.BayesqError as error:
    refused = str(error)
block = bayesq.decide.bits_per_weight("Q4_K")
say(
    f"A block of Q4_K stores {block:g} bits a weight; the files called Q4_K_M have "
    f"{q4['bpw'].min():.2f} to {q4['bpw'].max():.2f}. Asked for their bits by name, bayesq "
    f"answers: “{refused}”"
)

# %% [markdown]
# ## What is wrong with the table
#
# One kind of files with one way of making them is fitted at a time: k-quants and i-quants with an
# imatrix, at 2 bits and more. Above 5.2 bits it does little, and the 8B's table has no file with
# it, so there a file without one stands in.

# %%
llama3 = files[files["model"].str.startswith("Llama-3")]
one_way = (llama3["imatrix"] == "wiki") | (llama3["bpw"] > 5.2)


def of_kind(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Take the files of one kind, and F16 that they are compared with."""
    same = one_way.reindex(rows.index) & (rows["kind"] == kind) & (rows["bpw"] > 2)
    return rows[rows["whole"] | same]


for note in bayesq.check(read(of_kind(llama3, "k-quants"))).notes:
    if note.severity != "info":
        say(f"> [{note.severity}] {note.code}: {note.message}")

twins = llama3.query("model == 'Llama-3-8B' and file in ['Q2_K', 'Q2_K_S'] and imatrix == 'wiki'")
say(
    f"Two files of the 8B have the same size and perplexities of "
    f"{twins['ppl'].min():.2f} and {twins['ppl'].max():.2f}: {' and '.join(twins['file'])}, both "
    f"posted with {twins['size_GiB'].iloc[0]:g} GiB. llama.cpp's own list of sizes "
    "(`tools/quantize/README.md`, Llama-3.1-8B, whose shapes are the same) has Q2_K_S at 2.78 GiB. "
    "We take the posted size for a slip, and that one in its place."
)
slip = (files["model"] == "Llama-3-8B") & (files["file"] == "Q2_K_S")
files.loc[slip, "size_GiB"] = 2.78
files.loc[slip, "bpw"] = 8 * GIB * 2.78 / PARAMS["Llama-3-8B"]
llama3 = files[files["model"].str.startswith("Llama-3")]

paired = llama3.query("file == 'Q4_K_M' and imatrix == 'wiki' and model == 'Llama-3-8B'").iloc[0]
say(
    f"Errors: the perplexity of the 8B's Q4_K_M has a standard error of "
    f"{paired['ppl_se'] / paired['ppl']:.2%}, its difference to F16 on the same text one of "
    f"{paired['degradation_se']:.2%}. A choice between files rests on differences, so the second "
    "is the one to post, and column `degradation_se` takes it. The tables of the 70B models lack "
    "it."
)

# %% [markdown]
# ## What was measured, memory by memory
#
# No law is needed to read off the best file that fits. 1.5 GB are kept free for the cache of keys
# and values and for buffers; that is an assumption, and long contexts need more.

# %%
FREE = 1.5e9  # bytes
MEMORY = [8e9, 12e9, 24e9, 48e9]

best = []
for memory in MEMORY:
    for model, rows in llama3.groupby("model", sort=False):
        fits = rows[GIB * rows["size_GiB"] <= memory - FREE]
        if len(fits):
            first = fits.loc[fits["ppl"].idxmin()]
            best.append(
                {
                    "memory (GB)": memory / 1e9,
                    "model": model,
                    "best file": f"{first['file']} (imatrix: {first['imatrix']})",
                    "bits a weight": first["bpw"],
                    "perplexity": first["ppl"],
                }
            )
best = pd.DataFrame(best)
table(best)
winners = best.loc[best.groupby("memory (GB)")["perplexity"].idxmin()]
say(
    "Least perplexity: "
    + "; ".join(
        f"in {row['memory (GB)']:g} GB {row['model']} as {row['best file'].split(' ')[0]}"
        for _, row in winners.iterrows()
    )
    + "."
)

# %% [markdown]
# ## A curve through the files
#
# A law is for what was not measured: a size of file that nobody posted, and the risk that the next
# table comes out otherwise. Both models saw the same number of tokens, so the table says nothing
# about tokens, and `ptq-without-d` is the law to take: degradation falls with the bits as an
# exponential and with the size as a power.

# %%
fits = {
    kind: bayesq.fit(read(of_kind(llama3, kind)), "ptq-without-d", **ASKED)
    for kind in ("k-quants", "i-quants")
}
for kind, fit in fits.items():
    summary = fit.summary().loc[["gamma_N", "gamma_post", "tau"]]
    say(f"**{kind}**, {fit.rows.sizes['row']} files:")
    table(summary[["median", "lower", "upper", "r_hat"]])
    for note in fit.notes:
        if note.severity != "info":
            say(f"> [{note.severity}] {note.code}: {note.message}")

# %%
axes = plot_law(fits["i-quants"], x="P", by="N")
figure(axes)

# %%
same = llama3[(llama3["model"] == "Llama-3-8B") & (llama3["imatrix"] == "wiki")].set_index("file")
iq, k = same.loc["IQ3_S"], same.loc["Q3_K_S"]
say(
    f"The kinds are fitted apart because bits are not all: of the 8B {iq.name} has {iq['bpw']:.2f} "
    f"bits a weight and perplexity {iq['ppl']:.2f}, {k.name} {k['bpw']:.2f} bits and "
    f"{k['ppl']:.2f}."
)

# %% [markdown]
# ### Does the larger model lose less?
#
# Laws of Kumar et al. (2024) and Ouyang et al. (2024) say so: the exponent of N is above 0, and the
# prior of `gamma_N` says it too. These two models do not.

# %%
pairs = llama3[(llama3["imatrix"] == "wiki") & ~llama3["whole"]].copy()
whole = llama3[llama3["whole"]].set_index("model")["ppl"]
pairs["degradation"] = np.log(pairs["ppl"] / pairs["model"].map(whole))
twice = pairs.pivot(index="file", columns="model", values="degradation").dropna()
more = (twice["Llama-3-70B"] > twice["Llama-3-8B"]).sum()
(size,) = fits["k-quants"].law.pick("gamma_N")
before = size.prior.quantile(np.array([0.05, 0.5, 0.95]))
say(
    f"Of {len(twice)} files that both tables have with an imatrix, the 70B loses more nats per "
    f"token than the 8B in {more}. The law leaves that to its misfit. Before any data `gamma_N` "
    f"was {before[1]:.2f} ({before[0]:.2f} to {before[2]:.2f}), and the intervals above are hardly "
    "narrower: two sizes cannot tell a power from an accident. So nothing here may be carried over "
    "to a third size, such as a 30B, as if it were known."
)

# %% [markdown]
# ## How many bits keep a level
#
# Levels are per cent of perplexity. The i-quants are asked for larger ones, since they end below 5
# bits.

# %%
LEVELS = {"k-quants": ("1%", "2%", "5%"), "i-quants": ("10%", "20%", "50%")}
rows = []
for kind, fit in fits.items():
    for model in ("Llama-3-8B", "Llama-3-70B"):
        for level in LEVELS[kind]:
            answer = bayesq.decide.fewest_bits(fit, level=level, N=PARAMS[model], risk=0.05)
            told = answer.to_frame().iloc[0]
            safe = float(answer.choices.loc["safe", "w_bits"])
            rows.append(
                {
                    "files": kind,
                    "model": model,
                    "level": level,
                    "bits": told["median"],
                    "lower": told["lower"],
                    "upper": told["upper"],
                    "safe bits (95%)": safe,
                    "GB as stored": safe * PARAMS[model] / 8e9,
                }
            )
table(pd.DataFrame(rows))

# %% [markdown]
# ## The larger model at fewer bits, or the smaller at more?
#
# The 70B stays ahead of the 8B as long as its degradation is less than the distance between the two
# in full precision. That is `fewest_bits` with this distance as its level.

# %%
distance = float(np.log(whole["Llama-3-8B"] / whole["Llama-3-70B"]))
larger = PARAMS["Llama-3-70B"]
even = bayesq.decide.fewest_bits(fits["i-quants"], level=distance, N=larger, risk=0.05)
say(f"> {even.text}")
ends = even.to_frame().iloc[0][["lower", "median", "upper"]] * larger / 8e9
say(
    f"In full precision the 70B is {distance:.3f} nats per token ahead. Its i-quants keep that "
    f"lead down to {ends['median']:.1f} GB of weights (90 % interval {ends['lower']:.1f} to "
    f"{ends['upper']:.1f} GB), {(ends['median'] + FREE / 1e9):.1f} GB with what is kept free. "
    "Below that the 8B, in a file close to full precision, has the lower perplexity on this text."
)

# %%
sizes = np.geomspace(2, 60, 120)  # GB of weights
_, axis = plt.subplots(figsize=(6.5, 4), layout="constrained")
for model, colour in (("Llama-3-8B", "C0"), ("Llama-3-70B", "C1")):
    bits = 8e9 * sizes / PARAMS[model]
    for kind, low, high in (("i-quants", 2.1, 4.6), ("k-quants", 4.6, 6.6)):
        inside = (bits >= low) & (bits <= high)
        told = bayesq.predict(fits[kind], {"N": PARAMS[model], "w_bits": bits[inside]}).to_frame()
        shift = np.log(whole[model])
        axis.plot(sizes[inside], np.exp(shift + told["median"]), color=colour)
        axis.fill_between(
            sizes[inside],
            np.exp(shift + told["lower"]),
            np.exp(shift + told["upper"]),
            color=colour,
            alpha=0.3,
            linewidth=0,
        )
    seen = llama3[(llama3["model"] == model) & (llama3["bpw"] > 2) & ~llama3["whole"]]
    axis.plot(
        GIB * seen["size_GiB"] / 1e9, seen["ppl"], "o", color=colour, markersize=3, label=model
    )
    axis.axhline(whole[model], color=colour, linestyle=":", linewidth=1, label=f"{model}, F16")
axis.set(xlabel="weights (GB)", ylabel="perplexity, WikiText-2", xscale="log", yscale="log")
axis.set_ylim(2.6, 16)  # the 8B's smallest files lie above
axis.set_xticks([2, 4, 8, 16, 32, 64], ["2", "4", "8", "16", "32", "64"])
axis.set_yticks([3, 4, 6, 8, 12], ["3", "4", "6", "8", "12"])
axis.minorticks_off()
axis.legend(fontsize=8)
figure(
    axis,
    "Perplexity against gigabytes of weights for Llama-3-8B and Llama-3-70B: posted files as "
    "points, the mean of the fits with 90 % bands as lines, F16 as dotted lines. The line of the "
    f"70B crosses F16 of the 8B at {ends['median']:.1f} GB.",
)

# %% [markdown]
# Below 4.6 bits a weight the lines are those of i-quants, above it those of k-quants; the points
# above the lines are files of other kinds.

# %% [markdown]
# ## What the table of the 8B would have said of the 70B
#
# The usual case is that only the small model was measured. Here the large one was too, so the
# forecast can be held against it.

# %%
small = read(of_kind(llama3, "k-quants")).select("N < 10e9")
# An end of an interval that goes over decades takes more draws to be told.
alone = bayesq.fit(small, "ptq-without-d", **{**ASKED, "draws": 4 * DRAWS})
seen = of_kind(llama3, "k-quants").query("model == 'Llama-3-70B' and not whole")
told = bayesq.predict(alone, {"N": larger, "w_bits": seen["bpw"].to_numpy()})
frame = told.to_frame()
truth = np.log(seen["ppl"].to_numpy() / whole["Llama-3-70B"])
table(
    pd.DataFrame(
        {
            "file": seen["file"].to_numpy(),
            "bits": seen["bpw"].to_numpy(),
            "measured": truth,
            "foretold": frame["median"].to_numpy(),
            "lower": frame["lower"].to_numpy(),
            "upper": frame["upper"].to_numpy(),
        }
    )
)
held = ((truth >= frame["lower"]) & (truth <= frame["upper"]).to_numpy()).sum()
ratio = np.median(truth / frame["median"])
say(
    f"90 % intervals hold {held} of {len(truth)} files. In the middle the 70B loses "
    f"{ratio:.1f} times what was foretold. The {len(truth)} files are of one network, so this "
    "counts as one observation, not as so many. What the notes had said:"
)
for code in ("few-levels", "extrapolation"):
    note = next(n for n in (*alone.notes, *told.notes) if n.code == code)
    say(f"> [{note.severity}] {note.code}: {note.message}")

# %% [markdown]
# ## A family that nobody measured
#
# Public tables of other families (pool `ptq_perplexity`: GPTQ on LLaMA-1 and OPT, EfficientQAT on
# Llama 2 and Llama 3, 3 and 4 bits) are pooled with the k-quants above and with Llama-2-70B's.
# Methods differ between families, so a difference of families is one of methods too. What is shared
# is how degradation falls with bits and size.

# %%
public = bayesq.load_pool("ptq_perplexity").select(
    "study in ['ptq_perplexity-llama1', 'ptq_perplexity-opt', 'ptq_perplexity-llama2', "
    "'ptq_perplexity-llama3'] and (stage == 'none' or w_bits >= 3 and method != 'RTN')"
)
old = files[(files["model"] == "Llama-2-70B") & (files["kind"] != "legacy")]
ours = pd.concat(
    [of_kind(llama3, "k-quants").assign(study="gguf-llama3"), old.assign(study="gguf-llama2")]
)
ours = ours[ours["whole"] | (ours["bpw"] > 2.9) & (ours["bpw"] < 5)]
theirs = public.frame[["study", "run", "N", "D", "w_bits", "stage", "w_kind", "loss"]]
ours = ours.assign(loss=np.log(ours["ppl"])).rename(
    columns={"model": "run", "params": "N", "tokens": "D", "bpw": "w_bits"}
)[[*theirs.columns]]
families = bayesq.read_runs(pd.concat([theirs, ours], ignore_index=True))
pooled = bayesq.fit(families, "ptq-without-d", pool_by="study", **ASKED)
table(pooled.summary().filter(regex="^gamma", axis=0)[["median", "lower", "upper", "r_hat"]])

exponent = pooled.summary().loc["gamma_N"]
(constants,) = bayesq.laws()["ouyang2024"].published
say(
    f"Over these families the exponent of size is {exponent['median']:.2f} "
    f"({exponent['lower']:.2f} to {exponent['upper']:.2f}); Ouyang et al. (2024) have "
    f"{constants.values['alpha']:g}. Within a family all sizes saw about the same tokens, and then "
    "their law says that larger networks lose less. These tables leave open whether they do."
)

# %% [markdown]
# A family that was not measured is asked as `new`:

# %%
new = bayesq.decide.fewest_bits(pooled.of_study("new"), level="5%", N="32B")
say(f"> {new.text}")

# %% [markdown]
# ## If every size could be had
#
# OPT was measured at nine sizes, all trained on about 180 billion tokens as announced, so a base
# law in N can be fitted beside the degradation, and `optimal_precision` chooses size and bits
# together. It is asked at these very tokens, since one D tells nothing of its exponent. Weights are
# counted as stored; these have one scale a row of the matrix, which is too small to count.

# %%
opt = bayesq.load_pool("ptq_perplexity").select("study == 'ptq_perplexity-opt'")
base = bayesq.fit(opt, "chinchilla", **ASKED)
lost = bayesq.fit(opt, "ptq-without-d", **ASKED)
for memory in ("8GB", "24GB"):
    answer = bayesq.decide.optimal_precision(lost, base=base, memory=memory, D="180B")
    say(f"> {answer.text}")

# %% [markdown]
# Only 3, 4 and 16 bits were measured there. What lies between is the law's.
#
# ## What such tables cannot say
#
# - **One text.** All of this is perplexity on WikiText-2, and the imatrix of both Llama 3 tables
#   comes from WikiText too, which may flatter the files made with it. What a file does to code, to
#   long contexts or to another language is not in it, nor any task.
# - **One network a size.** Thirty files of one model are not thirty networks: the notes say
#   `few-runs`. Another 70B may lie elsewhere, as the section on the 8B's forecast shows.
# - **A mean.** Two files of equal perplexity can differ in what they do to single tokens: in the
#   scoreboard of llama.cpp, IQ3_M with an imatrix and Q3_K_M without have perplexities of 6.90 and
#   6.89, and change the probability of the right token by -3.2 % and -2.0 % in the mean. It posts
#   KL divergence too; bayesq has no column for either and fits losses alone.
# - **Memory of running.** The cache grows with the context and the batch, and is not in the file.
# - **What bayesq lacks.** It has no decision over a list of stated files, each with a model, bits
#   and a measured full-precision loss: `optimal_precision` takes the size from a base law, which
#   two sizes cannot give. The crossing above is put as `fewest_bits` with the lead as its level,
#   and the figure adds the measured full-precision loss by hand. It also has no column for the kind
#   of blocks that a law would take as a ladder; the kinds are fitted apart.
#
# ## Sources
#
# - The tables of llama.cpp that are named above, and its `tools/quantize/README.md`.
# - T. Kumar et al. (2024), *Scaling Laws for Precision*, arXiv:2411.04330.
# - X. Ouyang et al. (2024), *Low-Bit Quantization Favors Undertrained LLMs*, arXiv:2411.17691.
# - Pool `ptq_perplexity`: `bayesq pools` names its source and licence.
