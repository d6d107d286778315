"""Intervals of draws: how probable, of which kind, their ends and what they are called.

Where the user set ArviZ's ``stats.ci_prob`` and ``stats.ci_kind``, these are the default; else 90 %
with equal tails.

Set is what differs from the value that ArviZ ships, or is written in the file ``arvizrc`` that
ArviZ reads, even where it is written there as ArviZ ships it. What a program sets to the very value
that ArviZ ships cannot be told from one that was never set, and counts as not set.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bayesq.errors import BayesqError

PROB: float = 0.9
type Kind = Literal["eti", "hdi"]
_NAMES = {"eti": "interval", "hdi": "highest-density interval"}
_SET = _PROB, _KIND = "stats.ci_prob", "stats.ci_kind"
# Of all that is worked out within :func:`asked_for`.
_ASKED: ContextVar[float | None] = ContextVar("prob", default=None)


@dataclass(frozen=True)
class Interval:
    """A kind of interval.

    Parameters
    ----------
    prob : float
        Its probability.
    kind : {"eti", "hdi"}
        With equal tails, or of the highest density, as ArviZ names them.

    Raises
    ------
    BayesqError
        If `prob` is not between 0 and 1.
    """

    prob: float = PROB
    kind: Kind = "eti"

    def __post_init__(self) -> None:
        if not 0 < self.prob < 1:
            raise BayesqError(f"prob is {self.prob}; it must lie between 0 and 1, such as 0.9.")

    @property
    def percent(self) -> str:
        """Its probability in per cent: ``"90"``."""
        return f"{self.prob * 100:g}"

    @property
    def what(self) -> str:
        """What it is called without its probability: ``"interval"``."""
        return _NAMES[self.kind]

    @property
    def name(self) -> str:
        """What it is called: ``"90 % interval"``, ``"90 % highest-density interval"``."""
        return f"{self.percent} % {self.what}"

    def of_answers(self, *answers: np.ndarray) -> Interval:
        """Take the kind that all answers of one question can have.

        Where one is infinite in some draw there is no width to make small, so that all have equal
        tails.

        Parameters
        ----------
        *answers : ndarray of float
            Draws of each answer.
        """
        if self.kind == "eti" or not any(np.isinf(draws).any() for draws in answers):
            return self
        return Interval(self.prob)

    def ends(
        self, draws: np.ndarray, method: Literal["linear", "nearest"] = "linear"
    ) -> tuple[np.ndarray, np.ndarray]:
        """Work out both ends over the last axis of draws.

        Parameters
        ----------
        draws : ndarray of float, shape (..., draws)
            NaN where a draw has no answer, which is left out; infinite where its answer lies beyond
            what was searched.
        method : {"linear", "nearest"}
            Of equal tails: whether an end may lie between two draws.

        Returns
        -------
        tuple of ndarray
            Lower and upper ends, shape ``(...)``, NaN where no draw has an answer. Where answers
            are infinite there is no width to make small: then also an interval of the highest
            density has equal tails, and its ends are draws; :meth:`of_answers` says which it is.
        """
        values = np.asarray(draws, dtype=float)
        if values.shape[-1] and np.isfinite(values).all():
            return self._of_finite(values, method)
        flat = values.reshape(-1, values.shape[-1])
        found = np.array([self._of_some(line[~np.isnan(line)], method) for line in flat])
        low, high = found.reshape(*values.shape[:-1], 2).transpose(-1, *range(values.ndim - 1))
        return low, high

    def _of_some(self, answers: np.ndarray, method: Literal["linear", "nearest"]) -> Any:
        """Work out the ends of answers that may be none, or infinite; shape ``(answers,)``."""
        if not answers.size:
            return np.nan, np.nan
        if np.isinf(answers).any():
            at = self._tails
            return quantiles(answers, at) if method == "linear" else _nearest(answers, at)
        return self._of_finite(answers, method)

    def _of_finite(
        self, values: np.ndarray, method: Literal["linear", "nearest"]
    ) -> tuple[np.ndarray, np.ndarray]:
        if self.kind == "hdi":
            from arviz_stats import hdi

            ends = np.asarray(hdi(values, prob=self.prob, axis=-1))
            return ends[..., 0], ends[..., 1]
        low, high = np.quantile(values, self._tails, axis=-1, method=method)
        return low, high

    @property
    def _tails(self) -> list[float]:
        tail = (1 - self.prob) / 2
        return [tail, 1 - tail]


def interval(prob: float | None = None) -> Interval:
    """Return the interval that is asked for, by default what the user set in ArviZ.

    Parameters
    ----------
    prob : float, optional
        Its probability; by default that of :func:`asked_for`, else ArviZ's ``stats.ci_prob`` where
        that is set, else 0.9. Its kind is ``stats.ci_kind``, where that is set, else that of equal
        tails.

    Raises
    ------
    BayesqError
        If `prob` is not between 0 and 1, or what is written in the file ``arvizrc`` cannot be read.
    """
    told = _set_in_arviz()
    wanted = _ASKED.get() if prob is None else prob
    return Interval(told.get(_PROB, PROB) if wanted is None else wanted, told.get(_KIND, "eti"))


@contextmanager
def asked_for(prob: float | None) -> Iterator[None]:
    """Make a probability the default of all intervals within: sentences, tables and figures agree.

    Parameters
    ----------
    prob : float or None
        The probability; None leaves the default as it is.

    Raises
    ------
    BayesqError
        If `prob` is not between 0 and 1.
    """
    interval(prob)
    token = _ASKED.set(_ASKED.get() if prob is None else prob)
    try:
        yield
    finally:
        _ASKED.reset(token)


def quantiles(values: np.ndarray, at: list[float]) -> list[float]:
    """Quantiles over the draws that have an answer, be it one beyond what was searched."""
    answers = values[~np.isnan(values)]
    # Between a number and infinity there is nothing to take the middle of.
    method: Any = "inverted_cdf" if np.isinf(answers).any() else "linear"
    return [float(v) for v in np.quantile(answers, at, method=method)]


def _nearest(values: np.ndarray, at: list[float]) -> list[float]:
    return [float(v) for v in np.quantile(values, at, method="nearest")]


def _set_in_arviz() -> dict[str, Any]:
    """Look up what the user set of ArviZ, by name.

    ArviZ is not loaded where it is not in use and no file of settings speaks of intervals.
    """
    written = _written()
    if "arviz_base" not in sys.modules and not written:
        return {}
    try:
        from arviz_base import rcParams, rcparams
    except (KeyError, ValueError) as error:
        raise BayesqError(
            f"ArviZ cannot read its file arvizrc, which sets {' and '.join(sorted(written))}; mend "
            "the line that import arviz_base names."
        ) from error
    shipped: Any = rcparams.rc_params(ignore_files=True)  # type: ignore[func-returns-value]
    return {n: rcParams[n] for n in _SET if rcParams[n] != shipped[n] or n in written}


def _written() -> set[str]:
    """Find which of the settings of intervals the file ``arvizrc`` that ArviZ reads holds.

    It is looked for where ``arviz_base.rcparams.get_arviz_rcfile`` does, without loading ArviZ.
    """
    home = Path.home() / ".config"
    linux = sys.platform.startswith(("linux", "freebsd"))
    config = Path(os.environ.get("XDG_CONFIG_HOME", home)) if linux else Path.home()
    folders = [Path.cwd(), os.environ.get("ARVIZ_DATA"), config / ("arviz" if linux else ".arviz")]
    files = (Path(folder) / "arvizrc" for folder in folders if folder)
    found = next((file for file in files if os.path.isfile(file)), None)
    if found is None:
        return set()
    try:
        lines = found.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return set()  # ArviZ says what is wrong with it
    return {name for line in lines if (name := line.split("#")[0].split(":")[0].strip()) in _SET}
