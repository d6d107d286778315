"""Backtests of decisions: fit the smaller rows, decide, and look what the larger ones say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bayesq.backtesting.storage import Folder
from bayesq.fitting import fit_specification, split_options
from bayesq.law.law import Law
from bayesq.model.specification import Specification, specify_rows
from bayesq.notes import Note, by_severity
from bayesq.progress import showing
from bayesq.proving.asking import ask_fit
from bayesq.proving.case import Answer, Case
from bayesq.proving.decision_backtest import DecisionBacktest
from bayesq.proving.kept import Kept
from bayesq.proving.reading import in_numbers, read_decisions
from bayesq.proving.resampled import least_squares
from bayesq.proving.table import tabulate
from bayesq.runs.runs import Runs
from bayesq.sampling.defaults import CHAINS, DRAWS, TUNE


def backtest_decision(
    runs: Runs,
    law: str | Law,
    decision: str,
    response: str | None = None,
    *,
    base: str | Law | None = None,
    split: str = "largest-N",
    quantile: float = 0.7,
    about: str | None = None,
    draws: int = DRAWS,
    tune: int = TUNE,
    chains: int = CHAINS,
    seed: int = 0,
    save: str | Path | None = None,
    progress: bool = True,
    practice: bool = True,
    fit_options: Mapping[str, Any] | None = None,
    base_options: Mapping[str, Any] | None = None,
    **asked: Any,
) -> DecisionBacktest:
    """Fit a law to the smaller rows, decide for the larger, and look what these themselves say.

    The decision is read off the measured rows, with no law in between:

    * ``"critical_tokens"``: a parabola over log D through the length of least quantized loss and
      its neighbours; a bound where that is the first or the last length.
    * ``"fewest_bits"``: the fewest whole bits whose measured degradation is within ``level``, one
      or several; a bound where all widths are, or none. The fit's answer lies between widths: it
      holds the measured one if its interval, both ends rounded up to a width that was measured,
      contains it.
    * ``"optimal_precision"``: the bits of least loss among cells of about one memory (N times bits,
      within 15 %) and one D; a bound where these are the fewest or the most. The fit's interval is
      rounded outwards to whole bits.
    * ``"optimal_format"``: the format of least loss of those measured at one N and D, for a law
      with a parameter a format.
    * ``"compute_optimal"``: a parabola over log N along each budget of compute (6 N D within 12 %
      from row to row, or within a factor of 1.2 of those that ``compute`` names); a bound where the
      best is the smallest or the largest size.

    Rows that differ in their seed alone are averaged. What following the median costs is the loss
    of the measured option nearest to it on a logarithmic scale, less that of the best one measured;
    of fewest bits, the nats by which the degradation at the advised width is above the level.

    Parameters
    ----------
    runs : Runs
        The table, with the full-precision rows where `base` is to be fitted to them.
    law : str or Law
        A law, or the name of one.
    decision : str
        One of the five above.
    response : {"loss", "degradation"}, optional
        What `law` is fitted to; by default its usual one.
    base : str or Law, optional
        The base law, fitted to the full-precision rows that are kept, for a decision about the loss
        by a law that is fitted to the degradation.
    split : {"largest-N", "largest-D", "largest-compute", "none"}
        Which rows the fits do not see, as in :func:`bayesq.backtest`; with ``"none"`` they see all,
        and decisions are held against the rows that they come from. Decisions count of which at
        least half the rows were left out.
    quantile : float
        Rows up to this quantile of the size are kept.
    about : str, optional
        Which rows decisions are read off, as an expression in the columns: ``"w_bits == 4"``. The
        fits see the others too. By default all.
    draws, tune, chains, seed : int
        As for :func:`bayesq.fit`, of each fit.
    save : str or Path, optional
        Folder that keeps the answers of each method. The same call with the same folder does not
        fit again.
    progress : bool
        Say on the error stream what is being done.
    practice : bool
        Whether to ask today's practice too: least Huber loss on the logarithm, plugged in, with an
        interval from 400 resamples of the rows.
    fit_options, base_options : mapping, optional
        Passed on to :func:`bayesq.fit` for the law and for its base: ``{"discrepancy": ...}``.
    **asked
        What the decision takes, such as ``level=[0.01, "5%"]``, ``memory="4MB"`` or
        ``compute="1e16"``.

    Returns
    -------
    DecisionBacktest
        ``.rows``, one a decision, ``.to_frame()``, ``.text`` and ``.notes``.

    Raises
    ------
    BayesqError
        If there is no such decision or split, the rows tell no such decision or are too few to fit,
        or the folder holds another backtest.

    Examples
    --------
    >>> import bayesq
    >>> post = "stage == 'post' and w_kind == 'int' and w_group == 128 and 3 <= w_bits <= 6"
    >>> runs = bayesq.load_pool("grid").select(f"stage == 'none' or {post}")
    >>> bayesq.backtest_decision(  # doctest: +SKIP
    ...     runs, "kumar2024-ptq", "critical_tokens", base="chinchilla", about="w_bits == 3"
    ... )
    """
    which: dict[str, Any] = {"split": split, "quantile": quantile, "about": about}
    part, cases = read_decisions(runs, law, decision, response, base=base, **which, **asked)
    law = part.own.law
    sampling = {"draws": draws, "tune": tune, "chains": chains, "seed": seed}
    given = [split_options(options or {}) for options in (fit_options, base_options)]
    designs = [part.own] if part.base is None else [part.own, part.base]
    fits = [
        (specify_rows(design, **describing), {**sampling, **others})
        for design, (describing, others) in zip(designs, given, strict=False)
    ]
    folder = None
    if save is not None:
        said: dict[str, Any] = {"decision": decision, "asked": in_numbers(asked), **which}
        said |= {"bayesq": version("bayesq"), "rows": runs.fingerprint}
        said["fits"] = [described.described | settings for described, settings in fits]
        folder = Folder(Path(save), said)
    work = _Work(decision, cases, part, folder, fits, progress)
    with showing(progress) as saying:
        told = {"bayesq": work.once(1, work.fitted)}
        if practice:
            saying.say("asking today's practice")
            told["practice"] = work.once(2, work.practised)
    answers = {who: [Answer(**given) for given in found["answers"]] for who, found in told.items()}
    title = f"Decisions of {law.name}, {decision}, on {runs.source}, {split}"
    notes = by_severity(Note(**note) for note in told["bayesq"]["notes"])
    return DecisionBacktest(title, tabulate(cases, answers), notes)


@dataclass(frozen=True)
class _Work:
    """The questions of a backtest, and who is to answer them."""

    decision: str
    cases: Sequence[Case]
    part: Kept
    folder: Folder | None
    fits: Sequence[tuple[Specification, Mapping[str, Any]]]
    progress: bool

    def once(self, number: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Take what the folder has, or work it out and keep it."""
        if self.folder is None:
            return make()
        questions = repr([case.question for case in self.cases])
        rows = self.part.fingerprints | {"questions": sha256(questions.encode()).hexdigest()}
        found = self.folder.read(number, rows)
        if found is None:
            found = make()
            self.folder.write(number, rows, found)
        return found

    def fitted(self) -> dict[str, Any]:
        """Ask the posterior of a fit."""
        fits = [fit_specification(s, **how, progress=self.progress) for s, how in self.fits]
        base = fits[1] if len(fits) > 1 else None
        answers = [ask_fit(self.decision, fits[0], base, c.question) for c in self.cases]
        severe = dict.fromkeys(n for f in fits for n in f.notes if n.severity == "severe")
        return {"answers": [asdict(a) for a in answers], "notes": [n.to_dict() for n in severe]}

    def practised(self) -> dict[str, Any]:
        """Ask today's practice."""
        seed = int(self.fits[0][1]["seed"])
        # Resamples of the two are independent, as the fits are.
        own, own_spread = least_squares(self.part.own, seed=seed)
        base, base_spread = None, None
        if self.part.base is not None:
            base, base_spread = least_squares(self.part.base, seed=seed + 1)
        answers = [
            ask_fit(self.decision, own_spread, base_spread, c.question, (own, base))
            for c in self.cases
        ]
        return {"answers": [asdict(a) for a in answers]}
