"""How the documentation is built: ``make docs``. Nothing in the built pages asks the network."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "making"))
from numpydoc.xref import DEFAULT_LINKS
from reference_groups import GROUPS

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
    "sphinx-mathjax-offline",
    "made_pages",
]
exclude_patterns = ["tables", "making"]

# Programs of the case studies are run by `make case-studies`, which keeps what they show.
nb_execution_mode = "off"
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
# A dollar is a dollar: formulas stand right between two of them.
myst_dmath_allow_space = False
myst_dmath_allow_digits = False

# Names come by way of bayesq's own __getattr__, and their docstrings tell types in words.
autosummary_generate = False
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = {name.rpartition(".")[2]: name for group in GROUPS for name in group.names}
numpydoc_xref_ignore = "all"  # but those
# Types of Python and NumPy lead to their sites, which a build without a network cannot look up.
DEFAULT_LINKS.clear()

html_theme = "pydata_sphinx_theme"
html_title = f"bayesq {release}"
html_theme_options = {
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 6,
    "navbar_persistent": ["search-button"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
# A page that has none below it needs no list of these.
html_sidebars = {name: [] for name in ("start", "gallery", "glossary", "limits")}
html_context = {"default_mode": "auto"}  # as the reader's system has it
html_static_path = ["_static"]
html_css_files = ["bayesq.css"]
html_show_sourcelink = False
