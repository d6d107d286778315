"""Sizes that reach one and the same loss, by the bits of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bayesq.decide.decision import Decision
from bayesq.decide.iso_loss_told import tell
from bayesq.decide.over_laws import over_laws
from bayesq.decide.question import needs, number
from bayesq.decide.room import bits_aside
from bayesq.decide.same_loss import sizes_of_one_loss
from bayesq.decide.widths import ask_widths, read_bits
from bayesq.decide.words import interval
from bayesq.errors import BayesqError
from bayesq.law.inputs import of_role
from bayesq.posterior.joined import joined
from bayesq.posterior.posterior import Posterior
from bayesq.runs.counts import format_count
from bayesq.runs.schema import FULL_PRECISION_BITS

_NAME = "iso_loss"


@over_laws
def iso_loss(
    fit: Posterior,
    /,
    *,
    bits: float | str | Sequence[float] | None = None,
    loss: float | str | None = None,
    N: float | str | None = None,
    base: Posterior | None = None,
    scale_bits: float | str | None = None,
    zero_bits: float | str = 0.0,
    discrepancy: bool = True,
    **scenario: Any,
) -> Decision:
    """Find the size that reaches a loss at each of several widths, and what it takes as stored.

    Where bits act as a smaller effective size (Kumar et al. 2024, arXiv:2411.04330, equation 3),
    these are the sizes of equal effective parameters. Of any law it is asked of the loss itself, at
    the given tokens; one of exponent and mantissa bits has the best split of each width, whole or
    not.

    Parameters
    ----------
    fit : Posterior or Average
        A fit of a law with bits among its inputs, or one efficiency a compression; or a paper's
        constants.
    bits : float, str or sequence of float, optional
        Widths of the weights, ``[3, 4, 8, 16]``; 16 is full precision. By default those that were
        measured and 16, or 3, 4, 5, 6, 8 and 16; of a law of compressions, all of them.
    loss : float or str, optional
        Nats per token that are to be reached.
    N : float or str, optional
        In place of `loss`: parameters of a network whose loss is to be reached, in full precision
        unless the setting gives its ``w_bits``.
    base : Posterior, optional
        A fit of the base law, where `fit` is of a degradation alone.
    scale_bits, zero_bits : float or str, optional
        Bits of the scale and of the zero point that each group stores; by default scales of 16
        bits, of 8 for MXFP and NVFP formats, and no zero points. They count where the question
        tells the group, as ``group=128`` or ``w_group=128``.
    discrepancy : bool
        False for the law's own formula.
    **scenario
        What else is held: ``D="100B", group=128``. Where the law knows bits of several operands,
        those that are not given share the width.

    Returns
    -------
    Decision
        A dataset of ``N`` (parameters) and ``memory`` (GB of 10^9 bytes, embeddings not counted),
        along ``bits`` or the kinds of the law; infinite where no size that was searched reaches the
        loss, 0 where the least does. ``choices`` has for each the probability of taking the least
        memory, that of reaching the loss, the expected regret in per cent of the least memory,
        which is infinite where that of reaching is below 1, and the medians. A size that is less
        than was searched is compared as the least that was.

    Raises
    ------
    BayesqError
        If there is not one target, or the law knows no widths or no N.

    Examples
    --------
    >>> import bayesq
    >>> paper = bayesq.published("kumar2024-qat")
    >>> answer = bayesq.decide.iso_loss(paper, N="1B", D="20B", bits=[4, 16])
    >>> round(answer.draws["N"].sel(bits=4).item() / 1e9, 2)
    1.57
    """
    if (loss is None) is (N is None):
        raise BayesqError(
            f"{_NAME} needs one target: loss= in nats per token, or N= of a network whose loss is "
            "to be reached."
        )
    scale = None if scale_bits is None else bits_aside("scale_bits", scale_bits)
    stored = (scale, bits_aside("zero_bits", zero_bits))
    fit = joined(fit, base)
    needs(fit, "loss", "N")
    rest, reference = _reference(fit, scenario)
    if reference is not None and N is None:
        raise BayesqError(
            f"With loss= there is no reference network of {reference:g} bits; give the widths to "
            "compare as bits=."
        )
    asked = None if bits is None else read_bits("bits", bits)
    known: dict[str, Any] = {"free": ("N",), "name": _NAME, "discrepancy": discrepancy}
    widths = ask_widths(fit, asked, rest, **known)
    if N is None:
        target = number("loss", loss)
        size, _, ends = sizes_of_one_loss(widths, target)
        goal = f"a loss of {target:g}"
    else:
        wide = float(FULL_PRECISION_BITS) if reference is None else reference
        model = ask_widths(fit, [wide], rest, **known)
        if len(model.names) > 1:
            raise BayesqError(
                f"Several formats of {fit.title} have {wide:g} bits: "
                f"{'; '.join(map(str, model.names))}; give the loss= of the one that is meant."
            )
        like = number("N", N)
        size, reached, ends = sizes_of_one_loss(widths, (model, like))
        goal = f"the loss of {format_count(like)} at {model.called(0)}"
        goal += f", {interval(reached, lambda v: f'{v:.4g}')},"
    return tell(widths, size, ends, goal, stored)


def _reference(fit: Posterior, scenario: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
    """Take the bits of the reference's weights out of a setting."""
    bits = of_role(fit.law.inputs_of("loss"), "bits", "post_bits")
    own = {i.symbol for i in bits if i.columns[0] == "w_bits"}
    given = [k for k in scenario if k in {"w_bits", *own}]
    if len(given) > 1:
        raise BayesqError(f"{' and '.join(given)} say the same; leave one of them out.")
    rest = {k: v for k, v in scenario.items() if k not in given}
    return rest, number(given[0], scenario[given[0]]) if given else None
