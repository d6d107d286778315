"""A fit: draws of a law's parameters, with all that is needed to read, use and save them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, override

import pandas as pd
import xarray as xr

from bayesq import html
from bayesq.counted import how_many
from bayesq.errors import BayesqError
from bayesq.intervals import interval
from bayesq.model.noise import Noise
from bayesq.model.specification import Specification
from bayesq.notes import Note
from bayesq.posterior.division import GROUPS, LOG_PRIOR, PRIORS, join
from bayesq.posterior.fitted import Densities, Fitted
from bayesq.posterior.netcdf import complete, write_tree
from bayesq.posterior.on_demand import completed, stored
from bayesq.posterior.pymc_trace import trace_of
from bayesq.posterior.sensitivity import Sensitivity, sensitivity
from bayesq.posterior.study import StudyFit, of_study
from bayesq.posterior.summary import convergence_of, rows_of
from bayesq.sampling.defaults import LIKELIHOOD

if TYPE_CHECKING:
    import pymc as pm


@dataclass(frozen=True, eq=False)
class Fit(Fitted):
    """The posterior of a law. Made by :func:`bayesq.fit` and :func:`bayesq.load_fit`.

    Parameters
    ----------
    specification : Specification
        What was fitted: law, rows, studies, noise and discrepancy.
    data : xarray.DataTree
        Groups as ArviZ names them: ``posterior`` (parameters of law and noise), ``sample_stats``,
        ``log_likelihood`` (on the scale of the noise), ``log_prior``, ``posterior_predictive`` and
        ``prior_predictive`` (new measurements of the rows, nats per token), ``prior``,
        ``observed_data`` and ``constant_data`` (the rows); and groups of bayesq's own: ``misfit``
        and ``auxiliary`` hold the other draws, ``prior_misfit``, ``prior_auxiliary`` and
        ``log_prior_auxiliary`` what the priors say of these. What the fit did not need is made when
        it is looked at, by the fit's seed. Attributes of the root say how the fit was made.

        ArviZ's plots and statistics take it. Two of them, ``plot_psense_dist`` and
        ``plot_psense_quantities``, have a dimension of their own called alpha and refuse every law
        with a parameter of that name: ``bayesq.plot.plot_sensitivity(fit)`` draws it. What
        ``psense_summary`` says of a coefficient such as A differs from :meth:`sensitivity`, which
        measures it by its logarithm.

        PyMC looks for draws in ``posterior`` alone and would draw the misfit anew from its prior;
        :attr:`model` completes them, for another model :attr:`trace` has every variable.
    notes : tuple of Note
        What a reader must know, the severe notes first.
    convergence : pandas.DataFrame, optional
        R-hat and effective sample sizes by row of the summary, where they were saved with the fit;
        by default they are worked out when they are asked for.
    """

    specification: Specification
    data: xr.DataTree
    notes: tuple[Note, ...]
    convergence: pd.DataFrame | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        whole = completed(self.data, self.specification, self.posterior)
        object.__setattr__(self, "data", whole)

    def __getstate__(self) -> dict[str, Any]:
        # PyMC's model does not go to another process; it is written down again there.
        return {name: value for name, value in self.__dict__.items() if name != "model"}

    @property
    @override
    def noise(self) -> Noise:
        return self.specification.noise

    @property
    def can_refit(self) -> bool:
        """Whether law, noise and rows are at hand: no rows in a file of format 4 and before."""
        return self.law.at_hand and self.noise.at_hand and self.design.complete

    @override
    def of_study(self, study: str, *, seed: int = 0) -> StudyFit:
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
        StudyFit
            With the parameters under the paper's own symbols.

        Raises
        ------
        BayesqError
            If the fit is not pooled, or there is no such study.
        """
        if self.pooling is None:
            super().of_study(study)
        return of_study(self, self.rows, study, seed)

    @override
    def check_one_study(self) -> None:
        if self.pooling is not None:
            raise BayesqError(
                f"The fit is pooled by {self.pooling.by}; name one ({', '.join(self.studies)}), "
                "'new' or 'population': study=... of bayesq.predict, --study on the command line, "
                "or fit.of_study(...)."
            )

    @cached_property
    @override
    def posterior(self) -> xr.Dataset:
        """All draws, those of the misfit and of auxiliary variables too; chain and draw first."""
        return join(self.data, GROUPS)

    @cached_property
    def model(self) -> pm.Model:
        """The model as PyMC has it, for ``pm.sample``, ``pm.model_to_graphviz`` and the like.

        Its free variables are the parameters of law, noise and misfit under their names in
        :attr:`trace`, each with its prior; inputs of the rows are data under the paper's symbols,
        dimension row. The observed variable is in nats per token, as ``observed_data`` is: where
        the noise is on the logarithm, ``pm.compute_log_likelihood`` gives the ``log_likelihood`` of
        :attr:`data` less the logarithm of each measured value.

        PyMC's functions that take draws take those of :attr:`trace`. Given :attr:`data`, whose
        ``posterior`` lacks the misfit, the model puts the rest of each draw beside it:

        >>> fit = bayesq.load_fit("fit.nc")  # doctest: +SKIP
        >>> pm.sample_posterior_predictive(fit.data, model=fit.model)  # doctest: +SKIP

        A ``fit.model.copy()`` knows no draws and draws from priors what it is not given.

        Raises
        ------
        BayesqError
            If law, noise or rows are not at hand, or the law has changed since the fit.
        """
        self._check_refit()
        from bayesq.model.stated import stated

        model = stated(self.specification)
        model.drawn = self.posterior
        model.left_out = frozenset(map(str, set(self.posterior) - set(self.data["posterior"])))
        return model

    @property
    def trace(self) -> xr.DataTree:
        """The draws as PyMC takes them, for functions such as ``pm.sample_posterior_predictive``.

        Its ``posterior`` has every variable of :attr:`model`, ``observed_data`` the measured
        values in nats per token, and ``constant_data`` all that the model takes of its rows.

        Raises
        ------
        BayesqError
            As for :attr:`model`.
        """
        self._check_refit()
        return trace_of(self.specification, self.posterior)

    def _check_refit(self) -> None:
        """Refuse where the model cannot be written down again."""
        self.law.check_formula()
        if not self.noise.at_hand:
            raise BayesqError(
                f"Noise {self.noise.name} is not at hand, so the fit has no model; load it with "
                "bayesq.load_fit(path, noise=...)."
            )
        if not self.design.complete:
            raise BayesqError(
                "The file of this fit does not hold the rows that were fitted, so it has no model; "
                "fit the table again."
            )

    @property
    @override
    def rows(self) -> xr.Dataset:
        """Rows that were fitted: inputs by symbol, measured ``loss`` and ``degradation``."""
        measured = self.data["observed_data"].to_dataset()
        return self.data["constant_data"].to_dataset().merge(measured)

    @property
    @override
    def densities(self) -> Densities | None:
        if not {LOG_PRIOR, LIKELIHOOD} <= set(self.data.children):
            return None
        return Densities(join(self.data, PRIORS), self.data[LIKELIHOOD].to_dataset())

    @cached_property
    @override
    def _convergence(self) -> pd.DataFrame:
        """R-hat and effective sample sizes, from the file if it has those of these draws."""
        rows = rows_of(self.posterior, self.parameters)
        if self.convergence is not None and list(self.convergence.index) == list(rows):
            return self.convergence
        return convergence_of({name: draws for name, (draws, _) in rows.items()})

    def sensitivity(self, of: Any = None, *, progress: bool = True) -> Sensitivity:
        """Tell which parameters, or what in a prediction or decision, depend on which prior.

        It is ArviZ's ``psense``, but that coefficients that are derived from a term (A, values at
        N = 1), predictions and decisions are measured by their logarithm: along their own axis a
        few huge draws would decide. So of these ``az.psense_summary(fit.data)`` tells other
        numbers, often larger ones; of all other parameters the same.
        """
        return sensitivity(self, of, progress=progress)

    def to_tree(self) -> xr.DataTree:
        """Put together what a file holds of it: draws, rows, description and convergence."""
        return complete(stored(self.data), self.specification, self._convergence)

    def save(self, path: str | Path) -> Path:
        """Save the fit as one netCDF file.

        It holds what `data` has, up to a million values (rows by draws) a group; what is beyond
        is made again when it is looked at, the same as it was. So are draws from the priors, which
        are in the file only if they were looked at before.

        The file is written beside `path` and then renamed, so that `path` holds the old fit or the
        new one, never half of it.

        Returns
        -------
        Path
            The file written.
        """
        return write_tree(self.to_tree(), Path(path))

    def __repr__(self) -> str:
        attrs = self.data.attrs
        sizes = self.posterior.sizes
        rows = f"{how_many(attrs['rows'], 'row')} of {attrs['source']}"
        lines = [
            f"Fit of {self.law.name} to {self.response}: {rows}",
            f"{how_many(sizes['chain'], 'chain')} of {sizes['draw']} draws, seed {attrs['seed']}",
            self.summary().to_string(float_format="{:.4g}".format),
            *(str(note) for note in self.notes),
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        attrs, sizes = self.data.attrs, self.posterior.sizes
        told = {
            "rows": f"{attrs['rows']} of {attrs['source']}",
            "draws": f"{how_many(sizes['chain'], 'chain')} of {sizes['draw']}, "
            f"seed {attrs['seed']}",
        }
        return html.block(
            f"Fit of {self.law.name} to {self.response}",
            html.facts(told),
            html.table(self.summary(), caption=f"{interval().name}s"),
            html.notes(self.notes),
        )
