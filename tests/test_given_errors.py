"""Errors that a table gives are held against its scatter before anything is sampled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from test_scatter import SIGMA, TRUE, table, told

import bayesq
from bayesq.checks.curve_notes import curve_notes
from bayesq.model.specification import specify
from bayesq.notes import Note


def two_studies() -> pd.DataFrame:
    other = table(1).assign(study="b", loss=lambda f: 1.1 * f["loss"])
    return pd.concat([table().assign(study="a"), other], ignore_index=True)


def said(frame: pd.DataFrame, noise: str | None, pool_by: str | None = None) -> Note | None:
    described = specify(
        bayesq.read_runs(frame), "chinchilla", noise=noise, pool_by=pool_by, discrepancy=False
    )
    notes = curve_notes(described.design, only_errors=described.noise.only_errors)
    return next((note for note in notes if note.code == "errors-and-scatter"), None)


CASES = [
    (0.06, None, "warning"),
    (0.06, "known-se", "warning"),
    (0.06, "only-se", "warning"),
    (0.0005, None, "info"),
    (0.0005, "only-se", "severe"),
    (0.01, None, None),
]


@pytest.mark.parametrize(("error", "noise", "severity"), CASES)
def test_errors_that_disagree_with_the_scatter_are_told(
    error: float, noise: str | None, severity: str | None
) -> None:
    found = said(table().assign(loss_se=error), noise)
    assert (found and found.severity) == severity
    if found is not None:
        assert ("larger" if error > 0.01 else "smaller") in found.message
        usual = float(found.message.partition("against ")[2].partition(" nats")[0])
        loss = bayesq.laws()["chinchilla"].evaluate("loss", TRUE | dict(table()))
        assert usual == pytest.approx(SIGMA * float(np.median(loss)), rel=0.35)


def test_errors_are_told_over_several_studies() -> None:
    found = said(two_studies().assign(loss_se=0.06), None, "study")
    assert found is not None
    assert len(found.rows) == 2 * len(table())
    assert said(two_studies().assign(loss_se=0.01), None, "study") is None
    assert said(two_studies(), None, "study") is None


def test_a_check_says_it_of_the_law_and_a_fit_does_not_say_it_again() -> None:
    frame = table().assign(loss_se=0.06)
    (law,) = bayesq.check(bayesq.read_runs(frame), "chinchilla").laws
    assert [note.code for note in law.notes].count("errors-and-scatter") == 1
    assert "errors-and-scatter" not in told(frame)[1]
