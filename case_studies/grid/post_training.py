"""Quantisation after training: round the weights to the nearest value, activations untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from formats import Format
from network import LanguageModel, QuantisedLinear
from quantise import FakeQuantiser


def losses_after_rounding(
    model: LanguageModel, formats: Iterable[Format], loss: Callable[[], float]
) -> Iterator[tuple[Format, float]]:
    """Measure the loss with the weights of all linear layers in the blocks rounded.

    Parameters
    ----------
    model
        The network; its weights are put back at the end.
    formats
        Formats to try, each on the trained weights.
    loss
        Measures the network as it stands.

    Yields
    ------
    tuple
        A format and its loss.
    """
    layers = [module for module in model.modules() if isinstance(module, QuantisedLinear)]
    trained = [layer.weight.detach().clone() for layer in layers]
    try:
        for number in formats:
            quantiser = FakeQuantiser(number).to(trained[0].device)
            _overwrite(layers, [quantiser.round(weight) for weight in trained])
            yield number, loss()
    finally:
        _overwrite(layers, trained)


@torch.no_grad()
def _overwrite(layers: list[QuantisedLinear], weights: list[torch.Tensor]) -> None:
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight.copy_(weight)
