"""A parameter of a law: symbol, unit, prior, and where it is natural to have an opinion on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bayesq.law.formulas import call
from bayesq.law.levels import Levels, OrderedByBits
from bayesq.law.prior import Prior


@dataclass(frozen=True)
class Parameter:
    """One parameter in the paper's symbol and unit.

    Parameters
    ----------
    symbol : str
        ASCII symbol, as the formula's argument is called: ``"gamma_D"``.
    prior : Prior
        Default prior, on the parameter itself or, with `term`, on its term at the pivot.
    unit : str
        Unit of the paper's parameter; ``"1"`` for a pure number.
    meaning : str
        A few words.
    term : callable, optional
        For a coefficient such as A in ``A * N**-alpha``: the function of inputs and parameters that
        it multiplies, ``term(N, alpha)``. The prior is then on the whole term at the pivot (the
        centre of the data), which is a number in nats per token that a person can have an opinion
        about and that the data determine; the coefficient is derived from it. Sampling the
        coefficient itself would chase a ridge: it is the value at N = 1, far outside any data.
    share : bool
        True for a quantity that is added to the response as it stands, such as E. Coefficients
        with a `term` are such shares too. See :mod:`bayesq.model.coordinates`.
    slope_of : str, optional
        For an exponent: the coefficient whose term it bends. See there too.
    divides : bool
        True for a coefficient by which its term is divided, as Sun's gamma.
    asymptote : bool
        True for what the loss cannot fall below, however far the inputs go, such as E. Nats per
        token depend on the tokenizer, so its prior is on its ratio to the typical loss (the
        geometric mean of the measured ones); what lies above it is what a law can be wrong about.
    by : Levels, optional
        For a parameter that has one value for each kind of row, such as eff for each compression:
        what tells the kinds apart. Its prior is then an :class:`OrderedByBits`, and the formula is
        given the value of each row's kind.
    off : float
        Value of a parameter with `by` in the rows that are of no kind.
    """

    symbol: str
    prior: Prior | OrderedByBits
    unit: str = "1"
    meaning: str = ""
    term: Callable[..., Any] | None = None
    share: bool = False
    slope_of: str | None = None
    divides: bool = False
    asymptote: bool = False
    by: Levels | None = None
    off: float = 1.0

    @property
    def sampled_as(self) -> str:
        """Name of the quantity that carries the prior."""
        return f"{self.symbol}_pivot" if self.term else self.symbol

    @property
    def prior_text(self) -> str:
        """Its prior, and what it is on, as a table shows it."""
        if not isinstance(self.prior, Prior):
            return "in the order of the bits"
        if self.term is not None:
            return f"{self.prior.text} of its term in the middle of the data"
        return f"{self.prior.text}{' of its ratio to the typical loss' * self.asymptote}"

    @property
    def single_prior(self) -> Prior:
        """Prior of a parameter that has one value."""
        assert isinstance(self.prior, Prior)  # kinds have a ladder
        return self.prior

    def coefficient(self, values: Mapping[str, Any]) -> Any:
        """Turn the value of its term at the pivot into the paper's coefficient.

        Parameters
        ----------
        values : mapping of str to array_like
            Inputs at the pivot and parameters by symbol; under its own stands what carries the
            prior.

        Returns
        -------
        array_like
            Of a parameter that has no term what came in.
        """
        sampled = values[self.symbol]
        if self.term is None:
            return sampled
        shape = call(self.term, values)
        return shape / sampled if self.divides else sampled / shape
