"""The posted table of the GGUF case study, against the copy among the cases of tables."""

from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
FILES = ROOT / "case_studies" / "gguf" / "files.csv"
CASE = ROOT / "tests" / "cases" / "c01_gguf_bpw.csv"
SHOWN = ROOT / "docs" / "tables" / "files.csv"
PARAMS = {"8B": 8.03e9, "70B": 70.55e9}


def test_the_posted_files_are_those_of_the_case() -> None:
    files = pd.read_csv(FILES)
    files = files[files["model"].str.startswith("Llama-3-")]
    case = pd.read_csv(CASE)
    # The case has one row a name; of the 8B the one without an imatrix.
    files = files[(files["model"] != "Llama-3-8B") | (files["imatrix"] == "none")]
    files = files.assign(
        run=files["model"].str.removeprefix("Llama-3-"),
        name=files["file"].str.upper().str.replace("F16", ""),
    )
    case = case.assign(name=case["method"].fillna("").str.upper())
    both = case.merge(files, on=["run", "name"], validate="one_to_one")
    assert len(both) == len(case)
    np.testing.assert_array_equal(both["perplexity"], both["ppl"])
    np.testing.assert_array_equal(both["perplexity_se"], both["ppl_se"])
    quantized = both[both["w_bits"] < 16]
    bits = 8 * 2**30 * quantized["size_GiB"] / quantized["run"].map(PARAMS)
    # Sizes are posted to 0.01 GiB, which is 0.011 bits of the 8B; the case rounds to 0.01 and has
    # other counts of parameters.
    np.testing.assert_allclose(bits, quantized["w_bits"], atol=0.025)


def test_no_file_is_listed_twice() -> None:
    files = pd.read_csv(FILES)
    assert not files.duplicated(["model", "file", "imatrix"]).any()


def test_the_table_of_the_documentation_has_rows_of_this_one() -> None:
    shown, files = pd.read_csv(SHOWN), pd.read_csv(FILES)
    low = shown["bpw"] < 5.2
    shown = shown.assign(imatrix=np.where(low, "wiki", "none"))
    # The 70B's files of 5 bits were made with one too.
    five = (shown["model"] == "Llama-3-70B") & shown["file"].str.startswith("Q5")
    shown.loc[five, "imatrix"] = "wiki"
    both = shown.merge(files, on=["model", "file", "imatrix"], validate="one_to_one")
    assert len(both) == len(shown) == 47
    np.testing.assert_array_equal(both["ppl_x"], both["ppl_y"])
    np.testing.assert_array_equal(both["ppl error"], both["ppl_se"])
    params = both["model"].str.removeprefix("Llama-3-").map(PARAMS)
    np.testing.assert_allclose(1e9 * both["params (B)"], params, rtol=1e-12)
    bits = (8 * 2**30 * both["size_GiB"] / params).round(2)
    quantized = both["file"] != "F16"
    np.testing.assert_allclose(both["bpw"][quantized], bits[quantized])
    assert (both["bpw"][~quantized] == 16).all()
