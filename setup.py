"""The README as a package index shows it: no address of the repository is known there.

Everything else about the package stands in pyproject.toml.
"""

from __future__ import annotations

import re
from pathlib import Path

from setuptools import setup

# Pictures, and links to files: a link becomes its words, but for those to an address.
_PICTURE = re.compile(
    r"^\s*(!\[[^\]]*\]\([^)]*\)|<picture>.*?</picture>|<img [^>]*>)\s*$", re.M | re.S
)
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?://)[^)]*\)")


def described(readme: str) -> str:
    """Take out what leads nowhere outside of the repository; examples are left as they are."""
    parts = re.split(r"(^```.*?^```$)", readme, flags=re.M | re.S)
    return "".join(
        part if part.startswith("```") else _LINK.sub(r"\1", _PICTURE.sub("", part))
        for part in parts
    )


if __name__ == "__main__":
    setup(
        long_description=described(Path(__file__).with_name("README.md").read_text("utf-8")),
        long_description_content_type="text/markdown",
    )
