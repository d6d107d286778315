"""The public names by what they are for, in the order of the work; the build misses none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Names that one page of the reference documents.

    Parameters
    ----------
    page : str
        Name of its file.
    title : str
        Its heading.
    says : str
        What the names on it are for.
    names : tuple of str
        Whole names, in the order of the page.
    """

    page: str
    title: str
    says: str
    names: tuple[str, ...]


def _of(module: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{module}.{name}" for name in names)


GROUPS = (
    Group(
        "tables",
        "Tables of runs",
        "Reading a table, choosing rows of it, what looks wrong in it, and the pools that others "
        "measured.",
        _of("bayesq", "read_runs", "Runs", "check", "Check", "load_pool", "pools", "Pool"),
    ),
    Group(
        "laws",
        "Laws",
        "The laws that ship, their published constants, and what a law of your own is made of.",
        (
            *_of("bayesq", "laws", "Law", "Parameter", "Prior", "Input", "Published"),
            *_of("bayesq", "published", "PublishedFit"),
            *_of("bayesq.law", "Kind", "Levels", "OrderedByBits", "renamed"),
            *_of("bayesq.law", "WEIGHT_BITS", "GROUP", "COMPRESSION"),
        ),
    ),
    Group(
        "fits",
        "Fits",
        "Fitting a law, keeping and reading a fit, the noise and the misfit, and what depends on a "
        "prior.",
        _of(
            "bayesq",
            *("fit", "Fit", "load_fit", "Noise", "Discrepancy", "prior_check", "PriorCheck"),
            *("Sensitivity", "calibration_check", "CalibrationCheck", "Note", "BayesqError"),
        ),
    ),
    Group(
        "many",
        "Many fits",
        "Laws with options on many tables, in several processes or on a cluster.",
        _of("bayesq", "fit_laws", "sweep", "Sweep"),
    ),
    Group(
        "predictions",
        "Predictions",
        "The loss or degradation of runs that were not made, with intervals and how far outside "
        "the data they lie.",
        _of("bayesq", "predict", "Prediction"),
    ),
    Group(
        "decisions",
        "Decisions",
        "Each answers one question, for every draw, on the mean of runs that predictions show.",
        (
            *_of("bayesq.decide", "fewest_bits", "optimal_precision", "optimal_format"),
            *_of("bayesq.decide", "largest_group", "tokens_to_degradation", "critical_tokens"),
            *_of("bayesq.decide", "weight_activation_crossover", "effective_parameters"),
            *_of("bayesq.decide", "compute_optimal", "inference_optimal", "iso_loss", "speedup"),
            *_of("bayesq.decide", "Decision", "bits_per_weight", "bits_stored", "find_format"),
            *_of("bayesq.decide", "Format", "FORMATS", "Memory", "read_memory", "parameters_in"),
            *_of("bayesq.decide", "Nats", "read_nats", "percent_of_perplexity"),
        ),
    ),
    Group(
        "comparison",
        "Comparison and backtests",
        "Which law holds, what several laws say together, and whether what a fit foretold came "
        "true.",
        _of(
            "bayesq",
            *("compare", "Comparison", "average", "Average", "backtest", "Backtest"),
            *("load_backtest", "hold_out", "HeldOut", "score", "backtest_decision"),
            *("DecisionBacktest", "load_decision_backtest"),
        ),
    ),
    Group(
        "planning",
        "Planning",
        "Which runs to do next.",
        _of("bayesq", "suggest_runs", "Suggestions"),
    ),
    Group(
        "figures",
        "Figures",
        "Each takes a result, draws it, and returns the axes; pictures are in the "
        ":doc:`gallery </gallery>`.",
        _of(
            "bayesq.plot",
            *("plot_law", "plot_degradation", "plot_fan", "plot_residuals", "plot_pairs"),
            *("plot_prior_posterior", "plot_sensitivity", "plot_pit", "plot_khat"),
            *("plot_comparison", "plot_decision", "plot_formats", "plot_iso_loss"),
            *("plot_isoflop", "plot_backtest", "plot_reliability", "alt_text"),
        ),
    ),
    Group(
        "reports",
        "Reports",
        "Fits, answers, doubts and figures on one page.",
        _of("bayesq", "report", "Report"),
    ),
)


def public() -> set[str]:
    """List the public names of bayesq, whole."""
    import bayesq
    from bayesq import decide, law, plot

    modules = {"decide", "plot"}
    names = {f"bayesq.{name}" for name in bayesq.__all__ if name not in modules}
    names |= {f"bayesq.decide.{name}" for name in decide.__all__}
    names |= {f"bayesq.plot.{name}" for name in plot.__all__}
    # A law file imports some from bayesq.law that bayesq has itself.
    return names | {f"bayesq.law.{n}" for n in law.__all__ if n not in bayesq.__all__}
