"""The Run: a search in a directory on disk, whole at every moment, to be shown, compared and repeated.

    runs/<name>/
      config.toml     every setting that is needed to do it again (`balmer fit --config`)
      data.json       what the table is: columns, roles, units, fingerprint
      front.parquet   one row per law; rewritten while the search runs
      log.jsonl       start, stages, each better law, end; one JSON object per line
      state/          arrays from which the engine can go on

Files are written beside their place and moved there, so that a reader, or a process killed at any moment, never
leaves or sees half a file.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import time
import tomllib
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tomli_w

from balmer.engines import Problem, Progress
from balmer.engines.base import Candidate, State
from balmer.errors import ConfigError, DataError
from balmer.search.discover import Discovery
from balmer.search.front import Front
from balmer.search.front_file import read_front, write_front
from balmer.search.refine import law_of, refit

__all__ = ["LoadedRun", "Run", "check_destination", "load_run"]

_CONFIG, _DATA, _FRONT, _LOG, _STATE = "config.toml", "data.json", "front.parquet", "log.jsonl", "state"
_CHECKPOINT = "engine.npz"
_OF_ANOTHER_ROOM = ("findings.json", "report.html")
_SNAPSHOT_ROWS = 2048  # rows on which a front is judged that is saved in passing


class Run:
    """A search as it is written to disk.

    Attributes
    ----------
    path : the directory.
    has_front : whether laws are saved there.
    """

    def __init__(self, path: Path, problem: Problem, every: float = 5.0) -> None:
        self.path = path
        self._problem = problem
        self._every = every
        self._saved_at = -math.inf
        self._saved: tuple[Candidate, ...] = ()
        self._stage = ""
        self._best = np.inf
        self._thin: Problem | None = None
        self.has_front = False

    @classmethod
    def create(
        cls,
        path: str | os.PathLike[str],
        problem: Problem,
        settings: Mapping[str, Any] | None = None,
        *,
        overwrite: bool = False,
        numbered: bool = False,
        every: float = 5.0,
    ) -> Run:
        """Make the directory and write what is asked.

        Parameters
        ----------
        path : where; missing parents are made.
        problem : what is searched. Its columns, space and objective are written in full, so that another version
            with other defaults repeats the same search.
        settings : what else `config.toml` must hold: file, units, missing, start, seed, threads, engine, budget.
        overwrite : whether a run that is already there is replaced.
        numbered : whether, if something is already there, ``-2``, ``-3``, ... is appended to the name.
        every : seconds between two fronts that are saved in passing.

        Raises
        ------
        ConfigError
            If the path holds a run and `overwrite` is not set, or anything else than a run, or cannot be written.
        """
        path = Path(path)
        try:
            if numbered:
                path = _numbered(path)
            else:
                check_destination(path, overwrite=overwrite)
                path.mkdir(parents=True, exist_ok=True)
                _clear(path)
            run = cls(path, problem, every)
            config = _config(problem, settings or {})
            _write(path / _DATA, lambda f: _dump_json(problem.dataset.schema(), f))
            text = f"# balmer fit --config {_CONFIG} does it again\n{tomli_w.dumps(config)}"
            _write(path / _CONFIG, lambda f: f.write(text.encode()))
            run._log("start", balmer=version("balmer"), data=problem.dataset.fingerprint)
        except OSError as error:
            raise ConfigError(f"the run '{path}' cannot be written: {error.strerror or error}") from None
        return run

    def record(self, progress: Progress, *, save: bool = False) -> None:
        """Note a stage or a better law in the log, and every few seconds, or with `save` at once, the front so far.

        A disk that is full must not end a long search: what cannot be written now is tried again later.
        """
        with contextlib.suppress(OSError):
            if progress.stage != self._stage:
                self._stage = progress.stage
                self._log("stage", stage=progress.stage)
            if not progress.front:
                return
            best = progress.front[-1]
            if best.loss < self._best:
                self._best = best.loss
                self._log(
                    "improved",
                    loss=best.loss,
                    complexity=best.complexity,
                    formula=best.expression.text(self._problem.dataset.feature_names),
                    evaluations=progress.evaluations,
                    seconds=progress.seconds,
                )
            due = save or time.monotonic() - self._saved_at >= self._every
            if due and progress.front != self._saved:
                self._write_front(self._snapshot(progress.front))
                self._saved, self._saved_at = progress.front, time.monotonic()

    def finish(self, found: Discovery) -> None:
        """Save what was found, then say in the log that the search has ended.

        Raises
        ------
        DataError
            If a file cannot be written.
        """
        try:
            self._write_front(found.front)
            (self.path / _STATE).mkdir(exist_ok=True)
            _write(self.path / _STATE / _CHECKPOINT, lambda f: _save_arrays(found.state, f))
            chosen = found.front.best.text(digits=None) if len(found.front) else None
            self._log("end", stopped=found.stopped, laws=len(found.front), chosen=chosen, **found.provenance)
        except OSError as error:
            raise DataError(f"the run '{self.path}' cannot be written: {error.strerror or error}") from None

    def _log(self, event: str, **details: Any) -> None:
        entry = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event} | details
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        # One write of a whole line to a file opened for appending: no line is ever torn by another.
        descriptor = os.open(self.path / _LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)

    def _write_front(self, front: Front) -> None:
        _write(self.path / _FRONT, lambda f: write_front(front, f))
        self.has_front = True

    def _snapshot(self, candidates: tuple[Candidate, ...]) -> Front:
        """Laws with the constants they have now, judged on at most `_SNAPSHOT_ROWS` rows: it must cost no time."""
        if self._thin is None:
            self._thin = _thinned(self._problem)
        problem, laws = self._thin, []
        for candidate in candidates:
            now = refit(candidate.expression, problem, "evolution", max_steps=1)
            if np.isfinite(now.loss):
                laws.append(law_of(now, problem))
        return Front.of(laws)


@dataclass(frozen=True)
class LoadedRun:
    """A run read from disk.

    Attributes
    ----------
    path : the directory.
    config : the settings, as in `config.toml`.
    schema : the table: name, rows, fingerprint, columns.
    front : the laws, with which one can predict at once.
    log : the events, oldest first.
    """

    path: Path
    config: dict[str, Any]
    schema: dict[str, Any]
    front: Front
    log: tuple[dict[str, Any], ...]

    @property
    def stopped(self) -> str | None:
        """Why the search ended; None where it still runs or was killed, and the front is one saved in passing."""
        last = self.log[-1] if self.log else {}
        return str(last.get("stopped")) if last.get("event") == "end" else None

    @property
    def provenance(self) -> dict[str, Any]:
        """What the search said of itself at its end (engine, evaluations, seconds, ...); empty until then."""
        return dict(self.log[-1]) if self.stopped is not None else {}

    def state(self) -> dict[str, Any]:
        """The arrays from which the engine can go on.

        Raises
        ------
        DataError
            If there are none, or the file is damaged.
        """
        file = self.path / _STATE / _CHECKPOINT
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except FileNotFoundError:
            raise DataError(f"the run '{self.path}' has no state to go on from") from None
        except (
            Exception
        ) as error:  # besides ValueError and OSError: zipfile and zlib have classes of their own
            raise DataError(f"file '{file}' is damaged: {_first_line(error)}") from None


def load_run(path: str | os.PathLike[str]) -> LoadedRun:
    """Read a run.

    Raises
    ------
    ConfigError
        If there is no such directory, or it is not a run of Balmer.
    DataError
        If a file of it is missing or damaged.
    """
    path = Path(path)
    if not path.exists():
        raise ConfigError(f"the run '{path}' does not exist")
    if not path.is_dir():
        raise ConfigError(f"'{path}' is a file; a run of Balmer is a directory, such as runs/planets-T")
    for name in (_CONFIG, _DATA):
        if not (path / name).is_file():
            raise ConfigError(f"the directory '{path}' is not a run of Balmer: it has no {name}")
    config = _read(path / _CONFIG, lambda text: tomllib.loads(text))
    schema = _read(path / _DATA, json.loads)
    if not (path / _FRONT).is_file():
        raise DataError(f"the run '{path}' has no front: its search has not found or not yet saved a law")
    return LoadedRun(path, config, schema, read_front(path / _FRONT), _read_log(path / _LOG))


def check_destination(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Refuse a place where a run cannot go; see `Run.create`.

    Raises
    ------
    ConfigError
        Saying what is there and what to do.
    """
    path = Path(path)
    if not path.exists() and not path.is_symlink():
        return
    if not path.is_dir():
        raise ConfigError(f"'{path}' exists and is not a directory; choose another place for the run")
    if not any(path.iterdir()):
        return
    if not _is_run(path):
        raise ConfigError(
            f"the directory '{path}' is not empty and not a run of Balmer; choose another place for the run"
        )
    if not overwrite:
        raise ConfigError(
            f"the run '{path}' exists already; choose another name or replace it with --overwrite (overwrite=True)"
        )


def _is_run(path: Path) -> bool:
    return (path / _CONFIG).is_file() and (path / _DATA).is_file()


def _numbered(path: Path) -> Path:
    """Make the first of path, path-2, path-3, ... that is not there: of two processes each gets its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    number = 1
    while True:
        candidate = path if number == 1 else path.with_name(f"{path.name}-{number}")
        try:
            candidate.mkdir()
        except FileExistsError:
            number += 1
        else:
            return candidate


def _clear(path: Path) -> None:
    """Take away what an earlier run wrote, and nothing else."""
    for name in (_CONFIG, _DATA, _FRONT, _LOG, *_OF_ANOTHER_ROOM):
        (path / name).unlink(missing_ok=True)
    shutil.rmtree(path / _STATE, ignore_errors=True)


def _config(problem: Problem, settings: Mapping[str, Any]) -> dict[str, Any]:
    data, space = problem.dataset, problem.space.model_dump()
    space["custom_operators"] = [
        f"{c.name}({', '.join(c.arguments)}) = {c.text if isinstance(c.text, str) else c.body.text(c.arguments)}"
        for c in problem.space.custom_operators
    ]
    columns = {
        "target": data.target.name,
        "features": list(data.feature_names),
        "weights": data.weight_column and data.weight_column.name,
        "sigma": data.sigma_column and data.sigma_column.name,
        "weights_mean": data.weights_mean,
    }
    if callable(problem.objective.loss):
        raise ConfigError(
            "a loss that is a Python function cannot be written to a run; write it as a formula of prediction and "
            "target"
        )
    whole = {**settings, **columns, "space": space, "objective": problem.objective.model_dump()}
    found: dict[str, Any] = _plain(whole)
    return found


def _plain(value: Any) -> Any:
    """What TOML can hold: None is left out, tuples become lists, paths text."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return str(value) if isinstance(value, Path) else value


def _thinned(problem: Problem) -> Problem:
    """The problem on evenly spaced rows, or itself where it is small."""
    data, rows = problem.dataset, problem.rows
    if len(rows) <= _SNAPSHOT_ROWS:
        return problem
    kept = rows[np.linspace(0, len(rows) - 1, _SNAPSHOT_ROWS).astype(np.int64)]
    thin = replace(
        data,
        X=np.ascontiguousarray(data.X[:, kept]),
        y=data.y[kept],
        weights=None if data.weights is None else data.weights[kept],
        sigma=None if data.sigma is None else data.sigma[kept],
    )
    return replace(problem, dataset=thin)


def _write(path: Path, write: Callable[[BinaryIO], Any]) -> None:
    """Write beside the place, then move there: on one file system that is atomic."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        with unfinished.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def _dump_json(content: Any, file: BinaryIO) -> None:
    file.write(json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def _save_arrays(state: State, file: BinaryIO) -> None:
    arrays = {name: np.asarray(array) for name, array in state.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise TypeError(
                f"the state '{name}' of an engine holds Python objects; only plain arrays are saved"
            )
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def _read(path: Path, parse: Callable[[str], Any]) -> dict[str, Any]:
    try:
        found = parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"file '{path}' cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # of JSON, TOML and UTF-8 alike
        raise DataError(f"file '{path}' is damaged: {_first_line(error)}") from None
    if not isinstance(found, dict):
        raise DataError(f"file '{path}' is damaged: it holds no table of settings")
    return found


def _read_log(path: Path) -> tuple[dict[str, Any], ...]:
    """The events; a line that a power cut tore is passed over."""
    events = []
    with contextlib.suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if isinstance(event, dict):
                    events.append(event)
    return tuple(events)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
