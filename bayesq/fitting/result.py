"""A fit: draws of a law's parameters, with all that is needed to read, use and save them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

import pandas as pd
import xarray as xr

from bayesq.errors import BayesqError
from bayesq.fitting.posterior import Posterior
from bayesq.fitting.storage import write_tree
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.model.design import Design
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.hierarchy import Pooling
from bayesq.model.names import Names
from bayesq.model.noise import Noise
from bayesq.model.surfaces import Laid, from_group
from bayesq.notes import Note

if TYPE_CHECKING:
    from bayesq.fitting.sensitivity import Sensitivity

# Columns of a summary that take a library which is slow to import: a saved fit has them.
CONVERGENCE = ("r_hat", "ess_bulk", "ess_tail")


@dataclass(frozen=True, eq=False)
class Fit(Posterior):
    """The posterior of a law. Made by :func:`bayesq.fit` and :func:`bayesq.load_fit`.

    Parameters
    ----------
    law : Law
        What was fitted.
    data : xarray.DataTree
        Groups ``posterior``, ``sample_stats``, ``log_likelihood``, ``log_prior``,
        ``observed_data`` and ``constant_data`` as ArviZ names them; attributes of the root say how
        it was made.
    notes : tuple of Note
        What a reader must know, the severe notes first.
    scatter : Noise
        How measured values scatter around the law.
    design : Design, optional
        The rows that were fitted, where they are at hand: not those of a fit from a file.
    convergence : pandas.DataFrame, optional
        R-hat and effective sample sizes by row of the summary, where they were saved with the fit;
        by default they are worked out when they are asked for.
    """

    law: Law
    data: xr.DataTree
    notes: tuple[Note, ...]
    scatter: Noise
    design: Design | None = field(default=None, kw_only=True)
    convergence: pd.DataFrame | None = field(default=None, kw_only=True)

    @property
    def response(self) -> Response:
        """What was fitted: ``"loss"`` or ``"degradation"``."""
        return self.law.check_response(self.data.attrs["response"])

    @property
    def noise(self) -> Noise:
        """How measured values scatter around the law."""
        return self.scatter

    @cached_property
    @override
    def wrong(self) -> tuple[Discrepancy, Laid] | None:
        """How wrong the law may be, as the fit took it to be."""
        described = json.loads(self.data.attrs["discrepancy"])
        if described is None:
            return None
        by = self.pooling.by if self.pooling else None
        held = self.data["discrepancy"]
        assert isinstance(held, xr.DataTree)  # a group of its own
        return Discrepancy.from_dict(described), from_group(held, by)

    @cached_property
    def pooling(self) -> Pooling | None:
        """The studies of a pooled fit."""
        described = json.loads(self.data.attrs.get("pooling", "null"))
        return None if described is None else Pooling(**described)

    @property
    def studies(self) -> tuple[str, ...]:
        """Names of the studies of a pooled fit."""
        return tuple(self.pooling.names) if self.pooling else ()

    @override
    def of_study(self, study: str, *, seed: int = 0) -> Fit:
        """Take what a pooled fit says of one study, of a new one, or of their population.

        Every prediction, decision and plot takes what this returns.

        Parameters
        ----------
        study : str
            The name of a study; ``"new"`` for a study to come, whose parameters are drawn from the
            population, and those that studies have apart from their priors; ``"population"`` for
            the middle of the population, which has no base, no misfit and no runs of its own.
        seed : int
            Seed of the draws of a new study.

        Returns
        -------
        Fit
            With the parameters under the paper's own symbols.

        Raises
        ------
        BayesqError
            If the fit is not pooled, or there is no such study.
        """
        from bayesq.fitting.study import of_study

        if self.pooling is None:
            super().of_study(study)
        return of_study(self, study, seed)

    @override
    def check_one_study(self) -> None:
        if self.pooling is not None:
            raise BayesqError(
                f"The fit is pooled by {self.pooling.by}; name one ({', '.join(self.studies)}), "
                "'new' or 'population': study=... of bayesq.predict, --study on the command line, "
                "or fit.of_study(...)."
            )

    @property
    @override
    def middles(self) -> dict[str, float]:
        pivots = json.loads(self.data.attrs["pivots"])
        return {f"{symbol}_middle": float(value) for symbol, value in pivots.items()}

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of the law, the noise and the discrepancy; an asymptote's prior is on its share."""
        wrong = self.wrong[0].parameters(self.wrong[1]) if self.wrong else ()
        return (*self.law.parameters_of(self.response), *self.scatter.parameters, *wrong)

    @property
    def posterior(self) -> xr.Dataset:
        """Draws of the parameters, dimensions chain and draw."""
        return self.data["posterior"].to_dataset()

    @property
    def observed_range(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each input in the rows that were fitted."""
        inputs = self.data["constant_data"].to_dataset()
        symbols = (i.symbol for i in self.law.inputs_of(self.response))
        return {s: (float(inputs[s].min()), float(inputs[s].max())) for s in symbols}

    @property
    @override
    def rows(self) -> xr.Dataset | None:
        """Rows that were fitted: inputs by symbol, measured ``loss`` and ``degradation``."""
        measured = self.data["observed_data"].to_dataset()
        return self.data["constant_data"].to_dataset().merge(measured)

    @property
    def formats(self) -> dict[str, list[str]]:
        """Values as text that each column of format and origin had in the rows that were fitted."""
        formats: dict[str, list[str]] = json.loads(self.data.attrs["formats"])
        return formats

    @property
    def title(self) -> str:
        """What it is, in a few words."""
        attrs = self.data.attrs
        return f"{self.law.name} fitted to {self.response}: {attrs['rows']} rows"

    @property
    @override
    def standing_notes(self) -> tuple[Note, ...]:
        """A word on severe notes of the fit, for every answer that comes from it."""
        severe = list(dict.fromkeys(n.code for n in self.notes if n.severity == "severe"))
        if not severe:
            return ()
        return (
            Note(
                "severe-fit",
                "severe",
                f"The fit that this comes from has severe notes ({', '.join(severe)}).",
                "Read them in fit.notes (bayesq show) and mend what they say first.",
            ),
        )

    def summary(self, prob: float = 0.9) -> pd.DataFrame:
        """Summarise the paper's own parameters, those of the noise and of the law's misfit.

        Parameters
        ----------
        prob : float
            Probability of the equal-tailed interval from ``lower`` to ``upper``.

        Returns
        -------
        DataFrame
            One row a parameter; columns median, mean, sd, lower, upper, r_hat, ess_bulk, ess_tail
            and unit.
        """
        return summarise(self.posterior, self.parameters, prob, self._convergence)

    @cached_property
    def _convergence(self) -> pd.DataFrame:
        """R-hat and effective sample sizes, from the file if it has those of these draws."""
        rows = rows_of(self.posterior, self.parameters)
        if self.convergence is not None and list(self.convergence.index) == list(rows):
            return self.convergence
        return convergence_of({name: draws for name, (draws, _) in rows.items()})

    def sensitivity(self, of: Any = None, *, progress: bool = True) -> Sensitivity:
        """Tell which parameters, or what in a prediction or decision, depend on which prior."""
        from bayesq.fitting.sensitivity import sensitivity

        return sensitivity(self, of, progress=progress)

    def save(self, path: str | Path) -> Path:
        """Save the fit as one netCDF file.

        The file is written beside `path` and then renamed, so that `path` holds the old fit or the
        new one, never half of it.

        Returns
        -------
        Path
            The file written.
        """
        tree = self.data.copy()
        tree.attrs["convergence"] = table_to_json(self._convergence)
        return write_tree(tree, Path(path))

    def __repr__(self) -> str:
        attrs = self.data.attrs
        sizes = self.posterior.sizes
        lines = [
            f"Fit of {self.law.name} to {self.response}: {attrs['rows']} rows of {attrs['source']}",
            f"{sizes['chain']} chains of {sizes['draw']} draws, seed {attrs['seed']}",
            self.summary().to_string(float_format="{:.4g}".format),
            *(str(note) for note in self.notes),
        ]
        return "\n".join(lines)


def summarise(
    posterior: xr.Dataset,
    parameters: tuple[Parameter, ...],
    prob: float,
    convergence: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Tabulate draws: centre, spread, interval, R-hat and effective sample sizes.

    The rows are those of :func:`rows_of`. What :func:`convergence_of` says of them may be at hand.
    """
    tail = tail_of(prob)
    rows = rows_of(posterior, parameters)
    units = {name: unit for name, (_, unit) in rows.items()}
    draws = xr.Dataset({name: values for name, (values, _) in rows.items()})
    if convergence is None:
        convergence = convergence_of({name: values for name, (values, _) in rows.items()})
    columns: dict[str, Any] = {
        "median": draws.median(),
        "mean": draws.mean(),
        "sd": draws.std(ddof=1),
        "lower": draws.quantile(tail),
        "upper": draws.quantile(1 - tail),
    }
    table = {name: [float(values[symbol]) for symbol in units] for name, values in columns.items()}
    more = {name: convergence[name].tolist() for name in CONVERGENCE}
    index = pd.Index(units, name="")
    return pd.DataFrame({**table, **more, "unit": list(units.values())}, index=index)


def convergence_of(rows: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    """Work out R-hat and effective sample sizes of draws; with one chain R-hat is not known."""
    import arviz_stats as azs

    draws = xr.Dataset(dict(rows))
    wide = draws.sizes["chain"] > 1
    found: tuple[Any, ...] = (
        azs.rhat(draws) if wide else draws.mean() * float("nan"),
        azs.ess(draws, method="bulk"),
        azs.ess(draws, method="tail"),
    )
    return pd.DataFrame(
        {
            name: [float(values[row]) for row in rows]
            for name, values in zip(CONVERGENCE, found, strict=True)
        },
        index=pd.Index(list(rows)),
    )


def rows_of(
    posterior: xr.Dataset, parameters: tuple[Parameter, ...]
) -> dict[str, tuple[xr.DataArray, str]]:
    """List the rows of a summary: the draws and the unit of each.

    A parameter with one value a kind has a row for each (``eff[W4A4]``) and for the rate and the
    spread that the kinds share; one with a value a study has the population's, the spread between
    studies (``alpha_spread``), and a row for each (``alpha[grid]``).
    """
    rows: dict[str, tuple[xr.DataArray, str]] = {}
    for p in parameters:
        names = Names(p)
        if p.by is not None:
            rows |= _each(posterior[p.symbol], p, p.by.symbol)
            rows[names.rate] = (posterior[names.rate], "1/bit")
            rows[names.spread] = (posterior[names.spread], "1")
            continue
        for by, name in names.values(posterior).items():
            if by and names.spread in posterior:
                rows[names.spread] = (posterior[names.spread], "1")
            rows |= _each(posterior[name], p, by) if by else {name: (posterior[name], p.unit)}
    return rows


def _each(values: xr.DataArray, p: Parameter, dim: str) -> dict[str, tuple[xr.DataArray, str]]:
    return {
        f"{p.symbol}[{label}]": (values.sel({dim: label}, drop=True), p.unit)
        for label in values[dim].values
    }


def tail_of(prob: float) -> float:
    """Return the probability on either side of an equal-tailed interval.

    Raises
    ------
    BayesqError
        If `prob` is not between 0 and 1.
    """
    if not 0 < prob < 1:
        raise BayesqError(f"prob is {prob}; it must lie between 0 and 1, such as 0.9.")
    return (1 - prob) / 2


def table_to_json(table: pd.DataFrame) -> str:
    """Write a table of numbers as text for an attribute of a file, to the last digit."""
    return json.dumps({"rows": list(table.index), **{c: table[c].tolist() for c in table.columns}})


def table_from_json(text: str) -> pd.DataFrame:
    """Read what :func:`table_to_json` wrote of a table of convergence.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it is something else.
    """
    held = json.loads(text)
    columns = {name: [float(value) for value in held[name]] for name in CONVERGENCE}
    return pd.DataFrame(columns, index=pd.Index(held["rows"]))


def notes_to_json(notes: tuple[Note, ...]) -> str:
    """Write notes as text for an attribute of a file."""
    return json.dumps([note.to_dict() for note in notes])


def notes_from_json(text: str) -> tuple[Note, ...]:
    """Read notes that :func:`notes_to_json` wrote."""
    return tuple(Note(**note) for note in json.loads(text))
