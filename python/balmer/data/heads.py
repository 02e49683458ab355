"""The heads of columns: ``v [km/s]`` and ``t (s)`` are names with a unit, ``log(M)`` and ``N (per day)`` are names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from balmer.data.metadata import Header
from balmer.errors import UnitError
from balmer.units import parse_unit

__all__ = ["NAME_AND_UNIT", "looks_like_unit", "read_heads"]

NAME_AND_UNIT = re.compile(r"(.*?)\s*\[([^\[\]]*)\]", re.DOTALL)
_PARENTHESES = re.compile(r"(.*?\S)(\s*)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", re.DOTALL)
_FUNCTION = re.compile(
    r"(?:.*\W)?(?:log|log2|log10|ln|lg|exp|a?sinh?|a?cosh?|a?tanh?|arc\w+|sqrt|abs|mean|std|var|max|min|sum)"
)


def read_heads(labels: Sequence[str], *, strict: bool) -> tuple[tuple[Header, ...], dict[str, str]]:
    """Split labels into names and units, and say of what looks like a unit and is none that it stays in the name.

    Parameters
    ----------
    labels : as they stand over the columns.
    strict : whether brackets always hold a unit, as in a text table, even one that cannot be read; else only what can
        be read as one. Parentheses hold a unit only where it can be read.

    Returns
    -------
    headers, in the order of the labels, and by the name of a column a sentence about its head.
    """
    plain = [label.strip() if strict else label for label in labels]
    notes: dict[str, str] = {}
    read = [_head(label, plain, strict, notes) for label in plain]
    if strict:
        certain = [NAME_AND_UNIT.fullmatch(label) is not None for label in plain]
    else:
        certain = [False] * len(plain)
    # 'run (a)' and 'run (b)' are two names: a unit leaves the columns different.
    times = Counter(header.name for header in read)
    kept = [
        header if sure or times[header.name] == 1 else Header(label)
        for header, sure, label in zip(read, certain, plain, strict=True)
    ]
    return tuple(kept), notes


def looks_like_unit(label: str) -> bool:
    """Whether a name by itself might be read as one with a unit."""
    return bool(NAME_AND_UNIT.fullmatch(label) or _PARENTHESES.fullmatch(label))


def _head(label: str, labels: Sequence[str], strict: bool, notes: dict[str, str]) -> Header:
    match = NAME_AND_UNIT.fullmatch(label)
    if match and strict:
        return Header(match[1], match[2].strip() or None)
    if match:
        unit = match[2].strip()
        spaced = bool(re.search(r"\s\[", label))
        if not match[1].strip() or not unit or (_is_number(unit) and not spaced) or unit in labels:
            return Header(label)  # 'x[0]' is an element
        if _is_unit(unit):
            return Header(match[1].strip(), unit)
        notes[label] = _said(label, f"[{unit}]")
        return Header(label)
    match = _PARENTHESES.fullmatch(label)
    if not match:
        return Header(label)
    name, gap, unit = match[1].strip(), match[2], match[3].strip()
    if not unit or (not gap and _FUNCTION.fullmatch(name)):
        return Header(label)
    is_function = _FUNCTION.fullmatch(name) is not None
    # 'v(t)' is a function of t, 'N(H)' a number of hydrogens: without a blank one letter says too little.
    says_enough = bool(gap) or len(unit) > 1 or not unit.isalpha()
    if not is_function and says_enough and _is_unit(unit) and not _is_number(unit) and unit not in labels:
        return Header(name, unit)
    notes[label] = _said(label, f"({unit})")
    return Header(label)


def _said(label: str, part: str) -> str:
    name = label[: label.rindex(part[0])].strip() if part[0] in label else label
    return (
        f"column '{label}': '{part}' is not read as a unit and stays in the name; where it is one, write "
        f"'{name} [unit]' or give it with units={{...}} (--units)"
    )


def _is_unit(text: str) -> bool:
    try:
        parse_unit(text, only_read=True)
    except UnitError:
        return False
    return True


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
