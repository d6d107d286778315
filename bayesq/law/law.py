"""A scaling law: its definition, checked, with the laws that can be made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import override
from weakref import WeakValueDictionary

from bayesq import html
from bayesq.errors import BayesqError
from bayesq.law.carried import Carried
from bayesq.law.checks import check_law
from bayesq.law.definition import Definition, Response
from bayesq.law.digest import hash_of, parts_of
from bayesq.law.formulas import Formula
from bayesq.law.inputs import Input
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.published import Published
from bayesq.law.typeset import typeset
from bayesq.law.variants import fixed, with_formula, with_prior, without

__all__ = ["Law", "Response", "session_law"]

# Laws made in this session, by name, so that a fit saved from a notebook finds its law again in the
# same notebook. Weak: a law that nobody holds is gone.
_SESSION: WeakValueDictionary[str, Law] = WeakValueDictionary()


@dataclass(frozen=True, eq=False, repr=False)
class Law(Carried, Definition):
    """A scaling law.

    A base law gives ``loss``. A quantization law names its ``base`` law and says how quantization
    changes it: by the ``degradation`` that it adds, or by the ``effective`` inputs, such as the
    size N_eff, that the base law is to be asked at instead. Formulas are plain NumPy functions
    whose arguments are inputs and parameters by name, the base law's parameters among them; the
    same function is used on PyTensor variables while sampling and on xarray objects in predictions,
    so it may use arithmetic, comparisons and NumPy's exp, log, log2, expm1, log1p, sqrt and abs,
    but not where, clip or prod.

    Parameters
    ----------
    name : str
        Short name, ``"chinchilla"``.
    title : str
        One line on what it says.
    source : str
        Paper and equation.
    parameters : tuple of Parameter
        Those of its own formula; the base law's come on top.
    loss, degradation : callable
        The formula: ``loss`` for a base law, ``degradation`` with `base` for a quantization law.
        Both in nats per token.
    effective : mapping of str to callable, optional
        In place of a degradation: for inputs of the base law, what quantization turns them into.
    base : Law, optional
        Law of the full-precision loss.
    inputs : tuple of Input, optional
        Inputs of the formula other than N and D. Arguments that are neither parameters nor listed
        here are taken from the column of that name.
    stages : tuple of str, optional
        Values of ``stage`` of the rows that the law speaks of; all rows by default.
    usual : {"loss", "degradation"}, optional
        What it is fitted to unless someone says otherwise. By default the loss for a base law and
        one of effective inputs, else the degradation.
    published : tuple of Published, optional
        The paper's own fits, the first one being the main one.
    observed : mapping of str to (float, float), optional
        Range of each input in which the law was observed.
    closed : mapping of str to callable, optional
        Answers to decisions in closed form, by the decision's name, as functions of inputs and
        parameters by name. Where there is none, the decision is worked out numerically.
    remember : bool
        Whether fits that are loaded later in this session may find the law by its name.

    Raises
    ------
    BayesqError
        If the formula and the parameters do not fit together.

    Examples
    --------
    >>> from bayesq import Law, Parameter, Prior
    >>> law = Law(
    ...     name="size-only",
    ...     loss=lambda N, E, A, alpha: E + A * N**-alpha,
    ...     parameters=(
    ...         Parameter("E", Prior("LogNormal", mu=0.4, sigma=0.5), "nats/token"),
    ...         Parameter(
    ...             "A",
    ...             Prior("LogNormal", mu=-0.7, sigma=1),
    ...             "nats/token",
    ...             term=lambda N, alpha: N**-alpha,
    ...         ),
    ...         Parameter("alpha", Prior("LogNormal", mu=-1, sigma=0.5)),
    ...     ),
    ... )
    >>> law.evaluate("loss", {"N": 1e9, "E": 1.7, "A": 400.0, "alpha": 0.34})
    2.0483854359...
    """

    # As in the definition, but a law again.
    base: Law | None = None

    def __post_init__(self, remember: bool) -> None:
        if isinstance(self.parameters, Parameter):
            raise BayesqError(
                f"Law {self.name} needs a tuple of parameters; write a comma behind the only one."
            )
        object.__setattr__(self, "parameters", tuple(self.parameters))
        check_law(self)
        if remember:
            _SESSION[self.name] = self

    def fix(self, **values: float | str) -> Law:
        """Make the law in which some parameters are held: a nested hypothesis.

        Parameters
        ----------
        **values : float or str
            For parameters of it or of its base law, by symbol: the number to hold it at, or the
            parameter that it is tied to. ``alpha_equals_beta=True`` ties beta to alpha.

        Returns
        -------
        Law
            A law as any other, under a name by which it is found again: ``"chinchilla:B=0"``.
            The held parameters are gone, from base law and closed forms too, and so is what papers
            published. Inputs stay, so that it is fitted to the same rows.

        Raises
        ------
        BayesqError
            If a parameter is unknown, has a value for each kind of row, or is the last one, or if
            the law has no finite values with it.

        Examples
        --------
        >>> import bayesq
        >>> law = bayesq.laws()["kumar2024-ptq"].fix(gamma_D=0)
        >>> law.name, [p.symbol for p in law.parameters]
        ('kumar2024-ptq:gamma_D=0', ['C_T', 'gamma_N', 'gamma_post'])
        >>> bayesq.laws()["chinchilla"].fix(beta="alpha").name
        'chinchilla:beta=alpha'
        """
        return replace(fixed(self, values), remember=True)

    def without(self, symbol: str) -> Law:
        """Make the law in which an input does not matter to what quantization adds.

        Of a base law, to the loss. It is the law with the one parameter of its own held at 0 that
        takes the input out and leaves the others their say; the base law keeps the input.

        Parameters
        ----------
        symbol : str
            An input of its own formulas: ``"D"``.

        Returns
        -------
        Law
            As of :meth:`fix`, under the same name.

        Raises
        ------
        BayesqError
            If its formulas have no such input, or no one parameter takes it out at 0.

        Examples
        --------
        >>> import bayesq
        >>> bayesq.laws()["chen2025"].without("G").name
        'chen2025:gamma_G=0'
        """
        return replace(without(self, symbol), remember=True)

    def with_prior(self, symbol: str, prior: Prior) -> Law:
        """Make the law with another prior of a parameter, of its own or of its base law.

        Parameters
        ----------
        symbol : str
            A parameter that has one value for all rows.
        prior : Prior
            What stands in the place of its own: for a coefficient with a term, of the term at the
            pivot; for an asymptote, of its ratio to the typical loss.

        Returns
        -------
        Law
            Under its own name with the prior behind it.

        Raises
        ------
        BayesqError
            If the parameter is unknown or has a value for each kind of row, or `prior` is none.

        Examples
        --------
        >>> import bayesq
        >>> law = bayesq.laws()["kumar2024-ptq"]
        >>> law.with_prior("gamma_D", bayesq.Prior("Normal", mu=0, sigma=0.1)).name
        'kumar2024-ptq:gamma_D~Normal(mu=0,sigma=0.1)'
        """
        return replace(with_prior(self, symbol, prior), remember=True)

    def with_formula(
        self,
        name: str,
        *,
        loss: Formula | None = None,
        degradation: Formula | None = None,
        effective: Mapping[str, Formula] | None = None,
        parameters: tuple[Parameter, ...] = (),
        inputs: tuple[Input, ...] = (),
        title: str | None = None,
    ) -> Law:
        """Make the law with another formula, for a hypothesis that is no number.

        Base law, stages, the range of the data and the parameters that the formula still takes stay
        as they are; what was published and the closed forms are gone.

        Parameters
        ----------
        name : str
            The new law's whole name.
        loss, degradation : callable, optional
            The formula: ``loss`` of a base law, ``degradation`` of a quantization law.
        effective : mapping of str to callable, optional
            In place of a degradation: formulas of effective inputs. Those not given stay.
        parameters : tuple of Parameter, optional
            Those that come on top, or in the place of one of the same symbol. A coefficient whose
            term is another one now is to be given anew.
        inputs : tuple of Input, optional
            Inputs that come on top, or in the place of one of the same symbol.
        title : str, optional
            One line on what it says, by default the law's own.

        Returns
        -------
        Law
            The new law.

        Raises
        ------
        BayesqError
            If formula and parameters do not fit together.

        Examples
        --------
        Kumar's law with a power of the bits instead of an exponential:

        >>> from dataclasses import replace
        >>> import bayesq
        >>> from bayesq import Parameter, Prior
        >>> kumar = bayesq.laws()["kumar2024-ptq"]
        >>> def sensitivity(N, D, P, gamma_D, gamma_N, gamma_P):
        ...     return D**gamma_D / N**gamma_N * P**-gamma_P
        >>> power = kumar.with_formula(
        ...     "kumar-power",
        ...     degradation=lambda N, D, P, C_T, gamma_D, gamma_N, gamma_P: (
        ...         C_T * sensitivity(N, D, P, gamma_D, gamma_N, gamma_P)
        ...     ),
        ...     parameters=(
        ...         replace(*kumar.pick("C_T"), term=sensitivity),
        ...         Parameter("gamma_P", Prior("LogNormal", mu=1.5, sigma=0.5)),
        ...     ),
        ... )
        >>> [p.symbol for p in power.parameters]
        ['C_T', 'gamma_D', 'gamma_N', 'gamma_P']

        Frantar's law with efficiencies that depend on the size, those of 1B parameters being eff:

        >>> bayesq.laws()["frantar2025"].with_formula(
        ...     "frantar-by-size",
        ...     effective={"N": lambda N, eff, slope: N * eff ** ((N / 1e9) ** slope)},
        ...     parameters=(Parameter("slope", Prior("Normal", mu=0, sigma=0.3)),),
        ... )
        <Law frantar-by-size: chinchilla at N(N, eff, slope)>
        """
        made = with_formula(
            self,
            name,
            loss=loss,
            degradation=degradation,
            effective=effective,
            parameters=parameters,
            inputs=inputs,
            title=title,
        )
        return replace(made, remember=True)

    @cached_property
    def parts(self) -> dict[str, str]:
        """Hashes of what decides its numbers, by what each is; see :mod:`bayesq.law.digest`."""
        return parts_of(self)

    @cached_property
    def digest(self) -> str:
        """Hash of formulas with all that they call, inputs, stages, roles and priors."""
        return hash_of(self.parts)

    @override
    def remember_hashes(self) -> None:
        _ = self.digest

    def _repr_html_(self) -> str:
        import pandas as pd

        response = self.usual or self.responses[0]
        rows = [
            {
                "symbol": p.symbol,
                "unit": p.unit,
                "meaning": p.meaning,
                "prior": p.prior_text,
            }
            for p in self.parameters_of(response)
        ]
        inputs = {i.symbol: i.unit or ", ".join(i.columns) for i in self.inputs_of(response)}
        published = {f"published, {fit.label}": _constants(fit) for fit in self.published}
        return html.block(
            f"{self.name}: {self.title}" if self.title else self.name,
            typeset(self, response),
            html.facts({"source": self.source} if self.source else {}),
            html.facts(inputs),
            html.table(pd.DataFrame(rows).set_index("symbol")),
            html.facts(published),
        )


def _constants(fit: Published) -> str:
    """Write published constants in a line, those of kinds by their kind."""
    told = []
    for symbol, value in fit.values.items():
        if isinstance(value, Mapping):
            told += [f"{symbol}[{kind}] {number:.4g}" for kind, number in value.items()]
        else:
            told.append(f"{symbol} {value:.4g}")
    return f"{', '.join(told)} ({fit.source})"


def session_law(name: str) -> Law | None:
    """Return the law of that name that was made last in this session, if it is still held."""
    return _SESSION.get(name)
