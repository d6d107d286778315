# ruff: noqa: D100 - its docstring is the first cell of text
# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Does more training make a model harder to quantize?
#
# Round the weights of a trained model to a few bits and its loss rises. Kumar et al. (2024) and
# Ouyang et al. (2024) report that it rises by more the longer the model was trained, as a power of
# the training tokens D. Catalan-Tatjer et al. (2025) answer that the decay of the learning rate
# does this, not the data. A team that plans to train small models for long and to ship them in
# 4 bits must know which it is, and how sure that is.
#
# This study fits Kumar's law to two sets of runs that bayesq knows:
#
# - **grid**, shipped with bayesq: four small transformers, rounded to nearest after training. Each
#   D has its own decay of the learning rate, always to the same small share of its peak, over the
#   last fifth of the tokens. So D varies here while the end of the schedule does not.
# - **OLMo-1B**, the public pool `olmo_ptq`: checkpoints along *one* run, rounded to nearest (RTN)
#   and with AWQ, evaluated on C4 and on WikiText-2. Here the learning rate falls as D grows, and
#   nothing in the data tells one from the other.
#
# Run it with `python case_studies/ptq_overtraining/ptq_overtraining.py`. `BAYESQ_DATA` names the
# folder of public pools, `BAYESQ_OUT` the folder for figures; `BAYESQ_DRAWS` and `BAYESQ_TUNE` are
# the draws a chain. All numbers are computed and printed here; `README.md` quotes one run.

# %%
from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import stats

import bayesq
from bayesq.plot import plot_law
from bayesq.runs.counts import format_count

DRAWS = int(os.environ.get("BAYESQ_DRAWS", "1000"))
TUNE = int(os.environ.get("BAYESQ_TUNE", "1000"))
SEED = 1
OUT = Path(os.environ.get("BAYESQ_OUT", "out/ptq_overtraining"))
PROB = 0.9
LAW = bayesq.laws()["kumar2024-ptq"]

OUT.mkdir(parents=True, exist_ok=True)
print(f"Seed {SEED}, 4 chains of {DRAWS} draws; intervals hold {PROB:.0%}, tails equal.")


def fit(runs: bayesq.Runs) -> bayesq.Fit:
    """Fit Kumar's law to the degradation, taken to be true: the question is what it then says."""
    return bayesq.fit(
        runs, LAW, "degradation", discrepancy=False, draws=DRAWS, tune=TUNE, seed=SEED
    )


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table under a title."""
    cells = [list(table), *table.astype(str).to_numpy().tolist()]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for first, *rest in cells:
        padded = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *padded]))


def save(figure: Figure, name: str) -> None:
    """Write a figure to the output folder and say so."""
    figure.savefig(OUT / name, dpi=150)
    print(f"\nwrote {OUT / name}")


# %% [markdown]
# ## The rows
#
# From the grid: weights rounded to INT3, 4, 5 and 6 with 128 to a scale. At 8 bits the degradation
# is smaller than what an evaluation can tell; at 2 bits (ternary) the networks break down. To see
# how much the choice decides, it is fitted again without the shortest D, whose runs are the
# noisiest and spend the largest share of their steps warming up.
#
# From OLMo-1B: 3, 4 and 5 bits, again 128 to a scale. The 2-bit rows are left out: the model is
# near collapse there, with losses that jump from one checkpoint to the next.

# %%
grid = bayesq.load_pool("grid").select(
    "stage == 'post' and w_kind == 'int' and 3 <= w_bits <= 6 and w_group == 128"
)
selections = {"grid INT3-6": grid, "grid D > 30M": grid.select("D > 3e7")}

TEXTS = {"olmo_ptq-c4": "C4", "olmo_ptq-wt2": "WT2"}
METHODS = ("RTN", "AWQ")
try:
    olmo = bayesq.load_pool("olmo_ptq").select("3 <= w_bits <= 5")
except bayesq.BayesqError as error:
    olmo = None
    print(f"\nOnly the grid, without OLMo-1B. {error}")
if olmo is not None:
    for study, text in TEXTS.items():
        for method in METHODS:
            rows = (olmo.columns["study"] == study) & (olmo.columns["method"] == method)
            # A pool that was cut down to some of these is as good.
            if rows.any():
                selections[f"OLMo {text} {method}"] = olmo.select(rows)

# %% [markdown]
# ## The fits
#
# Kumar's law: degradation = C_T · D^gamma_D / N^gamma_N · exp(-P / gamma_post). The question is
# about gamma_D. Its prior is wide enough for no effect at all and for either sign; where the
# posterior is much narrower, the runs have spoken.

# %%
fits = {name: fit(runs) for name, runs in selections.items()}

alike: dict[str, list[tuple[str, bayesq.Note]]] = {}
for name, fitted in fits.items():
    for note in fitted.notes:
        alike.setdefault(note.code, []).append((name, note))
print("\nWhat the fits say of themselves:")
for found in alike.values():
    name, note = found[0]
    more = f" (and {len(found) - 1} more alike)" if len(found) > 1 else ""
    print(f"- {name}{more}: {note}")

# %% [markdown]
# Law over data. The bands are for a new measurement, so about nine points in ten should lie in
# them. One panel a size on the grid, one a text and method for OLMo-1B.


# %%
def panels(figure: Figure, count: int) -> list[Axes]:
    """Make panels in two columns with shared axes."""
    return list(figure.subplots(-(-count // 2), 2, sharex=True, sharey=True).flat)[:count]


figure = Figure(figsize=(9, 6.4), layout="constrained")
sizes = np.unique(grid.columns["N"])
for i, (ax, size) in enumerate(zip(panels(figure, len(sizes)), sizes, strict=True)):
    plot_law(fits["grid INT3-6"], at={"N": size}, kind="run", prob=PROB, legend=i == 1, ax=ax)
    ax.set_title(f"grid INT3-6, N = {format_count(size)}", fontsize="medium")
    ax.label_outer()
save(figure, "grid.png")

if olmo is not None:
    figure = Figure(figsize=(9, 6.4), layout="constrained")
    names = [name for name in fits if name.startswith("OLMo")]
    for i, (ax, name) in enumerate(zip(panels(figure, len(names)), names, strict=True)):
        plot_law(fits[name], kind="run", prob=PROB, legend=i == 1, ax=ax)
        ax.set_title(name, fontsize="medium")
        ax.label_outer()
    save(figure, "olmo.png")

# %% [markdown]
# ## The answer in numbers
#
# For each selection: gamma_D; how many of the draws lie above 0; by how much twice the tokens
# multiply the degradation, 2^gamma_D; and by how much the tokens must grow to double it,
# 2^(1/gamma_D).


# %%
def interval(draws: np.ndarray, digits: int = 2) -> str:
    """Write the median of draws with its interval."""
    median, lower, upper = np.quantile(draws, [0.5, (1 - PROB) / 2, (1 + PROB) / 2])
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


def answer(name: str, fitted: bayesq.Fit) -> dict[str, str]:
    """Say what a fit says of gamma_D."""
    gamma = fitted.posterior["gamma_D"].values.ravel()
    # Where a draw has no growth, no number of tokens doubles the degradation.
    doubling = np.where(gamma > 0, 2 ** (1 / np.maximum(gamma, 1e-3)), np.inf)
    return {
        "selection": name,
        "rows": str(fitted.data.attrs["rows"]),
        "gamma_D": interval(gamma, digits=3),
        "draws above 0": f"{(gamma > 0).sum()} of {gamma.size}",
        "times, at twice the tokens": interval(2**gamma),
        "doubles at tokens times": interval(doubling, digits=1),
    }


show(
    "Degradation and training tokens:",
    pd.DataFrame([answer(name, fitted) for name, fitted in fits.items()]),
)
medians = [float(fitted.posterior["gamma_D"].median()) for fitted in fits.values()]
print(
    f"In short: gamma_D has medians from {min(medians):.2f} to {max(medians):.2f}, so twice the "
    f"tokens multiply the degradation by {2 ** min(medians):.2f} to {2 ** max(medians):.2f}."
)
prior = next(p.prior for p in LAW.parameters if p.symbol == "gamma_D")
published = LAW.published[0]
print(
    f"Before any data: gamma_D {interval(prior.quantile(np.linspace(0.0005, 0.9995, 1000)), 3)}. "
    f"{published.source}: {published.values['gamma_D']:g}"
    f"{'' if published.checked else ' (from a transcript, unchecked)'}."
)

# %% [markdown]
# ## Is it one exponent?
#
# The law has one gamma_D for all bits, sizes and tokens. Least squares of log degradation on log D
# with its own level for each run and width shows what that averages over: the slope at each width,
# and the slope over the last doubling of the tokens against the slope before it.


# %%
def slope(frame: pd.DataFrame) -> float:
    """Fit one slope of log degradation on log D, with a level for each run and width."""
    logs = pd.DataFrame(
        {
            "run": frame["run"],
            "w_bits": frame["w_bits"],
            "D": np.log(frame["D"]),
            "degradation": np.log(frame["loss"] - frame["loss_full"]),
        }
    )
    groups = logs.groupby(["run", "w_bits"])
    d = logs["D"] - groups["D"].transform("mean")
    y = logs["degradation"] - groups["degradation"].transform("mean")
    return float((d * y).sum() / (d**2).sum())


def slopes(name: str, runs: bayesq.Runs) -> dict[str, object]:
    """Tabulate slopes by width and by part of the training."""
    frame = runs.frame
    # A little under a half, as the tokens of the grid double only about.
    late = frame["D"] > 0.49 * frame.groupby("run")["D"].transform("max")
    by_bits = {f"{bits:g} bits": f"{slope(rows):.2f}" for bits, rows in frame.groupby("w_bits")}
    return {
        "selection": name,
        "all": f"{slope(frame):.2f}",
        **by_bits,
        "before": f"{slope(frame[~late]):.2f}",
        "last doubling": f"{slope(frame[late]):.2f}",
    }


columns = ["selection", "all", "3 bits", "4 bits", "5 bits", "6 bits", "before", "last doubling"]
table = pd.DataFrame([slopes(name, runs) for name, runs in selections.items()])
show("Slopes by least squares:", table[columns].fillna("-"))

by_run = np.array([slope(rows) for _, rows in grid.frame.groupby("run")])
half = stats.t.ppf((1 + PROB) / 2, len(by_run) - 1) * by_run.std(ddof=1) / len(by_run) ** 0.5
print(
    f"Each run of grid INT3-6 by itself: {', '.join(f'{s:.2f}' for s in by_run)}. With runs, not "
    f"rows, as what is independent: {by_run.mean():.3f} ({by_run.mean() - half:.3f} to "
    f"{by_run.mean() + half:.3f})."
)

# %% [markdown]
# The same in a picture: measured degradation over the law's mean, against D. If the law were right
# the points would scatter around 1 without a pattern.


# %%
def ratios(name: str) -> pd.DataFrame:
    """Divide each measured degradation by the law's mean there."""
    fitted = fits[name]
    inputs = fitted.data["constant_data"].to_dataset()
    values = {str(k): v for k, v in inputs.items()} | dict(fitted.posterior.items())
    mean = LAW.evaluate("degradation", values).mean(("chain", "draw"))
    measured: xr.DataArray = fitted.data["observed_data"]["degradation"]
    return pd.DataFrame({"D": inputs["D"], "P": inputs["P"], "ratio": measured / mean})


shown = {"grid INT3-6": ["grid INT3-6"]}
if olmo is not None:
    for text in TEXTS.values():
        shown[f"OLMo {text}"] = [name for name in fits if name.startswith(f"OLMo {text}")]
figure = Figure(figsize=(3.6 * len(shown) + 1, 3.6), layout="constrained")
row = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
LOOKS = {3: ("o", "#440154"), 4: ("s", "#31688e"), 5: ("^", "#21a585"), 6: ("D", "#8fd744")}
for ax, (title, names) in zip(row, shown.items(), strict=True):
    table = pd.concat([ratios(name) for name in names])
    for bits, rows in table.groupby("P"):
        marker, colour = LOOKS[int(bits)]
        ax.scatter(rows["D"], rows["ratio"], 16, colour, marker=marker, alpha=0.8, linewidth=0)
    mean = np.exp(np.log(table["ratio"]).groupby(table["D"]).mean())
    ax.plot(mean.index, mean, color="black", linewidth=1.2)
    ax.axhline(1, color="0.6", linewidth=0.8)
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(lambda value, _: format_count(value))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks([0.7, 1, 1.4], ["0.7", "1", "1.4"])
    ax.set_yticks([], minor=True)
    ax.set_title(title, fontsize="medium")
    ax.set_xlabel("D (tokens)")
row[0].set_ylabel("measured / law")
for bits, (marker, colour) in LOOKS.items():
    row[-1].scatter([], [], 16, colour, marker=marker, label=f"{bits} bits")
row[-1].plot([], [], color="black", linewidth=1.2, label="mean at each D")
row[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize="small")
save(figure, "residuals.png")

# %% [markdown]
# What to see there. On the grid the pattern is between widths, whatever D: 6 bits lie above the law
# and 4 bits below it, so an exponential in bits is not quite right; 3 bits rise through it, a
# steeper slope than at the other widths; and the shortest D lies high. In OLMo-1B the pattern is in
# D itself, at every width, for both methods and on both texts: high at first, low in the middle,
# high at the end. The degradation accelerates late in the run. One power of D does not follow that:
# the exponent of the fit is a mean of a slow part and a fast one.

# %% [markdown]
# ## Could the law have told us?
#
# Leave out the last 30 % of the tokens, fit the rest, and predict what was left out. If intervals
# are honest, about nine in ten of the left-out values lie in them.


# %%
def early_and_late(runs: bayesq.Runs) -> tuple[bayesq.Fit, bayesq.Runs]:
    """Fit the first 70 % of the tokens; return that fit and the rows it has not seen."""
    late = runs.columns["D"] > 0.7 * runs.columns["D"].max()
    return fit(runs.select(~late)), runs.select(late)


def covered(name: str, early: bayesq.Fit, late: bayesq.Runs) -> dict[str, str]:
    """Count the unseen measurements inside the interval of a new run."""
    frame = late.frame
    found = bayesq.predict(early, frame[["N", "D", "w_bits"]], "run").to_frame(PROB)
    measured = (frame["loss"] - frame["loss_full"]).to_numpy()
    inside = (found["lower"] <= measured) & (measured <= found["upper"])
    last = frame["D"].to_numpy() == frame["D"].max()
    ratio = np.exp(np.log(measured / found["median"])[last].mean())
    return {
        "selection": name,
        "rows seen": str(early.data.attrs["rows"]),
        "gamma_D of those": interval(early.posterior["gamma_D"].values, digits=3),
        "unseen rows inside": f"{inside.sum()} of {len(inside)}",
        "above": str((measured > found["upper"]).sum()),
        "measured / predicted, last D": f"{ratio:.2f}",
    }


held_out = {"grid INT3-6": early_and_late(grid)}
if olmo is not None:
    held_out["OLMo C4 RTN"] = early_and_late(selections["OLMo C4 RTN"])
show(
    "Fitted without the last 30% of the tokens:",
    pd.DataFrame([covered(name, *parts) for name, parts in held_out.items()]),
)

figure = Figure(figsize=(4.4 * len(held_out) + 1.6, 3.8), layout="constrained")
row = figure.subplots(1, len(held_out), squeeze=False)[0]
for ax, (name, (early, late)) in zip(row, held_out.items(), strict=True):
    size = np.unique(late.columns["N"])[-1]
    limits = (early.observed_range["D"][0], float(late.columns["D"].max()))
    plot_law(early, at={"N": size}, kind="run", prob=PROB, limits=limits, ax=ax)
    frame = late.frame[late.columns["N"] == size]
    for line, (_, rows) in zip(ax.get_lines(), frame.groupby("w_bits"), strict=True):
        measured = rows["loss"] - rows["loss_full"]
        ax.scatter(rows["D"], measured, 26, "white", edgecolor=line.get_color(), zorder=4)
    ax.set_title(f"{name}, N = {format_count(size)}; open: left out", fontsize="medium")
save(figure, "left_out.png")

# %% [markdown]
# ## Does the rounded model itself get worse?
#
# The degradation is a difference. What is shipped is the rounded model, and the base model gets
# better all the while. Measured, without any law: the widths at which the rounded model of the last
# checkpoint is worse than that of an earlier one.


# %%
def turning(name: str, frame: pd.DataFrame) -> dict[str, str]:
    """Find the lowest loss of one rounded model along its training."""
    rows = frame.sort_values("D")
    best, last = rows.loc[rows["loss"].idxmin()], rows.iloc[-1]
    return {
        "selection": name,
        "N": format_count(last["N"]),
        "bits": f"{last['w_bits']:g}",
        "lowest loss": f"{best['loss']:.3f}",
        "at D": format_count(best["D"]),
        "last loss": f"{last['loss']:.3f}",
        "last D": format_count(last["D"]),
    }


turns = [
    turning(name, rows)
    for name, runs in selections.items()
    if name == "grid INT3-6" or name.startswith("OLMo")
    for _, rows in runs.frame.groupby(["N", "w_bits"])
]
worse = [row for row in turns if float(row["last loss"]) > float(row["lowest loss"])]
show(f"Rounded models that end worse, {len(worse)} of {len(turns)}:", pd.DataFrame(worse))

# %% [markdown]
# ## What this says, and what it does not
#
# **Yes, within these runs.** On the grid, where every D ends at the same learning rate, and along
# OLMo-1B, the degradation grows with the training tokens; not one draw of any fit has it fall. At 3
# bits the rounded model itself ends worse than it had been, in most runs.
#
# **How sure.**
#
# - The intervals are too narrow. They take rows as independent, and the rows of a selection come
#   from four runs (grid) or one (OLMo-1B). On the grid the four runs agree, and the choice of rows
#   counts for more: leaving out the shortest D moves gamma_D farther than its interval reaches, and
#   the slope at 3 bits lies outside the interval too.
# - The law is wrong by more than its noise allows, in bits on the grid and in D for OLMo-1B. The
#   fit to the first part of OLMo-1B predicts too little for most of the rest. The grid's longest
#   training is predicted much better.
# - OLMo-1B cannot tell D from the learning rate. The tables do not hold its schedule, but a rate
#   that falls towards the end is what Catalan-Tatjer et al. (2025) would expect to make it harder
#   to quantize there. The grid speaks against decay as the *only* cause, since all its rows end at
#   the same rate; it does not acquit the schedule, since its decay lasts longer for larger D.
# - C4 is in OLMo's training mix and both evaluation sets are small. N does not vary there: gamma_N
#   and C_T of those fits are the prior's.
# - Two bits are left out everywhere; nothing here speaks of them.
#
# So: expect to pay for longer training when rounding to few bits, and do not extrapolate OLMo-1B's
# exponent beyond its last checkpoint. To separate data from schedule takes runs that share D and
# differ in schedule, which these tables do not hold.
