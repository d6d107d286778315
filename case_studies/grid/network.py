"""A decoder-only transformer whose blocks train in any precision."""

from __future__ import annotations

import math

import torch
from formats import Format, Precision
from jobs import HEAD_WIDTH, SEQUENCE, VOCABULARY, Size
from quantise import FakeQuantiser
from torch import Tensor, nn
from torch.nn import functional

ROPE_BASE = 10000.0


class QuantisedLinear(nn.Linear):
    """A linear layer without bias that rounds its weights and its inputs.

    Parameters
    ----------
    inputs, outputs
        Widths.
    weights, activations
        Formats; None for none.
    """

    def __init__(
        self, inputs: int, outputs: int, weights: Format | None, activations: Format | None
    ):
        super().__init__(inputs, outputs, bias=False)
        self.weight_quantiser = FakeQuantiser(weights)
        self.input_quantiser = FakeQuantiser(activations)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to the last axis of `x`."""
        return functional.linear(
            self.input_quantiser(x), self.weight_quantiser(self.weight).to(x.dtype)
        )


class Block(nn.Module):
    """Attention with rotary positions, then a GELU network of four times the width.

    Parameters
    ----------
    width
        Of the residual stream.
    precision
        Formats of the block's numbers.
    """

    def __init__(self, width: int, precision: Precision):
        super().__init__()
        weights, activations = precision.weights, precision.activations
        fc2_activations = precision.fc2_activations or activations
        self.heads = width // HEAD_WIDTH
        self.qkv = QuantisedLinear(width, 3 * width, weights, activations)
        self.out = QuantisedLinear(width, width, weights, activations)
        self.fc1 = QuantisedLinear(width, 4 * width, weights, activations)
        self.fc2 = QuantisedLinear(4 * width, width, weights, fc2_activations)
        self.attention_norm = nn.RMSNorm(width)
        self.feed_forward_norm = nn.RMSNorm(width)
        self.kv_quantiser = FakeQuantiser(precision.kv)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Add the block's output to the residual stream `x`."""
        x = x + self._attend(self.attention_norm(x), cos, sin)
        hidden = functional.gelu(self.fc1(self.feed_forward_norm(x)), approximate="tanh")
        return x + self.fc2(hidden)

    def _attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape
        heads = self.qkv(x).view(batch, length, 3, self.heads, HEAD_WIDTH)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        query = _rotate(query, cos, sin)
        # Keys are rounded after the rotation, as a cache would hold them.
        key = self.kv_quantiser(_rotate(key, cos, sin))
        value = self.kv_quantiser(value)
        mixed = functional.scaled_dot_product_attention(
            query, key.to(query.dtype), value.to(query.dtype), is_causal=True
        )
        return self.out(mixed.transpose(1, 2).reshape(batch, length, width))


class LanguageModel(nn.Module):
    """The whole network; the embedding and the output layer stay in full precision.

    Parameters
    ----------
    size
        Width and number of blocks.
    precision
        Formats of the numbers in the blocks.
    """

    def __init__(self, size: Size, precision: Precision):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, size.width)
        self.blocks = nn.ModuleList(Block(size.width, precision) for _ in range(size.layers))
        self.norm = nn.RMSNorm(size.width)
        self.head = nn.Linear(size.width, VOCABULARY, bias=False)
        half = HEAD_WIDTH // 2
        frequencies = ROPE_BASE ** (-torch.arange(half) / half)
        angles = torch.outer(torch.arange(SEQUENCE).float(), frequencies)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)
        self._initialise(size.layers)

    def forward(self, tokens: Tensor, targets: Tensor) -> Tensor:
        """Return the mean cross-entropy of `targets`, in nats per token."""
        x = self.embedding(tokens)
        cos, sin = self.cos.to(x.dtype), self.sin.to(x.dtype)
        for block in self.blocks:
            x = block(x, cos, sin)
        logits = self.head(self.norm(x))
        return functional.cross_entropy(logits.float().view(-1, VOCABULARY), targets.reshape(-1))

    def _initialise(self, layers: int) -> None:
        for name, parameter in self.named_parameters():
            if parameter.dim() != 2:
                continue
            std = parameter.shape[1] ** -0.5
            if name == "embedding.weight":
                std = 0.02
            elif name.endswith(("out.weight", "fc2.weight")):
                # Layers that write to the residual stream start small: their outputs add up.
                std *= 0.5 / math.sqrt(layers)
            nn.init.normal_(parameter, std=std)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair of coordinates by the angle of its position (RoPE)."""
    first, second = x.chunk(2, -1)
    return torch.cat((first * cos - second * sin, first * sin + second * cos), -1)
