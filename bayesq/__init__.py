"""Bayesian scaling laws for LLM quantization: fits with error bars, checks and predictions.

Names are imported when they are first used, so that ``import bayesq`` and the quick commands of
the command line stay quick.
"""

from __future__ import annotations

import importlib
import os.path
from typing import TYPE_CHECKING, Any

# In a checkout the laws lie beside this folder, in an installed package within it. A second
# checkout is to find its own, not those of the one that was installed.
_CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_CHECKOUT, "models", "chinchilla.py")) and not os.path.isdir(
    os.path.join(os.path.dirname(os.path.abspath(__file__)), "models")
):
    __path__.append(_CHECKOUT)

if TYPE_CHECKING:
    __version__: str
    from bayesq import decide, plot
    from bayesq.backtesting.backtest import backtest
    from bayesq.backtesting.held_out import HeldOut, hold_out
    from bayesq.backtesting.load_backtest import load_backtest
    from bayesq.backtesting.scored import Backtest
    from bayesq.backtesting.scores import score
    from bayesq.checks.check import Check, check
    from bayesq.checks.prior_check import PriorCheck, prior_check
    from bayesq.comparison.averaging import average
    from bayesq.comparison.compare import compare
    from bayesq.comparison.comparison import Comparison
    from bayesq.comparison.fits import fit_laws
    from bayesq.errors import BayesqError
    from bayesq.fitting import fit
    from bayesq.law import Input, Law, Parameter, Prior, Published
    from bayesq.law.registry import laws
    from bayesq.model.discrepancy import Discrepancy
    from bayesq.model.noise import Noise
    from bayesq.notes import Note
    from bayesq.planning.suggest import suggest_runs
    from bayesq.planning.suggestions import Suggestions
    from bayesq.pool.load_pool import load_pool
    from bayesq.pool.pools import Pool, pools
    from bayesq.posterior.average import Average
    from bayesq.posterior.constants import PublishedFit, published
    from bayesq.posterior.fit import Fit
    from bayesq.posterior.saved import load_fit
    from bayesq.posterior.sensitivity import Sensitivity
    from bayesq.prediction.predict import predict
    from bayesq.prediction.prediction import Prediction
    from bayesq.proving.decision_backtest import DecisionBacktest
    from bayesq.proving.loading import load_decision_backtest
    from bayesq.proving.prove import backtest_decision
    from bayesq.reporting.report import Report, report
    from bayesq.runs.runs import Runs, read_runs
    from bayesq.sweeping.calibration_check import CalibrationCheck, calibration_check
    from bayesq.sweeping.sweep import sweep
    from bayesq.sweeping.swept import Sweep

# Where each public name lives.
_HOME = {
    "average": "bayesq.comparison.averaging",
    "Average": "bayesq.posterior.average",
    "Backtest": "bayesq.backtesting.scored",
    "backtest": "bayesq.backtesting.backtest",
    "backtest_decision": "bayesq.proving.prove",
    "BayesqError": "bayesq.errors",
    "CalibrationCheck": "bayesq.sweeping.calibration_check",
    "calibration_check": "bayesq.sweeping.calibration_check",
    "Check": "bayesq.checks.check",
    "check": "bayesq.checks.check",
    "compare": "bayesq.comparison.compare",
    "Comparison": "bayesq.comparison.comparison",
    "Fit": "bayesq.posterior.fit",
    "fit": "bayesq.fitting",
    "fit_laws": "bayesq.comparison.fits",
    "HeldOut": "bayesq.backtesting.held_out",
    "hold_out": "bayesq.backtesting.held_out",
    "Input": "bayesq.law",
    "Law": "bayesq.law",
    "laws": "bayesq.law.registry",
    "load_decision_backtest": "bayesq.proving.loading",
    "load_backtest": "bayesq.backtesting.load_backtest",
    "load_fit": "bayesq.posterior.saved",
    "load_pool": "bayesq.pool.load_pool",
    "DecisionBacktest": "bayesq.proving.decision_backtest",
    "Discrepancy": "bayesq.model.discrepancy",
    "Noise": "bayesq.model.noise",
    "Note": "bayesq.notes",
    "Parameter": "bayesq.law",
    "Pool": "bayesq.pool.pools",
    "pools": "bayesq.pool.pools",
    "predict": "bayesq.prediction.predict",
    "Prediction": "bayesq.prediction.prediction",
    "Prior": "bayesq.law",
    "prior_check": "bayesq.checks.prior_check",
    "PriorCheck": "bayesq.checks.prior_check",
    "Published": "bayesq.law",
    "published": "bayesq.posterior.constants",
    "PublishedFit": "bayesq.posterior.constants",
    "read_runs": "bayesq.runs.runs",
    "Report": "bayesq.reporting.report",
    "report": "bayesq.reporting.report",
    "Runs": "bayesq.runs.runs",
    "score": "bayesq.backtesting.scores",
    "Sensitivity": "bayesq.posterior.sensitivity",
    "suggest_runs": "bayesq.planning.suggest",
    "Suggestions": "bayesq.planning.suggestions",
    "Sweep": "bayesq.sweeping.swept",
    "sweep": "bayesq.sweeping.sweep",
}

__all__ = [
    "Average",
    "Backtest",
    "BayesqError",
    "CalibrationCheck",
    "Check",
    "Comparison",
    "DecisionBacktest",
    "Discrepancy",
    "Fit",
    "HeldOut",
    "Input",
    "Law",
    "Noise",
    "Note",
    "Parameter",
    "Pool",
    "Prediction",
    "Prior",
    "PriorCheck",
    "Published",
    "PublishedFit",
    "Report",
    "Runs",
    "Sensitivity",
    "Suggestions",
    "Sweep",
    "average",
    "backtest",
    "backtest_decision",
    "calibration_check",
    "check",
    "compare",
    "decide",
    "fit",
    "fit_laws",
    "hold_out",
    "laws",
    "load_backtest",
    "load_decision_backtest",
    "load_fit",
    "load_pool",
    "plot",
    "pools",
    "predict",
    "prior_check",
    "published",
    "read_runs",
    "report",
    "score",
    "suggest_runs",
    "sweep",
]


def __getattr__(name: str) -> Any:
    if name in ("decide", "plot"):
        return importlib.import_module(f"bayesq.{name}")
    if name == "__version__":
        from importlib.metadata import version

        return version("bayesq")
    if name not in _HOME:
        from bayesq.deprecated import successor

        return __getattr__(successor("bayesq", name))
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
