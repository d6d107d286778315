"""What predictions and decisions ask: draws of a law's parameters, wherever they come from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from bayesq.deprecated import warn_renamed
from bayesq.errors import BayesqError
from bayesq.law.kind import Kind
from bayesq.law.law import Law, Response
from bayesq.law.levels import at_rows
from bayesq.model.discrepancy import Discrepancy
from bayesq.model.noise import Noise
from bayesq.model.study_fields import AnyField
from bayesq.notes import Note


class Posterior(ABC):
    """A law with draws of its parameters: a fit, or the constants of a paper.

    Attributes
    ----------
    law : Law
        The law.
    response : {"loss", "degradation"}
        What was fitted.
    posterior : xarray.Dataset
        Draws of the parameters, dimensions chain and draw.
    observed_range : dict of str to (float, float)
        Smallest and largest value of each input where the law was observed.
    formats : dict of str to list of str
        Values as text that each column of format and origin had there.
    kinds : dict of str to list of Kind
        Kinds of rows that have parameters of their own.
    noise : Noise or None
        How measured values scatter around the law, where that is known.
    notes : tuple of Note
        What a reader must know.
    """

    law: Law
    notes: tuple[Note, ...]

    @property
    @abstractmethod
    def response(self) -> Response:
        """What was fitted."""

    @property
    @abstractmethod
    def posterior(self) -> xr.Dataset:
        """Draws of the parameters, dimensions chain and draw."""

    @property
    @abstractmethod
    def observed_range(self) -> dict[str, tuple[float, float]]:
        """Smallest and largest value of each input where the law was observed."""

    @property
    def clouds(self) -> tuple[Mapping[str, np.ndarray], ...]:
        """Rows as points, inputs by symbol, NaN where a row does not tell one: none by default.

        An answer leans on all of them.
        """
        return ()

    @property
    @abstractmethod
    def formats(self) -> dict[str, list[str]]:
        """Values as text that each column of format and origin had there."""

    @property
    @abstractmethod
    def kinds(self) -> dict[str, list[Kind]]:
        """Kinds of rows that have parameters of their own, by symbol, as the draws have them."""

    @property
    def levels(self) -> dict[str, list[str]]:
        """Labels of the kinds, by symbol: coordinates of the draws."""
        return {symbol: [kind.label for kind in kinds] for symbol, kinds in self.kinds.items()}

    @property
    def noise(self) -> Noise | None:
        """How measured values scatter around the law, where that is known."""
        return None

    @property
    def field(self) -> AnyField | None:
        """The discrepancy over the rows that were fitted; None where the law is taken as true."""
        return None

    @property
    def wrong(self) -> tuple[Discrepancy, AnyField] | None:
        """Deprecated name of `field`, with its discrepancy."""
        warn_renamed("Fit.wrong", "Fit.field")
        return None if self.field is None else (self.field.discrepancy, self.field)

    @property
    def rows(self) -> xr.Dataset | None:
        """Rows that were fitted: inputs by symbol, measured ``loss`` and ``degradation``."""
        return None

    @property
    def middles(self) -> dict[str, float]:
        """Middles of the inputs, as a noise may ask for them: ``D_middle``."""
        return {}

    @property
    def asymptotes(self) -> tuple[str, ...]:
        """Symbols of what the response cannot fall below."""
        if self.response != "loss":
            return ()
        return tuple(p.symbol for p in self.law.parameters_of("loss") if p.asymptote)

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in a few words."""

    @property
    def standing_notes(self) -> tuple[Note, ...]:
        """Notes that belong to every answer, whatever the question."""
        return ()

    def of_study(self, study: str, *, seed: int = 0) -> Posterior:
        """Take what a fit that is pooled over studies says of one of them.

        Raises
        ------
        BayesqError
            If it is not pooled, or knows no such study.
        """
        raise BayesqError(
            f"{self.title[0].upper()}{self.title[1:]} is not pooled over studies, so it has no "
            f"study {study!r}; leave study= out, or fit with bayesq.fit(..., pool_by='study')."
        )

    def check_one_study(self) -> None:  # noqa: B027 - most draws are of one
        """Refuse draws that tell several studies apart, to a question that names none."""

    def values_at(
        self, inputs: Mapping[str, Any], draws: xr.Dataset | None = None
    ) -> dict[str, Any]:
        """Put draws and inputs together for :meth:`Law.evaluate`.

        Parameters
        ----------
        inputs : mapping of str to float or xarray.DataArray
            Inputs by symbol; for kinds of rows their numbers.
        draws : xarray.Dataset, optional
            The posterior, where it is at hand.

        Returns
        -------
        dict of str to float or xarray.DataArray
            Inputs and parameters by symbol, each parameter with kinds at the kind asked for.
        """
        if draws is None:
            self.check_one_study()
            draws = self.posterior
        values: dict[str, Any] = {str(name): draws[name] for name in draws.data_vars} | dict(inputs)
        for p in self.law.parameters_of("loss"):
            if p.by is not None and p.by.symbol in inputs:
                values[p.symbol] = at_rows(draws[p.symbol], inputs[p.by.symbol], p.off, p.by.symbol)
        return values

    def evaluate(self, response: Response, inputs: Mapping[str, Any]) -> xr.DataArray:
        """Evaluate the law at inputs, for every draw.

        Returns
        -------
        xarray.DataArray
            Nats per token; dimensions chain, draw and those of the inputs.
        """
        self.require(response)
        result: xr.DataArray = self.law.evaluate(response, self.values_at(inputs))
        return result

    def require(self, response: Response) -> None:
        """Refuse a response that these draws do not tell.

        Raises
        ------
        BayesqError
            If the law has no such response or no formula at hand, or its parameters are not all
            among the draws.
        """
        self.law.check_formula()
        if response == "degradation" and self.law.base is None:
            raise BayesqError(
                f"Law {self.law.name} knows no quantization, so it has no degradation; use a law "
                "that does: bayesq.laws() lists them."
            )
        self.check_one_study()
        draws = self.posterior
        lacking = [p.symbol for p in self.law.parameters_of(response) if p.symbol not in draws]
        if lacking:
            raise BayesqError(
                f"The {response} needs {', '.join(lacking)}, and {self.title} does not tell "
                f"{'it' if len(lacking) == 1 else 'them'}; {self.way_out(response, lacking)}."
            )

    def way_out(self, response: Response, lacking: list[str]) -> str:
        """Say how to get the parameters that a response lacks."""
        base = self.law.base
        way = f"fit the law with response={response!r}"
        if base is None or not {p.symbol for p in base.parameters} <= set(lacking):
            return way
        return (
            f"{way}, or pass base=, a fit of {base.name} to the full-precision rows (--base FILE)"
        )


def check_posterior(fit: object) -> None:
    """Refuse what is no fit.

    Raises
    ------
    BayesqError
        If `fit` is neither a fit nor a paper's constants.
    """
    if not isinstance(fit, Posterior):
        raise BayesqError(
            f"A {type(fit).__name__} is not a fit; make one with bayesq.fit(...), read it with "
            "bayesq.load_fit(path), or take a paper's constants with bayesq.published(law)."
        )
