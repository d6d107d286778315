"""The Sphinx extension that writes, before each build, the pages that come of code and results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from brought import bring
from command_pages import write_commands
from gallery_page import write_gallery
from law_pages import write_laws
from reference_pages import write_reference


def setup(app: Any) -> dict[str, bool]:
    """Ask Sphinx to write the pages first."""
    app.connect("builder-inited", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write(app: Any) -> None:
    docs = Path(app.srcdir)
    write_laws(docs)
    write_reference(docs)
    write_commands(docs)
    bring(docs)
    write_gallery(docs)
