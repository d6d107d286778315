"""Names that the field gives to the columns of a table, and what each is read as."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bayesq.errors import BayesqError, nearest
from bayesq.notes import Note, series
from bayesq.runs.counts import as_number
from bayesq.runs.records import Records, is_missing, one_line
from bayesq.runs.schema import REQUIRED, Row

# What a loss is measured in, and what its error is given as: read, and not kept.
MEASURES = ("loss", "perplexity", "bits_per_byte", "bits_per_token")
ERRORS = ("perplexity_se", "bits_per_byte_se", "bits_per_token_se", "loss_std", "perplexity_std")
HELPERS = ("bytes_per_token", "n_seeds", "sparsity_percent")
COMMON = (*Row.model_fields, *MEASURES[1:], *ERRORS, *HELPERS)

# Without case and separators. Of several names of a run the first is taken; of anything else the
# user chooses.
_ALIASES = {
    "N": "modelsize params nparams numparams parameters nparameters numparameters paramcount "
    "parametercount modelparams modelparameters nonembeddingparams nnonembedding nonembparams "
    "totalparams activeparams",
    "D": "tokens ntokens numtokens traintokens trainingtokens ntraintokens trainedtokens "
    "tokensseen totaltokens tokencount pretrainingtokens datasettokens tok toks ntok numtok "
    "traintok",
    "U": "uniquetokens nuniquetokens numuniquetokens",
    "loss": "valloss evalloss testloss validationloss validloss heldoutloss finalloss trainloss "
    "nll valnll evalnll crossentropy crossentropyloss celoss xent valcrossentropy",
    "perplexity": "ppl valppl evalppl testppl valperplexity evalperplexity testperplexity "
    "validationperplexity tokenperplexity",
    "bits_per_byte": "bpb valbpb evalbpb testbpb bitsperbytes",
    "bits_per_token": "bpt valbpt evalbpt",
    "loss_se": "lossstderr losssem lossstandarderror vallossse evallossse testlossse "
    "vallossstderr evallossstderr nllse nllstderr seloss",
    "perplexity_se": "pplse pplstderr pplsem perplexitystderr perplexitysem perplexityerror "
    "pplerror pplerr valpplse evalpplse",
    "bits_per_byte_se": "bpbse bpbstderr bpbsem",
    "bits_per_token_se": "bptse bptstderr bptsem",
    "loss_std": "lossstd lossstdev losssd vallossstd evallossstd testlossstd stdloss nllstd",
    "perplexity_std": "pplstd pplstdev pplsd perplexitysd",
    "n_seeds": "numseeds seeds nrepeats nruns numruns",
    "degradation_se": "degradationstderr deltase deltastderr deltalossse differencese pairedse",
    "bytes_per_token": "bytespertok tokenbytes",
    "w_bits": "bits wbits weightbits weightsbits bitwidth nbits numbits quantbits bpw "
    "bitsperweight wbit weightbit weightbitwidth",
    "a_bits": "abits actbits activationbits activationsbits abit activationbit",
    "kv_bits": "kvbits kvcachebits kvbit cachebits",
    "grad_bits": "gradbits gradientbits backwardbits",
    "w_group": "groupsize gs wgroupsize weightgroupsize qgroupsize wgs",
    "a_group": "agroupsize activationgroupsize",
    "method": "quant quantizer quantmethod quantizationmethod quantization ptqmethod quanttype",
    "sparsity": "sparsityratio weightsparsity pruningratio",
    "sparsity_percent": "sparsitypct sparsitypercentage",
    "seed": "randomseed trainseed trainingseed",
    "run": "runid runname runuuid",
    "corpus": "evalcorpus evaldataset evaldata evalset",
}
_LOOKUP = {re.sub(r"[\W_]+", "", name).lower(): name for name in COMMON} | {
    alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()
}
_WORDS = {"sparsity_percent": "sparsity in per cent"}
# A tracker's export has these, and its column "Name" is the run's.
_TRACKED = {"State", "Runtime", "_runtime", "_step", "_timestamp", "Created", "Sweep", "run_uuid"}
# As trackers of experiments write them: params.N, metrics.loss, config/lr.
_TRACKER = re.compile(r"(?:metrics|params|config|summary|hparams|tags)[./](?=.)", re.IGNORECASE)
# "tokens (B)", "params_b", "N in millions".
_UNIT = re.compile(
    r"(?P<name>.*?[^\W_])(?:\s*[\[(]\s*(?:in\s+)?|[\s_]+(?:in\s+)?)"
    r"(?P<unit>[kmbt]|bn|(?:thousand|million|billion|trillion)s?)\s*[\])]?\s*",
    re.IGNORECASE,
)
# Parameters of the smallest network; n of less is a number of repeats.
_SMALLEST = 1e4
_COUNTED = ("N", "D", "U", "row_length")
_POWER = {
    **dict.fromkeys(("k", "thousand"), "e3"),
    **dict.fromkeys(("m", "million"), "e6"),
    **dict.fromkeys(("b", "bn", "billion"), "e9"),
    **dict.fromkeys(("t", "trillion"), "e12"),
    **{f"{ten}{power}": f"e{power}" for ten in ("1e", "10") for power in (3, 6, 9, 12)},
}
_LETTER = {"e3": "K", "e6": "M", "e9": "B", "e12": "T"}
_TOLD = re.compile(r"(?P<name>.*[^\W_])\s*[\[(](?P<unit>[^\])]+)[\])]\s*")
_UNITS = {
    **dict.fromkeys(("loss", "loss_se", "loss_std"), ("nat", "nats", "natstoken", "natspertoken")),
    **dict.fromkeys(("D", "U"), ("token", "tokens")),
    "N": ("params", "parameters", "weights"),
    "w_bits": ("weight", "weights", "w"),
}
# What looks like the error of a measurement and is not read as one.
_ERROR = re.compile(
    r"(?:^|[\W_])(?:se|std|stdev|stddev|sd|sem|stderr|err|error|errors|ci|ci95|uncertainty)\d*$",
    re.IGNORECASE,
)
# Parts of names of columns that are measured, where the whole name says no more.
_MEASURED_AS = {
    "loss|nll|entropy": "loss",
    "ppl|perplexity": "perplexity",
    "bpb|bits.?per.?byte": "bits_per_byte",
}
# Columns of a chart that wandb exported: one for each run, with its least and greatest beside it.
_CHART = re.compile(r".+ - .+__(?:MIN|MAX)")


@dataclass(frozen=True)
class Naming:
    """What each column of a table is called from here on.

    Parameters
    ----------
    names : dict of str to str
        The source's own names to the common ones, or to themselves.
    powers : dict of str to str
        Of common columns that are counted in thousands to trillions, the power of ten: ``"e9"``.
    notes : tuple of Note
        What was recognised.
    """

    names: dict[str, str]
    powers: dict[str, str]
    notes: tuple[Note, ...] = ()

    def theirs(self, column: str) -> str:
        """Return the table's own name of a column."""
        return next((theirs for theirs, name in self.names.items() if name == column), column)


def exact_names(records: Records) -> Naming:
    """Take common names as they are, and refuse those that are nearly so.

    Raises
    ------
    BayesqError
        If a column's name is a common one but for its case and separators.
    """
    for name in records.header:
        # Kept as a column of the user's own, "W-bits" would leave every row at 16 bits.
        meant = _near(name)
        if meant is not None and meant not in records.header:
            raise BayesqError(
                f"{records.source}, header: column {name} is not read as {meant}; rename it to "
                f"{meant}, or to a name of its own if it means something else."
            )
    return Naming({name: name for name in records.header}, {})


def recognise(records: Records, columns: Mapping[str, str]) -> Naming:
    """Find the common columns of a table: renamed by the user, or by names that the field uses.

    Raises
    ------
    BayesqError
        If a column to rename is not there, two would have one name, several fit one common column,
        or one that is required is lacking.
    """
    names, powers = _renamed(records, columns)
    _refuse_charts(records)
    taken, found = set(names.values()), dict[str, list[str]]()
    for theirs, name in names.items():
        # What the user named so is meant so.
        meant, power = (None, "") if theirs in columns else _meaning(name)
        if name == "n" and not _are_sizes(records, theirs):
            meant = None
        if name in ("Name", "name") and _TRACKED & set(records.header):
            meant = "run"
        if name not in COMMON and meant is not None and meant not in taken:
            found.setdefault(meant, []).append(theirs)
            powers |= {theirs: power} if power else {}
    whole = [_key(names, "loss")] if "loss" in taken else found.get("loss", [])
    if len(whole) == 1 and not _has_gaps(records, whole[0]):
        # What else a table measures is its owner's, where every row has a loss.
        found = {m: theirs for m, theirs in found.items() if m not in MEASURES[1:]}
    if not {"loss_std", "perplexity_std"} & {*taken, *found}:
        found.pop("n_seeds", None)
    found = {m: theirs[:1] if m == "run" else theirs for m, theirs in found.items()}
    _refuse_several(records, names, found, powers)
    said = {theirs[0]: meant for meant, theirs in found.items()}
    names |= said
    _refuse_missing(records, names)
    counted = {names[theirs]: power for theirs, power in powers.items() if theirs in names}
    counted = {name: power for name, power in counted.items() if name in _COUNTED}
    notes = (*_told(said, counted), *_tokens_unread(records, names))
    return Naming(names, counted, notes)


def in_bits_per_byte(records: Records, names: Iterable[str]) -> bool:
    """Tell whether anything in a table is in bits per byte, be it read or not."""
    said = {*names, *(_meaning(name)[0] for name in records.header)}
    return bool(said & {"bits_per_byte", "bits_per_byte_se"})


def unused_errors(names: Iterable[str], read: Iterable[str]) -> list[str]:
    """Name columns that look like errors of measurements and are read as nothing."""
    known = {*Row.model_fields, *read}
    return [name for name in names if name not in known and _ERROR.search(name)]


def options_of(columns: Mapping[str, str]) -> str:
    """Write a renaming as options of the command line."""
    return " ".join(f"-c {shlex.quote(f'{theirs}={ours}')}" for theirs, ours in columns.items())


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name.replace("%", "percent")).lower()


def _near(name: str) -> str | None:
    """Return the common name that a name is but for case and separators, if there is one."""
    return next((c for c in (*Row.model_fields, "perplexity") if _plain(c) == _plain(name)), None)


def _meaning(name: str) -> tuple[str | None, str]:
    """Return the common name that a name stands for, and the power of ten that it is counted in."""
    plain = _TRACKER.sub("", name)
    if bracket := _TOLD.fullmatch(plain):
        # What a column counts, in brackets behind its name: it takes nothing else.
        bare, unit = bracket["name"], _plain(bracket["unit"])
        meant = _LOOKUP.get(_plain(bare))
        power = _POWER.get(unit, "") if meant in _COUNTED else ""
        if power or unit in _UNITS.get(meant or "", ()):
            return meant, power
        if meant == "w_bits" and unit in ("act", "activation", "activations"):
            return "a_bits", ""
    if meant := _LOOKUP.get(_plain(plain)):
        return meant, ""
    if counted := _UNIT.fullmatch(plain):
        meant = _LOOKUP.get(_plain(counted["name"]))
        if meant in _COUNTED:
            return meant, _POWER[counted["unit"].lower().removesuffix("s")]
    return None, ""


def _key(names: Mapping[str, str], column: str) -> str:
    return next(theirs for theirs, name in names.items() if name == column)


def _are_sizes(records: Records, column: str) -> bool:
    """Tell whether cells are sizes of networks, and not numbers of repeats or examples."""
    cells = records.columns[column]
    if cells.numbers is not None:
        return bool((cells.numbers >= _SMALLEST).any())
    return any(as_number(cell) >= _SMALLEST for cell in cells.distinct[0] if not is_missing(cell))


def _sizes(records: Records, names: Mapping[str, str]) -> list[str]:
    """Name columns that are read as nothing and have a size or a count of tokens in every row."""
    free = (theirs for theirs, name in names.items() if name not in {*COMMON, *_TRACKED})
    return [theirs for theirs in free if not _meaning(theirs)[0] and _sized(records, theirs)]


def _sized(records: Records, column: str) -> bool:
    cells = records.columns[column]
    if cells.numbers is not None:
        return bool((cells.numbers >= _SMALLEST).all())
    return all(not is_missing(cell) and as_number(cell) >= _SMALLEST for cell in cells.distinct[0])


def _tokens_unread(records: Records, names: Mapping[str, str]) -> tuple[Note, ...]:
    """Point at columns that look like the tokens of a table in which nothing is read as D."""
    # Plain numbers alone are times, steps and bytes too.
    found = [
        theirs
        for theirs in ([] if "D" in names.values() else _sizes(records, names))
        if "tok" in theirs.lower() or records.columns[theirs].numbers is None
    ]
    if not found:
        return ()
    several = len(found) > 1
    return (
        Note(
            "tokens-unread",
            "warning",
            f"No column is read as D, the training tokens, and {series(found)} "
            f"{'have' if several else 'has'} counts in every row.",
            f"Map the tokens, {options_of({found[0]: 'D'})} on the command line: without them "
            "most laws cannot be fitted, and no other says what more tokens do.",
        ),
    )


def _has_gaps(records: Records, column: str) -> bool:
    cells = records.columns[column]
    if cells.numbers is not None:
        return bool(np.isnan(cells.numbers).any())
    return any(map(is_missing, cells.distinct[0]))


def _renamed(records: Records, columns: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    columns = {one_line(theirs): one_line(ours) for theirs, ours in columns.items()}
    for theirs in columns:
        if theirs not in records.header:
            raise BayesqError(
                f"{records.source}, header: no column {theirs!r} to rename; "
                f"{nearest(theirs, records.header)}."
            )
    powers: dict[str, str] = {}
    for theirs, ours in columns.items():
        meant, power = _meaning(ours)
        # Renamed to "N (B)", a column is N in billions. But loss renamed to train_loss, a common
        # name to one of the names that are read as it, is to be another than the loss.
        if ours not in COMMON and meant is not None and (power or meant != theirs):
            columns[theirs] = meant
            powers |= {theirs: power} if power else {}
    names = {name: columns.get(name, name) for name in records.header}
    taken = list(names.values())
    for name in columns.values():
        if taken.count(name) > 1:
            raise BayesqError(
                f"{records.source}, header: column {name} would stand there "
                f"{taken.count(name)} times after renaming; rename or drop the others."
            )
    return names, powers


def _refuse_charts(records: Records) -> None:
    if any(_CHART.fullmatch(name) for name in records.header):
        raise BayesqError(
            f"{records.source}, header: this is a chart's export, with a column for each run; "
            "save the table of runs instead, or write one row for each loss with its N and D."
        )


def _refuse_several(
    records: Records,
    names: Mapping[str, str],
    found: Mapping[str, list[str]],
    powers: Mapping[str, str],
) -> None:
    several = {meant: theirs for meant, theirs in found.items() if len(theirs) > 1}
    if not several:
        return
    said = "; ".join(
        f"{', '.join(theirs[:-1])} and {theirs[-1]} could each be {meant}"
        for meant, theirs in several.items()
    )
    # Of losses that of held-out text, which laws are about, before that of training.
    whole = {min(theirs, key=_is_of_training): meant for meant, theirs in found.items()}
    # A column that is named N outright is counted in ones, whatever its own name says.
    whole |= {t: f"{m} ({_LETTER[powers[t]]})" for t, m in whole.items() if t in powers}
    raise BayesqError(
        f"{records.source}, header: {said}; name the one that is meant in columns={{...}}, or on "
        f"the command line, where the others are another's, paste {options_of(whole)}."
    )


def _is_of_training(name: str) -> bool:
    return not re.search(r"val|eval|test|held", name, re.IGNORECASE)


def _refuse_missing(records: Records, names: Mapping[str, str]) -> None:
    taken = set(names.values())
    for name in REQUIRED:
        if name in taken or (name == "loss" and taken & set(MEASURES)):
            continue
        meaning, like, of = Row.model_fields[name].description, records.header, name
        if name == "N" and (sizes := _sizes(records, names)):
            like = tuple(sizes)
        if name == "loss":
            meaning = f"{meaning}; or perplexity, bits_per_byte or bits_per_token"
            for part, measure in _MEASURED_AS.items():
                if found := [t for t in records.header if re.search(part, t, re.IGNORECASE)]:
                    like, of = tuple(found), measure
                    break
        one = len(like) == 1
        theirs = like[0] if one else "theirs"
        which = f"{'' if one else 'one of '}{', '.join(like)} to {'it' if of == name else of}"
        raise BayesqError(
            f"{records.source}, header: no column {name} ({meaning}); rename {which}, or map it "
            f'with columns={{{json.dumps(theirs)}: "{of}"}} (on the command line '
            f"--column {shlex.quote(f'{theirs}={of}')})."
        )


def _told(said: Mapping[str, str], powers: Mapping[str, str]) -> tuple[Note, ...]:
    if not said:
        return ()
    words = {"e3": "thousands", "e6": "millions", "e9": "billions", "e12": "trillions"}
    parts = [
        f"{theirs} as {_WORDS.get(ours, ours)}"
        + (f" in {words[powers[ours]]}" if ours in powers else "")
        for theirs, ours in said.items()
    ]
    return (
        Note(
            "columns-read-as",
            "info",
            f"{'Columns are' if len(parts) > 1 else 'A column is'} read by the names that the "
            f"field uses: {series(parts)}.",
            "Rename a column that means something else, or map it with columns (-c THEIRS=OURS).",
        ),
    )
