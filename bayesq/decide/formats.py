"""Formats by name, with the bits that they store for a weight."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from bayesq.catalogue import Catalogue
from bayesq.decide.stored import bits_stored
from bayesq.errors import BayesqError, nearest

# GGUF names files after a mixture: Q4_K_M has Q4_K blocks and, in some layers, Q6_K blocks.
_MIXTURE = re.compile(r"q\dk(xs|s|m|l|xl)")


@dataclass(frozen=True)
class Format:
    """How a format stores weights.

    Parameters
    ----------
    name : str
        What it is called: ``"NVFP4"``.
    bits : float
        Bits of a weight itself.
    element : str
        What these bits are: ``"int"``, or sign, exponent and mantissa as in ``"E2M1"``.
    group : int or None
        Weights that share a scale; None where the whole tensor does, or where there is none.
    scale_bits, zero_bits : float
        Bits of scale and of zero point (or least value) for each group, with the group's share of
        what stands once for many groups.
    source : str
        Where the layout is described.
    """

    name: str
    bits: float
    element: str
    group: int | None
    scale_bits: float
    zero_bits: float
    source: str

    @property
    def bits_per_weight(self) -> float:
        """Bits stored for a weight; what stands once a tensor is not counted."""
        beside = {"scale_bits": self.scale_bits, "zero_bits": self.zero_bits}
        return float(bits_stored(self.bits, self.group, **beside))

    def summary_row(self) -> dict[str, object]:
        """Return the cells of a row of the table of formats."""
        return {
            "bits per weight": self.bits_per_weight,
            "bits": self.bits,
            "element": self.element,
            "group": self.group or "",
            "scale bits": self.scale_bits,
            "zero bits": self.zero_bits,
            "source": self.source,
        }


_GPTQ = "Frantar et al. 2022 (GPTQ), arXiv:2210.17323, as its packed checkpoints are laid out"
_MARLIN = "Frantar et al. 2024 (MARLIN), arXiv:2408.11743: symmetric, 16-bit scales"
_MX = "OCP Microscaling Formats (MX) Specification v1.0, 2023: E8M0 scale for 32"
_NV = "NVIDIA 2025, Introducing NVFP4: E4M3 scale for 16; the tensor's 32-bit scale not counted"
_GGML = "llama.cpp, ggml-common.h, block_"
_NF4 = "Dettmers et al. 2023 (QLoRA), arXiv:2305.14314: 8-bit scales, 32 bits for 256 of them"
_FP8 = "Micikevicius et al. 2022, arXiv:2209.05433; the tensor's scale not counted"
_BF16 = "Kalamkar et al. 2019, arXiv:1905.12322"

# Of a super-block of 256 weights, each group has its own share of the 16 bits of d and of dmin.
_OF_16 = 16 / (256 / 16)
_OF_32 = 16 / (256 / 32)

_ALL = (
    Format("INT4 g128", 4, "int", 128, 16, 0, _MARLIN),
    Format("INT4 g128 zero-point", 4, "int", 128, 16, 4, _GPTQ),
    Format("INT4 g32", 4, "int", 32, 16, 0, f"{_MARLIN}, in groups of 32"),
    Format("MXFP4", 4, "E2M1", 32, 8, 0, _MX),
    Format("MXFP6", 6, "E2M3 or E3M2", 32, 8, 0, _MX),
    Format("MXFP8", 8, "E4M3 or E5M2", 32, 8, 0, _MX),
    Format("NVFP4", 4, "E2M1", 16, 8, 0, _NV),
    Format("Q4_0", 4, "int", 32, 16, 0, f"{_GGML}q4_0: 18 bytes for 32"),
    Format("Q5_0", 5, "int", 32, 16, 0, f"{_GGML}q5_0: 22 bytes for 32"),
    Format("Q8_0", 8, "int", 32, 16, 0, f"{_GGML}q8_0: 34 bytes for 32"),
    Format("Q2_K", 2, "int", 16, 4 + _OF_16, 4 + _OF_16, f"{_GGML}q2_K: 84 bytes for 256"),
    Format("Q3_K", 3, "int", 16, 6 + _OF_16, 0, f"{_GGML}q3_K: 110 bytes for 256"),
    Format("Q4_K", 4, "int", 32, 6 + _OF_32, 6 + _OF_32, f"{_GGML}q4_K: 144 bytes for 256"),
    Format("Q5_K", 5, "int", 32, 6 + _OF_32, 6 + _OF_32, f"{_GGML}q5_K: 176 bytes for 256"),
    Format("Q6_K", 6, "int", 16, 8 + _OF_16, 0, f"{_GGML}q6_K: 210 bytes for 256"),
    Format("NF4", 4, "normal quantiles", 64, 8 + 32 / 256, 0, _NF4),
    Format("FP8", 8, "E4M3 or E5M2", None, 0, 0, _FP8),
    Format("BF16", 16, "E8M7", None, 0, 0, _BF16),
)
FORMATS = Catalogue("format", {f.name: f for f in _ALL})


def find_format(name: str) -> Format:
    """Find a format by its name, whatever its case, hyphens and spaces.

    Raises
    ------
    BayesqError
        If none is called so, or the name is that of a mixture of formats.

    Examples
    --------
    >>> find_format("nvfp4").bits_per_weight
    4.5
    """
    wanted = _folded(name)
    for known, found in FORMATS.items():
        if _folded(known) == wanted:
            return found
    if _MIXTURE.fullmatch(wanted):
        blocks = ", ".join(known for known in FORMATS if known.endswith("_K"))
        raise BayesqError(
            f"{name} mixes blocks of several widths; give the bits per weight of the file itself, "
            f"such as 4.83, or one kind of block: {blocks}."
        )
    raise BayesqError(f"No format is called {name!r}; {nearest(name, FORMATS)}.")


def bits_per_weight(
    bits: float | str | Format,
    group: float | None = None,
    *,
    scale_bits: float | None = None,
    zero_bits: float | None = None,
    row_length: float | None = None,
) -> float:
    """Give the bits stored for a weight, of a format by name or of a width and a group.

    Parameters
    ----------
    bits : float, str or Format
        Bits of the weight itself; or a name out of :data:`FORMATS`, which says all the rest.
    group, scale_bits, zero_bits, row_length : float, optional
        As in :func:`bits_stored`; 16-bit scales and no zero points by default.

    Returns
    -------
    float
        Bits per weight.

    Raises
    ------
    BayesqError
        If no format has the name, a number is none, or a name is given with more.

    Examples
    --------
    >>> bits_per_weight("NVFP4"), bits_per_weight(4, group=128), bits_per_weight(4.83)
    (4.5, 4.125, 4.83)
    """
    sides = {"group": group, "scale_bits": scale_bits, "zero_bits": zero_bits}
    given = {k: v for k, v in {**sides, "row_length": row_length}.items() if v is not None}
    try:
        width = float(bits)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = bits if isinstance(bits, Format) else find_format(str(bits))
        if given:
            raise BayesqError(
                f"{found.name} says its {', '.join(given)} itself; leave that out, or write the "
                f"bits of a weight: {found.bits:g}."
            ) from None
        return found.bits_per_weight
    if not 0 < width < np.inf:
        raise BayesqError(
            f"bits is {bits!r}; write a number above 0, or the name of a format: "
            f"{', '.join(FORMATS)}."
        )
    return float(bits_stored(width, **given))


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.casefold())
