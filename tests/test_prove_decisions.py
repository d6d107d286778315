"""Backtests of decisions: what rows say by themselves, and what fits are held to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesq
import bayesq.proving.prove as room
from bayesq import BayesqError, DecisionBacktest, Runs
from bayesq.decide import critical_tokens
from bayesq.model.design import design
from bayesq.proving.asking import ask_fit
from bayesq.proving.case import Answer, Case
from bayesq.proving.reading import read_decisions
from bayesq.proving.resampled import least_squares
from bayesq.proving.table import tabulate
from bayesq.proving.turning import chains, turn

FEW = {"draws": 80, "tune": 200, "chains": 2, "progress": False, "seed": 1}
BASE = {"E": 1.2, "A": 60.0, "B": 3000.0, "alpha": 0.3, "beta": 0.4}
LOST = {"C_T": 1.0, "gamma_D": 0.5, "gamma_N": 0.35, "gamma_post": 0.6}
SIZES = [1e6, 3e6, 1e7, 3e7]
LENGTHS = [2e7 * 2.0**i for i in range(9)]


def read(runs: Runs, law: str, decision: str, **asked: Any) -> list[Case]:
    return read_decisions(runs, law, decision, **{"split": "none", **asked})[1]


def refusal(*args: Any, **asked: Any) -> str:
    with pytest.raises(BayesqError) as caught:
        bayesq.backtest_decision(*args, **asked)
    said = str(caught.value)
    assert said.endswith(".")
    assert said.isprintable()
    return said


def full(**columns: Any) -> pd.DataFrame:
    """Make up exact losses in full precision."""
    N, D = (x.ravel() for x in np.meshgrid(SIZES, LENGTHS))
    loss = bayesq.laws()["chinchilla"].evaluate("loss", {"N": N, "D": D, **BASE})
    return pd.DataFrame({"N": N, "D": D, "stage": "none", "loss": loss}).assign(**columns)


def rounded(noise: float = 0.0) -> Runs:
    """Make up losses after rounding to 3 to 6 bits, with those in full precision."""
    rng = np.random.default_rng(5)
    frame = full()
    law, parts = bayesq.laws()["kumar2024-ptq"], [frame]
    for bits in (3, 4, 5, 6):
        at = {"N": frame["N"], "D": frame["D"], "P": float(bits)}
        lost = law.evaluate("degradation", {**at, **LOST})
        lost = lost * np.exp(rng.normal(0, noise, len(frame)))
        parts.append(
            frame.assign(stage="post", w_kind="int", w_bits=bits, loss=frame["loss"] + lost)
        )
    return bayesq.read_runs(pd.concat(parts, ignore_index=True))


def true_tokens(size: float, bits: float) -> float:
    told = bayesq.published("kumar2024-ptq", response="degradation", **LOST)
    base = bayesq.published("chinchilla", **BASE)
    return float(critical_tokens(told, base=base, N=size, w_bits=bits).draws.median())


# --- curves ------------------------------------------------------------------------------------


def test_a_parabola_gives_its_turning_point() -> None:
    x = np.log([1.0, 2.0, 4.0, 8.0])
    found = turn(x, (x - 0.9) ** 2)
    assert found.where == pytest.approx(0.9)
    assert found.bound == ""
    assert found.rise == pytest.approx(min((x[[0, 2]] - 0.9) ** 2) - (x[1] - 0.9) ** 2)
    assert np.isnan(found.edge)
    assert np.isnan(found.noise)


@pytest.mark.parametrize(
    ("values", "bound", "end"), [([3, 2, 1], "more", 2), ([1, 2, 3], "less", 0)]
)
def test_a_curve_that_is_least_at_its_end_gives_a_bound(
    values: list[float], bound: str, end: int
) -> None:
    x = np.log([1.0, 2.0, 4.0])
    found = turn(x, np.array(values, float))
    assert (found.bound, found.where) == (bound, x[end])
    assert found.edge == pytest.approx((x[end] + x[1]) / 2)
    assert found.rise == 1


def test_of_a_tie_the_turning_point_lies_between_the_two() -> None:
    x = np.log([1.0, 2.0, 4.0, 8.0])
    assert turn(x, np.array([2.0, 1.0, 1.0, 2.0])).where == pytest.approx((x[1] + x[2]) / 2)


def test_many_noisy_points_are_smoothed_within_reach() -> None:
    rng = np.random.default_rng(2)
    x = np.linspace(-2, 2, 41)
    y = 0.1 * (x - 0.2) ** 2 + rng.normal(0, 0.003, 41)
    found = turn(x, y, reach=1.0)
    assert found.where == pytest.approx(0.2, abs=0.1)
    assert found.noise == pytest.approx(0.003, rel=0.5)


def test_points_that_no_parabola_fits_give_the_least_one_and_no_rise() -> None:
    x = np.arange(5.0)
    found = turn(x, np.array([0.0, 3.0, -0.1, 3.0, 0.0]), reach=2)
    assert (found.where, found.rise) == (2.0, 0.0)


def test_groups_are_chains_of_near_values() -> None:
    assert chains(np.array([4.0, 1.0, 1.1, 1.2, 4.1]), 1.15).tolist() == [1, 0, 0, 0, 1]


# --- what rows say -----------------------------------------------------------------------------


def seeds(losses: dict[float, list[float]]) -> Runs:
    """Make up 3-bit losses by length, one a seed, with full-precision ones that fall."""
    rows = [
        {
            "N": 1e6,
            "D": D,
            "stage": "post",
            "w_kind": "int",
            "w_bits": bits,
            "seed": s,
            "loss": loss,
        }
        | {"loss_full": 1.0}
        for D, each in losses.items()
        for s, loss in enumerate(each)
        for bits in (3, 4)
    ]
    whole = [{"N": 1e6, "D": D, "stage": "none", "loss": 1.0 + 1e5 / D} for D in losses]
    more = [{"N": 2e6, "D": D, "stage": "none", "loss": 0.9 + 1e5 / D} for D in losses]
    return bayesq.read_runs(pd.DataFrame([*rows, *whole, *more]))


def test_a_parabola_through_exact_losses_turns_where_the_law_does() -> None:
    cases = read(
        rounded(), "kumar2024-ptq", "critical_tokens", base="chinchilla", about="w_bits == 3"
    )
    truth = [true_tokens(N, 3) for N in SIZES]
    assert [case.measured for case in cases] == pytest.approx(truth, rel=0.01)


def test_seeds_are_averaged_and_say_which_turning_points_are_pinned() -> None:
    runs = seeds({1e7: [2.2, 2.4], 2e7: [2.0], 4e7: [2.3, 2.3]})
    (case, other) = read(runs, "kumar2024-ptq", "critical_tokens", base="chinchilla")
    assert case.losses.tolist() == pytest.approx([2.3, 2.0, 2.3])
    assert case.measured == pytest.approx(2e7)
    assert case.question == {"N": 1e6, "w_bits": 3.0}
    # Two pairs of seeds at each of two widths: one differs by 0.2, one by nothing.
    assert case.spread == pytest.approx(np.sqrt(0.02 / 2))
    assert case.rise == pytest.approx(0.3)
    assert other.setting["w_bits"] == 4
    table = tabulate([case], {"bayesq": [Answer(2e7, 1e7, 4e7)]})
    assert table["pinned"].tolist() == [True]


@pytest.mark.parametrize(
    ("losses", "bound", "measured"), [([3, 2, 1], "more", 4e7), ([1, 2, 3], "less", 1e7)]
)
def test_a_loss_that_does_not_turn_is_a_bound(
    losses: list[float], bound: str, measured: float
) -> None:
    runs = seeds({D: [loss] for D, loss in zip((1e7, 2e7, 4e7), losses, strict=True)})
    case = read(runs, "kumar2024-ptq", "critical_tokens", base="chinchilla")[0]
    assert (case.bound, case.measured) == (bound, pytest.approx(measured))
    assert case.edge == pytest.approx(np.sqrt(2e7 * measured))


@pytest.mark.parametrize(
    ("group", "wanted"),
    [(128, [86e6, 137e6, 250e6]), (-1, [85e6, 95e6, 127e6])],
)
def test_the_shipped_grid_turns_where_it_is_known_to(
    grid: Runs, group: int, wanted: list[float]
) -> None:
    rows = (
        f"stage == 'none' or stage == 'post' and w_kind == 'int' and w_group == {group} "
        "and 3 <= w_bits <= 6"
    )
    cases = read(
        grid.select(rows),
        "kumar2024-ptq",
        "critical_tokens",
        base="chinchilla",
        about="w_bits == 3",
    )
    assert [c.measured for c in cases[:3]] == pytest.approx(wanted, rel=0.01)
    assert [c.bound for c in cases] == ["", "", "", "more"]


def widths(lost: dict[float, float]) -> Runs:
    """Make up degradations by bits, the same for two sizes and lengths."""
    rows = [
        {
            "N": N,
            "D": D,
            "stage": "post",
            "w_kind": "int",
            "w_bits": b,
            "loss": 2 + d,
            "loss_full": 2,
        }
        for b, d in lost.items()
        for N in (1e6, 2e6)
        for D in (1e7, 2e7)
    ]
    return bayesq.read_runs(pd.DataFrame(rows))


def test_fewest_bits_are_those_within_the_level_or_a_bound() -> None:
    runs = widths({3: 0.2, 4: 0.05, 6: 0.01, 8: 0.002, 1.58: 0.9})
    cases = read(runs, "kumar2024-ptq", "fewest_bits", level=[0.5, 0.05, 0.005, 0.001])[:4]
    assert [(c.measured, c.bound) for c in cases] == [(3, "less"), (4, ""), (8, ""), (8, "more")]
    assert [c.level for c in cases] == [0.5, 0.05, 0.005, 0.001]
    at_most, four, eight, more = cases
    assert four.options == [3, 4, 6, 8]
    assert four.holds(Answer(3.5, 3.2, 3.9))
    assert not four.holds(Answer(4.5, 4.1, 4.9))
    # Seven bits were not measured: whoever needs 6.2 takes 8.
    assert eight.holds(Answer(6.5, 6.2, 6.9))
    assert eight.advised(Answer(6.5, 6.2, 6.9)) == 8
    assert at_most.holds(Answer(2.0, 1.5, 5.0))
    assert not at_most.holds(Answer(4.0, 3.5, 5.0))
    assert more.holds(Answer(7.0, 6.0, np.inf))
    assert not more.holds(Answer(7.0, 6.0, 7.9))
    assert four.regret(Answer(2.9, 2.0, 3.0)) == pytest.approx(0.15)
    assert four.regret(Answer(7.9, 7.0, 8.0)) == 0
    assert more.regret(Answer(np.inf, 5.0, np.inf)) == 0


def test_levels_memories_and_budgets_may_be_written_as_decisions_take_them() -> None:
    runs = widths({3: 0.2, 4: 0.05, 6: 0.005, 8: 0.002})
    told, numbers = (
        [(c.question, c.measured) for c in read(runs, "kumar2024-ptq", "fewest_bits", level=level)]
        for level in (["1%", "0.1 nats"], np.array([np.log1p(0.01), 0.1]))
    )
    assert told == numbers
    assert {question["level"] for question, _ in told} == {np.log1p(0.01), 0.1}
    one, several = (
        [c.question["level"] for c in read(runs, "kumar2024-ptq", "fewest_bits", level=level)]
        for level in ("1%", ["1%"])
    )
    assert one == several == [np.log1p(0.01)] * 4
    sizes = np.array([1e6, 2e6, 4e6, 8e6, 16e6])
    frame = pd.DataFrame({"N": sizes, "D": 1e14 / sizes, "loss": [3.0, 2.0, 2.1, 3.0, 4.0]})
    curve = bayesq.read_runs(frame)
    budgets: list[Any] = ["6e14", 6e14, ["600T"], np.array([6e14])]
    for budget in budgets:
        (case,) = read(curve, "chinchilla", "compute_optimal", compute=budget)
        assert case.question == {"compute": 6e14}


def test_bits_at_a_memory_are_chosen_among_cells_of_that_memory() -> None:
    rows = [
        {"N": N, "D": 1e8, "stage": "post", "w_kind": "int", "w_bits": b, "loss": loss}
        | {"loss_full": 1.0}
        for N, b, loss in (
            (4e6, 3, 1.9),
            (3e6, 4, 1.5),
            (2.3e6, 5, 1.6),
            (2.4e6, 5, 1.7),
            (1e6, 4, 3),
        )
    ]
    whole = full()[["N", "D", "stage", "loss"]].to_dict("records")
    runs = bayesq.read_runs(pd.DataFrame([*rows, *whole]))
    (case,) = read(runs, "kumar2024-ptq", "optimal_precision", base="chinchilla", memory=12e6)
    assert case.options == [3, 4, 5]
    assert case.losses.tolist() == [1.9, 1.5, 1.7]  # of two sizes the nearer one
    assert (case.measured, case.bound) == (4, "")
    assert case.question == {"D": 1e8, "memory": 12e6}
    for memory in ("1.5MB", ["12Mbit"]):
        at: dict[str, Any] = {"base": "chinchilla", "memory": memory}
        (again,) = read(runs, "kumar2024-ptq", "optimal_precision", **at)
        assert again.question == case.question
    assert case.holds(Answer(3.6, 3.2, 3.4))
    assert not case.holds(Answer(5.5, 5.1, 5.9))
    assert case.regret(Answer(5.2, 4.0, 6.0)) == pytest.approx(0.2)
    assert np.isnan(case.advised(Answer(np.nan)))
    wide = Case({}, {}, [3.0, 8.0], np.array([2.0, 1.0]), 8.0, rounding="out")
    assert np.isnan(wide.regret(Answer(4.9, 4.0, 6.0)))
    assert wide.regret(Answer(3.9, 3.0, 4.0)) == 1


def compressed() -> Runs:
    """Make up losses of formats that keep a share of the parameters."""
    frame, parts = full(), [full()]
    kept = {"a": 0.9, "b": 0.7, "c": 0.5}
    for method, eff in kept.items():
        at = {"N": frame["N"] * eff, "D": frame["D"]}
        loss = bayesq.laws()["chinchilla"].evaluate("loss", {**at, **BASE})
        made = frame.assign(stage="train", w_kind="int", w_bits=4, method=method, loss=loss)
        # The last format was tried on the largest networks only.
        parts.append(made[made["N"] > 2e7] if method == "c" else made)
    return bayesq.read_runs(pd.concat(parts, ignore_index=True))


def test_formats_that_no_fit_has_seen_are_no_options() -> None:
    cases = read(compressed(), "frantar2025", "optimal_format", split="largest-N")
    assert len(cases) == len(LENGTHS)
    assert [sorted(label[-1] for label in c.options) for c in cases] == [["a", "b"]] * len(LENGTHS)
    assert {c.measured[-1] for c in cases} == {"a"}
    assert all(c.rise > 0 for c in cases)
    inside = read(compressed(), "frantar2025", "optimal_format")
    assert {len(c.options) for c in inside} == {2, 3}


def test_the_best_size_of_a_budget_is_found_though_compute_drifts_along_it() -> None:
    rows = []
    law = bayesq.laws()["chinchilla"]
    for budget in (1e18, 3e18, 1e19):
        for N in np.geomspace(2e6, 2e9, 19) * (budget / 3e18) ** 0.55:
            D = budget / (6 * N) * (N / 3e7) ** -0.03
            loss = float(law.evaluate("loss", {"N": N, "D": D, **BASE}))
            rows.append({"N": N, "D": D, "loss": loss})
    runs = bayesq.read_runs(pd.DataFrame(rows))
    cases = read(runs, "chinchilla", "compute_optimal")
    assert len(cases) == 3
    paper = bayesq.published("chinchilla", **BASE)
    for case in cases:
        answer = ask_fit("compute_optimal", paper, None, case.question)
        assert case.bound == ""
        assert case.measured == pytest.approx(answer.median, rel=0.1)
        assert case.spread < 0.002
    named = read(runs, "chinchilla", "compute_optimal", compute=[3e18])
    assert [c.question["compute"] for c in named] == [3e18]


# --- answers -----------------------------------------------------------------------------------


def test_a_loss_that_never_turns_turns_at_infinity() -> None:
    base = bayesq.published("chinchilla", **BASE)
    never = bayesq.published("kumar2024-ptq", response="degradation", **LOST | {"gamma_D": -0.5})
    answer = ask_fit("critical_tokens", never, base, {"N": 1e7, "w_bits": 3})
    assert (answer.median, answer.lower, answer.upper) == (np.inf,) * 3
    case = Case({}, {}, [1.0, 2.0], np.array([2.0, 1.0]), 2.0, bound="more", edge=1.5)
    assert case.holds(answer)
    assert case.advised(answer) == 2
    assert case.regret(answer) == 0
    assert answer.ratio == np.inf
    # An end below what was searched is told as 0.
    assert Answer(1e6, 0.0, 5e6).ratio == np.inf
    assert Answer(0.0, 0.0, 0.0).ratio == np.inf
    inside = Case({}, {}, [1.0, 2.0, 4.0], np.array([2.0, 1.0, 3.0]), 2.0)
    assert not inside.holds(answer)
    assert inside.regret(answer) == 2
    assert inside.holds(Answer(3.0, 1.5, np.inf))


def test_of_formats_the_fewest_hold_the_probability() -> None:
    chosen = design(compressed(), bayesq.laws()["frantar2025"])
    best, spread = least_squares(chosen, resamples=20)
    case = read(compressed(), "frantar2025", "optimal_format")[-1]
    answer = ask_fit("optimal_format", spread, None, case.question, (best, None))
    assert answer.median == case.measured
    assert answer.formats == (case.measured,)
    assert answer.ratio == 1
    assert case.holds(answer)
    assert case.regret(answer) == 0
    other = next(o for o in case.options if o != case.measured)
    wrong = Answer(other, formats=(other,))
    assert not case.holds(wrong)
    assert case.regret(wrong) == pytest.approx(
        case.losses[case.options.index(other)] - min(case.losses)
    )


def test_practice_answers_as_a_posterior() -> None:
    runs = rounded(0.02)
    own = least_squares(design(runs, bayesq.laws()["kumar2024-ptq"]), resamples=50)
    base = least_squares(design(runs, bayesq.laws()["chinchilla"]), resamples=50, seed=2)
    for fits in (own, base):
        assert fits[0].posterior.sizes["draw"] == 1
        assert fits[1].posterior.sizes["draw"] <= 50
    # In the paper's units, whatever the numbers that were searched.
    assert float(own[0].posterior["gamma_post"].item()) == pytest.approx(0.6, rel=0.05)
    assert float(base[0].posterior["E"].item()) == pytest.approx(1.2, rel=0.02)
    assert own[0].observed_range["N"] == (min(SIZES), max(SIZES))
    question = {"N": 3e6, "w_bits": 3}
    answer = ask_fit("critical_tokens", own[1], base[1], question, (own[0], base[0]))
    assert answer.lower < true_tokens(3e6, 3) < answer.upper
    assert answer.lower < answer.median < answer.upper
    assert "least squares" in own[0].title


# --- backtests ---------------------------------------------------------------------------------


def test_a_planted_law_is_decided_right_where_it_was_not_seen() -> None:
    runs = rounded(0.02)
    told = bayesq.backtest_decision(
        runs,
        "kumar2024-ptq",
        "critical_tokens",
        base="chinchilla",
        about="w_bits == 3",
        split="largest-N",
        quantile=0.5,
        **FEW,
    )
    rows = told.rows
    assert rows["N"].tolist() == [1e7, 3e7]
    assert (rows["left_out"] == 1).all()
    truth = [true_tokens(N, 3) for N in rows["N"]]
    # Intervals are about the mean of runs, which is the planted law. What three noisy rows say by
    # themselves is off it by 12 % at 1e7 parameters (without noise by less than 1 %), which is more
    # than such an interval reaches to either side: whether it holds that is chance.
    assert ((rows["lower"] < truth) & (truth < rows["upper"])).all()
    assert rows["in_90"].tolist()[1]
    assert (rows["in_90"] == rows["measured"].between(rows["lower"], rows["upper"])).all()
    assert rows["measured"].tolist() == pytest.approx(truth, rel=0.15)
    assert rows["median"].tolist() == pytest.approx(truth, rel=0.3)
    assert rows["practice_median"].tolist() == pytest.approx(truth, rel=0.3)
    assert (rows["regret"] >= 0).all()


def test_a_backtest_of_the_shipped_grid_is_kept_and_told(
    grid: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = grid.select(
        "stage == 'post' and w_kind == 'int' and w_group == 128 and 3 <= w_bits <= 6"
    )
    asked: dict[str, Any] = {"level": [0.003, 0.03], "save": tmp_path / "kept", **FEW}
    told = bayesq.backtest_decision(runs, "kumar2024-ptq", "fewest_bits", **asked)
    assert isinstance(told, DecisionBacktest)
    assert len(told.rows) == 8
    assert set(told.rows["N"]) == {18874368.0}
    assert told.rows["level"].tolist() == [0.003, 0.03] * 4
    assert (told.rows["ratio"] > 1).all()
    table = told.to_frame()
    assert set(table.index.get_level_values("who")) == {"bayesq", "practice"}
    assert table.loc[("measured", "bayesq"), "decisions"] == (told.rows["bound"] == "").sum()
    assert "90 % intervals hold" in told.text
    assert "fewest_bits" in repr(told)
    told.save(tmp_path / "rows.csv")
    assert len(pd.read_csv(tmp_path / "rows.csv")) == 8

    def unwanted(*args: Any, **options: Any) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr(room, "fit_specification", unwanted)
    monkeypatch.setattr(room, "least_squares", unwanted)
    again = bayesq.backtest_decision(runs, "kumar2024-ptq", "fewest_bits", **asked)
    pd.testing.assert_frame_equal(again.rows, told.rows)
    said = refusal(runs, "kumar2024-ptq", "fewest_bits", **asked | {"level": 0.1})
    assert "holds another backtest" in said


def test_without_practice_bayesq_is_told_alone() -> None:
    told = bayesq.backtest_decision(
        widths({3: 0.2, 4: 0.05, 5: 0.012, 6: 0.003}),
        "kumar2024-ptq",
        "fewest_bits",
        level=0.05,
        practice=False,
        **FEW,
    )
    assert not [c for c in told.rows if c.startswith("practice")]
    assert told.to_frame().index.tolist() == [("measured", "bayesq"), ("pinned", "bayesq")]
    assert "practice" not in told.text


def test_what_cannot_be_asked_is_refused_before_anything_is_fitted(
    ptq_runs: Runs, grid: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "fit_specification", None)
    law = "kumar2024-ptq"
    assert "No decision" in refusal(ptq_runs, law, "largest_group")
    assert "No split" in refusal(ptq_runs, law, "fewest_bits", split="run", level=1)
    assert "takes no levels" in refusal(ptq_runs, law, "fewest_bits", levels=1)
    assert "say level=" in refusal(ptq_runs, law, "fewest_bits")
    assert "pass base=" in refusal(ptq_runs, law, "critical_tokens")
    assert "no parameter of its own" in refusal(
        grid, "chinchilla", "optimal_format", split="largest-D"
    )
    assert "were kept" in refusal(
        rounded(), law, "critical_tokens", base="chinchilla", split="largest-D"
    )
    assert "enough measured" in refusal(
        ptq_runs.select("w_bits == 3"), law, "fewest_bits", level=0.1, split="none"
    )
    for level in ("abc", -1, 0, True, ["1%", "2 bits"]):
        assert "write nats per token" in refusal(ptq_runs, law, "fewest_bits", level=level)
    precision: dict[str, Any] = {"decision": "optimal_precision", "base": "chinchilla"}
    assert "memory is '4XB'; write bytes" in refusal(ptq_runs, law, memory="4XB", **precision)
    optimal: dict[str, Any] = {"decision": "compute_optimal", "law": "chinchilla"}
    assert "write a number above 0" in refusal(ptq_runs, compute="much", **optimal)
    assert "compute is -1; write" in refusal(ptq_runs, compute=[1e16, -1], **optimal)
    assert "keeps none" in refusal(ptq_runs, law, "fewest_bits", level=0.1, about="w_bits == 2")
