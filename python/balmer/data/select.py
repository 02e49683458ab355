"""Which column is the target, which are features: the user's word first, then the roles in the file."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from balmer.data.column import Role
from balmer.data.metadata import Header, column_of, listing
from balmer.data.source import Source
from balmer.errors import DataError

__all__ = ["Selection", "select"]


@dataclass(frozen=True, slots=True)
class Selection:
    """The names of the columns that take part."""

    features: tuple[str, ...]
    target: str
    weights: str | None
    sigma: str | None


def select(
    source: Source,
    target: str | None,
    features: Sequence[str] | None,
    weights: str | None,
    sigma: str | None,
) -> Selection:
    """Choose the columns; see `Dataset.from_file` for the meaning of the arguments.

    Raises
    ------
    DataError
        If a name is not a column, a column has two roles, or there is no target or no feature.
    """
    names = [header.name for header in source.headers]
    wanted = [features] if isinstance(features, str) else features
    for name in (target, weights, sigma, *(wanted or ())):
        if name is not None and name not in names:
            raise _unknown(name, names, source.where)

    taken = {} if wanted is None else dict.fromkeys(wanted, "feature")
    if wanted is not None and len(taken) < len(wanted):
        twice = next(name for name in wanted if list(wanted).count(name) > 1)
        raise DataError(f"column '{twice}' is listed twice among the features")
    for name, use in ((target, "target"), (weights, "weight"), (sigma, "uncertainty")):
        if name is None:
            continue
        if name in taken:
            raise DataError(f"column '{name}' is listed both as {taken[name]} and as {use}; choose one")
        taken[name] = use

    target = target or _stored(source, Role.TARGET, taken)
    if target is None:
        raise DataError(
            f"no target is given and no column of {source.where} has the role target; {listing(names)}"
        )
    taken.setdefault(target, "target")
    weights = weights or _stored(source, Role.WEIGHT, taken)
    # The stored uncertainty is that of the stored target; it says nothing about another one.
    if sigma is None and all(h.name == target for h in source.headers if h.role == Role.TARGET):
        sigma = _stored(source, Role.UNCERTAINTY, taken)
    if wanted is None:
        used = {target, weights, sigma}
        wanted = [header.name for header in source.headers if header.name not in used and _is_feature(header)]
    if not wanted:
        raise DataError(
            f"no feature is left in {source.where} beside the target '{target}'; {listing(names)}"
        )
    return Selection(tuple(wanted), target, weights, sigma)


def _stored(source: Source, role: Role, taken: dict[str, str]) -> str | None:
    """Return the one column whose stored role this is, unless the user gave that column another."""
    found = [header.name for header in source.headers if header.role == role and header.name not in taken]
    if len(found) > 1:
        raise DataError(
            f"{len(found)} columns of {source.where} have the role {role}; choose one of "
            + ", ".join(f"'{name}'" for name in found)
        )
    return found[0] if found else None


def _is_feature(header: Header) -> bool:
    return column_of(Header(header.name, role=header.role)).role is Role.FEATURE


def _unknown(name: str, names: list[str], where: str) -> DataError:
    close = difflib.get_close_matches(str(name), names, n=1)
    hint = f"did you mean '{close[0]}'? T" if close else "t"
    return DataError(f"{where} has no column '{name}'; {hint}{listing(names)[1:]}")
