"""Choices of rows as people write them: ``stage == 'post' and 1B <= N < 10B``.

A small language of its own. Every word is read before anything is worked out, and what is not in
the language is refused; nothing in it can call, import, open or reach anything but columns.
"""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bayesq.counted import how_many
from bayesq.errors import BayesqError, nearest
from bayesq.runs.comparing import COMPARE, Cells, UnlikeError, cells_of, compare, reckon
from bayesq.runs.counts import as_number

# Longer and deeper than anyone writes, and short enough for parsers that call themselves.
LONGEST, DEEPEST = 10_000, 60
_EXAMPLE = "write it like \"w_kind == 'int' and N >= 1B\""
_TOKEN = re.compile(
    r"""
    (?P<blank>\s+)
  | (?P<text>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
  | (?P<quoted>`[^`\n]+`)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+|[kmbgt])?(?![\w.]))
  | (?P<word>[^\W\d]\w*)
  | (?P<sign><=|>=|==|!=|\*\*|//|<(?!>)|&(?!&)|\|(?!\|)|[>+\-*/%()\[\],.~])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_KEYWORDS = {"and", "or", "not", "in"}
# Python's own for what pandas writes with signs, so that a sign binds no closer than its word.
_SIGNS = {"&": "and", "|": "or", "~": "not"}
_INSTEAD = {"=": "==", "&&": "and", "||": "or", "!": "not", "<>": "!="}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_OF_TEXT: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}
# Whether it asks for empty cells or for the others.
_OF_EMPTY = {"isempty": True, "isna": True, "isnull": True, "notna": False, "notnull": False}
# What pandas would read as a pattern.
_PATTERN = re.compile(r"[\^$*+?{}\[\]\\|()]")
# Words for empty cells, which no cell holds.
_NO_VALUE = re.compile(r"""=\s*(['"])(none|nan|na|n/a|null|-)\1""", re.IGNORECASE)

type _Value = float | str | Cells
type _Columns = Mapping[str, np.ndarray]
type _Term = Callable[[_Columns], _Value]
type _Truth = Callable[[_Columns], np.ndarray]


class _RefusedError(Exception):
    """Is not in the language; says why."""


@dataclass(frozen=True)
class Choice:
    """A choice of rows that has been read. Made by :meth:`Choice.parse`.

    Parameters
    ----------
    text : str
        As it was written.
    names : tuple of str
        The columns that it asks for, in the order in which they are first named.
    """

    text: str
    names: tuple[str, ...]
    _truth: _Truth

    @classmethod
    def parse(cls, text: str) -> Choice:
        """Read a choice of rows, and refuse what is not in the language before working out any.

        Parameters
        ----------
        text : str
            Comparisons of columns, numbers and texts (``1B <= N < 10B``, ``w_bits in [3, 4]``,
            ``D / N > 20``), ``method.startswith('q')`` and so with ``endswith`` and ``contains``,
            ``isempty(w_group)``; joined by ``and``, ``or``, ``not`` or ``&``, ``|``, ``~``. A
            column whose name is no word stands in backticks.

        Raises
        ------
        BayesqError
            If it is anything else.
        """
        try:
            reader = _Reader(text)
            return cls(text, tuple(dict.fromkeys(reader.columns)), reader.truth(reader.tree))
        except _RefusedError as error:
            why = f": {error}" if str(error) else ""
            raise BayesqError(
                f"{_shown(text)} cannot be read as a choice of rows{why}; {_EXAMPLE}."
            ) from error

    def keeps_none(self, rows: int, source: str) -> BayesqError:
        """Say that none of the rows of a table is chosen, and how empty cells are."""
        empty = _NO_VALUE.search(self.text)
        hint = f"; empty cells are chosen by isempty({self.names[0]})" if empty else ""
        return BayesqError(
            f"{self.text!r} keeps none of the {how_many(rows, 'row')} of {source}{hint}; widen "
            "the choice."
        )

    def mask(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Say which rows are chosen.

        Parameters
        ----------
        columns : mapping of str to ndarray
            Each of shape ``(rows,)``: numbers, or objects that are texts, numbers or none.

        Returns
        -------
        ndarray of bool
            Shape ``(rows,)``. An empty cell is never less, greater or equal.

        Raises
        ------
        BayesqError
            If a column is unknown, or numbers are compared with text.
        """
        for name in self.names:
            if name not in columns:
                raise BayesqError(
                    f"{_shown(self.text)} names an unknown column {_shown(name, str)}; "
                    f"{nearest(name, columns)}."
                )
        try:
            with np.errstate(all="ignore"):
                return self._truth(columns)
        except UnlikeError as error:
            raise BayesqError(
                f"{_shown(self.text)} compares numbers with text: {error}."
            ) from error


def _shown(text: str, form: Callable[[str], str] = repr) -> str:
    """Write a text in one line of a message, the middle of a long one left out."""
    text = text if len(text) <= 200 else f"{text[:150]} ... {text[-40:]}"
    return form(text) if text.isprintable() else repr(text)


class _Reader:
    """Reads one text: in tokens, then in Python's grammar, then node by node.

    Of the text's own words Python's parser sees its keywords and the names of methods alone: each
    column, number and text stands there as a name of our own.
    """

    def __init__(self, text: str) -> None:
        self.atoms: dict[str, float | str] = {}
        self.columns: list[str] = []
        self.places: dict[str, str] = {}
        if len(text) > LONGEST:
            raise _RefusedError(f"it is longer than {LONGEST:,} characters")
        words = self._words(text)
        depth = 0
        for i, word in enumerate(words):
            depth += (word in "([") - (word in ")]")
            if depth > DEEPEST or words[i : i + DEEPEST] in (["not"] * DEEPEST, ["-"] * DEEPEST):
                raise _RefusedError("it is too deeply nested")
        try:
            self.tree = ast.parse(" ".join(words), mode="eval").body
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            raise _RefusedError("") from error
        _refuse_deep(self.tree)

    def _words(self, text: str) -> list[str]:
        """Split the text, with our own names for its columns, numbers and texts."""
        words: list[str] = []
        position = 0
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise _RefusedError(_unknown(text[position:]))
            position = found.end()
            kind, token = str(found.lastgroup), found.group()
            if kind == "number":
                number = as_number(token)
                if not math.isfinite(number):
                    raise _RefusedError(_INFINITE)
                words.append(self._atom(number))
            elif kind == "text":
                words.append(self._atom(re.sub(r"\\([\\'\"])", r"\1", token[1:-1])))
            elif kind == "quoted":
                words.append(self._column(token[1:-1]))
            elif kind == "word" and token not in _KEYWORDS:
                called = text[position:].lstrip().startswith("(")
                method = bool(words) and words[-1] == "."
                words.append(token if method or called else self._column(token))
            elif kind != "blank":
                words.append(_SIGNS.get(token, token))
        return words

    def _atom(self, value: float | str) -> str:
        name = f"atom{len(self.atoms)}"
        self.atoms[name] = value
        return name

    def _column(self, name: str) -> str:
        self.columns.append(name)
        place = f"column{len(self.places)}"
        self.places[place] = name
        return place

    def truth(self, node: ast.expr) -> _Truth:
        """Read a node that says of each row whether it is chosen."""
        match node:
            case ast.BoolOp(op, values):
                both = isinstance(op, ast.And)
                parts = [self.truth(value) for value in values]
                join = np.logical_and if both else np.logical_or
                return lambda columns: join.reduce([part(columns) for part in parts])
            case ast.UnaryOp(ast.Not(), operand):
                turned = self.truth(operand)
                return lambda columns: ~turned(columns)
            case ast.Compare(left, ops, comparators):
                return self._chain([left, *comparators], ops)
            case ast.Call(function, arguments, []):
                return self._call(function, arguments)
        raise _RefusedError("it is not a comparison, such as 'w_bits <= 4'")

    def _chain(self, nodes: list[ast.expr], ops: list[ast.cmpop]) -> _Truth:
        links = [
            self._comparison(left, op, right)
            for left, op, right in zip(nodes[:-1], ops, nodes[1:], strict=True)
        ]
        return lambda columns: np.logical_and.reduce([link(columns) for link in links])

    def _comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> _Truth:
        if isinstance(op, ast.In | ast.NotIn):
            among = self._among(left, right)
            return among if isinstance(op, ast.In) else lambda columns: ~among(columns)
        sign = _COMPARISONS.get(type(op))
        if sign is None:
            raise _RefusedError(f"its comparisons are {', '.join(COMPARE)}, in and not in")
        if isinstance(right, ast.List | ast.Tuple):
            raise _RefusedError("values in a list are compared by in: w_bits in [3, 4]")
        (one, some), (other, more) = self.term(left), self.term(right)
        if not (some or more):
            raise _RefusedError("it compares no column")
        return lambda columns: compare(one(columns), sign, other(columns))

    def _among(self, left: ast.expr, right: ast.expr) -> _Truth:
        value, named = self.term(left)
        if not isinstance(right, ast.List | ast.Tuple) or not named:
            raise _RefusedError("in looks for a column in a list, as in w_bits in [3, 4]")
        items = [self._constant(item) for item in right.elts]

        def among(columns: _Columns) -> np.ndarray:
            cells = value(columns)
            assert isinstance(cells, Cells)
            found = np.zeros(len(cells.numbers), dtype=bool)
            for item in items:
                found |= compare(cells, "==", item)
            return found

        return among

    def _call(self, function: ast.expr, arguments: list[ast.expr]) -> _Truth:
        """Read ``method.startswith('q')``, the same with pandas' ``.str``, and ``isempty(run)``."""
        pandas = False
        match function, arguments:
            case ast.Name(name), [of] if name in _OF_EMPTY:
                arguments = []
            case ast.Attribute(ast.Attribute(of, "str"), name), _ if name in _OF_TEXT:
                pandas = True
            case ast.Attribute(of, name), _:
                pass
            case _:
                raise _RefusedError(_METHODS)
        if not (isinstance(of, ast.Name) and of.id in self.places):
            raise _RefusedError(_METHODS)
        column = self.places[of.id]
        if name in _OF_EMPTY and not arguments:
            wanted = _OF_EMPTY[name]
            return lambda columns: cells_of(column, columns[column]).empty == wanted
        if name not in _OF_TEXT or len(arguments) != 1:
            raise _RefusedError(_METHODS)
        sought = self._constant(arguments[0])
        if not isinstance(sought, str):
            raise _RefusedError(f"{name} looks for a text in quotes")
        if pandas and name == "contains" and _PATTERN.search(sought):
            raise _RefusedError(
                f"contains looks for the text as it stands and not for a pattern: leave .str out, "
                f"{_shown(column, str)}.contains({sought!r}), where that is meant"
            )
        holds = _OF_TEXT[name]

        def found(columns: _Columns) -> np.ndarray:
            cells = cells_of(column, columns[column])
            cells.refuse_numbers(f"{name} looks for text")
            return np.array([bool(t) and holds(t, sought) for t in cells.words], dtype=bool)

        return found

    def term(self, node: ast.expr) -> tuple[_Term, bool]:
        """Read a node that has a value in each row, and say whether it names a column."""
        match node:
            case ast.Name(name) if name in self.atoms:
                atom = self.atoms[name]
                return lambda columns: atom, False
            case ast.Name(name) if name in self.places:
                column = self.places[name]
                return lambda columns: cells_of(column, columns[column]), True
            case ast.UnaryOp(ast.USub() | ast.UAdd() as op, operand):
                sign = -1.0 if isinstance(op, ast.USub) else 1.0
                return self._arithmetic(operator.mul, (lambda columns: sign, False), operand)
            case ast.BinOp(left, operation, right) if type(operation) in _ARITHMETIC:
                return self._arithmetic(_ARITHMETIC[type(operation)], self.term(left), right)
            case ast.Attribute():
                raise _RefusedError("a name with a dot in it stands in backticks: `metrics.loss`")
            case ast.Call():
                raise _RefusedError(_METHODS)
        raise _RefusedError("")

    def _arithmetic(
        self, does: Callable[[Any, Any], Any], left: tuple[_Term, bool], node: ast.expr
    ) -> tuple[_Term, bool]:
        (one, some), (other, more) = left, self.term(node)
        for term, named in (left, (other, more)):
            if not named and isinstance(text := term({}), str):
                raise _RefusedError(f"{_shown(text)} is text, to reckon with which takes numbers")
        if some or more:
            return lambda columns: reckon(one(columns), does, other(columns)), True
        # Of constants alone: worked out once, and refused where it comes to none.
        with np.errstate(all="ignore"):
            value = reckon(one({}), does, other({}))
        assert isinstance(value, float)
        if not math.isfinite(value):
            raise _RefusedError(_INFINITE)
        return lambda columns: value, False

    def _constant(self, node: ast.expr) -> float | str:
        value, named = self.term(node)
        if named:
            raise _RefusedError("a list, and what a text is searched for, hold no columns")
        found = value({})
        assert not isinstance(found, Cells)
        return found


_INFINITE = "its numbers come to none that is finite"
_METHODS = (
    "it calls what is not in the language, which has startswith, endswith, contains and isempty of "
    "a column"
)


def _unknown(rest: str) -> str:
    """Say what stands where nothing of the language begins."""
    for wrong, right in sorted(_INSTEAD.items(), reverse=True):
        if rest.startswith(wrong):
            return f"for {wrong} write {right}"
    if rest[0] in "'\"`":
        return "a quote is not closed"
    word = re.match(r"[\w.]+|.", rest, re.DOTALL)
    return f"{_shown(word.group() if word else rest[0])} is not in the language"


def _refuse_deep(tree: ast.AST) -> None:
    """Refuse a tree so deep that walking down it would take long, without walking down it."""
    level, depth = [tree], 0
    while level:
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        depth += 1
        if depth > 4 * DEEPEST:
            raise _RefusedError("it is too deeply nested")
