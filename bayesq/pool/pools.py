"""The pools of runs that bayesq knows by name, and where each comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bayesq import html
from bayesq.catalogue import Catalogue
from bayesq.pool import datablations, epoch_chinchilla, quest
from bayesq.runs.counts import format_count

if TYPE_CHECKING:
    from bayesq.runs.records import Record

Range = tuple[float, float]


@dataclass(frozen=True)
class Upstream:
    """A pool's one plain file in its public repository.

    Parameters
    ----------
    url : str
        Address of the file at the pinned commit.
    sha256 : str
        Checksum of the file.
    parse : callable
        Turns the downloaded file into records in the common columns.
    """

    url: str
    sha256: str
    parse: Callable[[Path], list[Record]]


@dataclass(frozen=True)
class Pool:
    """A published table of runs.

    Parameters
    ----------
    name : str
        The name for :func:`bayesq.load_pool`.
    title : str
        What the pool is good for, in a few words.
    description : str
        What N and the loss mean, and what to beware of.
    rows, runs : int
        Number of losses, and of training runs that they come from.
    N, D, loss : tuple of float
        Lowest and highest parameters, training tokens and loss (nats per token) of all studies
        together. Base losses of different studies are not comparable.
    licence : str
        Licence of the source, or that none was found.
    source : str
        The public repository, at the pinned commit where there is one.
    studies : tuple of str
        Values of the column ``study``.
    annealed : {"yes", "no", ""}
        Whether the learning rate of each row was brought down for its D; empty where the source
        does not say.
    upstream : Upstream, optional
        The file that :func:`bayesq.load_pool` fetches where no local table is at hand.
    unique_tokens : callable, optional
        From the pool's local folder to the unique tokens of each run, where ``runs.csv`` lacks
        them.
    """

    name: str
    title: str
    description: str
    rows: int
    runs: int
    N: Range
    D: Range
    loss: Range
    licence: str
    source: str
    studies: tuple[str, ...]
    annealed: str = ""
    upstream: Upstream | None = None
    unique_tokens: Callable[[Path], Mapping[str, float]] | None = None

    def summary_row(self) -> dict[str, object]:
        """Return what the catalogue's table says of the pool."""
        return {
            "title": self.title,
            "rows": self.rows,
            "runs": self.runs,
            "N": " to ".join(map(format_count, self.N)),
            "D": " to ".join(map(format_count, self.D)),
            "loss": " to ".join(f"{nats:.3f}" for nats in self.loss),
            "licence": self.licence,
            "source": self.source,
        }

    def __str__(self) -> str:
        told = {**self.summary_row(), "studies": ", ".join(self.studies)}
        width = max(map(len, told))
        facts = (f"{name.ljust(width)}  {value}" for name, value in told.items())
        return "\n".join([f"Pool {self.name}: {self.description}", *facts])

    def _repr_html_(self) -> str:
        told = {**self.summary_row(), "studies": ", ".join(self.studies)}
        return html.block(f"Pool {self.name}", html.paragraph(self.description), html.facts(told))


def pools() -> Catalogue[Pool]:
    """List the pools of runs: what each holds, its licence and its source.

    Returns
    -------
    Catalogue of Pool
        A dictionary by name that prints as a table; ``.to_frame()`` gives a data frame.

    Examples
    --------
    >>> import bayesq
    >>> bayesq.pools()["grid"].rows
    1068
    """
    return Catalogue("pool", {pool.name: pool for pool in _POOLS})


def _raw(source: str, path: str) -> str:
    repository, commit = source.split("@")
    return f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"


_EPOCH = "epoch-research/analyzing-chinchilla@92258837425e1b5f2851d624287f0120583a3d0e"
_QUEST = "IST-DASLab/QuEST@c295afda142c03a89d2af04653881beccf459aa1"

_POOLS = (
    Pool(
        name="grid",
        title="all kinds of quantization, small models",
        description=(
            "Transformers trained for bayesq on kernel source code: quantization-aware training "
            "and round-to-nearest after it, INT2 to INT8 and minifloats, weights, activations, KV "
            "cache and FC2 input. N without embeddings; held-out loss. Rows of one run share a "
            "trunk of constant learning rate; runs at 25M tokens are noisy."
        ),
        rows=1068,
        runs=132,
        N=(786_432, 18_874_368),
        D=(24_969_216, 399_966_208),
        loss=(1.339941, 9.034761),
        licence="Apache-2.0",
        source="bayesq",
        studies=("grid",),
        annealed="yes",
    ),
    Pool(
        name="epoch_chinchilla",
        title="base law",
        description=(
            "Points of Chinchilla's Figure 4, read from its SVG; final training loss on "
            "MassiveText. D is C / (6 N), so errors of N and D are linked; nine compute budgets. "
            "The authors of the refit drop the five rows of highest loss: "
            "select('loss < 3.44') keeps their 240."
        ),
        rows=245,
        runs=245,
        N=(57_334_197, 16_183_346_311),
        D=(245_105_958, 317_754_489_344),
        loss=(2.077394245, 5.005581996),
        licence="none found",
        source=_EPOCH,
        studies=("epoch_chinchilla",),
        upstream=Upstream(
            _raw(_EPOCH, "data/svg_extracted_data.csv"),
            "193478df4e90f040016431996c45682659306840ecdadf83cfb9cd5ca0aa1b30",
            epoch_chinchilla.parse,
        ),
    ),
    Pool(
        name="gadre",
        title="base law on three corpora, with loss_se",
        description=(
            "One study a training corpus, all losses on C4 validation; N without embeddings. "
            "loss_se is the sampling error of the shared evaluation text, not noise between runs."
        ),
        rows=104,
        runs=104,
        N=(5_727_840, 6_682_841_088),
        D=(52_846_560, 921_468_928_000),
        loss=(2.382220423, 6.123879526),
        licence="MIT",
        source="mlfoundations/scaling@a003c4913793ac2ae7ef87b28ecb562955d026d5",
        studies=("gadre-c4", "gadre-rpj", "gadre-rw"),
    ),
    Pool(
        name="datablations",
        title="base law, and repeated data",
        description=(
            "D counts tokens seen, repeats included. A law in N and D alone holds on study "
            "datablations-1ep only (37 rows, data seen once); the other study needs the number of "
            "unique tokens too, column U, which comes from the tidied table beside runs.csv."
        ),
        rows=289,
        runs=289,
        N=(7_098_752, 8_670_000_000),
        D=(1e8, 9e11),
        loss=(2.336741, 11.01838),
        licence="Apache-2.0",
        source="huggingface/datablations@13701315b163f1c54642b94ad237b2699187c3ee",
        studies=("datablations-1ep", "datablations-repeat"),
        unique_tokens=datablations.unique_tokens,
    ),
    Pool(
        name="olmo_ladder",
        title="base law, with reruns",
        description=(
            "Five sizes at five multiples of 20 tokens a parameter, the 1x cells twice; loss on "
            "C4. N counts the output head and not the input embedding. D is proportional to N "
            "within a multiple."
        ),
        rows=30,
        runs=30,
        N=(190_354_176, 3_169_537_280),
        D=(1_908_932_608, 633_939_689_472),
        loss=(2.664398909, 3.747478962),
        licence="Apache-2.0",
        source="allenai/OLMo-ladder@67a3f440f787d020da35e3ca8eeae475fae754f5",
        studies=("olmo_ladder",),
    ),
    Pool(
        name="misfitting",
        title="base law, several learning rates a cell",
        description=(
            "Trained on FineWeb, loss on C4; N without embeddings. Usually three learning rates "
            "for each N and D; the asymptote is hardly identified."
        ),
        rows=240,
        runs=240,
        N=(12_047_168, 1_002_009_344),
        D=(104_857_600, 20_971_520_000),
        loss=(2.685064683, 6.384351787),
        licence="none found",
        source="hadasah/scaling_laws@1f3708c0a12df0effb0ee906b1da5f9f0ff4f4f1",
        studies=("misfitting",),
    ),
    Pool(
        name="open_athena_isoflops",
        title="base law on isoFLOP curves",
        description=(
            "Three Marin ladders (loss: mean over Paloma's parts), and points digitised from the "
            "Llama 3 paper, whose losses (0.69 to 0.93) may not be in nats per token. N and D are "
            "tied within a compute budget."
        ),
        rows=391,
        runs=391,
        N=(58_721_964, 16_756_432_937),
        D=(1_095_663_616, 1_034_815_724_400),
        loss=(0.6935748839, 3.970263004),
        licence="none found",
        source="Open-Athena/scaling-law-analysis@3e0656ee3dce1a2c89aa67691920f5eb9d30f0fc",
        studies=(
            "open_athena_isoflops-llama3raw",
            "open_athena_isoflops-comma",
            "open_athena_isoflops-dclm",
            "open_athena_isoflops-nemotron",
        ),
    ),
    Pool(
        name="quest",
        title="quantization-aware training, INT and FP4",
        description=(
            "INT1 to INT8 and FP4, weights alone or with activations, from scratch; N without "
            "embeddings, loss on C4. The file of the public repository holds 104 of the 133 rows; "
            "the other 29 (run starts with table-) were typed from a notebook of that repository "
            "and are only in a local table. 24 rows have no full-precision partner."
        ),
        rows=133,
        runs=133,
        N=(30_482_560, 822_151_168),
        D=(749_993_984, 79_999_795_200),
        loss=(2.460976839, 6.867),
        licence="MIT",
        source=_QUEST,
        studies=("quest",),
        upstream=Upstream(
            _raw(_QUEST, "for_plots/runs_for_scaling.json"),
            "b588f0fc2144a69a0d24c192becf70d329fd2613c69ff6d3c9ddeea3e2e702fc",
            quest.parse,
        ),
    ),
    Pool(
        name="quartet",
        title="training with 4-bit products, MXFP4",
        description=(
            "4-bit formats in the forward pass, the backward pass (grad_bits 4) or both; N without "
            "embeddings, loss on C4. Jetfire-FP4, HALO-FP4 and LUQ-FP4 did not train properly. Two "
            "full-precision rows are also in pool quest."
        ),
        rows=210,
        runs=210,
        N=(30_482_560, 1_586_076_160),
        D=(749_993_984, 158_607_616_000),
        loss=(2.4102, 7.04),
        licence="MIT",
        source="IST-DASLab/Quartet@5b9d74c6d3709a87bd0881386c8f288ea825c276",
        studies=("quartet",),
    ),
    Pool(
        name="olmo_ptq",
        title="RTN and AWQ along one run",
        description=(
            "Checkpoints of OLMo-1B quantized to 2 to 5 bits, weights only, 128 to a scale; one "
            "study an evaluation text, N the total. All rows come from one training run, so D is "
            "confounded with the learning rate's decay; 2-bit rows are near collapse."
        ),
        rows=216,
        runs=1,
        N=(1_176_764_416, 1_176_764_416),
        D=(8.4e10, 2.936e12),
        loss=(2.478463411, 9.634570122),
        licence="none found",
        source="reeceshuttle/deep-learning-proj@78677585e76700b465c1e59b476cdf2af0dc8c26",
        studies=("olmo_ptq-c4", "olmo_ptq-wt2"),
        annealed="no",
    ),
    Pool(
        name="ptq_perplexity",
        title="PTQ of public models, 125M to 175B",
        description=(
            "Perplexities on WikiText-2 printed by GPTQ, EfficientQAT, ParetoQ and a study of "
            "GGUF files, as log. One study a family; D varies only between families and is "
            "unverified, N is the total. Perplexities have one or two decimals."
        ),
        rows=112,
        runs=24,
        N=(1.25e8, 1.746e11),
        D=(1.8e11, 1.5e13),
        loss=(1.047318994, 3.986202404),
        licence="differs by source",
        source=(
            "IST-DASLab/gptq (Apache-2.0), OpenGVLab/EfficientQAT (none found), "
            "facebookresearch/ParetoQ (BSD), whucs21Mzy/Model-Phase-Transitions (none found)"
        ),
        studies=(
            "ptq_perplexity-llama1",
            "ptq_perplexity-opt",
            "ptq_perplexity-llama2",
            "ptq_perplexity-llama3",
            "ptq_perplexity-mobilellm",
            "ptq_perplexity-llama31-gguf",
        ),
    ),
)
