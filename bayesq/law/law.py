"""What a scaling law is: inputs, formula, parameters with priors, and what its paper found."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal
from weakref import WeakValueDictionary

from bayesq.errors import BayesqError, nearest
from bayesq.law.checks import check_law
from bayesq.law.formulas import Formula, arguments_of, call
from bayesq.law.inputs import D, Input, N
from bayesq.law.levels import Levels
from bayesq.law.parameter import Parameter
from bayesq.law.prior import Prior
from bayesq.law.published import Published

Response = Literal["loss", "degradation"]

# Laws made in this session, by name, so that a fit saved from a notebook finds its law again in the
# same notebook. Weak: a law that nobody holds is gone.
_SESSION: WeakValueDictionary[str, Law] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Law:
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

    name: str
    parameters: tuple[Parameter, ...]
    loss: Formula | None = None
    degradation: Formula | None = None
    effective: Mapping[str, Formula] = field(default_factory=dict)
    base: Law | None = None
    title: str = ""
    source: str = ""
    inputs: tuple[Input, ...] = ()
    stages: tuple[str, ...] | None = None
    usual: Response | None = None
    published: tuple[Published, ...] = ()
    observed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    closed: Mapping[str, Formula] = field(default_factory=dict)
    remember: InitVar[bool] = True

    def __post_init__(self, remember: bool) -> None:
        if isinstance(self.parameters, Parameter):
            raise BayesqError(
                f"Law {self.name} needs a tuple of parameters; write a comma behind the only one."
            )
        object.__setattr__(self, "parameters", tuple(self.parameters))
        check_law(self)
        if remember:
            _SESSION[self.name] = self

    @property
    def formulas(self) -> tuple[Formula, ...]:
        """The law's own formulas: of its loss, its degradation, or its effective inputs."""
        one = self.loss if self.loss is not None else self.degradation
        return (one,) if one is not None else tuple(self.effective.values())

    @property
    def responses(self) -> tuple[Response, ...]:
        """Responses that it can be fitted to, the usual one first."""
        # Of an effective size the degradation alone cannot tell the size term from the efficiency.
        if self.base is None or self._needs_base:
            return ("loss",)
        return ("loss", "degradation") if self.usual == "loss" else ("degradation", "loss")

    @cached_property
    def own_inputs(self) -> tuple[Input, ...]:
        """Inputs of the law's own formulas, in the order of their arguments."""
        listed = {i.symbol: i for i in (N, D, *self.inputs)}
        shared = self.base.parameters_of("loss") if self.base else ()
        symbols = {p.symbol for p in (*self.parameters, *shared)}
        return tuple(
            listed.get(argument) or Input.of_column(argument)
            for argument in self.arguments
            if argument not in symbols
        )

    @cached_property
    def arguments(self) -> tuple[str, ...]:
        """Inputs and parameters that the law's own formulas take, by name."""
        return tuple(dict.fromkeys(a for f in self.formulas for a in arguments_of(f)))

    def inputs_of(self, response: Response) -> tuple[Input, ...]:
        """List the inputs of a fit to `response`, the base law's among them for the loss."""
        of_base = self.base.inputs_of("loss") if self.base and self._whole(response) else ()
        return tuple({i.symbol: i for i in (*of_base, *self.own_inputs)}.values())

    def groups_of(self, response: Response) -> tuple[tuple[Parameter, ...], ...]:
        """List the parameters of a fit to `response`, apart for each law, the base law's first."""
        if self.base is None:
            return (self.parameters,)
        if self._whole(response):
            return (*self.base.groups_of("loss"), self.parameters)
        shared = tuple(p for p in self.base.parameters_of("loss") if p.symbol in self.arguments)
        return (shared, self.parameters) if shared else (self.parameters,)

    def parameters_of(self, response: Response) -> tuple[Parameter, ...]:
        """List the parameters of a fit to `response`, the base law's first."""
        return tuple(p for group in self.groups_of(response) for p in group)

    def pick(self, *symbols: str) -> tuple[Parameter, ...]:
        """Take some of its own parameters, for a law that shares their priors.

        Raises
        ------
        BayesqError
            If it has no such parameter.
        """
        own = {p.symbol: p for p in self.parameters}
        for symbol in symbols:
            if symbol not in own:
                raise BayesqError(
                    f"Law {self.name} has no parameter {symbol!r}; {nearest(symbol, own)}."
                )
        return tuple(own[symbol] for symbol in symbols)

    def levels_of(self, response: Response) -> dict[str, Levels]:
        """List what tells the kinds of rows apart that have parameters of their own, by symbol."""
        return {p.by.symbol: p.by for p in self.parameters_of(response) if p.by is not None}

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
        from bayesq.law.variants import fixed

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
        from bayesq.law.variants import without

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
        from bayesq.law.variants import with_prior

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
        from bayesq.law.variants import with_formula

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

    def evaluate(self, response: Response, values: Mapping[str, Any]) -> Any:
        """Evaluate the law.

        Parameters
        ----------
        response : {"loss", "degradation"}
            What to compute, in nats per token.
        values : mapping of str to array_like
            Inputs and parameters by symbol: numbers, NumPy arrays, xarray objects or PyTensor
            variables that broadcast. For the loss of a quantization law, ``quantized`` (1 or 0)
            switches the degradation row by row; without it every row is quantized.

        Returns
        -------
        array_like
            Nats per token, of the kind that came in.

        Raises
        ------
        BayesqError
            If the response is unknown, or a base law is asked for a degradation.
        """
        if response not in ("loss", "degradation"):
            raise BayesqError(f"response is {response!r}; it must be 'loss' or 'degradation'.")
        if self.loss is not None:
            if response != "loss":
                raise BayesqError(
                    f"Law {self.name} is a base law and has no degradation; use response='loss'."
                )
            return call(self.loss, values)
        assert self.base is not None  # as for every law without a loss
        needed = response == "loss" or self.effective
        full = self.base.evaluate("loss", values) if needed else None
        if self.degradation is not None:
            added = call(self.degradation, values)
        else:
            changed = {symbol: call(f, values) for symbol, f in self.effective.items()}
            added = self.base.evaluate("loss", {**values, **changed}) - full
        if response == "loss":
            return full + values.get("quantized", 1.0) * added
        # All that quantization costs, against full precision.
        return added + (self.base.evaluate("degradation", values) if self.base.base else 0.0)

    def accounts_for(self, response: Response) -> set[str]:
        """Columns whose variation a fit to `response` explains."""
        explained = {c for i in self.inputs_of(response) for c in (i.accounts_for or i.columns)}
        return explained | {c for kinds in self.levels_of(response).values() for c in kinds.columns}

    def flagged(self, response: Response) -> set[str]:
        """Columns of widths of which a fit to `response` knows whether they are narrow, not how."""
        flags = (i for i in self.inputs_of(response) if i.scale == "flag")
        return {c for i in flags for c in i.columns if c.endswith("_bits")}

    @property
    def at_hand(self) -> bool:
        """Whether its formula is: not that of a law that only stands in for one."""
        return not any(getattr(formula, "stands_in", False) for formula in self.formulas)

    def check_formula(self) -> None:
        """Refuse what only stands in for the law of a loaded fit; its formula says why."""
        for formula in self.formulas:
            if getattr(formula, "stands_in", False):
                formula()

    def check_response(self, response: str | None) -> Response:
        """Return `response`, or the usual one for None; refuse what the law cannot be fitted to."""
        if response is None:
            return self.responses[0]
        for valid in self.responses:
            if response == valid:
                return valid
        raise BayesqError(
            f"Law {self.name} cannot be fitted to response {response!r}; it takes "
            f"{' or '.join(map(repr, self.responses))}."
        )

    def _whole(self, response: Response) -> bool:
        """Whether `response` needs the base law as a whole."""
        return response == "loss" or self._needs_base

    @property
    def _needs_base(self) -> bool:
        """Whether even the degradation cannot be told without the base law."""
        return bool(self.effective) or (self.base is not None and self.base.base is not None)

    def to_dict(self) -> dict[str, Any]:
        """Describe the law without its formula, ready for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "base": self.base.to_dict() if self.base else None,
            "responses": list(self.responses),
            "inputs": {i.symbol: i.unit for i in self.own_inputs},
            "columns": sorted({c for i in self.own_inputs for c in i.columns}),
            "stages": list(self.stages) if self.stages else None,
            "parameters": [
                {
                    "symbol": p.symbol,
                    "unit": p.unit,
                    "meaning": p.meaning,
                    "prior": p.prior.to_dict(),
                    "prior_on": f"{p.symbol} / typical loss" if p.asymptote else p.sampled_as,
                }
                | ({"by": p.by.symbol} if p.by else {})
                for p in self.parameters
            ],
            "published": [
                {"label": f.label, "values": dict(f.values), "errors": dict(f.errors)}
                | {"source": f.source, "checked": f.checked}
                for f in self.published
            ],
            "observed": {k: list(v) for k, v in self.observed.items()},
        }

    @cached_property
    def parts(self) -> dict[str, str]:
        """Hashes of what decides its numbers, by what each is; see :mod:`bayesq.law.digest`."""
        from bayesq.law.digest import parts_of

        return parts_of(self)

    @cached_property
    def digest(self) -> str:
        """Hash of formulas with all that they call, inputs, stages, roles and priors."""
        return hashlib.sha256(json.dumps(self.parts, sort_keys=True).encode()).hexdigest()

    def summary_row(self) -> dict[str, object]:
        """One line of the list of laws."""
        return {
            "title": self.title,
            "inputs": ", ".join([i.symbol for i in self.own_inputs] + self._kinds()),
            "parameters": ", ".join(p.symbol for p in self.parameters),
            "base": self.base.name if self.base else "",
            "source": self.source,
        }

    def _kinds(self) -> list[str]:
        return list(dict.fromkeys(p.by.symbol for p in self.parameters if p.by))

    def __repr__(self) -> str:
        if self.effective:
            changed = (f"{s}({', '.join(arguments_of(f))})" for s, f in self.effective.items())
            return f"<Law {self.name}: {self.base and self.base.name} at {', '.join(changed)}>"
        kind = "loss" if self.base is None else f"{self.base.name} + degradation"
        return f"<Law {self.name}: {kind}({', '.join(self.arguments)})>"


def session_law(name: str) -> Law | None:
    """Return the law of that name that was made last in this session, if it is still held."""
    return _SESSION.get(name)
