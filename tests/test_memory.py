"""Memory in bytes and in bits, and the parameters that it holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from bayesq.decide.memory import Memory, parameters_in, read_memory
from bayesq.errors import BayesqError

# --- memory ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "bits", "words"),
    [
        ("24GB", 24e9 * 8, "24 GB"),
        (" 24 GB ", 24e9 * 8, "24 GB"),
        ("24GiB", 24 * 2**30 * 8, "24 GiB"),
        ("1.5TB", 1.5e12 * 8, "1.5 TB"),
        ("512MiB", 2**32, "512 MiB"),
        ("64 KB", 64e3 * 8, "64 kB"),
        ("8e9 bytes", 64e9, "8e+09 bytes"),
        ("24000 GB", 24e12 * 8, "24000 GB"),
        ("100Gbit", 100e9, "100 Gbit"),
        ("100 Gb", 100e9, "100 Gbit"),
        ("8e10 bits", 80e9, "80G bits"),
        ("80G", 80e9, "80G bits"),
        ("8e10", 80e9, "80G bits"),
        (8e10, 80e9, "80G bits"),
        (np.int64(500), 500, "500 bits"),
        (Memory(8e12), 8e12, "8T bits"),
    ],
)
def test_memory_is_read_and_said_in_its_unit(asked: Any, bits: float, words: str) -> None:
    assert read_memory(asked).bits == bits
    assert str(read_memory(asked)) == words


@pytest.mark.parametrize(
    "asked",
    ["24gb", "24 GiBit", "24 Gx", "GB", "-1GB", "0 GB", "1e400GB", "1 2GB", ""]
    + [0, -8, np.nan, np.inf, True, None, [8]],
)
def test_memory_that_may_mean_two_things_or_none_is_refused(asked: Any) -> None:
    with pytest.raises(BayesqError) as error:
        read_memory(asked)
    text = str(error.value)
    assert text.startswith(f"memory is {asked!r}; write bytes as kB, MB, GB")
    assert "GiB" in text
    assert "Gbit" in text


@given(
    st.integers(1, 99_999), st.sampled_from(["kB", "MB", "GB", "TB", "KiB", "GiB", "kbit", "Tbit"])
)
def test_memory_comes_back_from_its_words(amount: int, unit: str) -> None:
    found = read_memory(f"{amount} {unit}")
    assert str(found) == f"{amount} {unit}"
    assert read_memory(str(found)) == found
    per = {"B": 8, "t": 1}[unit[-1]]
    base = 1024 if "i" in unit[:2] else 1000
    assert found.bits == amount * per * base ** (1 + "kMGT".index(unit[0].replace("K", "k")))


# --- parameters --------------------------------------------------------------------------------


def test_parameters_fill_the_memory() -> None:
    assert parameters_in("24GB", 4) == 48e9
    assert parameters_in(8e10, 16) == 5e9
    # 24 GB less 1 GB of embeddings in 16 bits, at half a byte each
    assert parameters_in("24GB", 4, embeddings="500M") == 46e9
    assert parameters_in("24GB", 4, embeddings=5e8, embedding_bits=8) == 47e9
    np.testing.assert_array_equal(parameters_in("1GB", np.array([4, 8])), [2e9, 1e9])
    bits = xr.DataArray([4.0, np.nan], {"option": ["a", "b"]}, attrs={"units": "bits per weight"})
    size = parameters_in("1GB", bits)
    assert size.sel(option="a").item() == 2e9
    assert size.isnull().values.tolist() == [False, True]
    assert (size.name, size.attrs) == ("N", {"units": "parameters"})


@given(st.floats(1e6, 1e15), st.floats(1, 16), st.floats(0, 0.99), st.sampled_from([8.0, 16.0]))
def test_parameters_and_embeddings_together_are_the_memory(
    bits: float, width: float, share: float, each: float
) -> None:
    embeddings = share * bits / each
    size = parameters_in(bits, width, embeddings, each)
    assert size * width + embeddings * each == pytest.approx(bits)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"embeddings": "1B"}, "1B embeddings of 16 bits fill the memory of 2 GB alone; give more"),
        ({"embeddings": -1}, "embeddings is -1; write a number of 0 or more"),
        ({"embeddings": "many"}, "embeddings is 'many'; write a number such as"),
        ({"embeddings": np.inf}, "embeddings is inf; write a number of 0 or more"),
        ({"embedding_bits": 0}, "embedding_bits is 0; write a number above 0"),
        ({"bits_per_weight": 0}, "bits_per_weight is 0; write a number above 0"),
        ({"memory": "2gb"}, "memory is '2gb'; write bytes as"),
    ],
)
def test_a_memory_that_holds_no_model_is_refused(asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BayesqError, match=words):
        parameters_in(**{"memory": "2GB", "bits_per_weight": 4} | asked)
