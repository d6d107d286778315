"""What is fitted, in one object: rows and law, studies, noise and discrepancy.

Everything that fits, checks, compares, saves or loads a model takes this description; what is made
of it is in the files after: what the model takes from its rows (:mod:`bayesq.model.given`), and
PyMC's model itself (:mod:`bayesq.model.compose`).
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from uuid import uuid4

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.law.checks import MADE_BY_A_FIT
from bayesq.law.formulas import arguments_of
from bayesq.law.identity import NoIdentityError, identity
from bayesq.law.law import Law, Response
from bayesq.law.parameter import Parameter
from bayesq.law.registry import find_law
from bayesq.model.checkpoints import along_a_schedule
from bayesq.model.design import ORIGIN, Design, design
from bayesq.model.discrepancy import Discrepancy, find_discrepancy
from bayesq.model.hierarchy import Pooling
from bayesq.model.noise import Noise
from bayesq.model.noises import find_noise, of_few_rows
from bayesq.model.pooling import pool
from bayesq.model.study_fields import AnyField, lay
from bayesq.runs.runs import Runs
from bayesq.runs.schema import ERROR_OF


@dataclass(frozen=True, eq=False)
class Specification:
    """The description of a fit. Made by :func:`specify`.

    Parameters
    ----------
    design : Design
        The law, its rows, and the studies that they are of.
    noise : Noise
        How measured values lie around the law.
    field : Field, StudyFields or None
        The discrepancy over these rows; None for a law that is taken to be true.
    """

    design: Design
    noise: Noise
    field: AnyField | None

    @property
    def law(self) -> Law:
        """What is fitted."""
        return self.design.law

    @property
    def response(self) -> Response:
        """What it is fitted to."""
        return self.design.response

    @property
    def pooling(self) -> Pooling | None:
        """The studies, where each has parameters of its own."""
        return self.design.pooling

    @property
    def discrepancy(self) -> Discrepancy | None:
        """How wrong the law may be."""
        return None if self.field is None else self.field.discrepancy

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Those of law, noise and discrepancy; an asymptote's prior is on its share."""
        scales = self.field.parameters if self.field else ()
        return (*self.law.parameters_of(self.response), *self.noise.parameters, *scales)

    @property
    def described(self) -> dict[str, Any]:
        """What decides the posterior, ready for JSON: the parts of :attr:`key`."""
        return {
            "law": self.law.name,
            "noise": self.noise.name,
            "code": self._code,
            "response": self.response,
            "discrepancy": self.discrepancy and self.discrepancy.to_dict(),
            "pool_by": self.pooling and self.pooling.by,
            "rows": self.design.runs.fingerprint,
        }

    @cached_property
    def _code(self) -> str:
        """Identity of law and noise in this version of Python; where none can be told, no other's.

        Code is hashed as Python compiles it, so that hashes of two versions tell nothing.
        """
        try:
            found = identity(self.law, self.noise)
        except NoIdentityError:
            found = f"unknown {uuid4().hex}"
        return f"{sys.version_info.major}.{sys.version_info.minor}:{found}"

    @cached_property
    def key(self) -> str:
        """Identity of the description, 64 hexadecimal digits: equal keys, equal posteriors."""
        return hashlib.sha256(json.dumps(self.described, sort_keys=True).encode()).hexdigest()

    def __getstate__(self) -> dict[str, Any]:
        # In another process it is to have the same key, also where its code could not be hashed.
        _ = self._code
        return self.__dict__

    def on(self, runs: Runs) -> Specification:
        """Describe the same fit of other rows.

        Raises
        ------
        BayesqError
            As :func:`specify`.
        """
        return specify(
            runs,
            self.law,
            self.response,
            noise=self.noise,
            discrepancy=self.discrepancy or False,
            pool_by=None if self.pooling is None else self.pooling.by,
        )


def specify(
    runs: Runs,
    law: str | Law,
    response: str | None = None,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    pool_by: str | None = None,
) -> Specification:
    """Describe a fit, as :func:`bayesq.fit` is asked for it. Nothing else puts one together.

    Parameters
    ----------
    runs, law, response, noise, discrepancy, pool_by
        As :func:`bayesq.fit` takes them.

    Raises
    ------
    BayesqError
        If law, noise or discrepancy are none, the table lacks an input of the law, fewer rows than
        parameters are left, or the rows do not tell the studies to pool apart.
    """
    wanted = find_law(law)
    wanted.check_formula()
    usable = design(runs, wanted, response)
    return specify_rows(usable, noise=noise, discrepancy=discrepancy, pool_by=pool_by)


def specify_rows(
    design: Design,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    pool_by: str | None = None,
) -> Specification:
    """Describe a fit of a design: :func:`specify`, from its second step on."""
    if pool_by is not None:
        design = pool(design, pool_by)
    found = suit(find_noise(noise, design.response), design)
    _check_noise(found, design)
    wrong = find_discrepancy(discrepancy, design.response, along_a_schedule(design))
    return Specification(design, found, lay(design, wrong))


def check_described(
    response: str | None = None,
    *,
    noise: str | Noise | None = None,
    discrepancy: bool | Discrepancy = True,
    pool_by: str | None = None,
) -> None:
    """Refuse what no rows could be fitted with.

    Parameters
    ----------
    response, noise, discrepancy, pool_by
        As :func:`specify` takes them.

    Raises
    ------
    BayesqError
        If one of them is none of its kind.
    """
    if response not in (None, "loss", "degradation"):
        raise BayesqError(f"response is {response!r}; name loss or degradation.")
    find_noise(noise, "loss")
    find_discrepancy(discrepancy, "loss")
    if pool_by not in (None, *ORIGIN):
        raise BayesqError(f"pool_by is {pool_by!r}; {nearest(str(pool_by), ORIGIN)}.")


def suit(noise: Noise, design: Design) -> Noise:
    """Return a noise as the rows of a fit can tell it: where they are few, never next to none."""
    return of_few_rows(noise) if few_rows(design) else noise


def few_rows(design: Design) -> bool:
    """Tell whether rows are so few that a law goes through most: two a parameter, or fewer."""
    return len(design.index) <= 2 * len(design.parameters)


def _check_noise(noise: Noise, design: Design) -> None:
    """Refuse a noise whose names the fit has for something else, or whose width it cannot know."""
    of_law = {p.symbol for p in design.parameters} | set(design.inputs)
    own = {p.symbol for p in noise.parameters}
    if twice := sorted(own & (of_law | set(design.middles) | MADE_BY_A_FIT)):
        raise BayesqError(
            f"Noise {noise.name} calls a parameter {', '.join(twice)}, as law {design.law.name} or "
            "the fit itself calls something else; rename it."
        )
    known = own | of_law | set(design.middles) | {"mean", "loss_se"}
    if strange := sorted(set(arguments_of(noise.width)) - known):
        raise BayesqError(
            f"The width of noise {noise.name} takes {', '.join(strange)}, which is none of its "
            f"parameters, of mean, loss_se and the inputs of law {design.law.name}; rename it."
        )
    check_errors(noise, design)
    if noise.on == "log" and (design.observed <= 0).any():
        raise BayesqError(
            f"Noise {noise.name} is on the logarithm, and some rows have a {design.response} of 0 "
            "or below; write on='value', or drop those rows."
        )


def check_errors(noise: Noise, design: Design) -> None:
    """Refuse rows without the standard error that a noise takes: none given is not one of 0.

    Raises
    ------
    BayesqError
        If there are any; it names them.
    """
    if not noise.takes_errors or not (lacking := np.isnan(design.errors)).any():
        return
    column = ERROR_OF[design.response]
    paired = "" if column == "loss_se" else " (or loss_se, in the partner's row too)"
    which = "any row" if lacking.all() else design.runs.named(lacking)
    raise BayesqError(
        f"Noise {noise.name} takes the standard error of each row, and {design.runs.source} has "
        f"none for {which}; fill in column {column}{paired}, leave such rows out, or take "
        "noise='student-t', which learns the scatter (on the command line --noise student-t)."
    )
