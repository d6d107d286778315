"""Mistakes that people make in tables, planted on clean ones, and the words that would name each.

Every kind gives a table with its mistake and the same table without it, so that what is said of
both is not taken for having found the mistake. Nothing here knows what bayesq looks for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

import clean_tables as made
from clean_tables import Rng

Frame = pd.DataFrame


@dataclass(frozen=True)
class Planted:
    """A table with a mistake, its twin without it, and the words and rows that tell of it."""

    kind: str
    frame: Frame
    twin: Frame
    words: str
    rows: frozenset[int] = frozenset()


def any_of(rng: Rng, *designs: Callable[[Rng], Frame]) -> Frame:
    return designs[int(rng.integers(len(designs)))](rng)


def each_run(frame: Frame, rng: Rng, least: int = 1) -> list[np.ndarray]:
    """Rows of some of the runs, or of all: at least so many."""
    runs = [np.asarray(rows) for rows in frame.groupby("run").indices.values()]
    count = int(rng.integers(least, len(runs) + 1)) if rng.random() < 0.5 else len(runs)
    return [runs[i] for i in rng.choice(len(runs), count, replace=False)]


def with_loss(frame: Frame, loss: np.ndarray | pd.Series) -> Frame:
    return frame.assign(loss=np.asarray(loss, dtype=float).round(5))


def fully(frame: Frame) -> np.ndarray:
    """Which rows are of full precision."""
    return np.asarray(frame["stage"] == "none")


# --- units -------------------------------------------------------------------------------------


def perplexities(rng: Rng) -> tuple[Frame, Frame]:
    twin = any_of(rng, *made.DESIGNS)
    return with_loss(twin, np.exp(twin["loss"])), twin


def perplexities_below_11(rng: Rng) -> tuple[Frame, Frame]:
    """Of large networks, whose perplexities could be nats of poor ones."""
    if rng.random() < 0.5:
        twin = made.large(rng)
    else:
        twin = made.public(rng, ["llama2", "llama3", "qwen2.5"][: int(rng.integers(2, 4))], least=4)
    perplexity = np.exp(twin["loss"])
    twin = twin[perplexity < 11].reset_index(drop=True)
    return with_loss(twin, np.exp(twin["loss"])), twin


def bits_per_byte(rng: Rng) -> tuple[Frame, Frame]:
    """In a column of that name, or in one that is called loss."""
    twin = any_of(rng, made.large, made.crossed, made.isoflop, made.public)
    bits = (twin["loss"] / np.log(2) / rng.uniform(3.6, 4.7)).round(4)
    if rng.random() < 0.5:
        return twin.drop(columns="loss").assign(bpb=bits), twin
    return with_loss(twin, bits), twin


def accuracies(rng: Rng) -> tuple[Frame, Frame]:
    twin = any_of(rng, made.crossed, made.branches, made.rounded_sweep, made.public, made.by_size)
    # From near guessing for the worst to good for the best, as benchmarks are.
    loss = twin["loss"].to_numpy()
    poor, good = rng.uniform(0.26, 0.4), rng.uniform(0.55, 0.85)
    share = (loss.max() - loss) / (loss.max() - loss.min())
    score = poor + (good - poor) * share + rng.normal(0, 0.002, len(twin))
    return with_loss(twin, score * (100 if rng.random() < 0.4 else 1)), twin


def billions_of_parameters(rng: Rng) -> tuple[Frame, Frame]:
    twin = any_of(rng, *made.DESIGNS)
    return twin.assign(N=twin["N"] / 1e9), twin


def billions_of_tokens(rng: Rng) -> tuple[Frame, Frame]:
    twin = any_of(rng, *made.DESIGNS)
    if rng.random() < 0.5:
        return twin.assign(D=twin["D"] / 1e9), twin
    return twin.assign(N=twin["N"] / 1e9, D=twin["D"] / (1e9 if rng.random() < 0.5 else 1e12)), twin


def swapped(rng: Rng) -> tuple[Frame, Frame]:
    """In a table in which every network saw more tokens than it has parameters."""
    twin = any_of(rng, made.crossed, made.large, made.rounded_sweep, made.public, made.by_group)
    twin = twin[twin["D"] > twin["N"]].reset_index(drop=True)
    return twin.assign(N=twin["D"], D=twin["N"]), twin


def mixed(rng: Rng) -> tuple[Frame, Frame]:
    """Perplexities in some rows of a column of losses."""
    twin = any_of(rng, *made.DESIGNS)
    share = rng.uniform(0.15, 0.6)
    some = rng.random(len(twin)) < share
    some[int(rng.integers(len(twin)))] = True
    return with_loss(twin, np.where(some, np.exp(twin["loss"]), twin["loss"])), twin


# --- rows --------------------------------------------------------------------------------------


def broken_upload(rng: Rng) -> tuple[Frame, Frame, frozenset[int]]:
    """Break one network's upload; rows that are measured against it are its as well."""
    twin = any_of(rng, *made.DESIGNS)
    row = int(rng.integers(len(twin)))
    loss = twin["loss"].to_numpy().copy()
    # Of wide rows alone: what is far for 2 bits is another matter.
    if "w_bits" in twin:
        row = int(rng.choice(np.flatnonzero(twin["w_bits"] >= 4)))
    loss[row] += rng.uniform(0.5, 3)
    rows = {row + 1}
    if "stage" in twin and twin["stage"].iloc[row] == "none":
        same = (twin["N"] == twin["N"].iloc[row]) & (twin["D"] == twin["D"].iloc[row])
        rows |= {int(i) + 1 for i in np.flatnonzero(same)}
    return with_loss(twin, loss), twin, frozenset(rows)


def worse_with_tokens(rng: Rng) -> tuple[Frame, Frame]:
    """Put the losses of a log in the wrong order."""
    twin = made.branches(rng)
    loss = twin["loss"].to_numpy().copy()
    for rows in each_run(twin, rng):
        loss[rows] = loss[rows][::-1]
    return with_loss(twin, loss), twin


def worse_with_bits(rng: Rng) -> tuple[Frame, Frame]:
    """Put the widths of some networks' rows in the wrong order."""
    twin = any_of(rng, made.gguf, made.public, made.rounded_sweep)
    loss, bits = twin["loss"].to_numpy().copy(), twin["w_bits"].to_numpy(dtype=float)
    narrow = ~fully(twin)
    for rows in each_run(twin, rng):
        low = rows[narrow[rows]]
        by_bits = low[np.argsort(bits[low], kind="stable")]
        loss[by_bits] = np.sort(loss[low])
    return with_loss(twin, loss), twin


def sixteen_worse_than_four(rng: Rng) -> tuple[Frame, Frame]:
    """Full precision was measured with a shorter context: some networks, or all."""
    twin = any_of(rng, made.gguf, made.public, made.near_collapse, made.rounded_sweep)
    loss, bits = twin["loss"].to_numpy().copy(), twin["w_bits"].to_numpy(dtype=float)
    full = fully(twin)
    for rows in each_run(twin, rng):
        about_four = rows[(bits[rows] >= 3.9) & (bits[rows] < 5) & ~full[rows]]
        if len(about_four):
            loss[rows[full[rows]]] = loss[about_four].max() + rng.uniform(0.02, 0.15)
    return with_loss(twin, loss), twin


def mostly_negative(rng: Rng) -> tuple[Frame, Frame]:
    """Full precision was measured on a harder text."""
    twin = any_of(rng, made.gguf, made.public, made.rounded_sweep, made.by_group, made.by_size)
    loss, full = twin["loss"].to_numpy().copy(), fully(twin)
    best = twin[full].groupby(["N", "D"])["loss"].min()
    base = np.array([best[n, d] for n, d in zip(twin["N"], twin["D"], strict=True)])
    loss[full] += float(np.quantile((loss - base)[~full], 0.8)) + rng.uniform(0.01, 0.1)
    return with_loss(twin, loss), twin


def logged_steps(rng: Rng) -> tuple[Frame, Frame]:
    """Three steps of each run's log, all with the N and D that the run was to have."""
    twin = any_of(rng, made.crossed, made.isoflop, made.large)
    parts = []
    for back in (2, 1, 0):
        loss = twin["loss"] * (1 + 0.004 * back) * np.exp(rng.normal(0, 0.001, len(twin)))
        parts.append(with_loss(twin, loss).assign(step=10_000 - 1_000 * back))
    frame = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    return (frame if rng.random() < 0.5 else frame.drop(columns="step")), twin


def one_setting_scatters(rng: Rng) -> tuple[Frame, Frame]:
    """One setting's repeats lie far apart, where all others agree."""
    twin = made.repeats(rng)
    N, D = twin.loc[int(rng.integers(len(twin))), ["N", "D"]]
    rows = np.flatnonzero((twin["N"] == N) & (twin["D"] == D))
    loss = twin["loss"].to_numpy().copy()
    within = twin.groupby(["N", "D"])["loss"].transform("mean").to_numpy()
    scatter = float(np.std(loss - within))
    apart = rng.normal(0, 1, len(rows))
    apart = (apart - apart.mean()) / apart.std()
    loss[rows] += apart * scatter * rng.uniform(12, 40)
    return with_loss(twin, loss), twin


# --- what the columns claim --------------------------------------------------------------------


def along_a_schedule(rng: Rng) -> tuple[Frame, Frame]:
    """Checkpoints of one schedule, honestly said to be that."""
    twin = any_of(rng, made.branches, made.branches_rounded)
    loss = twin["loss"].to_numpy().copy()
    for rows in twin.groupby("run").indices.values():
        last = twin["D"].iloc[rows].max()
        loss[rows] += 0.08 * (1 - twin["D"].iloc[rows].to_numpy() / last)
    return with_loss(twin, loss).assign(annealed="no"), twin


def errors_too_large(rng: Rng) -> tuple[Frame, Frame]:
    """Give errors of single tokens' losses, or of another metric."""
    twin = made.with_errors(rng, made.crossed if rng.random() < 0.5 else made.repeats)
    return twin.assign(loss_se=(rng.uniform(10, 40) * twin["loss_se"]).round(5)), twin


def spelt_in_two_ways(rng: Rng) -> tuple[Frame, Frame]:
    twin = any_of(rng, made.public, made.near_collapse, made.rounded_sweep)
    names = [name for name in twin["method"].dropna().unique() if name]
    chosen = str(rng.choice(names))
    rows = np.flatnonzero(twin["method"] == chosen)
    some = rng.choice(rows, max(1, len(rows) // int(rng.integers(2, 5))), replace=False)
    method = twin["method"].astype(object).to_numpy().copy()
    method[some] = chosen.upper() if rng.random() < 0.6 else chosen.capitalize()
    return twin.assign(method=method), twin


def another_recipes_baseline(rng: Rng) -> tuple[Frame, Frame]:
    """Train the quantized runs by another recipe than the only full-precision ones."""
    make = made.by_group if rng.random() < 0.5 else made.by_size
    twin = make(rng)
    name, ours, theirs = [
        ("lr", 3e-4, 1.5e-3),
        ("optimizer", "muon", "adamw"),
        ("schedule", "wsd", "cosine"),
        ("recipe", "v2", "v1"),
    ][int(rng.integers(4))]
    full = fully(twin)
    told = np.where(full, theirs, ours)
    frame = with_loss(twin, twin["loss"] + np.where(full, rng.uniform(0.02, 0.1), 0.0))
    return frame.assign(**{name: told}), twin.assign(**{name: ours})


ORDER = (
    r"negative|bits?\b.*(worse|higher|ris(e|ing))|(worse|higher|ris(e|es|ing))\b.*\bbits?\b|"
    r"(better|below|less|more).*(partner|full.precision)|(more|fewer) bits|bits.do.not"
)
# By kind: how it is planted, and what a note or an error that names it has in its code or words.
KINDS: dict[str, tuple[Callable[[Rng], tuple[Frame, ...]], str]] = {
    "perplexities": (perplexities, r"perplexit"),
    "perplexities below 11": (perplexities_below_11, r"perplexit"),
    "bits per byte": (bits_per_byte, r"bpb|per[ -]byte|bytes.per.token"),
    "accuracies": (
        accuracies,
        r"accurac|score|higher is better|better than|negative|vocabular|ris(e|ing)|grows?\b",
    ),
    "billions of parameters": (
        billions_of_parameters,
        r"billion|million|fewer tokens|unit|D (lies )?below N|N below",
    ),
    "billions of tokens": (
        billions_of_tokens,
        r"billion|trillion|fewer tokens|unit|D (lies )?below N|N below|exchanged|swapped",
    ),
    "swapped": (swapped, r"swap|exchang|billion|fewer tokens|D (lies )?below N|interchang"),
    "mixed": (mixed, r"perplexit|mixed"),
    "broken upload": (broken_upload, r"."),
    "worse with tokens": (
        worse_with_tokens,
        r"(ris(e|es|ing)|grow|increas|higher|worse).*(\bD\b|token)|(\bD\b|token).*(ris|grow|worse)",
    ),
    "worse with bits": (worse_with_bits, ORDER),
    "16 bits worse than 4": (sixteen_worse_than_four, ORDER),
    "mostly negative": (
        mostly_negative,
        r"negative|(better|below|less).*(partner|full.precision)|accurac",
    ),
    "logged steps": (logged_steps, r"same N and D|duplicat|logged|\blog\b|last step"),
    "one setting scatters": (one_setting_scatters, r"scatter|spread|apart|repeat"),
    "along a schedule": (along_a_schedule, r"anneal|schedule|checkpoint|learning rate"),
    "errors too large": (errors_too_large, r"loss_se|(standard )?errors?\b.*(scatter|large|far)"),
    "spelt in two ways": (spelt_in_two_ways, r"alike|case|spel"),
    "another recipe's baseline": (
        another_recipes_baseline,
        r"recipe|full.precision (partner|row|run)|partner|lacks? a partner",
    ),
}


def planted(seed: int) -> Planted:
    """Make up the table of a number, its mistake being of the kind whose turn it is."""
    kind = list(KINDS)[seed % len(KINDS)]
    rng = np.random.default_rng([41, seed])
    plant, words = KINDS[kind]
    frame, twin, *rows = plant(rng)
    most = 300
    found = rows[0] if rows else frozenset()
    if len(frame) > most and (not found or max(found) <= most):
        frame, twin = frame.iloc[:most], twin.iloc[:most]
    return Planted(kind, frame, twin, words, found)
