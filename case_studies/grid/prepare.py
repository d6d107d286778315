"""Tokenise a corpus once: text files in, one .npy vector of 16-bit token numbers each out.

Documents within a text file are separated by NUL characters. In the tokens, document ends are
marked by token 0, so the tokenizer must keep number 0 for that.
"""

from __future__ import annotations

import argparse
import lzma
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from pathlib import Path

import numpy as np
from needs import require

END_OF_DOCUMENT = 0
CHUNKS_A_CORE = 4


def main() -> None:
    """Read the command line and tokenise every file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokenizer", type=Path, help="JSON file of the tokenizers package")
    parser.add_argument("out", type=Path, help="folder for the .npy files")
    parser.add_argument("texts", type=Path, nargs="+", help="text, or text.xz; val* is held out")
    options = parser.parse_args()
    require("tokenizers")
    options.out.mkdir(parents=True, exist_ok=True)
    for text in options.texts:
        tokens = tokenise(text, options.tokenizer)
        np.save(options.out / f"{text.name.split('.')[0]}.npy", tokens)
        print(f"{text.name}: {tokens.size:,} tokens")


def tokenise(text: Path, tokenizer: Path) -> np.ndarray:
    """Tokenise one file on all cores.

    Parameters
    ----------
    text
        UTF-8, plain or compressed (.xz); bytes that are no UTF-8 are left out.
    tokenizer
        JSON file of the tokenizers package.

    Returns
    -------
    numpy.ndarray
        Token numbers, with `END_OF_DOCUMENT` after each document.
    """
    opened = lzma.open if text.suffix == ".xz" else open
    with opened(text, "rb") as file:
        documents = file.read().decode("utf-8", "ignore").split("\x00")
    cores = os.cpu_count() or 1
    size = len(documents) // (cores * CHUNKS_A_CORE) + 1
    chunks = [documents[first : first + size] for first in range(0, len(documents), size)]
    with ProcessPoolExecutor(cores) as pool:
        return np.concatenate(list(pool.map(_encode, chunks, repeat(tokenizer))))


def _encode(documents: list[str], tokenizer: Path) -> np.ndarray:
    # The pool already uses every core.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    encodings = Tokenizer.from_file(str(tokenizer)).encode_batch(documents)
    return np.concatenate(
        [np.array([*encoding.ids, END_OF_DOCUMENT], dtype=np.uint16) for encoding in encodings]
    )


if __name__ == "__main__":
    main()
