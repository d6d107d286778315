"""How the documentation is built: ``make docs``. Nothing in the built pages asks the network."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "making"))

project = "bayesq"
author = "The bayesq developers"
copyright = "The bayesq developers. Apache-2.0"  # noqa: A001 - the name that Sphinx reads
release = version = installed("bayesq")

extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinxcontrib.typer",
    "sphinx-mathjax-offline",
]
exclude_patterns = ["tables", "making"]

# Programs of the case studies are run by `make case-studies`, which keeps what they show.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = f"bayesq {release}"
html_theme_options = {"secondary_sidebar_items": ["page-toc"], "show_prev_next": True}
html_show_sourcelink = False
