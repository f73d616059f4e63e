"""The filter language: text to tree, tree to text, tree against a product; knows nothing of SQL.

A subset of Google AIP-160::

    category = "top" AND price < 50 AND (labels.colour = "red" OR labels.colour = "blue")
    AND NOT labels.season = "SS19" AND labels.neck:*

``id``, ``display_name``, ``category``, ``style_id`` and ``labels.KEY`` are texts and compare by
``=`` and ``!=``; ``numbers.KEY``, or ``KEY`` alone, is a number and takes ``= != < <= > >=``.
``:*`` asks whether a label or number is there. A comparison with something absent does not hold,
and ``a != b`` says exactly ``NOT a = b``. AND and OR do not mix without parentheses: AIP-160 and
SQL disagree on which goes first, so neither is guessed.
"""

import math
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from stylefacet.catalog.entities import Product
from stylefacet.catalog.limits import is_storable
from stylefacet.errors import FilterInvalid

MAX_LENGTH = 4096  # characters
MAX_DEPTH = 32  # parentheses and NOTs inside one another
MAX_COMPARISON_COUNT = 128  # each costs the database a look-up

TEXT_FIELDS = ("id", "display_name", "category", "style_id")


class Kind(StrEnum):
    """Where a field of a filter lives."""

    TEXT = "text"  # a column of the product
    LABEL = "labels"
    NUMBER = "numbers"


class Operator(StrEnum):
    """How a field and a value compare."""

    EQ = "="
    NE = "!="
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="


@dataclass(frozen=True, slots=True)
class Field:
    """What a comparison is about: a text column, or one label or number by its key."""

    kind: Kind
    key: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """``subject operator value``; the value is a float for a number and a string otherwise."""

    subject: Field
    operator: Operator
    value: str | float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Presence:
    """``subject:*``: the product has the label or number."""

    subject: Field
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The operand does not hold."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All operands hold; there are at least two."""

    operands: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """At least one operand holds; there are at least two."""

    operands: "tuple[Node, ...]"


Node = Comparison | Presence | Not | And | Or

_COMPARE: dict[Operator, Callable[[str | float, str | float], bool]] = {
    Operator.EQ: operator.eq,
    Operator.LT: operator.lt,
    Operator.LE: operator.le,
    Operator.GT: operator.gt,
    Operator.GE: operator.ge,
}


def parse_filter(expression: str) -> Node | None:
    """Returns the tree of a filter expression; None for a blank one, which keeps everything.

    Raises: FilterInvalid with the position of the first fault.
    """
    if len(expression) > MAX_LENGTH:
        raise FilterInvalid(
            expression[:40] + "…", MAX_LENGTH, f"longer than {MAX_LENGTH} characters"
        )
    if not expression.strip():
        return None
    return _Parser(expression).parse()


def format_filter(node: Node) -> str:
    """Returns an expression that parses to an equal tree."""
    match node:
        case Comparison():
            value = node.value
            shown = repr(value) if isinstance(value, float) else _quote(value)
            return f"{_format_field(node.subject)} {node.operator} {shown}"
        case Presence():
            return f"{_format_field(node.subject)}:*"
        case Not():
            return f"NOT {_enclose(node.operand)}"
        case And():
            return " AND ".join(_enclose(operand) for operand in node.operands)
        case Or():
            return " OR ".join(_enclose(operand) for operand in node.operands)


def matches(node: Node, product: Product) -> bool:
    """Whether a product passes a filter."""
    match node:
        case Comparison():
            if node.operator is Operator.NE:
                return not matches(Comparison(node.subject, Operator.EQ, node.value), product)
            found = _read(node.subject, product)
            return found is not None and _COMPARE[node.operator](found, node.value)
        case Presence():
            return _read(node.subject, product) is not None
        case Not():
            return not matches(node.operand, product)
        case And():
            return all(matches(operand, product) for operand in node.operands)
        case Or():
            return any(matches(operand, product) for operand in node.operands)


def _read(field: Field, product: Product) -> str | float | None:
    match field.kind:
        case Kind.TEXT:
            return str(getattr(product, field.key))
        case Kind.LABEL:
            return product.labels.get(field.key)
        case Kind.NUMBER:
            return product.numbers.get(field.key)


def _enclose(node: Node) -> str:
    text = format_filter(node)
    return f"({text})" if isinstance(node, And | Or) else text


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _format_field(field: Field) -> str:
    if field.kind is Kind.TEXT:
        return field.key
    key = field.key
    plain = _WORD.fullmatch(key) and key not in _KEYWORDS
    return f"{field.kind}.{key if plain else _quote(key)}"


_KEYWORDS = frozenset({"AND", "OR", "NOT"})
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<symbol><=|>=|!=|[=<>():*.])
    | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
    | (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![A-Za-z0-9_]))
    | (?P<word>[A-Za-z_][A-Za-z0-9_-]*)
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # symbol, string, number, word or end
    text: str  # of a string: without quotes and escapes
    position: int


def _tokens(expression: str) -> Iterator[_Token]:
    position = 0
    while position < len(expression):
        found = _TOKEN.match(expression, position)
        if found is None:
            letter = expression[position]
            why = "the text has no closing quote" if letter in "\"'" else "cannot be read"
            raise FilterInvalid(expression, position, f"{letter!r}: {why}")
        kind, text = str(found.lastgroup), found.group()
        if kind == "string":
            text = re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
            if not is_storable(text):
                raise FilterInvalid(expression, position, "the text holds a control character")
        if kind != "space":
            yield _Token(kind, text, position)
        position = found.end()
    yield _Token("end", "the end", position)


class _Parser:
    """Recursive descent over one expression; each method reads one rule of the grammar."""

    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = list(_tokens(expression))
        self._next = 0
        self._depth = 0
        self._comparison_count = 0

    def parse(self) -> Node:
        node = self._chain()
        if self._peek().kind != "end":
            raise self._fault(self._peek(), "expected AND, OR or the end")
        return node

    def _chain(self) -> Node:
        operands = [self._operand()]
        joint = ""
        while self._peek().kind == "word" and self._peek().text in ("AND", "OR"):
            token = self._take()
            if joint and token.text != joint:
                raise self._fault(
                    token, "AND and OR are mixed; say by parentheses which goes first"
                )
            joint = token.text
            operands.append(self._operand())
        if not joint:
            return operands[0]
        return And(tuple(operands)) if joint == "AND" else Or(tuple(operands))

    def _operand(self) -> Node:
        token = self._peek()
        is_not = token.kind == "word" and token.text == "NOT"
        if not is_not and not self._is_symbol("("):
            return self._comparison()
        self._take()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._fault(token, f"nested deeper than {MAX_DEPTH}")
        node = Not(self._operand()) if is_not else self._chain()
        if not is_not:
            self._expect(")")
        self._depth -= 1
        return node

    def _comparison(self) -> Node:
        start = self._peek()
        self._comparison_count += 1
        if self._comparison_count > MAX_COMPARISON_COUNT:
            raise self._fault(start, f"more than {MAX_COMPARISON_COUNT} comparisons")
        subject = self._field()
        if self._is_symbol(":"):
            colon = self._take()
            self._expect("*")
            if subject.kind is Kind.TEXT:
                raise self._fault(colon, f"{subject.key} is always there; compare it by =")
            return Presence(subject, start.position)
        token = self._take()
        if token.kind != "symbol" or token.text not in list(Operator):
            raise self._fault(token, "expected a comparison: = != < <= > >=")
        comparison = Operator(token.text)
        if subject.kind is not Kind.NUMBER and comparison not in (Operator.EQ, Operator.NE):
            raise self._fault(token, "a text compares by = and != only")
        return Comparison(subject, comparison, self._value(subject), start.position)

    def _field(self) -> Field:
        token = self._take()
        if token.kind != "word" or token.text in _KEYWORDS:
            raise self._fault(token, "expected a field such as category, labels.colour or price")
        if token.text in (Kind.LABEL, Kind.NUMBER):
            self._expect(".")
            key = self._take()
            if key.kind not in ("word", "string", "number") or not key.text:
                raise self._fault(key, f"expected a key after {token.text}.")
            return Field(Kind(token.text), key.text)
        if self._is_symbol("."):
            raise self._fault(token, "only labels and numbers have keys")
        return Field(Kind.TEXT if token.text in TEXT_FIELDS else Kind.NUMBER, token.text)

    def _value(self, subject: Field) -> str | float:
        token = self._take()
        if token.kind not in ("string", "number", "word") or (
            token.kind == "word" and token.text in _KEYWORDS
        ):
            raise self._fault(token, "expected a value")
        if subject.kind is not Kind.NUMBER:
            return token.text
        if token.kind != "number":
            raise self._fault(token, f"{subject.key} is a number; for a label write labels.KEY")
        number = float(token.text)
        if not math.isfinite(number):
            raise self._fault(token, "the number is too large")
        return number

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        if token.kind != "end":
            self._next += 1
        return token

    def _is_symbol(self, text: str) -> bool:
        return self._peek().kind == "symbol" and self._peek().text == text

    def _expect(self, text: str) -> None:
        token = self._take()
        if token.kind != "symbol" or token.text != text:
            raise self._fault(token, f"expected {text!r}")

    def _fault(self, token: _Token, description: str) -> FilterInvalid:
        found = token.text if token.kind == "end" else repr(token.text)
        return FilterInvalid(self._expression, token.position, f"{description}; found {found}")
