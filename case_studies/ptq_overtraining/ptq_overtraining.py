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
# This study fits these laws to two sets of runs that bayesq knows:
#
# - **grid**, shipped with bayesq: four small transformers, rounded to nearest after training. Each
#   D has its own decay of the learning rate, always to the same small share of its peak, over the
#   last fifth of the tokens. So D varies here while the end of the schedule does not.
# - **OLMo-1B**, the public pool `olmo_ptq`: checkpoints along *one* run, rounded to nearest (RTN)
#   and with AWQ, evaluated on C4 and on WikiText-2. Here the learning rate falls as D grows, and
#   nothing in the data tells one from the other.
#
# After this page you know what the exponent of D is in each, which law foretells best, and which
# question checkpoints of one schedule leave open however many there are.

# %%
from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from scipy import stats

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.plot import plot_law
from bayesq.runs.counts import format_count

sys.path.append("..")
from studying import ASKED, figure, say, table

PROB = 0.9
KUMAR = bayesq.laws()["kumar2024-ptq"]
# The laws are taken to be true here: the question is what each then says.
TRUE = {"discrepancy": False, **ASKED}

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
pool = bayesq.load_pool("olmo_ptq").select("3 <= w_bits <= 5")
selections = {"grid INT3-6": grid, "grid D > 30M": grid.select("D > 3e7")} | {
    f"OLMo {text} {method}": pool.select(f"study == '{study}' and method == '{method}'")
    for study, text in {"olmo_ptq-c4": "C4", "olmo_ptq-wt2": "WT2"}.items()
    for method in ("RTN", "AWQ")
}
olmo = selections["OLMo C4 RTN"]

# %% [markdown]
# ## The exponent of the tokens
#
# Kumar's law of the degradation $\delta$, with P bits:
#
# $$\delta = C_T\,\frac{D^{\gamma_D}}{N^{\gamma_N}}\,e^{-P/\gamma_{post}}$$
#
# The question is about $\gamma_D$, gamma_D in the tables. Its prior is wide enough for no effect at
# all and for either sign; where the posterior is much narrower, the runs have spoken. For each
# selection: gamma_D; how many of the draws lie above 0; by how much twice the tokens multiply the
# degradation, $2^{\gamma_D}$; and by how much the tokens must grow to double it, $2^{1/\gamma_D}$.

# %%
fits = {name: bayesq.fit(runs, KUMAR, "degradation", **TRUE) for name, runs in selections.items()}


def interval(draws: np.ndarray | xr.DataArray, digits: int = 2) -> str:
    """Write the median of draws with its interval."""
    median, lower, upper = np.quantile(draws, [0.5, (1 - PROB) / 2, (1 + PROB) / 2])
    return f"{median:.{digits}f} ({lower:.{digits}f} to {upper:.{digits}f})"


def answer(fitted: bayesq.Fit) -> dict[str, str]:
    """Say what a fit says of gamma_D."""
    gamma = fitted.posterior["gamma_D"].values.ravel()
    # Where a draw has no growth, no number of tokens doubles the degradation.
    doubling = np.where(gamma > 0, 2 ** (1 / np.maximum(gamma, 1e-3)), np.inf)
    return {
        "rows": str(fitted.data.attrs["rows"]),
        "gamma_D": interval(gamma, digits=3),
        "draws above 0": "all" if (gamma > 0).all() else f"{(gamma > 0).mean():.2%}",
        "at twice D": interval(2**gamma),
        "D to double": interval(doubling, digits=1),
    }


table(pd.DataFrame({name: answer(fitted) for name, fitted in fits.items()}).T)
medians = [float(fitted.posterior["gamma_D"].median()) for fitted in fits.values()]
prior = next(p.prior for p in KUMAR.parameters if p.symbol == "gamma_D")
published = KUMAR.published[0]
say(
    f"gamma_D has medians from {min(medians):.2f} to {max(medians):.2f}, so twice the tokens "
    f"multiply the degradation by {2 ** min(medians):.2f} to {2 ** max(medians):.2f}. Before any "
    f"data it was {interval(prior.quantile(np.linspace(0.0005, 0.9995, 1000)))}. "
    f"{published.source}: {published.values['gamma_D']:g}"
    f"{'' if published.checked else ' (from a transcript, unchecked)'}."
)

# %% [markdown]
# Law over data. The bands are for a new measurement, so about nine points in ten should lie in
# them. One panel a size on the grid, one a text and method for OLMo-1B.


# %%
def panels(count: int) -> list[Axes]:
    """Make panels in two columns with shared axes."""
    drawn = plt.figure(figsize=(9, 6.4), layout="constrained")
    return list(drawn.subplots(-(-count // 2), 2, sharex=True, sharey=True).flat)[:count]


def added(runs: bayesq.Runs) -> pd.Series:
    """Work out the measured degradations."""
    return runs.frame["loss"] - runs.frame["loss_full"]


sizes = np.unique(grid.columns["N"])
axes = panels(len(sizes))
for i, (ax, size) in enumerate(zip(axes, sizes, strict=True)):
    plot_law(fits["grid INT3-6"], at={"N": size}, kind="run", prob=PROB, legend=i == 1, ax=ax)
    ax.set_title(f"grid INT3-6, N = {format_count(size)}", fontsize="medium")
    ax.label_outer()
axes[0].set_ylim(0.4 * added(grid).min(), 1.6 * added(grid).max())
figure(axes[0].figure)

# %%
names = [name for name in fits if name.startswith("OLMo")]
axes = panels(len(names))
for i, (ax, name) in enumerate(zip(axes, names, strict=True)):
    plot_law(fits[name], kind="run", prob=PROB, legend=i == 1, ax=ax)
    ax.set_title(name, fontsize="medium")
    ax.label_outer()
axes[0].set_ylim(0.4 * added(pool).min(), 1.6 * added(pool).max())
figure(axes[0].figure)

# %% [markdown]
# Straight lines hold on the grid; 3 bits rise faster than the law. In OLMo-1B the points bend
# upwards late in the run, at every width.
#
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


def slopes(runs: bayesq.Runs) -> dict[str, str]:
    """Tabulate slopes by width and by part of the training."""
    frame = runs.frame
    # A little under a half, as the tokens of the grid double only about.
    late = frame["D"] > 0.49 * frame.groupby("run")["D"].transform("max")
    by_bits = {f"{bits:g} bits": f"{slope(rows):.2f}" for bits, rows in frame.groupby("w_bits")}
    return {
        "all": f"{slope(frame):.2f}",
        **by_bits,
        "before": f"{slope(frame[~late]):.2f}",
        "last doubling": f"{slope(frame[late]):.2f}",
    }


columns = ["all", "3 bits", "4 bits", "5 bits", "6 bits", "before", "last doubling"]
found = pd.DataFrame({name: slopes(runs) for name, runs in selections.items()}).T
table(found[columns].fillna("-"))

by_run = np.array([slope(rows) for _, rows in grid.frame.groupby("run")])
half = stats.t.ppf((1 + PROB) / 2, len(by_run) - 1) * by_run.std(ddof=1) / len(by_run) ** 0.5
say(
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
    mean = KUMAR.evaluate("degradation", values).mean(("chain", "draw"))
    measured: xr.DataArray = fitted.data["observed_data"]["degradation"]
    return pd.DataFrame({"D": inputs["D"], "P": inputs["P"], "ratio": measured / mean})


shown = {
    title: pd.concat([ratios(name) for name in fits if name.startswith(title)])
    for title in ("grid INT3-6", "OLMo C4", "OLMo WT2")
}
LOOKS = {3: ("o", "#440154"), 4: ("s", "#31688e"), 5: ("^", "#21a585"), 6: ("D", "#8fd744")}
drawn = plt.figure(figsize=(10, 3.6), layout="constrained")
row = drawn.subplots(1, len(shown), sharey=True)
told = []
for ax, (title, found) in zip(row, shown.items(), strict=True):
    for bits, rows in found.groupby("P"):
        marker, colour = LOOKS[int(bits)]
        ax.scatter(rows["D"], rows["ratio"], 16, colour, marker=marker, alpha=0.8, linewidth=0)
    mean = np.exp(np.log(found["ratio"]).groupby(found["D"]).mean())
    ax.plot(mean.index, mean, color="black", linewidth=1.2)
    ax.axhline(1, color="0.6", linewidth=0.8)
    ax.set(xscale="log", yscale="log", xlabel="D (tokens)")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter(lambda value, _: format_count(value))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_yticks([0.7, 1, 1.4], ["0.7", "1", "1.4"])
    ax.set_yticks([], minor=True)
    ax.set_title(title, fontsize="medium")
    told.append(
        f"{title}: {mean.iloc[0]:.2f} at the first D, {mean.min():.2f} at the lowest, "
        f"{mean.iloc[-1]:.2f} at the last."
    )
row[0].set_ylabel("measured / law")
for bits, (marker, colour) in LOOKS.items():
    row[-1].scatter([], [], 16, colour, marker=marker, label=f"{bits} bits")
row[-1].plot([], [], color="black", linewidth=1.2, label="mean at each D")
row[-1].legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize="small")
words = f"Measured degradation over the law's, mean at each D. {' '.join(told)}"
figure(drawn, words)
say(words)

# %% [markdown]
# On the grid the pattern is between widths, whatever D: 6 bits lie above the law and 4 bits below
# it, so an exponential in bits is not quite right; 3 bits rise through it, a steeper slope than at
# the other widths; and the shortest D lies high. In OLMo-1B the pattern is in D itself, at every
# width, for both methods and on both texts: high at first, low in the middle, high at the end. The
# degradation accelerates late in the run. One power of D does not follow that: the exponent of the
# fit is a mean of a slow part and a fast one.
#
# ## Could the law have told us?
#
# Leave out the last 30 % of the tokens, fit the rest, and predict what was left out. If intervals
# are honest, about nine in ten of the left-out values lie in them.


# %%
def early_and_late(runs: bayesq.Runs) -> tuple[bayesq.Fit, bayesq.Runs]:
    """Fit the first 70 % of the tokens; return that fit and the rows it has not seen."""
    late = runs.columns["D"] > 0.7 * runs.columns["D"].max()
    return bayesq.fit(runs.select(~late), KUMAR, "degradation", **TRUE), runs.select(late)


def covered(early: bayesq.Fit, late: bayesq.Runs) -> dict[str, str]:
    """Count the unseen measurements inside the interval of a new run."""
    frame = late.frame
    found = bayesq.predict(early, frame[["N", "D", "w_bits"]], "run").to_frame(PROB)
    measured = added(late).to_numpy()
    inside = (found["lower"] <= measured) & (measured <= found["upper"])
    last = frame["D"].to_numpy() == frame["D"].max()
    ratio = np.exp(np.log(measured / found["median"])[last].mean())
    return {
        "rows seen": str(early.data.attrs["rows"]),
        "gamma_D of those": interval(early.posterior["gamma_D"], digits=3),
        "unseen rows inside": f"{inside.sum()} of {len(inside)}",
        "above": str((measured > found["upper"]).sum()),
        "measured / predicted, last D": f"{ratio:.2f}",
    }


held_out = {"grid INT3-6": early_and_late(grid), "OLMo C4 RTN": early_and_late(olmo)}
table(pd.DataFrame({name: covered(*parts) for name, parts in held_out.items()}).T)

# %%
drawn = plt.figure(figsize=(10.4, 3.8), layout="constrained")
row = drawn.subplots(1, len(held_out))
for i, (ax, (name, (early, late))) in enumerate(zip(row, held_out.items(), strict=True)):
    size = np.unique(late.columns["N"])[-1]
    limits = (early.observed_range["D"][0], float(late.columns["D"].max()))
    plot_law(early, at={"N": size}, kind="run", prob=PROB, limits=limits, legend=i == 0, ax=ax)
    last = late.select(late.columns["N"] == size)
    ax.scatter(last.columns["D"], added(last), 26, "white", edgecolor="black", zorder=4)
    ax.set_ylim(top=1.3 * added(last).max())
    ax.set_title(f"{name}, N = {format_count(size)}; open: left out", fontsize="medium")
figure(drawn)

# %% [markdown]
# ## Kumar, Ouyang, or no D at all?
#
# Kumar et al. have an exponential in bits, Ouyang et al. a power, and both a power of D. The law
# with gamma_D = 0 says that the tokens do nothing by themselves. `compare` leaves out one row at a
# time (inside), and the rows of the largest D together (outside); elpd is the log predictive
# density of what was left out, in nats, and more is better.

# %%
LAWS: dict[str, str | Law] = {
    "Kumar": "kumar2024-ptq",
    "Ouyang": "ouyang2024",
    "no D": "kumar2024-ptq:gamma_D=0",
}


def compared(runs: bayesq.Runs, laws: dict[str, str | Law]) -> pd.DataFrame:
    """Compare laws inside and outside; differences are to the best, with standard errors."""
    fitted = bayesq.fit_laws(runs, [*laws.values()], "degradation", **TRUE)
    named = dict(zip(laws, fitted.values(), strict=True))
    frame = bayesq.compare(named, outside="largest-D", progress=False).to_frame()

    def difference(name: str) -> pd.Series:
        error = frame[f"{name}_se"].map(lambda e: f" ± {e:.1f}" if np.isfinite(e) else "")
        return frame[name].map("{:.1f}".format) + error

    return pd.DataFrame(
        {
            "elpd inside": frame["elpd"].map("{:.1f}".format),
            "short of the best": difference("diff"),
            "elpd outside": frame["outside"].map("{:.1f}".format),
            "short of the best outside": difference("outside_diff"),
        }
    ).loc[[*laws]]


on_grid = compared(grid, LAWS)
table(on_grid)

# %% [markdown]
# On the grid a power of bits is better than an exponential inside; outside the difference is small
# beside its error. A law without D is far behind both, inside and outside: with the same end of the
# schedule, the degradation grows with D. The standard errors take the four runs as what is
# independent, and four are few.
#
# Now OLMo-1B, with one law more. It is made for this page: Kumar's, with D not as a power but as
# the share of the schedule that has passed, $e^{rate \cdot D/D_{end}}$. That stands for a cause
# that has nothing to do with data and everything with where on its schedule a run is. Its prior
# allows as much growth over the run as that of gamma_D does.

# %%
END = float(olmo.columns["D"].max())
DECADES = np.log(END / olmo.columns["D"].min())


def sensitivity(N, D, P, rate, gamma_N, gamma_post):
    """Grow with the share of the schedule that has passed."""
    return np.exp(rate * D / END) / N**gamma_N * np.exp(-P / gamma_post)


def degradation(N, D, P, C_T, rate, gamma_N, gamma_post):
    """Loss that rounding adds, in nats per token."""
    return C_T * np.exp(rate * D / END) / N**gamma_N * np.exp(-P / gamma_post)


growth = Prior("Normal", mu=0.4 * DECADES, sigma=0.3 * DECADES)
schedule = KUMAR.with_formula(
    "share of the schedule",
    degradation=degradation,
    parameters=(
        replace(*KUMAR.pick("C_T"), term=sensitivity),
        Parameter("rate", growth, "1", "log of the growth over the schedule"),
    ),
)
on_olmo = compared(olmo, {**LAWS, "schedule": schedule})
table(on_olmo)
say(
    f"No standard errors stand here: all {len(olmo)} rows are of one training run, and one run "
    "says nothing about how another would differ."
)

# %% [markdown]
# ### Why checkpoints of one schedule cannot tell
#
# On OLMo-1B the law without D falls short of Kumar's by much, inside. Read alone that says: tokens
# make the model harder to quantize. But on the rows of the largest D, which the fit does not see,
# it is about as far behind the best as the laws with a power of D. And the law of the schedule,
# which knows nothing of data, stands above all of them, inside and outside. Along one run the share
# of the schedule *is* D over a constant, and the learning rate is some function of it, so any cause
# that moves along the run can be written as a function of D. More checkpoints of that run add rows
# and no answer. The grid tells the two apart, as there every D ends its own schedule: the law of
# the schedule has one value there for all rows, which is the law with gamma_D = 0, and that one is
# far behind.
#
# So the two pools say different things, and neither contradicts the other. The tokens matter at an
# equal end of the schedule (grid). How much of the rise along OLMo-1B is due to them is not in the
# table.
#
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
    if name != "grid D > 30M"
    for _, rows in runs.frame.groupby(["N", "w_bits"])
]
worse = [row for row in turns if float(row["last loss"]) > float(row["lowest loss"])]
say(f"{len(worse)} of {len(turns)} rounded models end worse than they had been:")
table(pd.DataFrame(worse).set_index("selection"))

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
#   and C_T of those fits are the prior's. The grid's largest network has 19M parameters.
# - Two bits are left out everywhere; nothing here speaks of them.
#
# So: expect to pay for longer training when rounding to few bits, and do not extrapolate OLMo-1B's
# exponent beyond its last checkpoint. To separate data from schedule takes runs that share D and
# differ in schedule, which these tables do not hold.
#
# ## Sources
#
# - T. Kumar et al. (2024), *Scaling Laws for Precision*, arXiv:2411.04330.
# - X. Ouyang et al. (2024), *Low-Bit Quantization Favors Undertrained LLMs*, arXiv:2411.17691.
# - A. Catalan-Tatjer, N. Ajroldi, J. Geiping (2025), *Training Dynamics Impact Post-Training
#   Quantization Robustness*, arXiv:2510.06213.
# - Pools `grid` and `olmo_ptq`: `bayesq pools` names their source and licence.
