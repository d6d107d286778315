"""A page for each law, written from its file: a law that is added to models/ gets its page."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from as_markdown import code, plain, table, write
from drawn_priors import draw_priors, shown_in
from law_remarks import Remarks, remarks

import bayesq.models
from bayesq.counted import format_count
from bayesq.law import Input, Law, Parameter, Prior, Published
from bayesq.law.letters import read_letter
from bayesq.law.typeset import typeset

ROOT = Path(__file__).parents[2]
_README = ROOT / "models" / "README.md"
_ARXIV = re.compile(r"arXiv:(\d{4}\.\d{5})")
_SEVERAL = 2  # responses that a law of a degradation has


def write_laws(docs: Path) -> None:
    """Write the pages of all laws, and what the list of laws includes."""
    made = docs / "laws" / "made"
    every = dict(law_files())
    for law, path in every.values():
        draw_priors(law, made)
        write(made / f"{law.name}.md", page(law, path))
    for kept in made.glob("*.md"):
        if kept.stem not in every:
            kept.unlink()
    for name, text in sections().items():
        write(made / f"{name}.inc", text)


def law_files() -> Iterator[tuple[str, tuple[Law, Path]]]:
    """List the laws with their files, by name, in the order of the files."""
    for found in pkgutil.iter_modules(bayesq.models.__path__):
        module = importlib.import_module(f"bayesq.models.{found.name}")
        law = getattr(module, "law", None)
        if law is not None:
            yield law.name, (law, Path(str(module.__file__)))


def sections() -> dict[str, str]:
    """Take from models/README.md what is said of all laws, with links to their pages."""
    text = _README.read_text(encoding="utf-8")
    files = {path.name: law.name for law, path in dict(law_files()).values()}
    for file, name in files.items():
        text = text.replace(f"]({file})", f"](made/{name}.md)")
    listed = text.partition("<!-- begin of the laws -->")[2]
    listed, _, rest = listed.partition("<!-- end of the laws -->")
    inputs, _, fits = rest.partition("\n## Fits\n")
    return {
        "list": listed.strip(),
        "inputs": inputs.strip(),
        "fits": re.sub(r"<!--.*?-->", "", fits).strip(),
    }


def page(law: Law, path: Path) -> str:
    """Write the page of one law."""
    said = remarks(path)
    assumed = (importlib.import_module(f"bayesq.models.{path.stem}").__doc__ or "").strip()
    parts = [
        f"# {law.name}",
        plain(f"{law.title[:1].upper()}{law.title[1:]}.")
        + (f" Source: {_linked(law.source)}." if law.source else ""),
        "## Formula",
        *_formulas(law),
        "## What it assumes",
        "In the words of its file:",
        plain("\n\n".join(assumed.split("\n\n")[1:])),
        "## Inputs",
        *_inputs(law),
        "## Parameters and priors",
        *_parameters(law, said),
        "## Published constants",
        *_published(law, said),
        "## Range",
        *_range(law),
        "## Fits to pools",
        *_fits(law),
        "## Fit it to your runs",
        f"```shell\nbayesq check runs.csv --law {law.name}\n"
        f"bayesq fit runs.csv --law {law.name}\n```",
        f'In Python this is `bayesq.fit(runs, "{law.name}")`. The first command says what the law '
        "can do with the table, and which rows it leaves out.",
        "## The file",
        f"`models/{path.name}` is the whole of the law:",
        f"```{{literalinclude}} ../../../models/{path.name}\n:language: python\n```",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _formulas(law: Law) -> Iterator[str]:
    for response in law.responses:
        if len(law.responses) == _SEVERAL:
            usual = ", what it is fitted to unless you say otherwise" * (
                response == law.responses[0]
            )
            yield f"The {response}{usual}:"
        yield f"$$\n{typeset(law, response, 'tex')}\n$$"
    if law.base is not None:
        yield (
            f"Its base law is {_law_link(law.base.name)}. Loss and degradation are in nats per "
            "token."
        )
    else:
        yield "The loss is in nats per token."


def _inputs(law: Law) -> Iterator[str]:
    def line(one: Input) -> tuple[str, ...]:
        columns = ", ".join(f"`{column}`" for column in one.columns)
        return _letter(one.symbol), code(one.symbol), plain(one.unit), columns, plain(one.lacking)

    used = law.inputs_of("loss")
    yield table(
        ("symbol", "in questions", "counts", "from columns", "a row is left out where"),
        [line(one) for one in used],
    )
    # Compressions: kinds of rows, with a value of a parameter each.
    for one in {p.by.symbol: p.by for p in law.parameters_of("loss") if p.by}.values():
        columns = ", ".join(code(column) for column in one.columns)
        yield f"And {code(one.symbol)}, a kind of rows, which is read from the columns {columns}."
    stages = ", ".join(f"`{stage}`" for stage in law.stages or ())
    if stages:
        yield f"The law speaks of rows whose `stage` is {stages}" + (
            "."
            if law.base is None
            else ", and of the full-precision rows where the loss is fitted."
        )
    yield "How columns become inputs is told [with the list of laws](../index.md)."


def _parameters(law: Law, said: Remarks) -> Iterator[str]:
    groups = law.groups_of("loss")
    for group in reversed(groups):  # its own first
        if group != law.parameters:
            yield f"Those of its base law {_law_link(law.base.name) if law.base else ''}:"
        yield table(
            ("symbol", "in Python", "unit", "what it is", "prior", "90 % of the prior"),
            [_parameter(one) for one in group],
        )
    told = [f"* {_letter(name)}: {plain(text)}" for name, text in said.parameters.items()]
    if told:
        yield "What the file says beside the priors:"
        yield "\n".join(told)
    if any(p.term for group in groups for p in group):
        yield (
            "The prior of a coefficient with a term is on that whole term in the middle of the "
            "data: [](../../belief/pivots.md)."
        )
    words = shown_in(law)
    yield f"```{{image}} {law.name}-priors.png\n:alt: {words}\n:class: drawn\n```"
    yield words


def _parameter(one: Parameter) -> tuple[str, ...]:
    if isinstance(one.prior, Prior):
        lower, upper = (_number(float(one.prior.quantile(q))) for q in (0.05, 0.95))
        reach = f"{lower} to {upper}"
    else:
        reach = f"around {one.prior.at_4_bits:g} at 4 bits, one value a kind"
    kinds = f", one for each {one.by.symbol}" if one.by else ""
    meaning = plain(one.meaning + kinds)
    return (
        _letter(one.symbol),
        code(one.symbol),
        plain(one.unit),
        meaning,
        plain(one.prior_text),
        reach,
    )


def _published(law: Law, said: Remarks) -> Iterator[str]:
    if not law.published:
        yield "None are in its file."
        return
    for fit in law.published:
        sure = (
            "Read in the source itself."
            if fit.checked
            else "**Not checked:** taken from what others wrote down of the paper, not read in it."
        )
        yield f"`{fit.label}`: {_linked(fit.source)}. {sure}"
        yield table(("symbol", "in Python", "value", "unit"), [*_constants(law, fit)])
    for text in said.published:
        yield f"The file says: {plain(text)}"
    asked = f'bayesq.published("{law.name}")'
    yield (
        f"`{asked}` can be asked for predictions and decisions like a fit, where these constants "
        "are enough for an answer. They are points: intervals made of them have no width."
    )


def _constants(law: Law, fit: Published) -> Iterator[tuple[str, ...]]:
    units = {p.symbol: p.unit for p in law.parameters_of("loss")}
    for symbol, value in fit.values.items():
        each = value.items() if isinstance(value, Mapping) else [("", value)]
        for kind, number in each:
            error = f" ± {fit.errors[symbol]:g}" if symbol in fit.errors else ""
            shown = _letter(symbol) + (f" of {plain(str(kind))}" if kind else "")
            yield shown, code(symbol), f"{number:g}{error}", plain(units.get(symbol, ""))


def _range(law: Law) -> Iterator[str]:
    if not law.observed:
        yield "In which range it was found is not recorded in its file."
        return
    units = {one.symbol: one.unit for one in law.inputs_of("loss")}
    yield table(
        ("symbol", "from", "to", "counts"),
        [
            (_letter(symbol), format_count(low), format_count(high), plain(units.get(symbol, "")))
            for symbol, (low, high) in law.observed.items()
        ],
    )
    yield "What is asked of its published constants outside this range carries a note that says so."


def _fits(law: Law) -> Iterator[str]:
    text = _README.read_text(encoding="utf-8")
    _, _, rest = text.partition("<!-- begin of the table -->")
    rows = [line for line in rest.splitlines() if line.startswith("|")]
    own = [line for line in rows[2:] if line.split("|")[1].strip() == law.name]
    if not own:
        yield "The table of fits has none of it."
        return
    yield "\n".join(_without_first(line) for line in [*rows[:2], *own])
    yield (
        "Columns, and what made the table, are explained [with the fits of all laws]"
        "(../index.md#fits-to-pools)."
    )


def _without_first(line: str) -> str:
    return "|" + line.split("|", 2)[2]


def _law_link(name: str) -> str:
    known = dict(law_files())
    return f"[{name}]({name}.md)" if name in known else code(name)


def _letter(symbol: str) -> str:
    return f"${read_letter(symbol).tex}$"


def _linked(source: str) -> str:
    return _ARXIV.sub(r"[arXiv:\1](https://arxiv.org/abs/\1)", plain(source))


def _number(value: float) -> str:
    return f"{value:.2g}" if abs(value) < 1e5 else f"{value:.3g}"
