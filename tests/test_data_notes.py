"""What the rows of a table say before the fit: each mistake is named, and clean tables are not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
from bayesq.checks.data_notes import data_notes
from bayesq.checks.schedules import beyond_schedule, schedule_note
from bayesq.model.design import design
from bayesq.model.given import given
from bayesq.model.quick_fit import strangers
from bayesq.model.specification import specify
from bayesq.notes import Note

SIZES = np.array([1.6e8, 4.1e8, 1e9, 2.8e9, 6.9e9])


def loss(N: Any, D: Any) -> Any:
    return 1.8 + 480 * N**-0.35 + 2100 * D**-0.37


def trained(seed: int, noise: float = 0.004, repeats: int = 1) -> pd.DataFrame:
    """Make up runs in full precision at four numbers of tokens per parameter."""
    rng = np.random.default_rng(seed)
    rows = [
        {"run": f"{N:g}-{each}-{s}", "N": N, "D": each * N, "seed": s}
        for N in SIZES
        for each in (5, 20, 60, 150)
        for s in range(repeats)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(loss=loss(frame.N, frame.D) * np.exp(noise * rng.normal(size=len(frame))))


def checkpoints(seed: int, annealed: str = "no") -> pd.DataFrame:
    """Three runs, with eight rows along each."""
    rng = np.random.default_rng(seed)
    rows = [
        {"run": f"{N:g}", "N": N, "D": D, "annealed": annealed}
        for N in SIZES[:3]
        for D in np.geomspace(2e10, 3e11, 8)
    ]
    frame = pd.DataFrame(rows)
    return frame.assign(loss=loss(frame.N, frame.D) * np.exp(0.002 * rng.normal(size=len(frame))))


def rounded(seed: int, methods: int = 2, scatter: float = 0.1) -> pd.DataFrame:
    """Networks quantized after training by some methods, from 8 bits to a collapse at 2."""
    rng = np.random.default_rng(seed)
    rows: list[dict[str, Any]] = []
    for N in SIZES:
        full = loss(N, 1e12) * np.exp(0.003 * rng.normal())
        same: dict[str, Any] = {"run": f"{N:g}", "N": N, "D": 1e12}
        rows.append({**same, "stage": "none", "w_bits": 16, "loss": full})
        for method in ("rtn", "gptq", "awq")[:methods]:
            for bits in (8, 6, 5, 4, 3, 2):
                lost = 0.03 * np.exp((4 - bits) / 0.7) * (N / 1e9) ** -0.3
                lost *= np.exp(scatter * rng.normal()) * (1.8 if method == "rtn" else 1.0)
                row = {"stage": "post", "method": method, "w_bits": bits, "loss": full + lost}
                rows.append(same | row)
    return pd.DataFrame(rows)


def notes(table: pd.DataFrame) -> dict[str, Note]:
    return {note.code: note for note in data_notes(bayesq.read_runs(table))}


Table = Callable[[int], pd.DataFrame]
CLEAN: dict[str, Table] = {
    "trained": trained,
    "trained twice": lambda seed: trained(seed, repeats=2),
    "noisy": lambda seed: trained(seed, noise=0.01),
    "checkpoints": checkpoints,
    "rounded": rounded,
    "one method": lambda seed: rounded(seed, methods=1),
    "methods apart": lambda seed: rounded(seed, methods=3, scatter=0.3),
    "collapsed": lambda seed: rounded(seed).assign(loss=lambda t: np.minimum(t.loss, 8.0)),
    "easy text": lambda seed: trained(seed).assign(
        N=lambda t: t.N / 200, loss=lambda t: t.loss / 2
    ),
}


def test_clean_tables_carry_no_warning() -> None:
    warned = [
        (name, seed, note)
        for name, make in CLEAN.items()
        for seed in range(8)
        for note in notes(make(seed)).values()
        if note.severity != "info"
    ]
    assert len(warned) <= 0.05 * 8 * len(CLEAN), warned


@pytest.mark.usefixtures("public")
@pytest.mark.parametrize("pool", ["grid", "quest", "olmo_ptq", "quartet", "misfitting"])
def test_good_pools_carry_no_warning(pool: str) -> None:
    found = data_notes(bayesq.load_pool(pool))
    assert [note for note in found if note.severity != "info"] == []


def at(table: pd.DataFrame, **where: Any) -> pd.Series:
    return np.logical_and.reduce([table[name] == value for name, value in where.items()])


def shifted(table: pd.DataFrame, rows: Any, factor: Any) -> pd.DataFrame:
    changed = table.copy()
    changed.loc[rows, "loss"] *= factor
    return changed


def turned(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Put the losses of the quantized rows of each group in reverse."""
    changed = table.copy()
    for _, group in table[table.stage == "post"].groupby(by):
        changed.loc[group.index, "loss"] = group.loss.to_numpy()[::-1]
    return changed


def repeated(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, shifted(table, slice(None), 1.01), shifted(table, slice(None), 1.02)])


PLANTED: dict[str, tuple[str, Table]] = {
    "perplexities": ("perplexities", lambda s: trained(s).assign(loss=lambda t: np.exp(t.loss))),
    "perplexities below 11": (
        "perplexities",
        lambda s: trained(s).assign(
            N=lambda t: 40 * t.N, D=lambda t: 9 * t.D, loss=lambda t: np.exp(loss(t.N, t.D))
        ),
    ),
    "perplexities after training": (
        "perplexities",
        lambda s: rounded(s).assign(loss=lambda t: np.exp(t.loss)),
    ),
    "perplexities in some rows": (
        "perplexities",
        lambda s: trained(s).assign(loss=lambda t: np.where(t.N > 2e9, np.exp(t.loss), t.loss)),
    ),
    "bits per byte": ("bits-per-byte", lambda s: trained(s).assign(loss=lambda t: t.loss / 2.9)),
    "accuracies": (
        "higher-is-better",
        lambda s: trained(s).assign(loss=lambda t: 100 * np.exp(-t.loss / 2)),
    ),
    "scores of quantized networks": (
        "degradation-negative",
        lambda s: rounded(s).iloc[:13].assign(loss=lambda t: np.exp(-t.loss / 2)),
    ),
    "N in billions": ("n-in-billions", lambda s: trained(s).assign(N=lambda t: t.N / 1e9)),
    "N in millions": ("n-in-billions", lambda s: trained(s).assign(N=lambda t: t.N / 1e6)),
    "D in billions": ("d-in-billions", lambda s: trained(s).assign(D=lambda t: t.D / 1e9)),
    "N and D exchanged": ("d-below-n", lambda s: trained(s).rename(columns={"N": "D", "D": "N"})),
    "a broken run": ("outliers", lambda s: shifted(trained(s), 6 + s, 1.4)),
    "a broken upload": (
        "outliers",
        lambda s: (t := rounded(s)).pipe(shifted, at(t, method="gptq", w_bits=5, N=1e9), 1.5),
    ),
    "a run in reverse": (
        "rises-with-D",
        lambda s: (
            checkpoints(s)
            .assign(loss=lambda t: np.where(t.N == 4.1e8, t.loss[::-1], t.loss))
            .pipe(lambda t: t.assign(loss=[*t.loss[:8], *t.loss[8:16].sort_values(), *t.loss[16:]]))
        ),
    ),
    "bits in reverse": ("bits-do-not-order", lambda s: turned(rounded(s), ["N", "method"])),
    "full precision worst": (
        "few-bits-beat-full",
        lambda s: (t := rounded(s)).pipe(shifted, t.w_bits == 16, 1.03),
    ),
    "a log": ("logged-rows", lambda s: repeated(trained(s))),
    "one setting scatters": (
        "unequal-scatter",
        lambda s: (t := trained(s, repeats=3, noise=0.002)).pipe(
            shifted, at(t, N=1e9, D=2e10), [0.97, 1.0, 1.03]
        ),
    ),
}


@pytest.mark.parametrize(("code", "make"), PLANTED.values(), ids=PLANTED)
@pytest.mark.parametrize("seed", range(3))
def test_a_mistake_is_named(code: str, make: Table, seed: int) -> None:
    table = make(seed)
    found = notes(table)
    # Where full precision is worst of all, most rows are better than it.
    alike = {"few-bits-beat-full": "degradation-negative"}
    assert code in found or alike.get(code) in found, found
    note = found.get(code) or found[alike[code]]
    assert note.severity != "info"
    assert set(note.rows) <= set(range(1, len(table) + 1))
    assert note.message.endswith((".", "?"))
    assert note.remedy.endswith(".")


def test_a_broken_row_is_named_by_its_number() -> None:
    assert 10 in notes(shifted(trained(1), 9, 1.5))["outliers"].rows
    assert 10 in notes(shifted(trained(1), 9, 0.7))["outliers"].rows
    table = rounded(2)
    (row,) = np.flatnonzero(at(table, method="rtn", w_bits=6, N=4.1e8))
    found = notes(shifted(table, row, 1.6))["outliers"]
    assert found.rows == (row + 1,)
    assert f"Row {row + 1} loses" in found.message
    assert "times" in found.message


def test_the_law_names_a_broken_row_too() -> None:
    table = shifted(trained(1), 9, 1.5)
    (law,) = bayesq.check(bayesq.read_runs(table), "chinchilla").laws
    (note,) = (n for n in law.notes if n.code == "far-from-law")
    assert note.rows == (10,)
    (clean,) = bayesq.check(bayesq.read_runs(trained(1)), "chinchilla").laws
    assert "far-from-law" not in {n.code for n in clean.notes}


def test_repeats_tell_a_lack_of_fit() -> None:
    table = trained(3, noise=0.001, repeats=2)
    wrong = table.assign(loss=table.loss * (1 + 0.03 * np.sin(np.log(table.N * table.D))))

    def codes(frame: pd.DataFrame) -> set[str]:
        (law,) = bayesq.check(bayesq.read_runs(frame), "chinchilla").laws
        return {note.code for note in law.notes}

    assert "lack-of-fit" in codes(wrong)
    assert "lack-of-fit" not in codes(table)


@pytest.mark.parametrize(
    ("annealed", "code"), [("no", "one-schedule"), ("", "schedule-unknown"), ("yes", None)]
)
def test_checkpoints_of_one_schedule(annealed: str, code: str | None) -> None:
    chosen = design(bayesq.read_runs(checkpoints(0, annealed)), bayesq.laws()["chinchilla"])
    note = schedule_note(chosen)
    assert (note and note.code) == code
    assert note is None or (note.severity == "warning" and len(note.rows) == 24)
    beyond = beyond_schedule([note] if note else [], "loss")
    severity = {"one-schedule": ["severe"], "schedule-unknown": ["warning"], None: []}
    assert [n.severity for n in beyond] == severity[code]


def test_runs_of_one_length_are_no_checkpoints() -> None:
    chosen = design(bayesq.read_runs(trained(0)), bayesq.laws()["chinchilla"])
    assert schedule_note(chosen) is None


def test_check_says_what_makes_a_compression() -> None:
    told = bayesq.check(bayesq.read_runs(rounded(0)), "kumar2024-ptq").facts
    assert told["compressions told by"] == "w_bits, method"
    told = bayesq.check(bayesq.read_runs(trained(0)), "chinchilla").facts
    assert told["compressions told by"].startswith("nothing here; columns that would: w_bits")


def test_nothing_is_too_small_to_look_at(tmp_path: Path) -> None:
    for count in (1, 2, 3, 5):
        assert not [n for n in notes(trained(0)[:count]).values() if n.severity != "info"]


def test_a_broken_row_is_left_to_the_noise() -> None:
    table = shifted(rounded(1), 9, 2.0)
    for law, response in (("kumar2024-ptq", None), ("ouyang2024", None)):
        chosen = design(bayesq.read_runs(table), bayesq.laws()[law], response)
        assert list(chosen.runs.numbers[strangers(chosen)]) == [10]
        clean = design(bayesq.read_runs(rounded(1)), bayesq.laws()[law], response)
        assert not strangers(clean).any()
    described = specify(bayesq.read_runs(table), "kumar2024-ptq")
    tells = given(described)["tells"]
    assert list(described.design.runs.numbers[tells == 0]) == [10]
    normal = specify(bayesq.read_runs(table), "kumar2024-ptq", noise="normal")
    assert given(normal)["tells"].all()


@pytest.mark.slow
@pytest.mark.parametrize("law", ["kumar2024-ptq", "ouyang2024"])
def test_one_broken_row_does_not_upset_the_sampler(law: str) -> None:
    """The rows of a public table, one upload of which was broken."""
    bits = [16, 8.5, 8.5, 8.5, 6.56, 5.68, 4.84, 3.91, 3.35]
    perplexity = [6.954, 6.9562, 15.3851, 6.9562, 6.961, 6.979, 7.0501, 7.26, 7.79]
    table = pd.DataFrame({"run": "m", "N": 7.24e9, "D": 8e12, "w_bits": bits})
    table["stage"] = ["none", *["post"] * 8]
    table["method"] = ["", *"abcaaaaa"]
    table["perplexity"] = perplexity
    fit = bayesq.fit(bayesq.read_runs(table), law, seed=1, progress=False)
    assert int(fit.data["sample_stats"]["diverging"].sum()) <= 8
    codes = {note.code: note for note in fit.notes}
    assert codes["outliers"].rows == codes["far-from-law"].rows == (3,)
    assert "2,500 times" in codes["outliers"].message


def of_code(seed: int) -> pd.DataFrame:
    """Networks that write code, at about half the nats of web text."""
    table = trained(seed)
    return table.assign(loss=0.47 * table["loss"])


@pytest.mark.parametrize("seed", range(5))
def test_code_is_no_mistake_of_units(seed: int) -> None:
    assert not notes(of_code(seed))


@pytest.mark.parametrize("seed", range(5))
def test_perplexities_of_code_fall_too_fast_for_losses(seed: int) -> None:
    table = of_code(seed)
    told = notes(table.assign(loss=np.exp(1.2 * table["loss"])))["perplexities"]
    assert "fall faster than losses do" in told.message


@pytest.mark.parametrize("seed", range(5))
def test_a_hard_text_is_no_perplexity(seed: int) -> None:
    table = trained(seed)
    assert not notes(table.assign(loss=1.25 * table["loss"]))


@pytest.mark.parametrize("seed", range(5))
def test_perplexities_among_losses_of_code(seed: int) -> None:
    table = of_code(seed)
    some = np.random.default_rng(seed).random(len(table)) < 0.4
    mixed = np.where(some, np.exp(table["loss"]), table["loss"])
    told = notes(table.assign(loss=mixed))["perplexities"]
    assert told.rows == tuple(np.flatnonzero(some) + 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.36, 0.4])
def test_bits_per_byte_of_web_text(seed: int, share: float) -> None:
    table = trained(seed)
    assert "bits-per-byte" in notes(table.assign(loss=share * table["loss"]))


def test_trained_runs_differ_by_the_chances_of_both() -> None:
    """Rows of 4 bits a little below full precision are chance in training, not after it."""
    table = trained(0, noise=0.004)
    full = table.assign(stage="none", w_bits=16.0)
    few = table.iloc[[5]].assign(w_bits=4.0, loss=0.992 * table["loss"].iloc[5])
    for stage, run, said in (("train", "q", False), ("post", table["run"].iloc[5], True)):
        told = notes(pd.concat([full, few.assign(stage=stage, run=run)]))
        assert ("few-bits-beat-full" in told) == said


def swept() -> pd.DataFrame:
    """Make up runs in full precision, and each of them rounded to four widths."""
    full = trained(0, noise=0.002).drop(columns="seed").assign(stage="none", w_bits=16.0)
    parts = [full]
    for bits in (6, 5, 4, 3):
        lost = 0.4 * np.exp((3 - bits) / 1.3) * (full.N / 1e9) ** -0.2
        parts.append(full.assign(stage="post", w_bits=float(bits), loss=full.loss + lost))
    return pd.concat(parts).sort_values(["N", "D"], kind="stable").reset_index(drop=True)


def test_the_remedy_for_a_log_keeps_every_setting() -> None:
    table = swept()
    logged = pd.concat([table, shifted(table, slice(None), 1.001)], ignore_index=True)
    remedy = notes(logged)["logged-rows"].remedy
    call = remedy[remedy.index("table.") : remedy.index(";")]
    assert "w_bits" in call
    assert "dropna=False" in call
    assert len(eval(call, {"table": logged})) == len(table)


def test_rows_that_lost_their_width_are_not_called_a_log() -> None:
    note = notes(swept().assign(w_bits=4.0))["logged-rows"]
    assert "far apart" in note.message
    assert "w_bits" in note.remedy


@pytest.mark.parametrize("quantized", [True, False])
def test_perplexities_of_one_kind_of_rows(quantized: bool) -> None:
    table = swept()
    some = (table.w_bits < 16) == quantized
    wrong = table.assign(loss=np.where(some, np.exp(table.loss), table.loss))
    found = notes(wrong)
    note = found["perplexities"]
    assert note.rows == tuple(np.flatnonzero(some) + 1)
    assert note.severity == "severe"
    assert f"about {wrong.loss[some].median():.3g} in" in note.message
    assert "-c loss=perplexity" not in note.remedy
    assert "degradation-negative" not in found
    # As the remedy says.
    mended = wrong.assign(loss=wrong.loss.where(~some), perplexity=wrong.loss.where(some))
    assert not notes(mended)


def test_perplexities_in_loss_full_alone_and_in_loss_alone() -> None:
    table = swept()
    full = table.groupby(["N", "D"]).loss.transform("first").where(table.w_bits < 16)
    note = notes(table.assign(loss_full=np.exp(full)))["perplexities"]
    assert "np.log(table['loss_full'])" in note.remedy
    alone = table.assign(loss_full=full, loss=np.exp(table.loss))[table.w_bits < 16]
    note = notes(alone)["perplexities"]
    assert "-c loss=perplexity" in note.remedy
    assert not notes(alone.rename(columns={"loss": "perplexity"}))


UNITS: dict[str, tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "N in millions": ("n", lambda t: t.assign(N=t.N / 1e6), "'N=N (M)'"),
    "N in billions": ("n", lambda t: t.assign(N=t.N / 1e9), "'N=N (B)'"),
    "D in millions": ("d", lambda t: t.assign(D=t.D / 1e6), "'D=D (M)'"),
    "D in billions": ("d", lambda t: t.assign(D=t.D / 1e9), "'D=D (B)'"),
    "D per parameter": ("d", lambda t: t.assign(D=t.D / t.N), "table['D'] *= table['N']"),
    "some N in billions": (
        "n",
        lambda t: t.assign(N=t.N.where(t.N != 1e9, 1.0)),
        "table.loc[table['N'] < 10000, 'N'] *= 1e+09",
    ),
}


@pytest.mark.parametrize(("column", "change", "remedy"), UNITS.values(), ids=UNITS)
def test_the_unit_that_fits_the_losses_is_offered(
    column: str, change: Callable[[pd.DataFrame], pd.DataFrame], remedy: str
) -> None:
    table = swept()
    wrong = change(table)
    note = notes(wrong)[f"{column}-in-billions"]
    assert remedy in note.remedy
    name = column.upper()
    assert note.rows == tuple(np.flatnonzero(wrong[name] != table[name]) + 1)


TINY = Path(__file__).parents[1] / "docs" / "tables" / "runs.csv"
WORDS = {"M": "millions", "B": "billions", "T": "trillions"}


@pytest.mark.parametrize("rows", ["all", "quantized"])
@pytest.mark.parametrize("units", ["M-", "B-", "-M", "-B", "BB", "BM", "MB", "MM"])
def test_units_of_tiny_networks_on_easy_text(units: str, rows: str) -> None:
    """Losses of code say little of the level, and no other unit may be offered alone."""
    table = pd.read_csv(TINY)
    table = table[table["bits"] < 16] if rows == "quantized" else table
    of = {name: unit for name, unit in zip(("N", "D"), units, strict=True) if unit != "-"}
    divided = {{"N": "params", "D": "tokens"}[n]: {"M": 1e6, "B": 1e9}[u] for n, u in of.items()}
    found = notes(table.assign(**{c: table[c] / by for c, by in divided.items()}))
    for name, unit in of.items():
        note = found[f"{name.lower()}-in-billions"]
        assert f"-c '{name}={name} ({unit})'" in note.remedy
        assert f"{WORDS[unit]}" in note.message
        offered = set(re.findall(rf"-c '{name}={name} \((\w)\)'", note.remedy))
        decides = "Nothing in the table decides." not in note.message
        assert decides == (len(offered) == 1)
        if decides:
            assert f"as {WORDS[unit]} N and D are sizes in use, though web text" in note.message
        else:
            # Each unit of one column with that of the other.
            other = "D" if name == "N" else "N"
            assert f"{WORDS[unit]} (with {other} in {WORDS[of[other]]})" in note.message
    # Where one column alone is low, its range and the other column tell.
    if len(of) == 1 or units in ("BB", "BM"):
        assert not any("Nothing" in found[f"{n.lower()}-in-billions"].message for n in of)


def test_sizes_in_the_hundreds_of_billions_may_be_trillions() -> None:
    table = swept()
    large = table.assign(N=table["N"] * 300 / 1e12, D=table["D"] * 100)
    note = notes(large)["n-in-billions"]
    assert "-c 'N=N (T)'" in note.remedy


def test_sizes_and_runs_that_cannot_be() -> None:
    table = swept()
    assert not notes(table)
    assert notes(table.assign(D=6 * table.N * table.D))["d-in-flops"].severity == "severe"
    assert "n-in-flops" in notes(table.assign(N=6 * table.N * table.D))
    typed = notes(table.assign(N=table.N.where(table.N != 2.8e9, 2.8e6)))
    assert typed["typed-size"].rows == tuple(np.flatnonzero(table.N == 2.8e9) + 1)
    assert "perplexities" not in typed
    copied = table[table.w_bits < 16].assign(loss_full=lambda t: t.loss)
    assert notes(copied)["no-degradation"].severity == "severe"
    assert "run-of-several-n" in notes(table.assign(run="r"))


def test_unnamed_checkpoints_are_warned_of() -> None:
    for annealed, code in (("no", "one-schedule"), ("", None)):
        table = checkpoints(0, annealed).drop(columns="run")
        note = schedule_note(design(bayesq.read_runs(table), bayesq.laws()["chinchilla"]))
        assert (note and note.code) == code
        assert note is None or "3 runs" in note.message


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_perplexities_of_some_networks_are_all_named_and_no_others(share: float) -> None:
    table = swept()
    runs = table.run.unique()
    some = table.run.isin(np.random.default_rng(0).choice(runs, int(share * len(runs)), False))
    for text in (1.0, 0.5):
        losses = text * table.loss
        note = notes(table.assign(loss=np.where(some, np.exp(losses), losses)))["perplexities"]
        assert note.rows == tuple(np.flatnonzero(some) + 1)
        assert "-c loss=perplexity" not in note.remedy
