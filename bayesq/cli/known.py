"""``bayesq laws`` and ``bayesq pools``: what bayesq knows."""

from __future__ import annotations

from bayesq.cli import arguments


def laws(as_json: arguments.Json = False) -> None:
    """List the laws that bayesq knows."""
    from bayesq.cli import printing
    from bayesq.law.registry import laws as known

    if as_json:
        printing.print_json({name: law.to_dict() for name, law in known().items()})
    else:
        printing.print_catalogue(known(), ("title", "inputs", "parameters", "base"))


def pools(as_json: arguments.Json = False) -> None:
    """List the pools of runs that bayesq knows."""
    from bayesq.cli import printing
    from bayesq.pool.pools import pools as known

    if as_json:
        printing.print_json({name: pool.summary_row() for name, pool in known().items()})
    else:
        printing.print_catalogue(known(), ("title", "rows", "N", "D", "licence", "source"))
