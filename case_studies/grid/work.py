"""Take jobs from a queue that several workers share, and train them one after the other."""

from __future__ import annotations

import argparse
import fcntl
import json
from pathlib import Path

from needs import require
from phases import PHASES


def main() -> None:
    """Read the command line and work until no job is left."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True, help="folder of prepare.py")
    parser.add_argument("--phase", choices=sorted(PHASES), default="one")
    parser.add_argument("--out", type=Path, required=True, help="JSON lines to append to")
    parser.add_argument("--queue", type=Path, help="shared by workers (default: OUT.PHASE.queue)")
    options = parser.parse_args()
    require("torch", "numpy")
    work(
        options.phase,
        options.corpus,
        options.out,
        options.queue or Path(f"{options.out}.{options.phase}.queue"),
    )


def work(phase: str, corpus_folder: Path, out: Path, queue: Path) -> None:
    """Train the jobs of a phase that no other worker has taken.

    A job that runs out of device memory leaves a line with its id and the error, and the next
    follows; any other failure ends this worker. A taken job is never handed out again.

    Parameters
    ----------
    phase
        Key of `phases.PHASES`.
    corpus_folder
        Folder of prepare.py.
    out
        File to append one JSON line to for every measured loss.
    queue
        File in which the workers note which jobs are taken.
    """
    # Here, not above, so that a missing torch is told in one sentence.
    import torch
    from corpus import Corpus
    from train import train

    jobs = PHASES[phase]()
    out.parent.mkdir(parents=True, exist_ok=True)
    corpus = Corpus(corpus_folder, "cuda" if torch.cuda.is_available() else "cpu")
    while (index := take(queue, len(jobs))) is not None:
        job = jobs[index]
        # Each job compiles its own graph; without this they pile up until torch stops compiling.
        torch.compiler.reset()
        try:
            train(job, corpus, lambda row: append(out, row))
        except torch.OutOfMemoryError as error:
            append(out, {"id": job.id, "error": str(error)})


def take(queue: Path, jobs: int) -> int | None:
    """Take the next job of a shared queue.

    Parameters
    ----------
    queue
        Holds one line for every job taken.
    jobs
        How many there are.

    Returns
    -------
    int or None
        Index of a job, or None when all are taken.
    """
    with queue.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        index = len(file.read().split())
        if index >= jobs:
            return None
        file.write(f"{index}\n")
        return index


def append(out: Path, row: dict) -> None:
    """Append one JSON line, whole, to a file that other workers write to as well.

    Parameters
    ----------
    out
        The file.
    row
        What to write.
    """
    with out.open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
