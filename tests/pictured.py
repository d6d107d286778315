"""Figures held against accepted pictures: made of fixed draws, since a sampler's differ by machine.

    python -m pytest tests/test_pictures_law.py --mpl-generate-path=tests/pictures

accepts what is drawn now; look at the pictures before they are committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

# Root mean square of the difference in grey, of 255: to move one label by its own width is more
# (test_pictures.py moves one).
TOLERANCE = 1.0


def pictured(name: str) -> Callable[[Any], Any]:
    """Compare the figure that a test returns with ``tests/pictures/NAME.png``."""
    found: Callable[[Any], Any] = pytest.mark.mpl_image_compare(
        baseline_dir="pictures",
        filename=f"{name}.png",
        tolerance=TOLERANCE,
        style="default",
        savefig_kwargs={"dpi": 80},
    )
    return found
