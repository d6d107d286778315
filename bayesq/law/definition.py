"""What defines a law: formulas, inputs and parameters, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from functools import cached_property
from typing import Any, Literal

from bayesq.errors import BayesqError, nearest
from bayesq.law.formulas import Formula, arguments_of, call
from bayesq.law.inputs import D, Input, N
from bayesq.law.levels import Levels
from bayesq.law.parameter import Parameter
from bayesq.law.published import Published

Response = Literal["loss", "degradation"]


@dataclass(frozen=True, eq=False)
class Definition:
    """The parts of a law, which :class:`bayesq.Law` documents, and what can be read off them.

    Whether they fit together is checked by :mod:`bayesq.law.checks`, and what is made of a law by
    :mod:`bayesq.law.variants`; these take a definition, and :class:`bayesq.Law` knows them.
    """

    name: str
    parameters: tuple[Parameter, ...]
    loss: Formula | None = None
    degradation: Formula | None = None
    effective: Mapping[str, Formula] = field(default_factory=dict)
    base: Definition | None = None
    title: str = ""
    source: str = ""
    inputs: tuple[Input, ...] = ()
    stages: tuple[str, ...] | None = None
    usual: Response | None = None
    published: tuple[Published, ...] = ()
    observed: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    closed: Mapping[str, Formula] = field(default_factory=dict)
    # Not kept; of use to a law alone, of which variants are made by dataclasses.replace.
    remember: InitVar[bool] = True

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

    @property
    def innermost(self) -> Definition:
        """The law of the full-precision loss that all others build on."""
        return self if self.base is None else self.base.innermost

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
                    "prior_on": p.sampled_as + " / typical loss" * p.asymptote,
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

    def summary_row(self) -> dict[str, object]:
        """One line of the list of laws."""
        kinds = [p.by.symbol for p in self.parameters if p.by]
        return {
            "title": self.title,
            "inputs": ", ".join(dict.fromkeys([*(i.symbol for i in self.own_inputs), *kinds])),
            "parameters": ", ".join(p.symbol for p in self.parameters),
            "base": self.base.name if self.base else "",
            "source": self.source,
        }

    def __repr__(self) -> str:
        if self.effective:
            changed = (f"{s}({', '.join(arguments_of(f))})" for s, f in self.effective.items())
            return f"<Law {self.name}: {self.base and self.base.name} at {', '.join(changed)}>"
        kind = "loss" if self.base is None else f"{self.base.name} + degradation"
        return f"<Law {self.name}: {kind}({', '.join(self.arguments)})>"
