"""The questions that the papers dispute: the two laws of each, and the pools that can tell.

    python case_studies/comparisons/questions.py

prints how many rows of each pool both laws can use. The public pools are read from the folder that
BAYESQ_DATA names. Rows are those of the backtests where these fit.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

import bayesq
from bayesq import Law, Parameter, Prior
from bayesq.law.registry import find_law
from bayesq.model.design import design

sys.path.append(str(Path(__file__).parents[1] / "backtests"))
from pools import Entry, Response, entries


@dataclass(frozen=True)
class Question:
    """One disputed question, put to two laws.

    Parameters
    ----------
    name : str
        What the tables call it.
    asked : str
        The question in a sentence.
    pools : tuple of Entry
        The rows; their own law is not asked for here.
    laws : tuple of two Law
        The two sides.
    response : {"loss", "degradation"}
        What both are fitted to.
    """

    name: str
    asked: str
    pools: tuple[Entry, ...]
    laws: tuple[Law, Law]
    response: Response

    @property
    def names(self) -> tuple[str, str]:
        """Names of the two laws."""
        return self.laws[0].name, self.laws[1].name


def questions() -> list[Question]:
    """List the questions."""
    return list(_questions())


@cache
def _questions() -> tuple[Question, ...]:
    return (*_after_training(), *_in_training(), *_base())


def _after_training() -> tuple[Question, ...]:
    kumar = find_law("kumar2024-ptq")
    pools = tuple(e for e in entries() if e.law == kumar.name)
    return (
        Question(
            "ptq-bits",
            "Does the degradation after training fall exponentially in the bits (Kumar), or as a "
            "power of them (Ouyang)?",
            pools,
            (kumar, _power_of_bits(kumar)),
            "degradation",
        ),
        Question(
            "ptq-tokens",
            "Does the degradation after training grow with the tokens (Kumar), or not "
            "(Catalan-Tatjer)?",
            pools,
            (kumar, find_law("kumar2024-ptq:gamma_D=0")),
            "degradation",
        ),
    )


def _in_training() -> tuple[Question, ...]:
    known = {e.name: e for e in entries()}
    chen, frantar, quartet = (find_law(n) for n in ("chen2025", "frantar2025", "quartet2025"))
    sun = find_law("sun2025")
    grid = tuple(known[name] for name in ("grid-w4a4", "grid-w4a16", "grid-w16a4"))
    # One scheme, as Chen's law wants it.
    forward = replace(
        known["quartet"], name="quartet-forward", where="method == 'fwd=QuEST;bwd=BF16'"
    )
    one_scheme = (*grid, forward)
    together = replace(
        grid[0], name="grid-qat", where=" or ".join(["stage == 'none'", *map(_also, grid)])
    )
    minifloats = replace(
        grid[0],
        name="grid-minifloat",
        where="stage == 'none' or stage == 'train' and w_kind == 'fp'",
    )
    return (
        Question(
            "qat-tokens",
            "Does the degradation by training in few bits depend on the tokens (Chen), or not?",
            (*one_scheme, known["quest"]),
            (chen, chen.without("D")),
            "degradation",
        ),
        Question(
            "qat-group",
            "Does the degradation by training in few bits depend on the group size (Chen), or not?",
            grid,
            (chen, chen.without("G")),
            "degradation",
        ),
        Question(
            "qat-form",
            "Is the loss of training in few bits that of full precision and a degradation (Chen), "
            "or that of a smaller size (Frantar)?",
            (*map(_with_full, one_scheme), known["quest"]),
            (chen, frantar),
            "loss",
        ),
        Question(
            "qat-eff",
            "Does a format keep one share of the size (Frantar), or one that moves with the tokens "
            "a parameter?",
            (together, known["quest"], known["quartet-frantar"]),
            (frantar, _moving(frantar)),
            "loss",
        ),
        Question(
            "qat-eff-both-ways",
            "The same of shares of the size forward and of the tokens backward (Quartet)?",
            (known["quartet"],),
            (quartet, _moving_both_ways(quartet)),
            "loss",
        ),
        Question(
            "float-split",
            "Does it matter how a minifloat's bits are split into exponent and mantissa (Sun), or "
            "only how many they are?",
            (minifloats,),
            (sun, _total_bits(sun)),
            "loss",
        ),
    )


def _base() -> tuple[Question, ...]:
    chinchilla = find_law("chinchilla")
    return (
        Question(
            "base-exponents",
            "Do size and tokens have exponents of their own (Hoffmann), or one in common?",
            tuple(e for e in entries() if e.name == "epoch_chinchilla"),
            (chinchilla, find_law("chinchilla:beta=alpha")),
            "loss",
        ),
    )


def _also(entry: Entry) -> str:
    return f"({entry.where})"


def _with_full(entry: Entry) -> Entry:
    """Take the rows in full precision too: of a loss, they tell the base law."""
    where = f"stage == 'none' or {_also(entry)}"
    return replace(entry, name=f"{entry.name}-loss", where=where, response="loss")


def _power_of_bits(kumar: Law) -> Law:
    """Kumar's law in all but the bits, which stand as in Ouyang's and with that prior."""

    def sensitivity(N, D, P, gamma_D, gamma_N, gamma_P):
        return D**gamma_D / N**gamma_N * P**-gamma_P

    def degradation(N, D, P, C_T, gamma_D, gamma_N, gamma_P):
        return C_T * D**gamma_D / N**gamma_N * P**-gamma_P

    return kumar.with_formula(
        "kumar2024-ptq power",
        degradation=degradation,
        parameters=(
            replace(*kumar.pick("C_T"), term=sensitivity),
            Parameter("gamma_P", Prior("LogNormal", mu=1.5, sigma=0.5), "1", "exponent of bits"),
        ),
    )


# Tenfold the tokens a parameter then keep 0.63 to 1.6 times the share (95 %).
_SLOPE = Prior("Normal", mu=0, sigma=0.1)


def _moving(frantar: Law) -> Law:
    """Frantar's law with eff as it is at 20 tokens a parameter."""

    def effective_size(N, D, eff, slope):
        return N * eff * (D / N / 20) ** slope

    return frantar.with_formula(
        "frantar2025 moving",
        effective={"N": effective_size},
        parameters=(Parameter("slope", _SLOPE, "1", "exponent of tokens a parameter"),),
    )


def _moving_both_ways(quartet: Law) -> Law:
    """Quartet's law with both shares as they are at 20 tokens a parameter.

    A direction that is in full precision has a share of exactly 1, and keeps it.
    """

    def effective_size(N, D, eff_N, slope_N):
        return N * eff_N * (1 + (eff_N < 1) * ((D / N / 20) ** slope_N - 1))

    def effective_tokens(N, D, eff_D, slope_D):
        return D * eff_D * (1 + (eff_D < 1) * ((D / N / 20) ** slope_D - 1))

    return quartet.with_formula(
        "quartet2025 moving",
        effective={"N": effective_size, "D": effective_tokens},
        parameters=(
            Parameter("slope_N", _SLOPE, "1", "forward: exponent of tokens a parameter"),
            Parameter("slope_D", _SLOPE, "1", "backward: exponent of tokens a parameter"),
        ),
    )


def _total_bits(sun: Law) -> Law:
    """Sun's law of the bits 1 + E + M; in the best split the paper's own is of that form."""

    def sensitivity(N, D, E, M, B, alpha, beta, nu):
        return D**beta / N**alpha * np.log2(B) / (E + M + 1) ** nu

    def degradation(N, D, E, M, B, alpha, beta, gamma, nu):
        return D**beta / N**alpha * np.log2(B) / (gamma * (E + M + 1) ** nu)

    # The sum of the exponents that E and M have apart: 2.6 to 9.6 (90 %).
    nu = Prior("LogNormal", mu=1.6, sigma=0.4)
    return sun.with_formula(
        "sun2025 total bits",
        degradation=degradation,
        parameters=(
            replace(*sun.pick("gamma"), term=sensitivity),
            Parameter("nu", nu, "1", "exponent of bits"),
        ),
    )


def main() -> None:
    """Print the rows that both laws can use, or why one cannot."""
    for question in questions():
        print(f"{question.name}: {question.names[0]} or {question.names[1]}")
        for entry in question.pools:
            try:
                runs = entry.runs()
                index = [design(runs, w, question.response).index for w in question.laws]
                both = runs.select(np.isin(np.arange(len(runs)), np.intersect1d(*index)))
                said = f"{len(both)} rows of {len(set(both.cluster))} runs"
            except bayesq.BayesqError as error:
                said = str(error)
            print(f"  {entry.name:22} {said}")


if __name__ == "__main__":
    main()
