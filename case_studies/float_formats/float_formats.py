# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Float formats: the split of bits, and tokens that do harm
#
# How should the bits of a float format be split, and after how many tokens does training in it do
# harm? This study asks the law of Sun et al. with error bars, and holds its answers against the
# runs: which of two formats was better, whether any loss turned, and whether a fit to the shorter
# runs foretells the longer ones.
#
# A minifloat has a sign, exponent bits E and mantissa bits M. Sun et al. (2025, arXiv:2501.02423)
# trained networks with weights and activations in such formats and found for their loss
#
# $$L = \frac{n}{N^\alpha} + \frac{d}{D^\beta} + \varepsilon +
#   \frac{D^\beta}{N^\alpha}\,\frac{\log_2 B}{\gamma\,(E+0.5)^\delta\,(M+0.5)^\nu}$$
#
# with B the elements that share a scale. The paper draws two conclusions from it: the best split of
# a number of bits, and D_crit, the tokens after which more of them *raise* the loss. Both are
# points there. Here the law is fitted to the minifloat runs of the [grid](../grid/grid.ipynb).
#
# ## The rows

# %%
from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt

sys.path.append("..")
import bayesq
from bayesq.plot import plot_backtest, plot_formats, plot_law
from bayesq.runs.counts import format_count
from studying import ASKED, figure, say, table

LAW = "sun2025"
paper = bayesq.published(LAW)
runs = bayesq.load_pool("grid").select("stage == 'none' or stage == 'train' and w_kind == 'fp'")
rows = runs.frame
floats = rows[rows["stage"] == "train"].copy()
floats["format"] = [
    f"E{e:.0f}M{m:.0f}" for e, m in zip(floats["w_exponent"], floats["w_mantissa"], strict=True)
]
floats["degradation"] = floats["loss"] - floats["loss_full"]
SIZE, GROUP = float(floats["N"].max()), 32.0
# The longest training that nearly every format has.
TOKENS = float(floats.groupby("D")["format"].nunique().loc[lambda n: n > n.max() / 2].index.max())
by_tokens = floats.groupby("D").agg(rows=("loss", "size"), formats=("format", "nunique"))
lengths = ", ".join(
    f"{format_count(d)} ({n.rows} rows, {n.formats} formats)" for d, n in by_tokens.iterrows()
)
say(
    f"{len(floats)} losses of {floats['run'].nunique()} runs in {floats['format'].nunique()} "
    f"formats, and {len(rows) - len(floats)} in full precision. Of the minifloat runs, tokens "
    f"reach: {lengths}. Sizes go from {format_count(floats['N'].min())} to {format_count(SIZE)}. "
    f"So how the degradation grows with D is measured over one doubling for nearly all formats, "
    "and over little more for the others."
)
here = floats[(floats["N"] == SIZE) & (floats["D"] == TOKENS)]
measured = here.pivot_table(index="format", columns="w_group", values="degradation")
measured.columns = [f"degradation, groups of {group:g}" for group in measured.columns]
measured.insert(0, "bits", here.groupby("format")["w_bits"].first())
say(f"What was measured at N {format_count(SIZE)} and D {format_count(TOKENS)}, nats per token:")
ordered = measured.sort_values(["bits", measured.columns[1]])
table(ordered.astype(object).fillna(""), digits=2)

# %% [markdown]
# ## The fit beside the paper
#
# All constants have intervals now. The paper's networks are larger, saw far more tokens and read
# another text, so the terms of size and data have no reason to agree. The exponents $\delta$ and
# $\nu$, which say what a bit is worth, might.

# %%
fit = bayesq.fit(runs, LAW, **ASKED)
summary = fit.summary()
CONSTANTS = ["epsilon", "n", "alpha", "d", "beta", "gamma", "delta", "nu"]
values = {name: paper.posterior[name].item() for name in CONSTANTS}
constants = summary.loc[CONSTANTS, ["median", "lower", "upper", "unit"]].assign(paper=values)
table(constants)
held = constants["paper"].between(constants["lower"], constants["upper"])
say(
    f"Of the paper's {len(held)} constants {held.sum()} lie in the 90 % interval of the grid "
    f"({', '.join(held.index[held]) or 'none'}). In both, an exponent bit is worth more than a "
    f"mantissa bit: delta is greater than nu in "
    f"{float((fit.posterior['delta'] > fit.posterior['nu']).mean()):.0%} of the draws."
)
figure(np.ravel(plot_law(fit))[0])

# %%
DATA = ("few-levels", "lack-of-fit", "structure")
say("What the fit says against itself, of the data:")
say("\n".join(f"- {note}" for note in fit.notes if note.code in DATA))
say(
    "Its other notes are on single rows and on the draws; the largest R-hat is "
    f"{summary['r_hat'].max():.3f}."
)

# %% [markdown]
# Where a note says `lack-of-fit` or `structure`, the formula misses the rows by more than their
# noise, and intervals rest on the misfit that bayesq adds to every law. Keep it in mind below.
#
# ## How to split a number of bits
#
# In the law the best split without rounding is $E = \delta\,b/(\delta+\nu) - 0.5$ of b bits in
# all, the sign included. `optimal_format` compares the whole ones by their loss, draw by draw, and
# looks at the rows that were measured at that very setting.


# %%
def between(draws: Any, digits: int = 2) -> str:
    """Write a median with its 90 % interval."""
    median, lower, upper = np.quantile(draws, [0.5, 0.05, 0.95])
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


ASKED_AT = {"N": SIZE, "D": TOKENS, "group": GROUP}
alike = here[here["w_group"] == GROUP].groupby(["w_bits", "format"])["loss"].mean()
splits, found = [], {}
for bits in (3, 4, 5, 6, 8):
    found[bits] = bayesq.decide.optimal_format(fit, bits=bits, **ASKED_AT)
    foretold = bayesq.decide.optimal_format(paper, bits=bits, **ASKED_AT)
    best = found[bits].choices["probability_best"]
    share = {
        name: of.posterior["delta"] / (of.posterior["delta"] + of.posterior["nu"])
        for name, of in {"fit": fit, "paper": paper}.items()
    }
    ranked = alike.loc[bits].sort_values()
    splits.append(
        {
            "bits": bits,
            "best by the fit": best.idxmax(),
            "in draws": f"{best.max():.0%}",
            "E without rounding": between(share["fit"] * bits - 0.5),
            "paper": f"{share['paper'].item() * bits - 0.5:.2f}",
            "best by the paper": foretold.near_optimal.index[0],
            "measured": ", ".join(f"{name} {loss:.4f}" for name, loss in ranked.items()),
        }
    )
say(f"At N {format_count(SIZE)}, D {format_count(TOKENS)} and groups of {GROUP:g}:")
table(pd.DataFrame(splits).set_index("bits"))
figure(plot_formats(found[4], what="regret")[0])

# %%
warned = {
    bits: [str(note) for note in answer.notes if note.severity == "severe"]
    for bits, answer in found.items()
}
for bits, notes in warned.items():
    if notes:
        say(f"{bits} bits: " + " ".join(notes))

# %% [markdown]
# A format that is best "in nearly all draws" is best *if the law is right about the shape in E and
# M*, for the misfit of a law is shared along formats that lie near each other. So take the pairs of
# formats of one width that were trained at equal N, D and group, and hold the law's difference
# against the measured one. The standard error treats the pairs as independent; those of one run are
# not quite.

# %%
PAIRS = [
    ("E1M1", "E2M0"), ("E2M1", "E1M2"), ("E2M1", "E3M0"), ("E2M2", "E3M1"), ("E2M3", "E3M2"),
    ("E4M3", "E5M2"),
]  # fmt: skip
cells = floats.pivot_table(index=["N", "D", "w_group"], columns="format", values="loss")
seeds = (
    floats.groupby("format")["seed"].unique().map(lambda seed: " and ".join(f"{s:g}" for s in seed))
)
other_seed = seeds[seeds != seeds.mode()[0]]
say(
    f"One confound: most formats were trained with seed {seeds.mode()[0]} alone, and "
    + ", ".join(f"{name} with seed {seed}" for name, seed in other_seed.items())
    + ". Two seeds differ too, by what the study of the grid tells."
)


def both(one: str, other: str) -> dict[str, str]:
    """Compare the measured and the foretold difference of two formats."""
    pairs = cells[[one, other]].dropna()
    differences = pairs[other] - pairs[one]
    at = pairs.index.to_frame(index=False).rename(columns={"w_group": "B"})
    losses = []
    for name in (one, other):
        digits = {"E": float(name[1]), "M": float(name[3])}
        losses.append(at.assign(**digits))
    # One prediction for both, so that what the two share does not widen their difference.
    draws = bayesq.predict(fit, pd.concat(losses, ignore_index=True)).draws
    first, second = (draws.isel(scenario=slice(k * len(at), (k + 1) * len(at))) for k in (0, 1))
    told = second.mean("scenario") - first.mean("scenario")
    error = differences.std(ddof=1) / len(differences) ** 0.5
    return {
        "pair": f"{other} less {one}",
        "pairs": str(len(pairs)),
        "measured": f"{differences.mean():.4f} ± {error:.4f}",
        "by the fit": between(told, 4),
        "the second was better in": f"{(differences > 0).sum()}",
    }


table(pd.DataFrame([both(*pair) for pair in PAIRS]).set_index("pair"))

# %% [markdown]
# ## Tokens after which more of them do harm
#
# In the law the data term falls as $D^{-\beta}$ while the degradation grows as $D^{\beta}$, with
# one exponent for both, so for every format the loss must turn somewhere. `critical_tokens` finds
# where. Three answers to each question: the fit with its misfit, which is what bayesq answers by
# default; the fit's formula taken to be true; and the paper's constants.

# %%
ASK_TURN = ["E2M0", "E1M1", "E3M0", "E2M1", "E2M3"]
SOURCES: dict[str, tuple[Any, dict[str, bool]]] = {
    "fit": (fit, {}),
    "fit, law taken as true": (fit, {"discrepancy": False}),
    "paper": (paper, {}),
}
turns = {
    (name, source): bayesq.decide.critical_tokens(
        of, N=SIZE, exponent=int(name[1]), mantissa=int(name[3]), group=GROUP, **options
    )
    for name in ASK_TURN
    for source, (of, options) in SOURCES.items()
}


def ends(answer: Any) -> list[float]:
    """Take the median and the ends of the interval; infinite where the search ended."""
    found = np.quantile(answer.draws, [0.5, 0.05, 0.95], method="inverted_cdf")
    return [end if end < answer.draws.attrs["searched"][1] else np.inf for end in found]


def tokens(answer: Any) -> str:
    """Write the median of tokens with its interval, a bound where the search ended."""
    last = format_count(answer.draws.attrs["searched"][1])
    median, *interval = (format_count(end) if end < np.inf else f"> {last}" for end in ends(answer))
    return median if answer.draws.size == 1 else f"{median} ({' to '.join(interval)})"


def decades(answer: Any) -> str:
    """Write the same as powers of ten, in which such an interval is about even."""
    last = np.log10(answer.draws.attrs["searched"][1])
    median, *interval = (
        f"{np.log10(end):.1f}" if end < np.inf else f"> {last:.1f}" for end in ends(answer)
    )
    return median if answer.draws.size == 1 else f"{median} ({' to '.join(interval)})"


def severe(answer: Any) -> str:
    """Name the severe notes of an answer."""
    return ", ".join(note.code for note in answer.notes if note.severity == "severe")


say(
    f"D_crit at N {format_count(SIZE)} and groups of {GROUP:g} as a power of ten of tokens: 9 is a "
    "billion, 12 a trillion."
)
table(
    pd.DataFrame(
        [
            {"format": name}
            | {source: decades(turns[name, source]) for source in SOURCES}
            | {"severe notes of the fit": severe(turns[name, "fit"]) or "none"}
            for name in ASK_TURN
        ]
    ).set_index("format")
)

# %%
fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for place, (source, marker) in enumerate(zip(SOURCES, ("o", "s", "D"), strict=True)):
    for row, name in enumerate(ASK_TURN):
        draws = turns[name, source].draws
        last = draws.attrs["searched"][1]
        lower, median, upper = np.minimum(
            np.quantile(draws, [0.05, 0.5, 0.95], method="inverted_cdf"), last
        )
        at = -row - 0.22 * (place - 1)
        label = source if row == 0 else None
        ax.plot([lower, upper], [at, at], color=f"C{place}", linewidth=1.5)
        ax.plot(median, at, marker, color=f"C{place}", markersize=5, label=label)
measured_ends = floats["D"].min(), floats["D"].max()
ax.axvspan(*measured_ends, color="0.85", label="D of the minifloat runs")
ax.set_xscale("log")
ax.xaxis.set_major_formatter(lambda value, _: format_count(value))
ax.set_yticks(-np.arange(len(ASK_TURN)), ASK_TURN)
ax.set_xlabel("D_crit (tokens), 90 % intervals; cut where the search ends")
ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
figure(
    fig,
    f"D_crit at N {format_count(SIZE)} and groups of {GROUP:g} with 90 % intervals: "
    + "; ".join(
        f"{name} {', '.join(f'{source} {tokens(turns[name, source])}' for source in SOURCES)}"
        for name in ASK_TURN
    )
    + f". The minifloat runs have {' to '.join(map(format_count, measured_ends))} tokens.",
)

# %% [markdown]
# The misfit makes the intervals wide, and rightly so: no run is near. A point such as the paper's
# hides that. Look at the notes first: a severe `extrapolation` says that the answer is the law's
# and not the data's, a severe `measured-apart` that rows nearby contradict the curve.
#
# ## Did any loss turn?
#
# The runs say at least where it did *not*.

# %%
SAME = ["N", "format", "w_group", "seed"]
two = [run.tail(2) for _, run in floats.sort_values("D").groupby(SAME) if len(run) > 1]
longer = pd.DataFrame([run.iloc[-1] for run in two])
longer["gain"] = [run["loss"].iloc[0] - run["loss"].iloc[1] for run in two]
least = longer.loc[longer["gain"].astype(float).idxmin()]
say(
    f"Of {len(longer)} networks that were trained at two lengths or more, "
    f"{(longer['gain'] <= 0).sum()} had a greater loss at the last length than at the one before. "
    f"The last doubling gained {least['gain']:.3f} nats at least, in {least['format']}. So every "
    f"D_crit here is a bound: it lies beyond {format_count(longer['D'].min())} to "
    f"{format_count(longer['D'].max())} tokens."
)

# %% [markdown]
# And the growth of the degradation that the law needs? Here a confound stands in the way, of which
# the study of the grid tells: runs of seed 0 warmed up for longer than their full-precision
# partners, which counts for more at the shorter length. So the growth is taken in three ways:
# against the partner; against E4M3, which is nearly full precision and was trained as the other
# formats of its seed were; and for seed 1, whose partners warmed up alike.

# %%
BOTH = sorted(floats["D"].unique())[:2]
LEAST = 0.02  # nats: a smaller degradation drowns in the noise of two runs
pair = floats[floats["D"].isin(BOTH)].copy()
nearly = pair[(pair["format"] == "E4M3")].set_index(["N", "D", "seed"])["loss"]
keyed = pair.set_index(["N", "D", "seed"])["loss"]
pair["above E4M3"] = (keyed - nearly.reindex(keyed.index)).to_numpy()
beta = fit.posterior["beta"].values.ravel()


def grown(what: str, chosen: pd.DataFrame) -> dict[str, Any]:
    """Tell by how much the longer training multiplied what a format costs."""
    cost = chosen.pivot_table(index=SAME, columns="D", values=what).dropna()
    cost = cost[(cost > LEAST).all(axis=1)]
    logs = np.log(cost[BOTH[1]] / cost[BOTH[0]])
    error = logs.std(ddof=1) / len(logs) ** 0.5
    return {
        "networks": len(logs),
        "multiplied by": float(np.exp(logs.mean())),
        "from": float(np.exp(logs.mean() - 2 * error)),
        "to": float(np.exp(logs.mean() + 2 * error)),
    }


growths = {
    "against the partner": grown("degradation", pair),
    "against E4M3 of the seed": grown("above E4M3", pair),
    "seed 1, against the partner": grown("degradation", pair[pair["seed"] == 1]),
}
factor = BOTH[1] / BOTH[0]
growths["by the fit of the law"] = dict(
    zip(("multiplied by", "from", "to"), np.quantile(factor**beta, [0.5, 0.05, 0.95]), strict=True)
)
growths["by the paper"] = {"multiplied by": factor ** values["beta"]}
table(pd.DataFrame(growths.values(), index=list(growths)).astype(object).fillna(""))
say(
    f"From {format_count(BOTH[0])} to {format_count(BOTH[1])} tokens, networks whose cost exceeds "
    f"{LEAST:g} nats at both; measured: mean of logarithms and two standard errors to either side, "
    "with networks taken as independent."
)

# %% [markdown]
# ## Foretold
#
# A fit that sees the runs up to the shorter length only, and foretells the longer ones. The
# minifloat rows that it sees have one number of tokens, so how the degradation grows with D is what
# the law says: the exponent of the data term, which full precision gives.

# %%
SHORT = float((rows["D"] <= floats["D"].min()).mean()) - 0.01
backtest = bayesq.backtest(runs, LAW, split="largest-D", quantile=SHORT, **ASKED)
say(backtest.text)
table(backtest.to_frame())
figure(plot_backtest(backtest))

# %%
decided = bayesq.backtest_decision(
    runs, LAW, "critical_tokens", split="largest-D", quantile=SHORT, practice=False, **ASKED
)
say(
    f"{decided.text} A turn needs three lengths of one network to be read off, and those that have "
    "them are bounds, as no loss turned."
)
table(decided.to_frame())

# %% [markdown]
# ## What this says, and what it does not

# %%
foretold = backtest.to_frame().loc["all"]
last = turns["E2M1", "fit"].draws.attrs["searched"][1]
wide = np.log10(np.minimum(ends(turns["E2M1", "fit"])[1:], last))
law_best = {bits: answer.choices["probability_best"].idxmax() for bits, answer in found.items()}
run_best = {bits: alike.loc[bits].idxmin() for bits in found}
agree = [f"{bits} ({law_best[bits]})" for bits in found if law_best[bits] == run_best[bits]]
apart = [
    f"at {bits} the law has {law_best[bits]} and the runs {run_best[bits]}, by "
    f"{alike.loc[bits, law_best[bits]] - alike.loc[bits, run_best[bits]]:.4f} nats"
    for bits in found
    if law_best[bits] != run_best[bits]
]
say(
    f"- **The split.** At this setting law and runs agree at {', '.join(agree)} bits. They differ "
    f"elsewhere: {'; '.join(apart)}. The table of pairs says which of these differences are more "
    "than noise. The law is nearly sure of each of its choices, so what it is sure of is its own "
    "formula, a product of powers of E + 0.5 and M + 0.5. Where formats were measured near your "
    "setting, take the measurement.\n"
    f"- **D_crit.** No loss turned. The fit puts D_crit of E2M1 at "
    f"{tokens(turns['E2M1', 'fit'])} tokens, the paper's constants at "
    f"{tokens(turns['E2M1', 'paper'])}. The interval of the fit spans "
    f"{wide[1] - wide[0]:.1f} decades up to where the search ends. "
    "It is no reason to stop training early, and no promise that it is safe to go on.\n"
    "- **The exponent.** That the degradation grows as the data term falls, by one exponent, is an "
    "assumption of the law, and it decides D_crit. Measured over one doubling, the cost of a "
    f"format was multiplied by {growths['against the partner']['multiplied by']:.2f} (against the "
    f"partner) or {growths['against E4M3 of the seed']['multiplied by']:.2f} (against E4M3) where "
    f"the fit has {growths['by the fit of the law']['multiplied by']:.2f} and the "
    f"paper {growths['by the paper']['multiplied by']:.2f}. A cost that grows more slowly turns "
    "the loss later. So these D_crit are the law's word alone.\n"
    f"- **One doubling on** intervals of 90 % hold {foretold['cover_90']:.0%} of "
    f"{foretold['rows']:.0f} rows left out, {foretold['width_90']:.2f} nats wide, and medians are "
    f"off by {foretold['bias']:+.3f} nats. That says nothing of a turn many doublings on.\n"
    f"- **Sizes.** The minifloats have {floats['N'].nunique()} sizes, all far below what anyone "
    "ships."
)
