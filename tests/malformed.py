"""Tables that nothing is known of: broken in every way, or shipped ones with some bytes changed."""

from __future__ import annotations

import gzip
from pathlib import Path

from hypothesis import strategies as st

from half_right import HOLES

HERE = Path(__file__).parent
NAMES = (
    "N", "D", "loss", "perplexity", "ppl", "val_loss", "eval_loss", "nll", "bpb", "bits_per_token",
    "bytes_per_token", "loss_se", "perplexity_se", "ppl_se", "loss_std", "n_seeds", "stderr",
    "params", "n_params", "model_size", "tokens", "n_tokens", "train_tokens", "C", "flops", "step",
    "_step", "Step", "run", "run_id", "name", "study", "seed", "stage", "method", "quant", "w_kind",
    "w_bits", "bits", "wbits", "bpw", "w_group", "group_size", "gs", "a_bits", "a_kind", "kv_bits",
    "w_exponent", "w_mantissa", "sparsity", "annealed", "degradation_se", "loss_full", "corpus",
    "U", "train_w_bits", "row_length", "lr", "notes", "", " N", "Unnamed: 0", "N;D", "größe",
    "损失", "metrics.loss", "params.N", "__class__", "self", "index", "=1+1", "\u200bN", "N\u00a0",
)  # fmt: skip
CELLS = (
    *HOLES, "7B", "300M", "1.5e9", "15T", "0", "-1", "1e400", "-0.0", "1e-320", "9" * 400, "2.5",
    "2,5", "1,000", "125,000,000", "4", "16", "int4", "W4", "fp8", "4-bit", "w4a16", "nf4", "100%",
    "150%", "16:32", "2:4", "0:0", "yes", "no", "true", "none", "post", "train", "ptq", "GPTQ",
    "gptq", "a", "NaN", "Infinity", "0x10", "1_000", "\uff11\uff12", "٣", "½", "²", "1e", "e5",
    "+-3", "--", "\ufeff2.5", "2.5\u00a0", "2.5\u2009B", "\u2019", "\x1b[31mred", "<script>",
    "=cmd|' /C calc'!A0", "{0.__class__}", "%s%n", "__import__('os')", "a\nb", 'a"b',
    "a,b", "'", '"', "\t", "\x00", "\x85", "\u2028", "ﬀ", "🤗", "e\u0301", "\u202e4",
)  # fmt: skip
cells = (
    st.sampled_from(CELLS)
    | st.floats().map(repr)
    | st.integers().map(str)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
positive = st.floats(1e-3, 1e13, allow_subnormal=False).map(repr)


@st.composite
def broken(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a table of odd names and odder cells, sometimes ragged, in some encoding."""
    unique = draw(st.integers(0, 5)) > 0
    header = draw(st.lists(st.sampled_from(NAMES), max_size=5, unique=unique))
    if draw(st.integers(0, 5)):
        header = [*header, *(name for name in ("N", "D", "loss") if name not in header)]
    mark = draw(st.sampled_from([","] * 6 + [";", "\t", "|", " "]))
    quoted = draw(st.booleans())
    # Where most cells are good, the odd ones are looked at.
    odd = draw(st.sampled_from([1, 10, 100]))
    lines = [header]
    for _ in range(draw(st.integers(0, 6))):
        length = len(header) + draw(st.sampled_from([0] * 30 + [1, -1]))
        line = [draw(cells if draw(st.integers(0, odd)) == 0 else positive) for _ in range(length)]
        lines.append(line)
    ending = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    wrap = '"{}"' if quoted else "{}"
    text = ending.join(mark.join(wrap.format(cell) for cell in line) for line in lines) + ending
    encoding = draw(st.sampled_from(["utf-8"] * 6 + ["utf-8-sig", "utf-16", "utf-16-le", "gbk"]))
    data = text.encode(encoding, errors="replace")
    suffix = draw(st.sampled_from([".csv"] * 8 + [".tsv", ".csv.gz", ".jsonl", ".ndjson", ".txt"]))
    if suffix.endswith(".gz") and draw(st.booleans()):
        data = gzip.compress(data, mtime=0)
    return f"runs{suffix}", data


def shipped() -> list[bytes]:
    """Read the tables of the cases, and the head of the pool."""
    pool = HERE.parent / "bayesq" / "data" / "grid.csv"
    head = b"".join(pool.read_bytes().splitlines(keepends=True)[:40])
    return [head, *(path.read_bytes() for path in sorted((HERE / "cases").glob("*.csv")))]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """Draw a shipped table with one to three changes to its bytes."""
    data = draw(st.sampled_from(shipped()))
    for _ in range(draw(st.integers(1, 3))):
        if not data:
            break
        start = draw(st.integers(0, len(data) - 1))
        stop = min(len(data), start + draw(st.integers(1, 30)))
        span, before, after = data[start:stop], data[:start], data[stop:]
        match draw(st.integers(0, 8)):
            case 0:
                data = before + after
            case 1:
                data = before + span + span + after
            case 2:
                data = before
            case 3:
                data = before + draw(st.binary(min_size=1, max_size=4)) + after
            case 4:
                data = (
                    before
                    + bytes([data[start] ^ (1 << draw(st.integers(0, 7)))])
                    + data[start + 1 :]
                )
            case 5:
                data = (
                    before
                    + draw(st.sampled_from([b'"', b",", b"\n", b"\r", b"\0", b";"]))
                    + span
                    + after
                )
            case 6:
                lines = data.splitlines(keepends=True)
                i, j = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
                lines[i], lines[j] = lines[j], lines[i]
                data = b"".join(lines)
            case 7:
                data = data.replace(
                    *draw(st.sampled_from([(b",", b";"), (b".", b","), (b"\n", b"\r\n")]))
                )
            case 8:
                cell = draw(st.sampled_from(CELLS)).encode()
                data = before.rpartition(b",")[0] + b"," + cell + b"," + after.partition(b",")[2]
    if draw(st.integers(0, 9)) == 0:
        packed = gzip.compress(data, mtime=0)
        return "runs.csv.gz", packed[: draw(st.integers(1, len(packed)))]
    return draw(st.sampled_from(["runs.csv", "runs.csv", "runs.csv", "runs.tsv"])), data
