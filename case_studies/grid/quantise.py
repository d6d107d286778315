"""Fake quantisers: round to a format's values, but keep the tensor's own dtype."""

from __future__ import annotations

import torch
from formats import Format, IntFormat
from torch import Tensor, nn

# An all-zero group would divide by zero; its numbers stay zero under any scale.
SMALLEST_SCALED = 1e-8
# log2 of zero is -inf; anything this small is far below every format's subnormals.
SMALLEST_UNSCALED = 1e-12


def round_to_int(x: Tensor, qmax: Tensor, group: int) -> Tensor:
    """Round to the nearest level, each group's largest magnitude being the top level.

    Parameters
    ----------
    x
        Numbers; groups lie along the last axis.
    qmax
        Largest level, a 0-d tensor.
    group
        Numbers that share a scale; 0 or less for the whole axis.

    Returns
    -------
    Tensor
        Same shape and dtype.
    """
    grouped = _grouped(x, group)
    scale = _largest_magnitude(grouped) / qmax
    return (torch.clamp(torch.round(grouped / scale), -qmax, qmax) * scale).reshape(x.shape)


def round_to_float(
    x: Tensor, smallest_exponent: Tensor, mantissa: Tensor, largest: Tensor, group: int
) -> Tensor:
    """Round to the nearest minifloat, each group's largest magnitude being the largest value.

    Parameters
    ----------
    x
        Numbers; groups lie along the last axis.
    smallest_exponent, mantissa, largest
        See `formats.FloatFormat`; 0-d tensors.
    group
        Numbers that share a scale; 0 or less for the whole axis.

    Returns
    -------
    Tensor
        Same shape and dtype.
    """
    grouped = _grouped(x, group)
    scale = _largest_magnitude(grouped) / largest
    scaled = grouped / scale
    binade = torch.floor(torch.log2(scaled.abs().clamp_min(SMALLEST_UNSCALED)))
    step = torch.exp2(binade.clamp_min(smallest_exponent) - mantissa)
    rounded = torch.clamp(torch.round(scaled / step) * step, -largest, largest)
    return (rounded * scale).reshape(x.shape)


class FakeQuantiser(nn.Module):
    """Round to a format going forward; let gradients pass unchanged (straight-through estimator).

    Parameters
    ----------
    number
        The format; None passes everything on as it is.
    """

    def __init__(self, number: Format | None):
        super().__init__()
        self.number = number
        # Tensors rather than Python numbers: all formats of a kind then share one compiled graph,
        # and CUDA divides by a tensor where it would multiply by a number's rounded reciprocal.
        for name, value in _constants(number).items():
            self.register_buffer(name, torch.tensor(float(value)), persistent=False)

    def round(self, x: Tensor) -> Tensor:
        """Return `x` rounded to the format, without a gradient of its own.

        Parameters
        ----------
        x
            Numbers; groups lie along the last axis.

        Returns
        -------
        Tensor
            Same shape and dtype.
        """
        if self.number is None:
            return x
        if isinstance(self.number, IntFormat):
            return round_to_int(x, self.qmax, self.number.group)
        return round_to_float(
            x, self.smallest_exponent, self.mantissa, self.largest, self.number.group
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return `x` rounded to the format, with the gradient of `x` itself.

        Parameters
        ----------
        x
            Numbers; groups lie along the last axis.

        Returns
        -------
        Tensor
            Same shape and dtype.
        """
        if self.number is None:
            return x
        return x + (self.round(x) - x).detach()


def _constants(number: Format | None) -> dict[str, float]:
    if number is None:
        return {}
    if isinstance(number, IntFormat):
        return {"qmax": number.qmax}
    return {
        "smallest_exponent": number.smallest_exponent,
        "mantissa": number.mantissa,
        "largest": number.largest,
    }


def _grouped(x: Tensor, group: int) -> Tensor:
    width = x.shape[-1]
    members = width if group <= 0 else group
    return x.reshape(*x.shape[:-1], width // members, members)


def _largest_magnitude(grouped: Tensor) -> Tensor:
    return grouped.abs().amax(-1, keepdim=True).clamp_min(SMALLEST_SCALED)
