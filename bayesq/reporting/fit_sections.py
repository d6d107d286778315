"""What a report says of each fit: its data, its law, its checks, how it looks."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup, escape

from bayesq.checks.check import facts_of
from bayesq.counted import how_many
from bayesq.intervals import interval
from bayesq.law.law import Law
from bayesq.law.parameter import Parameter
from bayesq.law.typeset import typeset
from bayesq.posterior.constants import PublishedFit
from bayesq.posterior.fit import Fit
from bayesq.posterior.fitted import Fitted
from bayesq.posterior.posterior import Posterior
from bayesq.posterior.summary import CONVERGENCE
from bayesq.reporting.drawings import Drawings
from bayesq.reporting.pieces import Section, facts, heading, lines, paragraph, table
from bayesq.reporting.subjects import Part
from bayesq.runs.counts import format_count

# Codes of notes on rows that a fit left out, or that were read otherwise than they stand.
_ON_ROWS = ("rows-", "partners-", "errors-", "names-", "columns-", "bits-")


def data(parts: tuple[Part, ...]) -> Section:
    """Say what was measured, where it is from, and what was left out."""
    told: list[Markup] = []
    for part in parts:
        fit = part.fit
        told.append(heading(part.name))
        if isinstance(fit, PublishedFit):
            ranges = {
                s: f"{format_count(a)} to {format_count(b)}"
                for s, (a, b) in fit.observed_range.items()
            }
            told.append(
                paragraph(
                    f"The constants were found by {fit.constants.source}; the rows "
                    "are not part of bayesq."
                )
            )
            told += [facts(ranges)] if ranges else []
            continue
        if not isinstance(fit, Fitted):
            told.append(paragraph(fit.title))
            continue
        told.append(
            paragraph(
                f"{len(fit.design.index):,} rows of {fit.design.runs.source} were "
                f"fitted, by their {fit.response}."
            )
        )
        if fit.design.complete:
            told.append(facts(facts_of(fit.design.runs)))
        else:
            told.append(
                paragraph(
                    "The file of this fit is of an earlier version, which did not "
                    "hold its rows: facts of the table are not at hand."
                )
            )
        found = [n for n in fit.notes if n.code.startswith(_ON_ROWS)]
        if found:
            told += [paragraph("Left out, or read otherwise than it stands:")]
            told += [lines(f"{n.message} {n.remedy}" for n in found)]
        else:
            told.append(paragraph("No note tells of rows that were left out."))
    return Section("data", "Data", tuple(told))


def laws(parts: tuple[Part, ...]) -> Section:
    """Show each law with its formula, and its parameters beside what papers published."""
    told: list[Markup] = []
    for part in parts:
        fit = part.fit
        law = fit.law
        told.append(heading(part.name))
        told.append(paragraph(f"{law.title[:1].upper()}{law.title[1:]}." if law.title else law))
        told += _formulas(law, fit)
        told.append(paragraph(f"Source: {law.source}." if law.source else "It names no source."))
        units = {i.symbol: i.unit for i in law.inputs_of(fit.response)}
        told.append(paragraph("Inputs: " + ", ".join(f"{s} ({u})" for s, u in units.items()) + "."))
        told.append(_parameters(part))
    return Section("law", "Law and parameters", tuple(told))


def checks(parts: tuple[Part, ...], drawings: Drawings) -> Section:
    """Say how the sampler did and how the law lies to its rows."""
    told: list[Markup] = []
    for part in parts:
        fit = part.fit
        told.append(heading(part.name))
        if not isinstance(fit, Fit):
            told.append(paragraph("These are constants, not draws: there is nothing to check."))
            continue
        summary = fit.summary()
        told.append(paragraph(sampler_sentence(fit, summary)))
        worked = summary[list(CONVERGENCE)].rename_axis("parameter")
        told.append(table(worked, f"How the sampler did: {part.name}"))
        if not fit.law.at_hand:
            told.append(paragraph("The formula is not at hand, so residuals are not drawn."))
            continue
        shown: dict[str, str] = {
            "Residuals": "plot_residuals",
            "Priors and posteriors": "plot_prior_posterior",
            "Where measured values lie in what is foretold of them": "plot_pit",
        }
        told.append(_gallery(part, shown, drawings))
    return Section("checks", "Checks", tuple(told))


def figures(parts: tuple[Part, ...], drawings: Drawings) -> Section | None:
    """Draw each law over its data, and outside of them."""
    told: list[Markup] = []
    for part in parts if drawings.wanted else ():
        if not isinstance(part.asked, Fitted):
            continue
        if isinstance(part.asked, Fit) and part.asked.pooling is not None:
            told += [heading(part.name), paragraph(_of_no_study(part.asked), "left-out")]
            continue
        shown = {"Law over its data": "plot_law", "Outside the data": "plot_fan"}
        if part.fit.response == "degradation":
            shown["What is added, over bits and tokens a parameter"] = "plot_degradation"
        told += [heading(part.name), _gallery(part, shown, drawings)]
    return Section("figures", "Figures", tuple(told)) if told else None


def _of_no_study(fit: Fit) -> str:
    return (
        f"The law is another in each of the {len(fit.studies)} studies; figures of one are drawn "
        f"where it is named, with --study or study=: {', '.join(fit.studies)}."
    )


def sampler_sentence(fit: Fit, summary: pd.DataFrame) -> str:
    """Say of the draws what is worst in them."""
    sizes = fit.posterior.sizes
    draws = sizes["chain"] * sizes["draw"]
    worst = summary["r_hat"].idxmax() if summary["r_hat"].notna().any() else None
    told = [f"{how_many(sizes['chain'], 'chain')} of {sizes['draw']:,} draws"]
    if worst is not None:
        told.append(f"the largest R-hat is {summary['r_hat'].max():.3f} (of {worst})")
    ess = summary[["ess_bulk", "ess_tail"]].min(axis=1)
    told.append(f"the smallest effective sample size {ess.min():,.0f} (of {ess.idxmin()})")
    stats = fit.data.children.get("sample_stats")
    if stats is not None and "diverging" in stats:
        told.append(f"{int(stats['diverging'].sum()):,} of {draws:,} draws diverged")
    return "; ".join(told) + "."


def _gallery(part: Part, shown: dict[str, str], drawings: Drawings) -> Markup:
    drawn = [
        drawings.draw(f"{caption}: {part.name}", name, part.asked)
        for caption, name in shown.items()
    ]
    return Markup('<div class="figures">{}</div>').format(Markup("").join(drawn))


def _formulas(law: Law, fit: Posterior) -> list[Markup]:
    if not law.at_hand:
        return [paragraph("Its formula is not at hand: the law is not the one that was fitted.")]
    # MathML that bayesq writes of the law's own code; what reads aloud without it has the TeX.
    formula = typeset(law, fit.response).replace(
        "<math ", f'<math alttext="{escape(typeset(law, fit.response, "tex"))}" ', 1
    )
    return [
        Markup(
            '<div class="formula scroll" role="group" aria-label="Formula of {}" '
            'tabindex="0">{}</div>'
        ).format(law.name, Markup(formula))
    ]


def _parameters(part: Part) -> Markup:
    fit = part.fit
    if isinstance(fit, Fitted):
        summary = fit.summary()
        frame = summary[["median", "lower", "upper", "unit"]].copy()
        known = {p.symbol: p for p in fit.parameters}
        what = f"Parameters of {part.name}, with the {interval().name} from lower to upper"
    else:
        known = {p.symbol: p for p in fit.law.parameters_of("loss")}
        frame = _constants(fit, known)
        what = f"Constants of {part.name}"
    names = [str(name) for name in frame.index]
    frame.insert(0, "meaning", [_meaning(name, known) for name in names])
    if isinstance(fit, Fitted):
        frame["prior"] = [_prior(name, known) for name in names]
        for paper in _papers(fit.law):
            values = [_published(name, paper.values) for name in names]
            if any(value is not None for value in values):
                frame[f"published: {paper.label}"] = [
                    float("nan") if value is None else value for value in values
                ]
    frame.index.name = "parameter"
    return table(frame, what)


def _constants(fit: Posterior, known: dict[str, Parameter]) -> pd.DataFrame:
    rows: dict[str, tuple[float, str]] = {}
    for name, draws in fit.posterior.data_vars.items():
        unit = known[str(name)].unit if str(name) in known else ""
        flat = draws.isel(chain=0, draw=0)
        if not flat.ndim:
            rows[str(name)] = (float(flat), unit)
            continue
        for label, value in zip(flat[flat.dims[0]].values, flat.values, strict=True):
            rows[f"{name}[{label}]"] = (float(value), unit)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "unit"])


def _papers(law: Law) -> list[Any]:
    return [*law.published, *(_papers(law.base) if law.base is not None else [])]


def _published(name: str, values: Any) -> float | None:
    symbol, _, label = name.partition("[")
    value = values.get(symbol)
    if label:
        return value.get(label.rstrip("]")) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


def _meaning(name: str, known: dict[str, Parameter]) -> str:
    parameter = known.get(name.partition("[")[0])
    return "" if parameter is None else parameter.meaning


def _prior(name: str, known: dict[str, Parameter]) -> str:
    parameter = known.get(name.partition("[")[0])
    return "" if parameter is None else parameter.prior_text
