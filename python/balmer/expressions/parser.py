"""The parser: text becomes an Expression through a grammar of our own, and nothing is ever executed.

The text is cut into tokens first. Whatever is not a number, a known name, a known function or one of
``+ - * / ** ^ ( ) ,`` is refused there, and names become placeholders, so that columns called ``lambda``,
``E`` or ``v/c`` cannot be taken for anything else. Python's `ast` then only finds the structure.

Rules that make one node of several: ``-3`` and ``1/2`` are one literal, and so is what names a number that is no
fraction, as ``2*pi/3``, ``1/sqrt(2*pi)``, ``pi**2``, ``exp(1)`` and ``log(2)`` do; ``u**2``, ``u**3``, ``u**(1/2)``,
``u**0.5`` and ``u**-1`` are square, cube, sqrt and inv. The functions ``pow(u, 2)``, ``neg(3)`` and
``div(1, 2)`` stay as they are written.
"""

from __future__ import annotations

import ast
import difflib
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from balmer.errors import ConfigError
from balmer.expressions.expression import Expression, variable
from balmer.expressions.literals import PI, known_number
from balmer.expressions.operators import CONSTANT, LITERAL, OPERATORS, VARIABLE

if TYPE_CHECKING:
    from balmer.expressions.custom import CustomOperator

__all__ = ["RESERVED_NAMES", "is_bare_name", "parse"]

_ALIASES: Mapping[str, str] = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "ln": "log",
    "absolute": "abs",
    "Abs": "abs",
    "Min": "min",
    "Max": "max",
    "minimum": "min",
    "maximum": "max",
    "power": "pow",
}
_LOGARITHMS: Mapping[str, float] = {"log10": 10.0, "log2": 2.0}
_EXACT = "exact"  # exact(6.62607015e-34) is a literal; without it a decimal is a free constant
_PI_NAMES = ("pi", "π")

RESERVED_NAMES: frozenset[str] = frozenset({*OPERATORS, *_ALIASES, *_LOGARITHMS, _EXACT, *_PI_NAMES})
"""Names that mean something in every formula; a column may have one, a custom operator may not."""

_NUMBER = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_QUOTED = re.compile(r"`((?:[^`]|``)*)`")
_UNNAMED = re.compile(r"x(0|[1-9][0-9]{0,4})")
_SYMBOLS = {"^": "**", "−": "-", "·": "*", "×": "*"} | {c: c for c in "+-*/(),"}
_PRIMES = "'′″"
_MAX_TOKENS = 5000
_MAX_DEPTH = 100
_MAX_DIGITS = 400
_MAX_WORD = 100
_ACCEPTED = "numbers, names, functions and + - * / ** ^ ( ) ,"

_Program = list[tuple[int, int, float]]
_NAMING_FUNCTIONS = ("exp", "log", "sqrt")  # of a number they may be its name: log(2)
_SPECIAL_POWERS = {2.0: "square", 3.0: "cube", 0.5: "sqrt", -1.0: "inv"}


def parse(text: str, names: Sequence[str] = (), *, operators: Iterable[CustomOperator] = ()) -> Expression:
    """Read a formula.

    Whole numbers, their ratios, ``pi`` and its like are exact literals; numbers with a decimal point or an exponent are
    free constants, unless written ``exact(0.1)``.

    Parameters
    ----------
    text : str
        The formula, e.g. ``"m*c**2"`` or ``"1.5*exp(-`v/c`**2)"``.
    names : sequence of str
        The columns: feature ``k`` is ``names[k]``. Letters, digits, underscores and trailing primes can be
        written as they are, even where Python has a keyword; any other name, and a column called ``pi``,
        stands in backticks (a backtick in a name is doubled). Without names the features are ``x0``, ``x1``,
        ...
    operators : iterable of CustomOperator
        Operators of the user's, which are expanded into known ones.

    Raises
    ------
    ConfigError
        If the text is not such a formula; the message says what was found, where, and what is accepted.
    """
    if not isinstance(text, str):
        raise ConfigError(f"a formula is a text, not {type(text).__name__}")
    if len(set(names)) != len(names):
        twice = next(name for name in names if list(names).count(name) > 1)
        raise ConfigError(f"the name {twice!r} stands for two columns")
    return _Reader(text, names, operators).expression()


def is_bare_name(name: str) -> bool:
    """Whether the parser reads this name without backticks."""
    stem = name.rstrip(_PRIMES)
    return bool(stem) and _is_letter(stem[0]) and all(map(_is_word, stem)) and name not in _PI_NAMES


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text: what ast shall see in its place, and where it stood."""

    kind: str  # "number", "name", "function", or the symbol itself
    code: str
    text: str
    start: int


class _Reader:
    """Reads one text. Holds what an error message needs."""

    def __init__(self, text: str, names: Sequence[str], operators: Iterable[CustomOperator]) -> None:
        self.text = text
        self.names = names
        self.index = {name: k for k, name in enumerate(names)}
        self.custom = {operator.name: operator for operator in operators}
        self.functions = {*OPERATORS, *_ALIASES, *_LOGARITHMS, _EXACT, *self.custom}
        self.tokens: list[_Token] = []
        self.called: list[str] = []  # function k is written f{k} for ast

    def expression(self) -> Expression:
        self.scan()
        ops, args, values = zip(*self.program(self.tree()), strict=True)
        return Expression(np.array(ops), np.array(args), np.array(values))

    def fail(self, start: int, message: str) -> NoReturn:
        shown = self.text if len(self.text) <= 80 else self.text[:77] + "..."
        raise ConfigError(f"in the formula {shown!r} at position {start + 1}: {message}") from None

    # -- tokens ----------------------------------------------------------------------------------------------

    def scan(self) -> None:
        text, at = self.text, 0
        opened: list[tuple[int, bool]] = []  # where, and whether it holds the arguments of a function
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            token, at = self.next_token(at)
            self.check_neighbours(token)
            if token.kind == "(":
                opened.append((token.start, bool(self.tokens) and self.tokens[-1].kind == "function"))
            elif token.kind == ")":
                if not opened:
                    self.fail(token.start, "this ')' closes no '('")
                opened.pop()
            elif token.kind == "," and not (opened and opened[-1][1]):
                self.fail(token.start, "found ',' outside the arguments of a function; decimals have a point")
            self.tokens.append(token)
            if len(self.tokens) > _MAX_TOKENS or len(opened) > _MAX_DEPTH:
                self.fail(
                    token.start,
                    f"it is too long; accepted are {_MAX_TOKENS} symbols and {_MAX_DEPTH} nested parentheses",
                )
        if opened:
            self.fail(opened[-1][0], "this '(' is not closed")
        if not self.tokens:
            raise ConfigError("the formula is empty")
        if self.tokens[-1].kind not in ("number", "name", ")"):
            self.fail(len(text), f"the formula breaks off after {self.tokens[-1].text!r}")

    def next_token(self, at: int) -> tuple[_Token, int]:
        text = self.text
        if text.startswith("**", at):
            return _Token("**", "**", "**", at), at + 2
        if text[at] in _SYMBOLS:
            symbol = _SYMBOLS[text[at]]
            return _Token(symbol, symbol, text[at], at), at + 1
        if number := _NUMBER.match(text, at):
            return _Token("number", self.number(number[0], at), number[0], at), number.end()
        if quoted := _QUOTED.match(text, at):
            code = self.feature(quoted[1].replace("``", "`"), at)
            return _Token("name", code, quoted[0], at), quoted.end()
        if not _is_letter(text[at]):
            self.fail(at, f"found {text[at]!r}; accepted are {_ACCEPTED}")
        end = at
        while end < len(text) and _is_word(text[end]):
            end += 1
        while end < len(text) and text[end] in _PRIMES:
            end += 1
        word = text[at:end]
        if end - at > _MAX_WORD and self.find(word) is None:
            self.fail(at, f"the name {word[:20]}... has {end - at} letters; accepted are {_MAX_WORD}")
        return self.word(word, at, calls=text[end:].lstrip()[:1] == "("), end

    def number(self, text: str, at: int) -> str:
        """Canonical source of a number: Python refuses 007, and an int may be too large for a float."""
        if len(text) > _MAX_DIGITS:
            self.fail(at, f"the number has {len(text)} digits; accepted are {_MAX_DIGITS}")
        whole = text.isdigit()
        try:
            value = float(int(text)) if whole else float(text)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            self.fail(at, f"the number {text[:20]} is too large; accepted are numbers up to 1.8e308")
        return str(int(text)) if whole else repr(value)

    def word(self, word: str, at: int, calls: bool) -> _Token:
        if calls and word in self.functions:
            self.called.append(word)
            return _Token("function", f"f{len(self.called) - 1}", word, at)
        if word in _PI_NAMES:
            return _Token("number", "pi", word, at)
        if self.find(word) is not None:
            return _Token("name", self.feature(word, at), word, at)
        if calls:
            self.fail(at, f"there is no function {word!r}; {_suggest(word, self.functions)}")
        if word in self.functions:
            self.fail(at, f"the function {word} needs its arguments in parentheses")
        return _Token("name", self.feature(word, at), word, at)

    def find(self, name: str) -> int | None:
        """Index of the feature of that name, also if it is typed with a look-alike (µ for μ)."""
        if not self.names:
            unnamed = _UNNAMED.fullmatch(name)
            return int(unnamed[1]) if unnamed else None
        if name in self.index:
            return self.index[name]
        plain = unicodedata.normalize("NFKC", name)
        alike = [k for k, other in enumerate(self.names) if unicodedata.normalize("NFKC", other) == plain]
        return alike[0] if len(alike) == 1 else None

    def feature(self, name: str, at: int) -> str:
        index = self.find(name)
        if index is None:
            if not self.names:
                self.fail(at, f"there is no column {name!r}; without names they are x0, x1, ...")
            self.fail(at, f"there is no column {name!r}; {_suggest(name, self.names)}")
        variable(index)  # refuses an index that no Expression can hold
        return f"v{index}"

    def check_neighbours(self, token: _Token) -> None:
        """Refuse ``2 x``, ``x(y)`` and ``x*/y`` here, where the reason can be said."""
        before = self.tokens[-1] if self.tokens else None
        complete = before is not None and before.kind in ("number", "name", ")")
        if complete and token.kind in ("number", "name", "function", "("):
            assert before is not None
            self.fail(
                token.start, f"{token.text!r} follows {before.text!r} directly; write * to multiply them"
            )
        if not complete and token.kind in ("*", "/", "**", ")", ","):
            where = f"follows {before.text!r} directly" if before else "stands first"
            self.fail(token.start, f"{token.text!r} {where}; a number, name or function is missing")

    # -- structure -------------------------------------------------------------------------------------------

    def tree(self) -> ast.expr:
        try:
            return ast.parse(" ".join(token.code for token in self.tokens), mode="eval").body
        except SyntaxError as error:
            self.fail_at(
                (error.offset or 1) - 1, "is not expected here; accepted is a formula such as a*exp(-b*x**2)"
            )
        except (RecursionError, MemoryError):
            raise ConfigError("the formula is nested too deeply; write it with fewer parentheses") from None

    def fail_at(self, column: int, message: str) -> NoReturn:
        """Fail at a column of the text that ast has seen."""
        start = 0
        for token in self.tokens:
            if column < start + len(token.code):
                self.fail(token.start, f"{token.text!r} {message}")
            start += len(token.code) + 1
        self.fail(len(self.text), f"the end {message}")

    def program(self, root: ast.expr) -> _Program:
        """Postfix program of the tree, with a stack of our own: a sum may have thousands of terms."""
        work: list[tuple[ast.expr, bool]] = [(root, False)]
        done: list[_Program] = []
        while work:
            node, ready = work.pop()
            below = self.operands(node)
            if not ready:
                work.append((node, True))
                work.extend((child, False) for child in reversed(below))
                continue
            split = len(done) - len(below)
            operands = done[split:]
            del done[split:]
            done.append(self.combine(node, operands))
        return done[0]

    def operands(self, node: ast.expr) -> list[ast.expr]:
        """Operands of a node of the grammar; any other node is refused."""
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow()):
                return [node.left, node.right]
            case ast.UnaryOp(op=ast.UAdd() | ast.USub()):
                return [node.operand]
            case ast.Call(func=ast.Name(), keywords=[]):
                return node.args
            case ast.Name() | ast.Constant():
                return []
        self.fail_at(node.col_offset, f"is not expected here; accepted are {_ACCEPTED}")

    def combine(self, node: ast.expr, operands: list[_Program]) -> _Program:
        match node:
            case ast.Constant(value=int() | float() as value):
                return [(LITERAL if isinstance(value, int) else CONSTANT, 0, float(value))]
            case ast.Name(id="pi"):
                return [(LITERAL, 0, PI)]
            case ast.Name(id=code):
                return [(VARIABLE, int(code[1:]), 0.0)]
            case ast.UnaryOp(op=ast.UAdd()):
                return operands[0]
            case ast.UnaryOp():
                return _negated(operands[0])
            case ast.BinOp(op=ast.Div()):
                return _divided(*operands)
            case ast.BinOp(op=ast.Pow(), right=right):
                return _powered(
                    operands[0], operands[1], half=isinstance(right, ast.Constant) and right.value == 0.5
                )
            case ast.BinOp(op=op):
                name = {ast.Add: "add", ast.Sub: "sub"}.get(type(op), "mul")
                return _named(name, operands) or _node(name, *operands)
            case ast.Call(func=ast.Name(id=code)):
                return self.call(self.called[int(code[1:])], operands, node)
        raise AssertionError("operands() has refused every other node")

    def call(self, written: str, operands: list[_Program], node: ast.expr) -> _Program:
        name = _ALIASES.get(written, written)
        arity = 1
        if name in self.custom:
            arity = len(self.custom[name].arguments)
        elif name in OPERATORS:
            arity = OPERATORS[name].arity
        if len(operands) != arity and not (name in ("min", "max") and len(operands) > 2):
            self.fail_at(node.col_offset, f"takes {arity} argument(s), {len(operands)} were given")
        if name in self.custom:
            return list(self.custom[name].body.substitute([_expression(o) for o in operands]))
        if name == _EXACT:
            if len(operands[0]) != 1 or operands[0][0][0] == VARIABLE:
                self.fail_at(node.col_offset, "takes one number, such as exact(6.62607015e-34)")
            return [(LITERAL, 0, operands[0][0][2])]
        if name in _LOGARITHMS:
            return _node("div", _node("log", operands[0]), _logarithm(_LOGARITHMS[name]))
        if name in _NAMING_FUNCTIONS and (number := _named(name, operands)):
            return number
        result = operands[0]
        for operand in operands[1:]:
            result = _node(name, result, operand)
        return result if len(operands) > 1 else _node(name, result)


def _node(name: str, first: _Program, *rest: _Program) -> _Program:
    # Extends the first operand in place: a sum of n terms leans to the left, and copying it would cost n^2.
    for operand in rest:
        first.extend(operand)
    first.append((OPERATORS[name].code, 0, 0.0))
    return first


def _negated(operand: _Program) -> _Program:
    if len(operand) == 1 and operand[0][0] in (LITERAL, CONSTANT):
        return [(operand[0][0], 0, -operand[0][2])]
    return _node("neg", operand)


def _divided(left: _Program, right: _Program) -> _Program:
    a, b = left[0], right[0]
    exact = len(left) == len(right) == 1 and a[0] == b[0] == LITERAL
    if exact and a[2].is_integer() and b[2].is_integer() and b[2] != 0:
        return [(LITERAL, 0, a[2] / b[2])]
    return _named("div", [left, right]) or _node("div", left, right)


def _powered(base: _Program, exponent: _Program, half: bool) -> _Program:
    kind, _, value = exponent[0]
    if len(exponent) == 1 and (kind == LITERAL or half) and value in _SPECIAL_POWERS:
        return _named("pow", [base, exponent]) or _node(_SPECIAL_POWERS[value], base)
    return _named("pow", [base, exponent]) or _node("pow", base, exponent)


def _named(name: str, operands: list[_Program]) -> _Program | None:
    """One literal for an operator on literals, if it makes a number that has a name and is no fraction."""
    if name in ("add", "sub") or any(len(o) != 1 or o[0][0] != LITERAL for o in operands):
        return None
    with np.errstate(all="ignore"):
        value = float(OPERATORS[name].numpy(*(np.float64(o[0][2]) for o in operands)))
    known = known_number(value)
    return None if known is None or known.is_rational else [(LITERAL, 0, known.value)]


def _logarithm(number: float) -> _Program:
    return _named("log", [[(LITERAL, 0, number)]]) or _node("log", [(LITERAL, 0, number)])


def _expression(program: _Program) -> Expression:
    ops, args, values = zip(*program, strict=True)
    return Expression(np.array(ops), np.array(args), np.array(values))


def _is_letter(c: str) -> bool:
    return c == "_" or (c.isalnum() and not c.isdecimal())


def _is_word(c: str) -> bool:
    # Marks are accents of their own, as in x̂, which isalnum does not count.
    return c == "_" or c.isalnum() or unicodedata.category(c).startswith("M")


def _suggest(name: str, known: Collection[str]) -> str:
    near = difflib.get_close_matches(name, [*known], 3, 0.5)
    lowered = [k for k in known if k.lower() == name.lower()]
    near = lowered + [k for k in near if k not in lowered]
    if near:
        return f"did you mean {' or '.join(_quoted(k) for k in near)}?"
    shown = sorted(known)[:12] if len(known) > 12 else list(known)
    return f"known are {' '.join(_quoted(k) for k in shown)}{' ...' if len(known) > 12 else ''}"


def _quoted(name: str) -> str:
    return name if is_bare_name(name) else f"`{name}`"
