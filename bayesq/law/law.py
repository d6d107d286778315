"""What a scaling law is: inputs, formula, parameters with priors, and what its paper found."""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, Literal
from weakref import WeakValueDictionary

from bayesq.errors import BayesqError
from bayesq.law.inputs import D, Input, N
from bayesq.law.parameter import Parameter
from bayesq.law.published import Published

Response = Literal["loss", "degradation"]
Formula = Callable[..., Any]

# Names that a fit gives to its own quantities: noise, dimensions, rows.
_RESERVED = frozenset(
    {"sigma", "sigma_0", "nu", "chain", "draw", "row", "cluster", "quantized", "measured"}
)
_STAGES = ("none", "train", "post")

# Laws made in this session, by name, so that a fit saved from a notebook finds its law again in the
# same notebook. Weak: a law that nobody holds is gone.
_SESSION: WeakValueDictionary[str, Law] = WeakValueDictionary()


@dataclass(frozen=True, eq=False)
class Law:
    """A scaling law.

    A base law gives ``loss``. A quantization law names its ``base`` law and gives the
    ``degradation`` that it adds. Formulas are plain NumPy functions whose arguments are inputs and
    parameters by name; the same function is used on PyTensor variables while sampling and on
    xarray objects in predictions, so it may use arithmetic, comparisons and NumPy's exp, log, log2,
    expm1, log1p, sqrt and abs, but not where, clip or prod.

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
    base : Law, optional
        Law of the full-precision loss.
    inputs : tuple of Input, optional
        Inputs of the formula other than N and D. Arguments that are neither parameters nor listed
        here are taken from the column of that name.
    stages : tuple of str, optional
        Values of ``stage`` of the rows that the law speaks of; all rows by default.
    published : tuple of Published, optional
        The paper's own fits, the first one being the main one.
    observed : mapping of str to (float, float), optional
        Range of each input in which the law was observed.
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
    2.0486036894...
    """

    name: str
    parameters: tuple[Parameter, ...]
    loss: Formula | None = None
    degradation: Formula | None = None
    base: Law | None = None
    title: str = ""
    source: str = ""
    inputs: tuple[Input, ...] = ()
    stages: tuple[str, ...] | None = None
    published: tuple[Published, ...] = ()
    observed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    remember: InitVar[bool] = True

    def __post_init__(self, remember: bool) -> None:
        object.__setattr__(self, "parameters", tuple(self.parameters))
        if (self.loss is None) == (self.degradation is None):
            raise BayesqError(
                f"Law {self.name} needs one formula: loss=, or base= and degradation=."
            )
        if self.loss is not None and self.base is not None:
            raise BayesqError(
                f"Law {self.name} has a loss and a base, and would leave its base unused; give "
                "degradation= with base=, or loss= alone."
            )
        if self.degradation is not None and self.base is None:
            raise BayesqError(f"Law {self.name} has a degradation but no base=; name its base law.")
        known = [p.symbol for p in self.parameters]
        if len(set(known)) < len(known) or not known:
            raise BayesqError(
                f"Law {self.name} needs parameters, each symbol once; it has {', '.join(known)}."
            )
        used = _arguments(self.formula)
        if taken := sorted(_RESERVED & set(used)):
            raise BayesqError(
                f"The formula of law {self.name} takes {', '.join(taken)}, which a fit uses for "
                f"its own quantities ({', '.join(sorted(_RESERVED))}); rename it."
            )
        if self.stages is not None and not set(self.stages) <= set(_STAGES):
            raise BayesqError(
                f"Law {self.name} has stages {self.stages!r}; give a tuple of some of "
                f"{', '.join(_STAGES)}."
            )
        for parameter in self.parameters:
            if parameter.symbol not in used:
                raise BayesqError(
                    f"Parameter {parameter.symbol} of law {self.name} is not an argument of its "
                    f"formula, which takes {', '.join(used)}."
                )
            if parameter.slope_of and parameter.slope_of not in known:
                raise BayesqError(
                    f"Parameter {parameter.symbol} of law {self.name} is the slope of "
                    f"{parameter.slope_of}, which is not one of {', '.join(known)}."
                )
            for argument in _arguments(parameter.term) if parameter.term else ():
                if argument not in used:
                    raise BayesqError(
                        f"The term of {parameter.symbol} in law {self.name} takes {argument}, "
                        f"which is not an argument of the formula ({', '.join(used)})."
                    )
        if self.base is not None:
            shared = {p.symbol for p in self.base.parameters_of("loss")} & set(known)
            if shared:
                raise BayesqError(
                    f"Law {self.name} and its base {self.base.name} both have a parameter "
                    f"{', '.join(sorted(shared))}; rename one of them."
                )
        if remember:
            _SESSION[self.name] = self

    @property
    def formula(self) -> Formula:
        """The law's own formula."""
        formula = self.loss if self.loss is not None else self.degradation
        assert formula is not None  # __post_init__ saw to it
        return formula

    @property
    def responses(self) -> tuple[Response, ...]:
        """Responses that it can be fitted to, the usual one first."""
        return ("loss",) if self.base is None else ("degradation", "loss")

    @cached_property
    def own_inputs(self) -> tuple[Input, ...]:
        """Inputs of the law's own formula, in the order of its arguments."""
        listed = {i.symbol: i for i in (N, D, *self.inputs)}
        symbols = {p.symbol for p in self.parameters}
        return tuple(
            listed.get(argument) or Input.of_column(argument)
            for argument in _arguments(self.formula)
            if argument not in symbols
        )

    def formulas_of(self, response: Response) -> tuple[Law, ...]:
        """List the laws whose own formulas make up `response`, the base law first."""
        if self.base is None or response == "degradation":
            return (self,)
        return (*self.base.formulas_of("loss"), self)

    def inputs_of(self, response: Response) -> tuple[Input, ...]:
        """List the inputs of a fit to `response`, the base law's among them for the loss."""
        every = (i for law in self.formulas_of(response) for i in law.own_inputs)
        return tuple({i.symbol: i for i in every}.values())

    def parameters_of(self, response: Response) -> tuple[Parameter, ...]:
        """List the parameters of a fit to `response`, the base law's first."""
        return tuple(p for law in self.formulas_of(response) for p in law.parameters)

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
        """
        if self.loss is not None:
            if response != "loss":
                raise BayesqError(
                    f"Law {self.name} is a base law and has no degradation; use response='loss'."
                )
            return call(self.loss, values)
        assert self.base is not None  # as for every law without a loss
        degradation = call(self.formula, values)
        if response == "degradation":
            return degradation
        return self.base.evaluate("loss", values) + values.get("quantized", 1.0) * degradation

    def accounts_for(self, response: Response) -> set[str]:
        """Columns whose variation a fit to `response` explains."""
        return {c for i in self.inputs_of(response) for c in (i.accounts_for or i.columns)}

    def check_formula(self) -> None:
        """Refuse what only stands in for the law of a loaded fit; its formula says why."""
        if getattr(self.formula, "stands_in", False):
            self.formula()

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
                    "prior_on": p.sampled_as,
                }
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
    def digest(self) -> str:
        """Hash of formulas, inputs, stages, parameters and priors. Stored with each fit."""
        terms = [p.term for p in self.parameters if p.term]
        derived = [i.derive for i in self.own_inputs if i.derive]
        code = [_source(f) for f in (self.formula, *terms, *derived)]
        rows = [[i.symbol, i.columns, i.scale, i.format] for i in self.own_inputs]
        base = self.base.digest if self.base else ""
        parameters = self.to_dict()["parameters"]
        return hashlib.sha256(
            json.dumps([parameters, code, rows, self.stages, base]).encode()
        ).hexdigest()

    def summary_row(self) -> dict[str, object]:
        """One line of the list of laws."""
        return {
            "title": self.title,
            "inputs": ", ".join(i.symbol for i in self.own_inputs),
            "parameters": ", ".join(p.symbol for p in self.parameters),
            "base": self.base.name if self.base else "",
            "source": self.source,
        }

    def __repr__(self) -> str:
        signature = ", ".join(_arguments(self.formula))
        kind = "loss" if self.base is None else f"{self.base.name} + degradation"
        return f"<Law {self.name}: {kind}({signature})>"


def call(formula: Formula, values: Mapping[str, Any]) -> Any:
    """Call a formula with the arguments that it names, out of `values`."""
    return formula(**{name: values[name] for name in _arguments(formula)})


def session_law(name: str) -> Law | None:
    """Return the law of that name that was made last in this session, if it is still held."""
    return _SESSION.get(name)


def _arguments(formula: Formula) -> tuple[str, ...]:
    arguments = inspect.signature(formula).parameters
    for name, argument in arguments.items():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            raise BayesqError(
                f"A formula takes {argument}, which names no input or parameter; give it one "
                f"argument for each instead of {name}."
            )
    return tuple(arguments)


def _source(formula: Formula) -> str:
    code = getattr(formula, "__code__", None)
    if code is None:
        return repr(formula)
    try:
        # Of code that came as a string, Python 3.13 gives the source of the whole program instead.
        if code.co_filename == "<string>":
            raise OSError
        return inspect.getsource(formula)
    except (OSError, TypeError):
        # Bytecode, where the source is gone: what it does, and with what.
        numbers = [c for c in code.co_consts if isinstance(c, int | float | str)]
        return repr((code.co_code.hex(), code.co_names, code.co_varnames, numbers))
