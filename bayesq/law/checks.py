"""Whether the parts of a law fit together; each mistake is one sentence."""

from __future__ import annotations

from bayesq.errors import BayesqError, nearest
from bayesq.law.definition import Definition
from bayesq.law.formulas import arguments_of
from bayesq.law.levels import OrderedByBits
from bayesq.law.parameter import Parameter

# Names that a fit gives to its own quantities: misfit, dimensions, rows.
MADE_BY_A_FIT = frozenset(
    {"tau", "tau_format", "misfit_shared", "misfit_own"}
    | {"chain", "draw", "row", "cluster", "quantized", "measured", "mean", "loss_se"}
)
# The same, and those of the noises that have a name.
_RESERVED = MADE_BY_A_FIT | {
    *("sigma", "sigma_0", "dof", "sigma_slope", "sigma_run", "sigma_budget", "sigma_cell")
}
_STAGES = ("none", "train", "post")
# Decisions of which a law may know the answer in closed form, and what each asks on top of inputs.
DECISIONS: dict[str, tuple[str, ...]] = {
    "compute_optimal": ("compute",),
    "critical_tokens": (),
    "effective_parameters": (),
    "optimal_format": ("bits",),
    "optimal_precision": ("compute",),
    "tokens_to_degradation": ("level",),
    "weight_activation_crossover": (),
}


def check_law(law: Definition) -> None:
    """Refuse a law whose parts do not fit together.

    Raises
    ------
    BayesqError
        At the first thing that is wrong.
    """
    _check_kind(law)
    known = [p.symbol for p in law.parameters]
    if len(set(known)) < len(known) or not known:
        raise BayesqError(
            f"Law {law.name} needs parameters, each symbol once; it has {', '.join(known)}."
        )
    of_base = [p.symbol for p in law.base.parameters_of("loss")] if law.base else []
    if shared := sorted(set(of_base) & set(known)):
        raise BayesqError(
            f"Law {law.name} and its base {law.base and law.base.name} both have a parameter "
            f"{', '.join(shared)}; rename one of them."
        )
    used = law.arguments
    if taken := sorted(_RESERVED & set(used)):
        raise BayesqError(
            f"The formula of law {law.name} takes {', '.join(taken)}, which a fit uses for "
            f"its own quantities ({', '.join(sorted(_RESERVED))}); rename it."
        )
    if law.stages is not None and not set(law.stages) <= set(_STAGES):
        raise BayesqError(
            f"Law {law.name} has stages {law.stages!r}; give a tuple of some of "
            f"{', '.join(_STAGES)}."
        )
    for unused in (i.symbol for i in law.inputs if i.symbol not in used):
        raise BayesqError(
            f"Input {unused} of law {law.name} is not an argument of its formula, which takes "
            f"{', '.join(used)}; leave it out."
        )
    for parameter in law.parameters:
        _check_parameter(law, parameter, known)
    _check_closed(law, {*of_base, *known, *used, "N", "D"})
    every = [*of_base, *known]
    for fit in law.published:
        for symbol in (*fit.values, *fit.errors):
            if symbol not in every:
                raise BayesqError(
                    f"Published fit {fit.label} of law {law.name} gives {symbol}, which is no "
                    f"parameter of it; {nearest(symbol, every)}."
                )


def _check_closed(law: Definition, symbols: set[str]) -> None:
    for decision, formula in law.closed.items():
        if decision not in DECISIONS:
            raise BayesqError(
                f"Law {law.name} has a closed form of {decision}; {nearest(decision, DECISIONS)}."
            )
        if not callable(formula):
            raise BayesqError(
                f"The closed form of {decision} in law {law.name} is {formula!r}; give a function."
            )
        known = symbols | set(DECISIONS[decision])
        for argument in arguments_of(formula):
            if argument not in known:
                raise BayesqError(
                    f"The closed form of {decision} in law {law.name} takes {argument}; "
                    f"{nearest(argument, sorted(known))}."
                )


def _check_kind(law: Definition) -> None:
    given = [law.loss is not None, law.degradation is not None, bool(law.effective)]
    if sum(given) != 1:
        raise BayesqError(
            f"Law {law.name} needs one formula: loss=, or base= and degradation=, or base= and "
            "effective=."
        )
    if law.loss is not None and law.base is not None:
        raise BayesqError(
            f"Law {law.name} has a loss and a base, and would leave its base unused; give "
            "degradation= with base=, or loss= alone."
        )
    what = "a degradation" if law.degradation is not None else "effective inputs"
    if law.loss is None and law.base is None:
        raise BayesqError(f"Law {law.name} has {what} but no base=; name its base law.")
    if law.base is not None:
        inputs = [i.symbol for i in law.base.inputs_of("loss")]
        for symbol in (s for s in law.effective if s not in inputs):
            raise BayesqError(
                f"Law {law.name} makes an effective {symbol}, and its base {law.base.name} takes "
                f"{', '.join(inputs)}; name one of these."
            )


def _check_parameter(law: Definition, parameter: Parameter, known: list[str]) -> None:
    used = law.arguments
    if parameter.symbol not in used:
        raise BayesqError(
            f"Parameter {parameter.symbol} of law {law.name} is not an argument of its "
            f"formula, which takes {', '.join(used)}."
        )
    if isinstance(parameter.prior, OrderedByBits) != (parameter.by is not None):
        raise BayesqError(
            f"Parameter {parameter.symbol} of law {law.name} needs by= and a prior OrderedByBits "
            "together, or neither."
        )
    if parameter.slope_of and parameter.slope_of not in known:
        raise BayesqError(
            f"Parameter {parameter.symbol} of law {law.name} is the slope of "
            f"{parameter.slope_of}, which is not one of {', '.join(known)}."
        )
    for argument in arguments_of(parameter.term) if parameter.term else ():
        if argument not in used:
            raise BayesqError(
                f"The term of {parameter.symbol} in law {law.name} takes {argument}, "
                f"which is not an argument of the formula ({', '.join(used)})."
            )
