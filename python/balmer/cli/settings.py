"""The settings of a search: from a TOML file, overridden by the command line, every mistake named."""

from __future__ import annotations

import csv
import difflib
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from balmer.errors import ConfigError

if TYPE_CHECKING:
    from balmer.data import Dataset
    from balmer.search import Budget, Problem

__all__ = ["Settings", "assignments", "file_name", "read_settings", "whole_number"]


@dataclass(frozen=True)
class Settings:
    """What is asked; `space`, `objective` and `budget` hold fields of the classes of these names.

    With several targets it is a search for each, see `each`.
    """

    file: Path
    target: str | tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    weights: str | None = None
    sigma: str | None = None
    missing: str = "error"
    weights_mean: str = "precision"
    nature: tuple[str, ...] = ()
    natural_units: bool = False
    space: Mapping[str, Any] = field(default_factory=dict)
    objective: Mapping[str, Any] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    start: tuple[str, ...] = ()
    seed: int = 0
    threads: int | None = None
    engine: str = "auto"
    precision: str | None = None
    out: Path | None = None

    def each(self) -> list[Settings]:
        """One search for each target, in terms of the columns that are no targets, on an equal share of the budget.

        Raises
        ------
        BalmerError
            Naming the setting, column or file.
        """
        if not isinstance(self.target, tuple):
            return [self]
        if self.sigma is not None:
            raise ConfigError("option sigma: uncertainties belong to one target, and there are several")
        if len(set(self.target)) < len(self.target):
            raise ConfigError(f"option target: {', '.join(self.target)} names a column twice")
        from balmer.search.several import share

        features = self.features
        if features is None:
            first = replace(self, target=self.target[0])
            features = tuple(name for name in first._dataset().feature_names if name not in self.target)
        budget = share(self.limits(), len(self.target)).model_dump(exclude_none=True)
        places = [None if self.out is None else self.out / file_name(name) for name in self.target]
        return [
            replace(self, target=name, features=features, budget=budget, out=place)
            for name, place in zip(self.target, places, strict=True)
        ]

    def problem(self) -> Problem:
        """Read the table and put the question.

        Raises
        ------
        BalmerError
            Naming the setting, column, unit or file.
        """
        from balmer.search import Objective, Problem, SearchSpace

        space, objective = SearchSpace.read(self.space), Objective.read(self.objective)
        return Problem(self._dataset(), space, objective)

    def limits(self) -> Budget:
        """The budget; a minute if neither time nor evaluations are given.

        Raises
        ------
        ConfigError
            Naming the setting.
        """
        from balmer.search import Budget
        from balmer.search.discover import DEFAULT_SECONDS

        given = dict(self.budget)
        if given.get("seconds") is None and given.get("evaluations") is None:
            given["seconds"] = DEFAULT_SECONDS
        try:
            return Budget.read(given)
        except ConfigError as error:
            raise ConfigError(str(error).replace("option seconds", "option time", 1)) from None

    def record(self) -> dict[str, Any]:
        """What a run has to remember of this beside the problem itself, under the names that are read here."""
        return {
            "file": self.file.absolute(),
            "missing": self.missing,
            "weights_mean": self.weights_mean,
            "units": dict(self.units),
            "nature": list(self.nature),
            "natural_units": self.natural_units,
            "start": list(self.start),
            "seed": self.seed,
            "threads": self.threads,
            "engine": self.engine,
            "precision": self.precision,
            "budget": self.limits().model_dump(),
        }

    def _dataset(self) -> Dataset:
        from balmer.data import Dataset
        from balmer.data.cells import Missing, WeightsMean

        assert not isinstance(self.target, tuple)
        data = Dataset.from_file(
            self.file,
            self.target,
            features=self.features,
            units=self.units,
            weights=self.weights,
            sigma=self.sigma,
            missing=cast(Missing, self.missing),  # anything else is refused there
            weights_mean=cast(WeightsMean, self.weights_mean),
        )
        data = data.with_nature(self.nature) if self.nature else data
        return data.in_natural_units() if self.natural_units else data


def read_settings(options: Mapping[str, Any], config: Path | None = None) -> Settings:
    """Settings of a TOML file, and of the command line where that gives them.

    Parameters
    ----------
    options : by name; None where not given.
    config : a TOML file with the same names, and the sections space, objective and budget with the fields of these
        classes. Its `file` is beside it, unless absolute.

    Raises
    ------
    ConfigError
        Naming the option and the file.
    """
    read: dict[str, Any] = {}
    if config is not None:
        read = _checked(_toml(config), f" in '{config}'")
        if "file" in read:
            read["file"] = config.parent / read["file"]
    read = _merged(read, _checked({k: v for k, v in options.items() if v is not None}, ""))
    if "file" not in read:
        raise ConfigError("no table is given: name a file, as in 'balmer fit table.csv', or give --config")
    return Settings(**read)


def assignments(texts: Iterable[str], option: str, example: str) -> dict[str, str]:
    """Read ``["a=AU", "T=day,m=kg"]``; the last = parts, since a column's name may hold one but a unit cannot.

    Raises
    ------
    ConfigError
        Naming the option and the text.
    """
    found: dict[str, str] = {}
    for text in texts:
        parts = text.split(",")
        for part in parts if all("=" in p for p in parts) else [text]:
            name, equals, value = part.rpartition("=")
            if not equals or not name.strip():
                raise ConfigError(f"option {option} = '{text}': accepted is COLUMN=..., such as {example}")
            found[name.strip()] = value.strip()
    return found


def whole_number(value: Any, option: str, where: str = "", least: int = 0) -> int:
    """Read ``3``, ``"3"`` or ``"1e6"``.

    Raises
    ------
    ConfigError
        Naming the option.
    """
    number = _float(value)
    if number is None or number != int(number) or number < least:
        raise ConfigError(f"option {option} = {value!r}{where}: a whole number from {least} is accepted")
    return int(number)


def _float(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if abs(number) < 1e18 else None


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"the settings file '{path}' does not exist") from None
    except OSError as error:
        raise ConfigError(f"the settings file '{path}' cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # of TOML and of UTF-8
        raise ConfigError(f"the settings file '{path}' is not TOML: {error}") from None


_Reader = Callable[[Any, str, str], Any]


def _checked(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Fields of Settings from options by name; `where` is added to what an error says."""
    found: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for key, value in given.items():
        name = key.replace("-", "_")
        label = key if where else f"--{key.replace('_', '-')}"
        if name in _SECTIONS:
            if not isinstance(value, Mapping):
                raise ConfigError(f"'{key}'{where} is not a section; write [{key}] and its options below it")
            allowed = _SECTIONS[name]()
            for inner, content in value.items():
                short = inner.replace("-", "_")
                if short not in allowed:
                    raise _unknown(inner, allowed, f" of [{key}]{where}")
                _put(sections, name, short, content, inner, where)
        elif name in _SHORT:
            section, inner, read = _SHORT[name]
            _put(sections, section, inner, read(value, label, where), label, where)
        elif name in _READERS:
            found[name] = _READERS[name](value, label, where)
        else:
            raise _unknown(key, [*_READERS, *_SHORT, *_SECTIONS], where)
    return found | sections


def _put(
    sections: dict[str, dict[str, Any]], section: str, name: str, value: Any, option: str, where: str
) -> None:
    entries = sections.setdefault(section, {})
    if name in entries:
        raise ConfigError(f"option {option}{where} is given twice: by itself and as {name} of [{section}]")
    entries[name] = value


def _merged(read: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**read, **over}
    for name in _SECTIONS:
        if name in read and name in over:
            merged[name] = {**read[name], **over[name]}
    if "units" in read and "units" in over:
        merged["units"] = {**read["units"], **over["units"]}
    return merged


def _unknown(key: str, known: Iterable[str], where: str) -> ConfigError:
    known = sorted(known)
    near = difflib.get_close_matches(key.replace("-", "_"), known, 1)
    hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"
    return ConfigError(f"there is no option '{key}'{where}: {hint}")


def file_name(text: str) -> str:
    """Without what has a meaning in paths."""
    return re.sub(r"[^\w.+-]+", "_", text)


def _targets(value: Any, option: str, where: str) -> str | tuple[str, ...]:
    """One name, or several."""
    if not isinstance(value, list | tuple) or len(value) == 0:
        return _text(value, option, where)
    names = tuple(_text(name, option, where) for name in value)
    return names if len(names) > 1 else names[0]


def _text(value: Any, option: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f"option {option} = {value!r}{where}: a text is accepted")
    return value


def _path(value: Any, option: str, where: str) -> Path:
    return value if isinstance(value, Path) else Path(_text(value, option, where))


def _texts(value: Any, option: str, where: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list | tuple) or not all(isinstance(item, str) for item in items):
        raise ConfigError(f"option {option} = {value!r}{where}: a text or a list of texts is accepted")
    return tuple(items)


def _words(value: Any, option: str, where: str) -> str | tuple[str, ...]:
    return value if isinstance(value, str) else _texts(value, option, where)


def _columns(value: Any, option: str, where: str) -> tuple[str, ...]:
    """Names; from the command line, as in ``a,b``, with quotes around a name that holds a comma."""
    names = _texts(value, option, where)
    if where and not isinstance(value, str):
        return names  # a list in TOML says where a name ends
    return tuple(name.strip() for row in csv.reader(names, skipinitialspace=True) for name in row)


def _units(value: Any, option: str, where: str) -> dict[str, str]:
    if isinstance(value, Mapping):
        if not all(isinstance(unit, str) for unit in value.values()):
            raise ConfigError(f'option {option}{where}: units are texts, such as a = "AU"')
        return dict(value)
    return assignments(_texts(value, option, where), option, "a=AU")


def _number_or_text(value: Any, option: str, where: str) -> float | str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ConfigError(
            f'option {option} = {value!r}{where}: seconds, or a text such as "10m", are accepted'
        )
    return value


def _number(value: Any, option: str, where: str) -> float:
    number = _float(value)
    if number is None:
        raise ConfigError(f"option {option} = {value!r}{where}: a number is accepted")
    return number


def _switch(value: Any, option: str, where: str) -> bool:
    if not isinstance(value, bool):
        raise ConfigError(f"option {option} = {value!r}{where}: true or false is accepted")
    return value


def _units_choice(value: Any, option: str, where: str) -> str:
    return "ignore" if _switch(value, option, where) else "auto"


def _constants_choice(value: Any, option: str, where: str) -> str:
    return "dimensionless" if _switch(value, option, where) else "free"


def _symbols(value: Any, option: str, where: str) -> tuple[str, ...]:
    """Symbols, as in ``"c h, k_B"``."""
    return tuple(word for text in _texts(value, option, where) for word in text.replace(",", " ").split())


def _from_one(value: Any, option: str, where: str) -> int:
    return whole_number(value, option, where, least=1)


_READERS: dict[str, _Reader] = {
    "file": _path,
    "target": _targets,
    "features": _columns,
    "units": _units,
    "weights": _text,
    "sigma": _text,
    "missing": _text,
    "weights_mean": _text,
    "nature": _symbols,
    "natural_units": _switch,
    "start": _texts,
    "seed": whole_number,
    "threads": _from_one,
    "engine": _text,
    "precision": _text,
    "out": _path,
}
# Options with a short name of their own, and where their value belongs.
_SHORT: dict[str, tuple[str, str, _Reader]] = {
    "operators": ("space", "operators", _words),
    "custom": ("space", "custom_operators", _texts),
    "max_complexity": ("space", "max_complexity", _from_one),
    "ignore_units": ("objective", "units", _units_choice),
    "pure_constants": ("objective", "constants", _constants_choice),
    "time": ("budget", "seconds", _number_or_text),
    "evaluations": ("budget", "evaluations", _from_one),
    "target_loss": ("budget", "target_loss", _number),
    "patience": ("budget", "patience", _from_one),
    "loss": ("objective", "loss", _text),
    "likelihood": ("objective", "likelihood", _switch),
    "noise": ("objective", "noise", _text),
    "exact_numbers": ("objective", "exact_numbers", _switch),
}


def _fields(name: str) -> Callable[[], Iterable[str]]:
    def read() -> Iterable[str]:
        from balmer.engines import problem

        return list(getattr(problem, name).model_fields)

    return read


_SECTIONS: dict[str, Callable[[], Iterable[str]]] = {
    "space": _fields("SearchSpace"),
    "objective": _fields("Objective"),
    "budget": _fields("Budget"),
}
