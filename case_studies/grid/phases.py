"""Which runs were made: the job lists of the two phases and of the smoke run. Needs no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from formats import (
    FULL_PRECISION,
    PER_CHANNEL,
    FloatFormat,
    Format,
    IntFormat,
    Precision,
    floats,
    integers,
)
from jobs import HEAD_WIDTH, Job

MILLION = 1_000_000
KV_GROUP = HEAD_WIDTH
"""One scale for each token and head."""

POST_TRAINING: tuple[Format, ...] = (
    *(IntFormat(bits, g) for bits in (2, 3, 4, 5, 6, 8) for g in (32, 64, 128, PER_CHANNEL)),
    *(
        FloatFormat(exponent, mantissa, group)
        for exponent, mantissa in ((2, 1), (1, 2), (3, 0), (4, 3), (5, 2), (3, 2), (2, 3))
        for group in (32, 128)
    ),
)
"""Formats that the weights of a full-precision network are rounded to after training."""

FROM_25M_TO_400M = tuple(count * MILLION for count in (25, 50, 100, 200, 400))
FROM_25M_TO_200M = FROM_25M_TO_400M[:4]
FROM_25M_TO_100M = FROM_25M_TO_400M[:3]
FROM_50M_TO_400M = FROM_25M_TO_400M[1:]
FROM_50M_TO_200M = FROM_25M_TO_400M[1:4]
FROM_50M_TO_100M = FROM_25M_TO_400M[1:3]

LARGE_TO_SMALL = ("s3", "s2", "s1")


def phase_one() -> list[Job]:
    """Return the first job list: full precision, rounding after it, and integer training.

    Returns
    -------
    list of Job
        In the order in which workers took them.
    """
    jobs = [
        Job(FULL_PRECISION, "s5", FROM_50M_TO_400M, post_training=POST_TRAINING),
        *(
            Job(FULL_PRECISION, size, FROM_25M_TO_400M, post_training=POST_TRAINING)
            for size in ("s4", "s3", "s2", "s1")
        ),
    ]
    precisions = (
        integers(4, 4, 32),
        integers(4, 4, 128),
        integers(4, 16, 32),
        integers(16, 4, 32),
        integers(4, 16, 128),
        integers(16, 4, 128),
        integers(4, 4, PER_CHANNEL),
        integers(2, 16, 32),
        integers(3, 16, 128),
        integers(2, 16, 128),
        integers(4, 4, 64),
        integers(3, 3, 32),
        integers(16, 4, PER_CHANNEL),
        integers(4, 16, PER_CHANNEL),
        integers(6, 6, 128),
        integers(16, 3, 32),
        integers(3, 16, 32),
        integers(8, 8, 128),
        integers(16, 3, 128),
        integers(3, 3, 128),
    )
    jobs += _each_size(precisions, FROM_25M_TO_100M)
    for size in ("s1", "s2"):
        jobs.append(Job(FULL_PRECISION, size, FROM_25M_TO_200M, seed=1))
        jobs.append(Job(integers(4, 4, 32), size, FROM_25M_TO_100M, seed=1))
    return jobs


def phase_two() -> list[Job]:
    """Return the second job list: a second seed, minifloats, keys and values, and what was left.

    Returns
    -------
    list of Job
        In the order in which workers took them.
    """
    w4a4, w4a16, w16a4, e2m1 = (
        integers(4, 4, 32),
        integers(4, 16, 32),
        integers(16, 4, 32),
        floats(2, 1, 32),
    )
    wide_fc2 = replace(w4a4, name="w4a4g32fc2a8", fc2_activations=IntFormat(8, 32))
    per_channel = [integers(w, a, PER_CHANNEL) for w, a in ((4, 4), (4, 16), (16, 4))]
    minifloats = [
        floats(exponent, mantissa, group)
        for exponent, mantissa in (
            (1, 2),
            (3, 0),
            (2, 2),
            (3, 1),
            (3, 2),
            (2, 3),
            (1, 1),
            (2, 0),
        )
        for group in (32, 128)
    ]
    attention = [Precision(f"kv{bits}", kv=IntFormat(bits, KV_GROUP)) for bits in (4, 3, 2)]
    left_over = [
        integers(3, 3, 32),
        integers(16, 3, 32),
        integers(3, 16, 32),
        integers(6, 6, 128),
        integers(8, 8, 128),
    ]
    return [
        *_each_size([FULL_PRECISION], FROM_50M_TO_200M, seed=1),
        *_each_size([w4a4, integers(4, 4, 128), w4a16, w16a4, e2m1], FROM_50M_TO_200M, seed=1),
        *(Job(precision, "s4", FROM_50M_TO_100M) for precision in (w4a4, w4a16, w16a4, e2m1)),
        *_each_size([wide_fc2], FROM_50M_TO_200M, seed=1),
        *_each_size([*minifloats, floats(4, 3, 32), floats(5, 2, 32)], FROM_50M_TO_100M),
        *_each_size([*per_channel, floats(2, 1, 128)], FROM_50M_TO_200M, seed=1),
        *_each_size(attention, FROM_50M_TO_100M),
        *_each_size(left_over, FROM_25M_TO_100M),
    ]


def smoke() -> list[Job]:
    """Return three tiny jobs that pass through every part of the program.

    Returns
    -------
    list of Job
        Full precision with rounding after it, INT4, and E2M1 with 4-bit keys and values.
    """
    short, long = MILLION // 16, MILLION // 8
    after = (IntFormat(4, 32), FloatFormat(2, 1, 32))
    e2m1 = replace(floats(2, 1, 32), name="e2m1b32kv4", kv=IntFormat(4, KV_GROUP))
    return [
        Job(FULL_PRECISION, "s0", (short, long), post_training=after),
        Job(integers(4, 4, 32), "s0", (short,)),
        Job(e2m1, "s0", (short,)),
    ]


PHASES: dict[str, Callable[[], list[Job]]] = {"one": phase_one, "two": phase_two}


def _each_size(
    precisions: Iterable[Precision], tokens: tuple[int, ...], seed: int = 0
) -> list[Job]:
    """Return one job for every precision and, within it, every size from s3 down to s1."""
    return [Job(p, size, tokens, seed) for p in precisions for size in LARGE_TO_SMALL]
