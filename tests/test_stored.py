"""Bits stored for a weight, and formats by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bayesq import decide
from bayesq.decide.formats import FORMATS, bits_per_weight, find_format
from bayesq.decide.stored import bits_stored, scales_in_words
from bayesq.errors import BayesqError

HALF = 2  # bytes of a 16-bit scale
# Bytes of each field of a block in ggml-common.h, and the weights of the block.
BLOCKS = {
    "Q4_0": ({"d": HALF, "qs": 32 // 2}, 32),
    "Q5_0": ({"d": HALF, "qh": 4, "qs": 32 // 2}, 32),
    "Q8_0": ({"d": HALF, "qs": 32}, 32),
    "Q2_K": ({"scales": 256 // 16, "qs": 256 // 4, "d": HALF, "dmin": HALF}, 256),
    "Q3_K": ({"hmask": 256 // 8, "qs": 256 // 4, "scales": 12, "d": HALF}, 256),
    "Q4_K": ({"d": HALF, "dmin": HALF, "scales": 12, "qs": 256 // 2}, 256),
    "Q5_K": ({"d": HALF, "dmin": HALF, "scales": 12, "qh": 256 // 8, "qs": 256 // 2}, 256),
    "Q6_K": ({"ql": 256 // 2, "qh": 256 // 4, "scales": 256 // 16, "d": HALF}, 256),
    "MXFP4": ({"e": 1, "qs": 32 // 2}, 32),
    "NVFP4": ({"d": 64 // 16, "qs": 64 // 2}, 64),
}
# Bits of the weights of a group and of what they share, as papers and specifications have them.
SPECIFIED = {
    "INT4 g128": (128 * 4 + 16) / 128,
    "INT4 g128 zero-point": (128 * 4 + 16 + 4) / 128,
    "INT4 g32": (32 * 4 + 16) / 32,
    "MXFP6": (32 * 6 + 8) / 32,
    "MXFP8": (32 * 8 + 8) / 32,
    # 256 blocks of 64 weights, with 8 bits each, share 32 bits
    "NF4": (256 * (64 * 4 + 8) + 32) / (256 * 64),
    "FP8": 8,
    "BF16": 16,
}


# --- formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_hold_what_their_structure_says(name: str) -> None:
    fields, weights = BLOCKS[name]
    assert bits_per_weight(name) == 8 * sum(fields.values()) / weights


@pytest.mark.parametrize("name", SPECIFIED)
def test_formats_hold_what_their_source_says(name: str) -> None:
    assert bits_per_weight(name) == SPECIFIED[name]


def test_every_format_is_checked_and_has_a_source() -> None:
    assert set(FORMATS) == {*BLOCKS, *SPECIFIED}
    for name, found in FORMATS.items():
        assert found.name == name
        assert found.source
        if name in BLOCKS and "ggml" in found.source:
            fields, weights = BLOCKS[name]
            assert f"{sum(fields.values())} bytes for {weights}" in found.source


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("nvfp4", "NVFP4"),
        (" Q4_k", "Q4_K"),
        ("q4k", "Q4_K"),
        ("int4-g128", "INT4 g128"),
        ("INT4_G128_zero_point", "INT4 g128 zero-point"),
    ],
)
def test_a_format_is_found_however_it_is_written(name: str, wanted: str) -> None:
    assert find_format(name) is FORMATS[wanted]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: find_format("NVFP"), "No format is called 'NVFP'; did you mean NVFP4"),
        (lambda: find_format("Q4_K_M"), "give the bits per weight of the file .* Q4_K, Q5_K"),
        (lambda: bits_per_weight("zzz"), "No format is called 'zzz'; valid names: INT4 g128, "),
        (lambda: bits_per_weight("MXFP4", group=16), "MXFP4 says its group itself; leave that out"),
        (lambda: bits_per_weight(FORMATS["NF4"], scale_bits=8), "NF4 says its scale_bits itself"),
        (lambda: bits_per_weight(0), "bits is 0; write a number above 0, or the name of a format"),
        (lambda: bits_per_weight("nan"), "bits is 'nan'; write a number above 0"),
        (lambda: FORMATS["nvfp4"], "No format is called 'nvfp4'; did you mean NVFP4"),
    ],
)
def test_what_is_no_format_is_refused(ask: Any, words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        ask()


def test_the_table_prints() -> None:
    first = FORMATS.to_frame().loc["INT4 g128"]
    assert (first["bits per weight"], first["group"]) == (4.125, 128)
    assert "Q6_K" in repr(FORMATS)


def test_the_helpers_are_no_decisions() -> None:
    assert decide.bits_per_weight("NVFP4") == 4.5
    assert "bits_per_weight" not in decide.__all__


# --- widths ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({"bits": 4.83}, 4.83),
        ({"bits": "4.83"}, 4.83),
        ({"bits": 4, "group": 0}, 4),
        ({"bits": 4, "group": -1}, 4),
        ({"bits": 4, "group": np.nan}, 4),
        ({"bits": 4, "group": -1, "row_length": 4096}, 4 + 16 / 4096),
        ({"bits": 3, "group": 64, "scale_bits": 8, "zero_bits": 2}, 3 + 10 / 64),
        ({"bits": 16, "group": 128}, 16),
        ({"bits": 4, "group": 1}, 20),
    ],
)
def test_scales_are_counted_where_there_are_groups(asked: dict[str, Any], wanted: float) -> None:
    assert bits_per_weight(**asked) == wanted
    assert isinstance(bits_per_weight(**asked), float)


def test_widths_and_groups_may_be_arrays() -> None:
    bits, group = [2, 4, 16, np.nan], [32, 128, 128, 128]
    wanted = [2.5, 4.125, 16, np.nan]
    np.testing.assert_array_equal(bits_stored(np.array(bits), np.array(group)), wanted)
    np.testing.assert_array_equal(bits_stored(4, np.array([32, -1, 0])), [4.5, 4, 4])
    np.testing.assert_array_equal(bits_stored(4, np.array([32, None])), [4.5, 4])


def test_widths_may_vary_along_options_and_groups_along_them_too() -> None:
    options = {"option": ["a", "b", "c"]}
    bits = xr.DataArray([4.0, 4.0, 16.0], options, attrs={"units": "bits"})
    group = xr.DataArray([32, np.nan, 32], options)
    stored = bits_stored(bits, group)
    assert stored.values.tolist() == [4.5, 4, 16]
    assert stored.attrs == {"units": "bits per weight"}
    assert bits.attrs == {"units": "bits"}
    draws = xr.DataArray([[3.0, 5.0]], dims=("chain", "draw"))
    assert dict(bits_stored(draws, group).sizes) == {"chain": 1, "draw": 2, "option": 3}
    assert bits_stored(4, group).values.tolist() == [4.5, 4, 4.5]


@given(st.floats(1, 15.9), st.floats(1, 2**20), st.floats(0, 32), st.floats(0, 8))
def test_a_group_stores_its_weights_and_what_they_share(
    bits: float, group: float, scale: float, zero: float
) -> None:
    stored = bits_stored(bits, group, scale_bits=scale, zero_bits=zero)
    assert group * stored == pytest.approx(group * bits + scale + zero)
    assert stored >= bits


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"bits": -4}, "bits is -4; write a number above 0"),
        ({"bits": "four"}, "bits is 'four'; write a number"),
        ({"bits": 4, "group": -2}, r"group is -2; write the weights that share a scale, or -1"),
        ({"bits": 4, "group": np.array([32, 0.5])}, "group is 0.5; write"),
        ({"bits": 4, "group": 32, "scale_bits": -1}, "scale_bits is -1; write 0 or a number above"),
        ({"bits": 4, "group": 32, "zero_bits": np.nan}, "zero_bits is nan; write 0 or"),
        ({"bits": 4, "group": -1, "row_length": 0}, "row_length is 0; write the weights of a"),
    ],
)
def test_what_is_no_width_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        bits_stored(**asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "scales not counted"),
        ({"group": -1}, "scales not counted"),
        ({"group": -1, "row_length": 64}, "with 16-bit scales for each 64 weights"),
        (
            {"group": 128, "zero_bits": 4},
            "with 16-bit scales and 4-bit zero points for each 128 weights",
        ),
        ({"group": xr.DataArray([32, 64])}, "with 16-bit scales for each group of weights"),
    ],
)
def test_it_is_said_whether_scales_are_counted(asked: dict[str, Any], words: str) -> None:
    assert scales_in_words(**asked) == words
