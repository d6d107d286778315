"""Decisions, each computed for every draw, so that it has a distribution."""

from bayesq.decide.compute_optimal import compute_optimal
from bayesq.decide.critical_tokens import critical_tokens
from bayesq.decide.decision import Decision
from bayesq.decide.effective_parameters import effective_parameters
from bayesq.decide.fewest_bits import fewest_bits
from bayesq.decide.formats import FORMATS as FORMATS
from bayesq.decide.formats import Format as Format
from bayesq.decide.formats import bits_per_weight as bits_per_weight
from bayesq.decide.formats import find_format as find_format
from bayesq.decide.inference_optimal import inference_optimal
from bayesq.decide.iso_loss import iso_loss
from bayesq.decide.largest_group import largest_group
from bayesq.decide.memory import Memory as Memory
from bayesq.decide.memory import parameters_in as parameters_in
from bayesq.decide.memory import read_memory as read_memory
from bayesq.decide.nats import Nats as Nats
from bayesq.decide.nats import percent_of_perplexity as percent_of_perplexity
from bayesq.decide.nats import read_nats as read_nats
from bayesq.decide.optimal_format import optimal_format
from bayesq.decide.optimal_precision import optimal_precision
from bayesq.decide.speedup import speedup
from bayesq.decide.stored import bits_stored as bits_stored
from bayesq.decide.tokens_to_degradation import tokens_to_degradation
from bayesq.decide.weight_activation_crossover import weight_activation_crossover

# The decisions alone, which the command line offers: not what helps to put a question.
__all__ = [
    "Decision",
    "compute_optimal",
    "critical_tokens",
    "effective_parameters",
    "fewest_bits",
    "inference_optimal",
    "iso_loss",
    "largest_group",
    "optimal_format",
    "optimal_precision",
    "speedup",
    "tokens_to_degradation",
    "weight_activation_crossover",
]
