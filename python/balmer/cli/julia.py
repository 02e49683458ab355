"""`balmer julia`: set Julia up, say what is there, and find the link of the chain that is broken."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.text import Text

from balmer.engines.julia.installation import NEEDED, Installation, install, installation, source
from balmer.errors import BalmerError, EngineError

__all__ = ["doctor_command", "install_command", "status_command"]

# Versions that Balmer's tests have passed with; others may work.
KNOWN_TO_WORK = {
    "Julia": ("1.10",),
    "PythonCall": ("0.9.28",),
    "SymbolicRegression": ("2.0.0-alpha",),
}
_SEARCH_SECONDS = 2.0


def install_command() -> None:
    """Set Julia up, or see that it is.

    Raises
    ------
    EngineError
        If that fails; nothing is then left half done.
    """
    console = Console(stderr=True)
    found = install(lambda text: console.print(Text(text), soft_wrap=True))
    print(f"Julia {found.version} is set up; balmer julia doctor tries it.")


def status_command() -> None:
    """Print what is set up; nothing is started.

    Raises
    ------
    EngineError
        If nothing is, or something is missing.
    """
    found = installation()
    console = Console()
    rows = {
        "Julia": f"{found.version}, {found.executable}",
        "project": str(found.project),
        "set up by": found.origin,
        "juliacall": _python_version("juliacall"),
        **{name: found.packages[name] or "" for name in NEEDED},
        "Balmer": f"{_balmer_version()}, {source()}",
    }
    width = max(map(len, rows))
    for name, value in rows.items():
        console.print(Text.assemble((f"{name:<{width}}  ", "bold"), value), soft_wrap=True)


def doctor_command() -> int:
    """Try every link from Python to a search in Julia; stops at the first that fails, with code 2."""
    console = Console()
    found: list[Installation] = []

    def located() -> str:
        found.append(installation())
        return f"{found[0].executable} (from {found[0].origin})"

    links: list[tuple[str, Callable[[], str]]] = [
        ("the Python package juliacall", lambda: _python_version("juliacall")),
        ("a Julia executable", located),
        ("the version of Julia", lambda: _known("Julia", found[0].version)),
        ("the Julia project", lambda: str(found[0].project)),
        ("the Julia package PythonCall", lambda: _bridge(found[0])),
        ("the Julia package SymbolicRegression", lambda: _package(found[0], "SymbolicRegression")),
        ("the Julia package Balmer", _balmer),
        ("threads", _threads),
        ("signals", _signals),
        ("a search", _search),
    ]
    for name, check in links:
        try:
            said = check()
        except BalmerError as error:
            console.print(Text.assemble(("failed  ", "bold red"), f"{name}: {error}"), soft_wrap=True)
            return 2
        console.print(Text.assemble(("ok      ", "green"), f"{name}: {said}"), soft_wrap=True)
    return 0


def _python_version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise EngineError(f"it is not installed: pip install {package}") from None


def _known(name: str, version: str | None) -> str:
    known = KNOWN_TO_WORK[name]
    if version is not None and version.startswith(known):
        return f"{version}, known to work"
    return f"{version or 'no version'}, untested (known to work: {', '.join(known)})"


def _package(found: Installation, name: str) -> str:
    return _known(name, found.packages.get(name))


def _bridge(found: Installation) -> str:
    """The two halves of the bridge are released together and speak to no other version of each other."""
    here, there = _python_version("juliacall"), found.packages.get("PythonCall")
    if there is not None and there != here:
        raise EngineError(
            f"it is {there}, but the Python package juliacall is {here}: the two need the same version; run "
            f"`balmer julia install`, or pip install juliacall=={there}"
        )
    return _package(found, "PythonCall")


def _balmer_version() -> str:
    import tomllib

    return str(tomllib.loads((Path(source()) / "Project.toml").read_text(encoding="utf-8"))["version"])


def _balmer() -> str:
    from balmer.engines.julia import session

    session.julia()
    return f"{_balmer_version()}, {source()}"


def _threads() -> str:
    from balmer.engines.julia import session

    count = session.threads()
    return str(count) if count > 1 else "1 (set PYTHON_JULIACALL_THREADS=auto to use all cores)"


def _signals() -> str:
    """Ctrl-C must arrive in Python, and Julia must live on."""
    import signal

    from balmer.engines.julia import session

    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        if sys.platform == "win32":
            signal.raise_signal(signal.SIGINT)
        else:
            os.kill(
                os.getpid(), signal.SIGINT
            )  # as from a keyboard: to the process, where Julia waits for it too
        session.threads()
    finally:
        signal.signal(signal.SIGINT, before)
    if not came:
        raise EngineError("Ctrl-C does not reach Python; set PYTHON_JULIACALL_HANDLE_SIGNALS=yes")
    return "Ctrl-C reaches Python"


def _search() -> str:
    """y = 2.5 x^2 in a small table must be found; the second try is for a first that went into compiling."""
    import numpy as np

    from balmer.data import Dataset
    from balmer.engines import Budget, Problem, SearchSpace
    from balmer.engines.julia import JuliaEngine

    x = np.linspace(-2.0, 3.0, 40)
    problem = Problem(Dataset.from_arrays({"x": x}, 2.5 * x**2), SearchSpace(operators=("add", "mul")))
    for seed in range(2):
        found = JuliaEngine().evolve(problem, Budget(seconds=_SEARCH_SECONDS), seed=seed)
        if found.front and found.front[-1].loss < 1e-12 * problem.variance:
            formula = found.front[-1].expression.text(["x"], 6)
            return f"found y = {formula} in {found.evaluations:,} evaluations"
    raise EngineError("it does not find y = 2.5*x**2; please report this with the lines above")
