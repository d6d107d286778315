"""Parameters simulated from the prior come back: the intervals cover what they claim."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pymc as pm
import pytest
from pytensor.compile.mode import Mode
from scipy.stats import binom

import bayesq
from bayesq.model.compose import compose
from bayesq.model.specification import specify_rows
from bayesq.sampling.compiled import Compiled
from simulated import table_for, template

TABLES = 200


@pytest.mark.parametrize("law", bayesq.laws())
def test_every_law_has_a_table_with_rows_that_it_can_use(law: str) -> None:
    chosen, table = template(law), table_for(bayesq.laws()[law])
    assert len(chosen.index) == len(table)
    for symbol, values in chosen.inputs.items():
        assert len(np.unique(values)) > 1, f"{symbol} is the same in all rows"


@pytest.mark.slow
@pytest.mark.parametrize("law", bayesq.laws())
def test_intervals_cover_what_was_simulated(law: str) -> None:
    chosen = template(law)
    # Law and noise alone: that the misfit covers what it claims is for test_sbc.
    described = specify_rows(chosen, discrepancy=False)
    noise = described.noise
    stated = compose(described, to_sample=False)
    symbols = []
    for p in (*chosen.parameters, *noise.parameters):
        symbols += [p.symbol] if p.by is None else [p.symbol, f"{p.symbol}_rate"]
    drawn = pm.draw(
        [*(stated[s] for s in symbols), stated[chosen.response]],
        draws=TABLES,
        random_seed=20261122,
        mode=Mode(linker="py", optimizer="fast_compile"),
    )
    truth = dict(zip(symbols, drawn, strict=False))
    covered = {s: np.zeros(np.shape(truth[s])[1:]) for s in symbols}
    for i, measured in enumerate(drawn[-1]):
        # Priors and pivots stay those of the table from whose priors the truth was drawn.
        seen = replace(chosen, observed=noise.from_scale(measured))
        model = Compiled(replace(described, design=seen))
        drawn_now = model.sample(draws=500, tune=500, chains=2, seed=i)
        posterior = model.groups(drawn_now.points)["posterior"]
        for symbol in symbols:
            ends = posterior[symbol].quantile([0.05, 0.95], ("chain", "draw")).values
            covered[symbol] += (ends[0] <= truth[symbol][i]) & (truth[symbol][i] <= ends[1])
    counts = {
        f"{s}{list(at) or ''}": float(c) for s in symbols for at, c in np.ndenumerate(covered[s])
    }
    shares = {name: count / TABLES for name, count in counts.items()}
    print(f"\n{law}: coverage of 90 % intervals over {TABLES} tables: {shares}")
    assert 0.85 <= np.mean(list(shares.values())) <= 0.95, shares
    # One parameter alone scatters by chance: 9,999 in 10,000 exact intervals lie between these.
    low, high = binom(TABLES, 0.9).ppf([0.00005, 0.99995])
    assert all(low <= count <= high for count in counts.values()), shares
