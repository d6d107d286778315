"""The Sphinx extension that writes the pages that come of code and results, and checks the site."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brought import bring
from checked import faults
from command_pages import write_commands
from gallery_page import write_gallery
from law_pages import write_laws
from reference_pages import write_reference
from sphinx.util.logging import getLogger
from wrapped import wrap_outputs


def setup(app: Any) -> dict[str, bool]:
    """Ask Sphinx to write the pages first, and to look at the site last."""
    app.connect("builder-inited", _write)
    app.connect("doctree-read", wrap_outputs)
    app.connect("build-finished", _check, priority=900)  # after what the theme writes then
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Any) -> None:
    docs = Path(app.srcdir)
    write_laws(docs)
    write_reference(docs)
    write_commands(docs)
    bring(docs)
    write_gallery(docs)


def _check(app: Any, failed: Exception | None) -> None:
    if failed is None and app.builder.name == "html":
        for fault in faults(Path(app.outdir)):
            getLogger(__name__).warning(fault)  # which fails `make docs`
