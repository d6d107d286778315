"""Run the whole chain on a CPU in a minute or so: train, round, and write runs.csv.

The corpus is the source text of Python's standard library and a token is a byte, so the losses
mean nothing beside those of the shipped runs; only the program is the same.
"""

from __future__ import annotations

import argparse
import json
import math
import sysconfig
from pathlib import Path

from needs import require
from phases import smoke as smoke_jobs
from tidy import read_lines, tidy, write_table

BATCH = 8
TRAINING_BYTES = 500_000
HELD_OUT_BYTES = 16_384
NATS_OF_A_RANDOM_BYTE = math.log(256)


def main() -> None:
    """Read the command line, run everything and print the losses."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder to write to; made if new")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads of torch")
    options = parser.parse_args()
    require("torch", "numpy")
    table = smoke(options.out, options.device, options.threads)
    for row in table:
        print(
            f"{row['run']:16} D {row['D']:>7,}  {row['stage']:5} {row['w_kind'] or '-':3} "
            f"{row['w_bits']:>2} bits  loss {row['loss']:.4f}  full {row['loss_full']:.4f}"
        )
    worst = max(row["loss"] for row in table)
    # Written so that a loss that is no number fails as well.
    if not worst < NATS_OF_A_RANDOM_BYTE:
        raise SystemExit(f"a loss of {worst:.4f} is no better than guessing bytes at random")


def smoke(out: Path, device: str = "cpu", threads: int = 1) -> list[dict]:
    """Train the smoke jobs and write the corpus, rows.jsonl and runs.csv.

    Parameters
    ----------
    out
        Folder to write to.
    device
        ``"cpu"`` or ``"cuda"``.
    threads
        CPU threads of torch. Losses repeat to the last bit with 1.

    Returns
    -------
    list of dict
        Rows of runs.csv.
    """
    # Here, not above, so that a missing torch is told in one sentence.
    import torch
    from corpus import Corpus
    from train import train

    torch.set_num_threads(threads)
    write_corpus(out / "corpus")
    corpus = Corpus(out / "corpus", device, BATCH, HELD_OUT_BYTES)
    with (out / "rows.jsonl").open("w", encoding="utf-8") as lines:
        for job in smoke_jobs():
            train(job, corpus, lambda row: lines.write(json.dumps(row) + "\n"))
    table = tidy(read_lines(out / "rows.jsonl"), corpus="python-stdlib-bytes")
    write_table(out / "runs.csv", table)
    return table


def write_corpus(folder: Path) -> None:
    """Write the standard library's own source as a corpus of bytes, part of it held out.

    Parameters
    ----------
    folder
        Where the .npy files go.
    """
    import numpy as np

    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    # A NUL byte ends each document, as token 0 does in the corpus of the shipped runs.
    text = b"".join(file.read_bytes() + b"\x00" for file in files)
    tokens = np.frombuffer(text, dtype=np.uint8).astype(np.uint16)
    wanted = TRAINING_BYTES + HELD_OUT_BYTES + 1
    if len(tokens) < wanted:
        raise ValueError(f"the standard library has {len(tokens)} bytes of source, not {wanted}")
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "train.npy", tokens[:TRAINING_BYTES])
    np.save(folder / "val.npy", tokens[TRAINING_BYTES:wanted])


if __name__ == "__main__":
    main()
