"""LaTeX of an Expression as it stands, and of the names that users give their columns."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from balmer.expressions.expression import Expression
from balmer.expressions.literals import decimal_text, known_number
from balmer.expressions.operators import LITERAL, OPERATORS_BY_CODE, VARIABLE
from balmer.expressions.printers import Level, constant_numbers, digits_of, feature_names

__all__ = ["latex_name", "latex_number", "to_latex"]

_COMMANDS = """
    alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi
    psi omega varepsilon vartheta varpi varrho varsigma varphi Gamma Delta Theta Lambda Xi Pi Sigma Upsilon
    Phi Psi Omega hbar ell nabla
"""
_GREEK = {word: f"\\{word}" for word in _COMMANDS.split()}
# Greek capitals that look Latin have no command.
_LATIN = "Alpha A Beta B Epsilon E Zeta Z Eta H Iota I Kappa K Mu M Nu N Omicron O Rho P Tau T Chi X"
_PAIRS = iter(_LATIN.split())
_GREEK |= {word: f"\\mathrm{{{letter}}}" for word, letter in zip(_PAIRS, _PAIRS, strict=True)}
_GREEK["omicron"] = "o"
_SPECIAL_LETTERS = {
    "ϵ": r"\epsilon", "ε": r"\varepsilon", "ϑ": r"\vartheta", "φ": r"\varphi", "ϕ": r"\phi", "ϖ": r"\varpi",
    "ϱ": r"\varrho", "ς": r"\varsigma", "µ": r"\mu", "ħ": r"\hbar", "ℏ": r"\hbar", "ℓ": r"\ell",
    "∂": r"\partial", "∇": r"\nabla",
}  # fmt: skip
_ACCENTS = {
    "\u0300": "grave", "\u0301": "acute", "\u0302": "hat", "\u0303": "tilde", "\u0304": "bar",
    "\u0305": "bar", "\u0307": "dot", "\u0308": "ddot", "\u030c": "check", "\u20d7": "vec",
}  # fmt: skip
_ESCAPES = {c: f"\\{c}" for c in "#$%&_{}"} | {
    "\\": r"\backslash{}", "^": r"\wedge{}", "~": r"\sim{}", " ": r"\ ", "°": r"^{\circ}",
}  # fmt: skip
_CLUSTER = re.compile(r".[\u0300-\u036f\u20d7]*", re.DOTALL)  # a letter with its accents
_FUNCTIONS = {
    name: rf"\{name}" for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "min", "max")
}
_RATIO = re.compile(r"(-?)\\frac\{(\d+)\}\{(\d+)\}")
_FUNCTIONS |= {"log": r"\ln", "asin": r"\arcsin", "acos": r"\arccos", "atan": r"\arctan"}


class _Tex(NamedTuple):
    text: str
    level: Level
    number: bool = False

    def at(self, level: Level) -> str:
        return self.text if self.level >= level else _bracketed(self.text)

    @property
    def negative(self) -> bool:
        return self.text.startswith("-") and self.level > Level.SUM


def to_latex(
    expression: Expression,
    names: Sequence[str] | None = None,
    digits: int | Sequence[int | None] | None = None,
    constants: Sequence[str] | None = None,
) -> str:
    """LaTeX (math mode) of the formula, not rearranged beyond ``a + -b`` being written ``a - b``.

    Parameters
    ----------
    expression : Expression
    names : sequence of str, optional
        Name of each feature, set by `latex_name`; x0, x1, ... without.
    digits : int or sequence of int, optional
        Significant digits of the free constants, of all or of each in postfix order.
    constants : sequence of str, optional
        LaTeX for each free constant, in postfix order, such as ``c_{1}``, in place of its value.

    Raises
    ------
    ConfigError
        If there are fewer names or symbols than features or constants.
    """
    shown = feature_names(expression, names)
    which = constant_numbers(expression, constants)

    def leaf(i: int) -> _Tex:
        op, value = expression.ops[i], float(expression.values[i])
        if op == VARIABLE:
            text = latex_name(shown[expression.args[i]])
            # A name such as v/c is one quantity, but a power or a product of it needs its parentheses.
            return _Tex(text, Level.SUM if any(mark in text for mark in "/+-*") else Level.ATOM)
        if op == LITERAL:
            return _literal(value)
        if constants is not None:
            return _Tex(constants[which[i]], Level.ATOM)
        return _decimal(decimal_text(value, digits_of(digits, which[i])))

    def node(i: int, below: list[_Tex]) -> _Tex:
        return _join(OPERATORS_BY_CODE[int(expression.ops[i])].name, below)

    return str(expression.fold(leaf, node).text)


def latex_number(value: float, digits: int | None = None) -> str:
    r"""A decimal number, ``3.2\times10^{-5}`` rather than ``3.2e-05``."""
    return _decimal(decimal_text(value, digits)).text


def latex_name(name: str) -> str:
    r"""LaTeX (math mode) of a column name.

    ``lambda`` and ``λ`` become ``\lambda``, ``m_0`` and ``m0`` become ``m_{0}``, ``E_kin`` becomes
    ``E_{\mathrm{kin}}``, primes stay, words are upright, and what LaTeX would trip over is escaped.
    """
    stem = name.rstrip("'′″")
    primes = name[len(stem) :].replace("″", "''").replace("′", "'")
    stem = re.sub(r"(?<=[^\W_])([₀-₉ₐ-ₜ]+)$", lambda m: "_" + unicodedata.normalize("NFKC", m[1]), stem)
    power = re.search(r"(?<=\w)([⁰¹²³⁴-⁹]+)$", stem)
    if power:
        stem = stem[: power.start()]
    base, *below = stem.split("_") if re.fullmatch(r"[^\W_][\w\u0300-\u036f\u20d7]*", stem) else [stem]
    digits = re.fullmatch(r"([^\W\d_]+[\u0300-\u036f\u20d7]*)([0-9]+)", base)
    if digits:
        base, below = digits[1], [digits[2], *below]
    text = _word(base)
    below = [piece for piece in below if piece]
    if below:
        text += "_{" + ",".join(map(_word, below)) + "}"
    text += primes
    return text + (f"^{{{unicodedata.normalize('NFKC', power[1])}}}" if power else "")


def _word(word: str) -> str:
    """A name without index: a symbol, a Greek word, or an upright word."""
    if word in _GREEK:
        return _GREEK[word]
    if "/" in word.strip("/"):
        return "/".join(_word(piece) if piece else "" for piece in word.split("/"))
    pieces = [_glyph(cluster) for cluster in _CLUSTER.findall(_decomposed(word))]
    if len(pieces) == 1 or word.isdigit():
        return "".join(pieces)
    if pieces[0].startswith("\\") and word[0] not in _ESCAPES and word[0].isalpha() and len(word) > 1:  # Δm
        return f"{pieces[0]} {_word(word[1:])}"
    if word.isalpha() and not "".join(pieces).isascii():
        return f"\\text{{{word}}}"  # letters that have no command in math mode, as in Größe
    return "\\mathrm{" + "".join(pieces) + "}"


def _decomposed(word: str) -> str:
    return "".join(unicodedata.normalize("NFD", c) if c.isalpha() else c for c in word)


def _glyph(cluster: str) -> str:
    letter, marks = cluster[0], cluster[1:]
    text = _letter(letter)
    for mark in marks:
        text = f"\\{_ACCENTS[mark]}{{{text}}}" if mark in _ACCENTS else text
    return text


def _letter(letter: str) -> str:
    if letter in _SPECIAL_LETTERS:
        return _SPECIAL_LETTERS[letter]
    words = unicodedata.name(letter, "").split()
    if words[:1] == ["GREEK"] and words[2:3] == ["LETTER"] and len(words) == 4:
        word = words[3].replace("LAMDA", "LAMBDA").lower()
        return _GREEK.get(word.capitalize() if words[1] == "CAPITAL" else word, letter)
    return _ESCAPES.get(letter, letter)


def _literal(value: float) -> _Tex:
    sign = "-" if value < 0 else ""
    level = Level.SIGN if sign else Level.ATOM
    known = known_number(value)
    if known is None:
        return _decimal(decimal_text(value))
    text = known.latex
    if r"\frac" in text or " " in text:
        return _Tex(text, Level.PRODUCT, text.lstrip("-")[0].isdigit() or known.is_rational)
    if "^" in text:
        return _Tex(text, Level.SIGN if sign else Level.POWER)
    return _Tex(text, level, known.is_rational)


def _decimal(text: str) -> _Tex:
    level = Level.SIGN if text.startswith("-") else Level.ATOM
    mantissa, _, exponent = text.partition("e")
    if "inf" in text or "nan" in text:
        return _Tex(text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}"), level)
    if not exponent:
        return _Tex(mantissa, level, True)
    return _Tex(rf"{mantissa}\times10^{{{int(exponent)}}}", Level.PRODUCT, True)


def _join(name: str, below: list[_Tex]) -> _Tex:
    a, b = below[0], below[-1]
    match name:
        case "add" | "sub":
            minus = (name == "sub") != b.negative
            right = b.text[1:] if b.negative else b.at(Level.PRODUCT if minus else Level.SUM)
            if right.startswith("-"):
                right = _bracketed(right)
            return _Tex(f"{a.text} {'-' if minus else '+'} {right}", Level.SUM)
        case "mul":
            right = _bracketed(b.text) if b.text.startswith("-") else b.at(Level.PRODUCT)
            dot = r"\cdot " if b.number or right[0].isdigit() else ""
            return _Tex(f"{a.at(Level.PRODUCT)} {dot}{right}", Level.PRODUCT)
        case "div":
            ratio = _RATIO.fullmatch(a.text) if a.number else None
            if ratio:  # 1/2/x, as it is written by hand
                sign, above, below_line = ratio.groups()
                return _Tex(
                    rf"{sign}\frac{{{above}}}{{{_join('mul', [_Tex(below_line, Level.ATOM, True), b]).text}}}",
                    Level.PRODUCT,
                )
            return _Tex(rf"\frac{{{a.text}}}{{{b.text}}}", Level.PRODUCT)
        case "inv":
            return _Tex(rf"\frac{{1}}{{{a.text}}}", Level.PRODUCT)
        case "neg":
            return _Tex("-" + (_bracketed(a.text) if a.negative else a.at(Level.PRODUCT)), Level.SIGN)
        case "square" | "cube":
            return _power(a, "2" if name == "square" else "3")
        case "pow":
            return _power(a, _slanted(b.text))
        case "sqrt":
            return _Tex(rf"\sqrt{{{a.text}}}", Level.POWER)
        case "cbrt":
            return _Tex(rf"\sqrt[3]{{{a.text}}}", Level.POWER)
        case "exp":
            return _Tex(f"e^{{{_slanted(a.text)}}}", Level.POWER)
        case "abs":
            return _Tex(rf"\left|{a.text}\right|", Level.ATOM)
        case "expm1":
            return _join("sub", [_join("exp", [a]), _literal(1.0)])
        case "log1p":
            return _join("log", [_join("add", [_literal(1.0), a])])
        case "logexpm1":
            return _join("log", [_join("expm1", [a])])
        case "log1mexp":
            return _join("log", [_join("sub", [_literal(1.0), _join("exp", [_join("neg", [a])])])])
    return _Tex(_FUNCTIONS[name] + _bracketed(", ".join(piece.text for piece in below)), Level.ATOM)


def _power(base: _Tex, exponent: str) -> _Tex:
    return _Tex(f"{base.at(Level.ATOM)}^{{{exponent}}}", Level.POWER)


def _slanted(exponent: str) -> str:
    """A ratio of whole numbers in an exponent reads better as 1/2."""
    return re.sub(r"^(-?)\\frac\{((?:\d+ ?)?(?:\\pi)?)\}\{(\d+)\}$", r"\1\2/\3", exponent)


def _bracketed(text: str) -> str:
    return rf"\left({text}\right)"
