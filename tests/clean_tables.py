"""Tables as people measure them, made up from published laws: nothing in them is a mistake.

The designs know nothing of what bayesq looks for. A table has 20 to 300 rows; networks are of
public sizes or of a sweep; a training run's loss is a law's within 0.1 to 1 %; a network quantized
after training keeps its own loss and adds to it a degradation that is a law's within some per cent.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd

Rng = np.random.Generator
Cells = dict[str, object]

# Constants of published fits of E + A / N^alpha + B / D^beta, and of one to source code.
BASES = {
    "hoffmann": (1.69, 406.4, 410.7, 0.3392, 0.2849),
    "besiroglu": (1.8172, 482.01, 2085.43, 0.3478, 0.3658),
    "chen": (1.9279, 237.70, 596.25, 0.3022, 0.3022),
    "sun": (1.9061, 69.2343, 68973.0621, 0.2368, 0.5162),
    "code": (0.75, 120.0, 260.0, 0.31, 0.29),
}
# Public families: tokens and sizes.
FAMILIES: dict[str, tuple[tuple[float, float], ...]] = {
    "pythia": tuple((n, 3e11) for n in (7.04e7, 1.62e8, 4.05e8, 1.01e9, 1.41e9, 2.78e9, 6.86e9)),
    "opt": tuple((n, 1.8e11) for n in (1.25e8, 3.5e8, 1.3e9, 2.7e9, 6.7e9, 1.3e10, 3e10)),
    "llama2": ((6.74e9, 2e12), (1.3e10, 2e12), (6.9e10, 2e12)),
    "llama3": ((1.24e9, 9e12), (3.21e9, 9e12), (8.03e9, 1.5e13), (7.06e10, 1.5e13)),
    "qwen2.5": tuple((n, 1.8e13) for n in (4.9e8, 1.54e9, 3.09e9, 7.62e9, 1.48e10, 3.28e10)),
    "gemma2": ((2.61e9, 2e12), (9.24e9, 8e12), (2.72e10, 1.3e13)),
    "smollm": ((1.35e8, 2e12), (3.6e8, 4e12), (1.71e9, 1.1e13)),
    "olmo": ((1.18e9, 3e12), (6.89e9, 2.5e12)),
}
# What llama.cpp's formats take a weight.
GGUF = {
    "IQ2_XS": 2.43, "Q2_K": 3.16, "IQ3_XXS": 3.25, "Q3_K_S": 3.64, "Q3_K_M": 4.0, "Q3_K_L": 4.3,
    "IQ4_XS": 4.46, "Q4_0": 4.66, "Q4_K_S": 4.67, "Q4_K_M": 4.89, "Q5_0": 5.59, "Q5_K_S": 5.57,
    "Q5_K_M": 5.7, "Q6_K": 6.56, "Q8_0": 8.5,
}  # fmt: skip
METHODS = {"rtn": 1.0, "gptq": 0.7, "awq": 0.62, "hqq": 0.8, "quip": 0.5}


def label(count: float) -> str:
    """Name a size as people do."""
    return f"{count / 1e9:.3g}B" if count >= 1e9 else f"{count / 1e6:.3g}M"


def rounded(values: np.ndarray, digits: int = 3) -> np.ndarray:
    return np.array([float(f"{value:.{digits}g}") for value in values])


class Lab:
    """One who trains and measures: a base law, how runs scatter, and how bits cost."""

    def __init__(self, rng: Rng, base: str | None = None, noise: float | None = None) -> None:
        self.rng = rng
        e, a, b, self.alpha, self.beta = BASES[base or str(rng.choice(list(BASES)))]
        self.E, self.A, self.B = np.array([e, a, b]) * np.exp(rng.normal(0, [0.03, 0.1, 0.1]))
        self.noise = float(np.exp(rng.uniform(*np.log([0.001, 0.01])))) if noise is None else noise
        self.exponential = bool(rng.random() < 0.5)
        self.scale = float(np.exp(rng.normal(np.log(0.04), 0.5)))
        self.gamma_N, self.gamma_D = rng.uniform(0.15, 0.4), rng.uniform(0.05, 0.5)
        self.paired = rng.uniform(0.02, 0.1)

    def law(self, N: float, D: float) -> float:
        return float(self.E + self.A * N**-self.alpha + self.B * D**-self.beta)

    def train(self, N: float, D: float) -> float:
        """Loss of one run."""
        return self.law(N, D) * float(np.exp(self.rng.normal(0, self.noise)))

    def round_weights(self, N: float, D: float, bits: float, factor: float = 1.0) -> float:
        """Give the degradation by narrow weights: Kumar's exponential or Ouyang's power of bits.

        It is near 0.04 nats for a billion parameters, 100 tokens a parameter and 4 bits.
        """
        size = (N / 1e9) ** -self.gamma_N * (D / N / 100) ** self.gamma_D
        bent = np.exp((4 - bits) / 0.75) if self.exponential else (4 / bits) ** 5.0
        found = self.scale * factor * min(size, 20.0) * bent
        # Beyond some nats nothing is left to lose: a network that knows the vocabulary at most.
        found = found / (1 + found / 7)
        scatter = np.exp(self.rng.normal(0, self.paired))
        return float(found * scatter + self.rng.normal(0, 2e-4))


def table(rows: list[Cells]) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    return frame.assign(loss=frame["loss"].astype(float).round(5))


def sweep(rng: Rng, sizes: int, low: float = 1e7, high: float = 1e9) -> np.ndarray:
    """Sizes of a sweep, evenly spaced but for what architectures allow."""
    even = np.geomspace(low, high * rng.uniform(0.5, 3), sizes)
    return rounded(even * np.exp(rng.normal(0, 0.05, sizes)))


# --- full precision ----------------------------------------------------------------------------


def crossed(rng: Rng, lab: Lab | None = None, study: str = "sweep") -> pd.DataFrame:
    """Sizes crossed with lengths of training, each a run of its own, some of several seeds."""
    lab = lab or Lab(rng)
    seeds = int(rng.choice([1, 1, 2, 3]))
    lengths = rounded(np.geomspace(1e9, 1e11 * rng.uniform(0.5, 3), int(rng.integers(4, 8))))
    return table(
        [
            {"study": study, "run": f"{label(N)}-{label(D)}-s{s}", "N": N, "D": D, "seed": s}
            | {"loss": lab.train(N, D)}
            for N, D, s in product(sweep(rng, int(rng.integers(5, 8))), lengths, range(seeds))
        ]
    )


def large(rng: Rng) -> pd.DataFrame:
    """Large networks alone, of low loss."""
    lab = Lab(rng, str(rng.choice(["hoffmann", "besiroglu"])), noise=rng.uniform(0.001, 0.004))
    lab.E = rng.uniform(1.55, 1.75)
    sizes = sweep(rng, int(rng.integers(4, 7)), 1e9, 2e10)
    return table(
        [
            {"run": f"{label(N)}-{label(D)}", "N": N, "D": D, "loss": lab.train(N, D)}
            for N, D in product(sizes, rounded(np.geomspace(2e11, 4e12, 5)))
        ]
    )


def small(rng: Rng) -> pd.DataFrame:
    """Networks that a laptop trains."""
    # Of words they know little; of code, of one style, much.
    base, low, least = ("code", 3e5, 2e7) if rng.random() < 0.5 else ("chen", 1e6, 3e8)
    lab, sizes = Lab(rng, base), sweep(rng, 6, low, 3e7)
    lengths = rounded(np.geomspace(least, 100 * least, 6))
    return table(
        [
            {"run": f"s{i}", "N": N, "D": D, "loss": lab.train(N, D)}
            for i, (N, D) in enumerate(product(sizes, lengths))
        ]
    )


def isoflop(rng: Rng) -> pd.DataFrame:
    """Spend some budgets of compute, each on several sizes around the best."""
    lab = Lab(rng, noise=rng.uniform(0.001, 0.004))
    rows: list[Cells] = []
    for budget in 10 ** np.arange(18.0, 18 + rng.integers(2, 4) + 0.1, 0.5):
        for share in np.geomspace(0.25, 4, int(rng.integers(5, 8))):
            N = float(f"{share * np.sqrt(budget / 120):.4g}")
            D = float(f"{budget / 6 / N:.4g}")
            run = f"{budget:.0e}-{label(N)}"
            rows.append({"run": run, "N": N, "D": D, "C": budget, "loss": lab.train(N, D)})
    return table(rows)


def branches(rng: Rng, quantized: bool = False) -> pd.DataFrame:
    """Train runs of several lengths each, the learning rate brought down for every one."""
    lab = Lab(rng)
    rows: list[Cells] = []
    for N in sweep(rng, int(rng.integers(4, 8))):
        of_run = float(np.exp(rng.normal(0, lab.noise)))
        for D in rounded(np.geomspace(1e9, 6e10, int(rng.integers(5, 9)))):
            loss = lab.law(N, D) * of_run + rng.normal(0, 5e-4)
            cells: Cells = {"run": label(N), "N": N, "D": D, "annealed": "yes"}
            full: Cells = {"stage": "none", "w_bits": 16, "loss": loss} if quantized else {}
            rows.append(cells | {"loss": loss} | full)
            for bits in (3, 4, 6) if quantized else ():
                cost = lab.round_weights(N, D, bits)
                rows.append(cells | {"stage": "post", "w_bits": bits, "loss": loss + cost})
    return table(rows)


def repeats(rng: Rng, lab: Lab | None = None) -> pd.DataFrame:
    """Train every setting from several seeds."""
    lab, seeds = lab or Lab(rng), int(rng.integers(3, 6))
    sizes, lengths = sweep(rng, int(rng.integers(3, 5))), rounded(np.geomspace(2e9, 5e10, 4))
    return table(
        [
            {"run": f"{label(N)}-{label(D)}-{s}", "N": N, "D": D, "seed": s}
            | {"loss": lab.train(N, D)}
            for N, D, s in product(sizes, lengths, range(seeds))
        ]
    )


def with_errors(rng: Rng, make: Callable[[Rng, Lab], pd.DataFrame]) -> pd.DataFrame:
    """Give each row the error that its run's loss has."""
    lab = Lab(rng)
    frame = make(rng, lab)
    return frame.assign(loss_se=(lab.noise * frame["loss"]).round(6))


def studies(rng: Rng) -> pd.DataFrame:
    """Two or three recipes with bases of their own, one of which scatters more than the others."""
    parts = [
        crossed(rng, Lab(rng, noise=0.002 * (4 if i == 0 else 1)), study=f"corpus-{i}")
        for i in range(int(rng.integers(2, 4)))
    ]
    # So many that no table is longer than people's.
    return pd.concat([part[part["seed"] == 0] for part in parts], ignore_index=True)


# --- quantized after training ------------------------------------------------------------------


def rounded_sweep(rng: Rng) -> pd.DataFrame:
    """Round each network of a sweep to several widths and groups."""
    lab = Lab(rng)
    widths = list(rng.choice([(3, 4, 5, 6), (2, 3, 4, 8), (3, 4, 6, 8)]))
    groups = [128] if rng.random() < 0.5 else [32, 128]
    rows: list[Cells] = []
    for N, D in product(sweep(rng, 4), rounded(np.geomspace(1e9, 8e10, int(rng.integers(3, 5))))):
        loss = lab.train(N, D)
        cells: Cells = {"run": f"{label(N)}-{label(D)}", "N": N, "D": D}
        rows.append(cells | {"stage": "none", "w_bits": 16, "loss": loss})
        for bits, group in product(widths, groups):
            cost = lab.round_weights(N, D, bits, np.log2(group) / 7)
            told: Cells = {"stage": "post", "method": "rtn", "w_kind": "int", "w_bits": bits}
            rows.append(cells | told | {"w_group": group, "loss": loss + cost})
    return table(rows)


def public(
    rng: Rng, families: list[str] | None = None, methods: int | None = None, least: int = 3
) -> pd.DataFrame:
    """Public networks, each quantized by several methods; a family is a study."""
    names = families or list(rng.choice(list(FAMILIES), int(rng.integers(2, 5)), replace=False))
    count = methods or int(rng.integers(1, 4))
    used = list(rng.choice(list(METHODS), count, replace=False))
    widths = [w for w in (2, 3, 4, 6, 8) if w >= least]
    rows: list[Cells] = []
    for family in names:
        lab = Lab(rng, str(rng.choice(["hoffmann", "besiroglu", "chen"])))
        for N, D in FAMILIES[family]:
            loss, own = lab.train(N, D), float(np.exp(rng.normal(0, 0.15)))
            cells: Cells = {"study": family, "run": f"{family}-{label(N)}", "N": N, "D": D}
            rows.append(cells | {"stage": "none", "w_bits": 16, "loss": loss})
            for method, bits in product(used, widths):
                cost = lab.round_weights(N, D, bits, own * METHODS[method])
                told: Cells = {"stage": "post", "method": method, "w_kind": "int", "w_bits": bits}
                rows.append(cells | told | {"w_group": 128, "loss": loss + cost})
    return table(rows)


def near_collapse(rng: Rng) -> pd.DataFrame:
    """Go down to 2 bits, which lose nats."""
    return public(rng, least=2)


def gguf(rng: Rng) -> pd.DataFrame:
    """One to three networks in all of llama.cpp's formats."""
    lab = Lab(rng, str(rng.choice(["hoffmann", "besiroglu"])), noise=0.002)
    rows: list[Cells] = []
    chosen = [m for f in rng.permutation(list(FAMILIES)) for m in FAMILIES[f]]
    for N, D in chosen[: int(rng.integers(2, 4))]:
        loss = lab.train(N, D)
        cells: Cells = {"run": label(N), "N": N, "D": D}
        rows.append(cells | {"stage": "none", "method": "F16", "w_bits": 16, "loss": loss})
        for name, bits in GGUF.items():
            told: Cells = {"stage": "post", "method": name, "w_kind": "int", "w_bits": bits}
            rows.append(cells | told | {"loss": loss + lab.round_weights(N, D, bits)})
    return table(rows)


# --- quantized in training ---------------------------------------------------------------------


def trained(
    rng: Rng, formats: list[tuple[Cells, Callable[[Lab, float, float], float]]]
) -> pd.DataFrame:
    """Train every format at every size and length, and full precision beside them."""
    lab = Lab(rng, noise=rng.uniform(0.001, 0.003))
    lengths = rounded(np.geomspace(2e9, 6e10, int(rng.integers(3, 5))))
    seeds = int(rng.choice([1, 2])) if len(formats) < 5 else 1
    rows: list[Cells] = []
    for N, D, seed in product(sweep(rng, 4, 3e7), lengths, range(seeds)):
        where: Cells = {"N": N, "D": D, "seed": seed}
        name = f"{label(N)}-{label(D)}-s{seed}"
        full: Cells = {"run": f"bf16-{name}", "stage": "none", "w_bits": 16, "a_bits": 16}
        rows.append(where | full | {"loss": lab.train(N, D)})
        for i, (told, cost) in enumerate(formats):
            loss = lab.train(N, D) + cost(lab, N, D)
            rows.append(where | {"run": f"q{i}-{name}", "stage": "train"} | told | {"loss": loss})
    return table(rows)


def by_group(rng: Rng) -> pd.DataFrame:
    """Chen's design: one scheme, several groups."""
    k, of_n, of_d, of_g, a_bits = (
        (0.1582, 0.2186, 0.0745, 0.7779, 4)
        if rng.random() < 0.5
        else (0.2522, 0.3589, 0.1610, 0.3533, 16)
    )

    def cost(group: int) -> Callable[[Lab, float, float], float]:
        return lambda lab, N, D: k * D**of_d * np.log2(group) ** of_g / N**of_n

    told: Cells = {"w_kind": "int", "w_bits": 4, "a_bits": a_bits}
    if a_bits < 16:
        told |= {"a_kind": "int"}
    both = ("w_group", "a_group") if a_bits < 16 else ("w_group",)
    return trained(
        rng, [(told | dict.fromkeys(both, group), cost(group)) for group in (32, 64, 128, 256)]
    )


def by_size(rng: Rng) -> pd.DataFrame:
    """Frantar's design: each format keeps a share of the size; in some, sparse networks too."""

    def cost(share: float) -> Callable[[Lab, float, float], float]:
        return lambda lab, N, D: lab.A * N**-lab.alpha * (share**-lab.alpha - 1)

    shares = {2: 0.35, 3: 0.62, 4: 0.83} if rng.random() < 0.5 else {2: 0.25, 4: 0.75}
    formats: list[tuple[Cells, Callable[[Lab, float, float], float]]] = [
        ({"w_kind": "int", "w_bits": bits, "a_bits": 16}, cost(share))
        for bits, share in shares.items()
    ]
    if rng.random() < 0.4:
        formats.append(({"w_bits": 16, "a_bits": 16, "sparsity": 0.5}, cost(0.7)))
    return trained(rng, formats)


def floating(rng: Rng) -> pd.DataFrame:
    """Sun's design: minifloats of weights and activations."""

    def cost(e: int, m: int, group: int) -> Callable[[Lab, float, float], float]:
        fall = 11334.5197 * (e + 0.5) ** 3.1926 * (m + 0.5) ** 2.9543
        return lambda lab, N, D: D**0.5162 / N**0.2368 * np.log2(group) / fall

    def told(e: int, m: int, group: int) -> Cells:
        digits = {"kind": "fp", "bits": 1 + e + m, "exponent": e, "mantissa": m, "group": group}
        return {f"{side}_{name}": value for side in "wa" for name, value in digits.items()}

    formats = product([(1, 1), (1, 2), (2, 1), (3, 1)], [32, 128])
    return trained(rng, [(told(e, m, g), cost(e, m, g)) for (e, m), g in formats])


FULL = (crossed, large, small, isoflop, branches, repeats, studies)
AFTER = (rounded_sweep, public, near_collapse, gguf)
DURING = (by_group, by_size, floating)


def branches_rounded(rng: Rng) -> pd.DataFrame:
    """Annealed branches, each rounded to a few widths."""
    return branches(rng, quantized=True)


DESIGNS = (*FULL, *AFTER, *DURING, branches_rounded)


# --- how a table is written --------------------------------------------------------------------


def written(rng: Rng, frame: pd.DataFrame) -> pd.DataFrame:
    """Write a table as one or another of those who share theirs."""
    frame = frame.assign(N=frame["N"].astype(float), D=frame["D"].astype(float))
    if len(frame) > 300:
        frame = frame.iloc[:300]
    if rng.random() < 0.3:
        # As it was tuned, the same for full precision and for the formats of a size.
        rate = (3e-4 * (frame["N"] / 1e9) ** -0.25).round(6)
        frame = frame.assign(lr=rate, notes=[f"node {i % 7}" for i in range(len(frame))])
    if rng.random() < 0.25 and "loss_se" not in frame:
        frame = frame.assign(perplexity=np.exp(frame["loss"]).round(4)).drop(columns="loss")
    if rng.random() < 0.3:
        frame = frame.sample(frac=1, random_state=int(rng.integers(1 << 30)))
    return frame.reset_index(drop=True)


def clean(seed: int) -> tuple[str, pd.DataFrame]:
    """Make up the table of a number, and name its design."""
    rng = np.random.default_rng([14, seed])
    make = DESIGNS[seed % len(DESIGNS)]
    if make in (crossed, repeats) and rng.random() < 0.3:
        frame = with_errors(rng, make)
    else:
        frame = make(rng)
    return make.__name__, written(rng, frame)
