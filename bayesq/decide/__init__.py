"""Decisions, each computed for every draw, so that it has a distribution."""

from bayesq.decide.fewest_bits import fewest_bits

__all__ = ["fewest_bits"]
