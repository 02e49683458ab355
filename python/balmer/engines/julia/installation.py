"""Where Julia is: found without starting it, and installed only when that is asked."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from balmer.errors import EngineError

__all__ = [
    "NEEDED",
    "Installation",
    "first_line",
    "install",
    "installation",
    "julia_option",
    "julia_version",
    "precompile",
    "source",
]

NEEDED = ("PythonCall", "SymbolicRegression")  # what Balmer's Julia module stands on
_OLDEST = (1, 10)
_NOT_SET_UP = (
    "Julia is not set up here: run `balmer julia install`, or use --engine embedded (engine='embedded')"
)
_REFRESH = "packages have changed since Julia was set up: run `balmer julia install` again"


@dataclass(frozen=True)
class Installation:
    """A Julia that can be started.

    Attributes
    ----------
    executable : the julia command.
    project : the directory with the Project.toml and Manifest.toml of its packages.
    origin : who says so: ``"the environment"`` (PYTHON_JULIACALL_EXE and PYTHON_JULIACALL_PROJECT) or ``"juliapkg"``.
    """

    executable: Path
    project: Path
    origin: str

    @property
    def version(self) -> str | None:
        """Julia's version; None where the executable does not say one."""
        return julia_version(self.executable)

    @property
    def packages(self) -> dict[str, str | None]:
        """Versions of the packages in the manifest by name; None for those of Julia itself."""
        for name in ("JuliaManifest.toml", "Manifest.toml"):
            with contextlib.suppress(OSError, ValueError):
                entries = tomllib.loads((self.project / name).read_text(encoding="utf-8")).get("deps", {})
                return {package: stanzas[0].get("version") for package, stanzas in entries.items()}
        return {}

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a script in a Julia process of its own, with the source of Balmer as its last argument."""
        command = [str(self.executable), f"--project={self.project}", "--startup-file=no", "-e", script]
        # PythonCall shall take this Python, and not install one of its own.
        environment = {"JULIA_PYTHONCALL_EXE": sys.executable} | os.environ
        return subprocess.run(
            [*command, *arguments, source()], env=environment, capture_output=True, text=True, check=False
        )


def installation() -> Installation:
    """The Julia that a search would start; nothing is started, downloaded or imported but juliapkg.

    Raises
    ------
    EngineError
        Saying what is missing and what to do.
    """
    executable, project = julia_option("exe"), julia_option("project")
    if executable is None and project is None:
        found = _of_juliapkg()
        remedy = "run `balmer julia install`"
    else:
        found = _of_environment(executable, project)
        remedy = "add it there with Julia's Pkg"
    version = found.version
    if version is None:
        raise EngineError(f"'{found.executable}' is no Julia executable: it does not say its version")
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise EngineError(
            f"Julia {version} at '{found.executable}' is too old; Julia {_OLDEST[0]}.{_OLDEST[1]} or newer is needed"
        )
    packages = found.packages
    for name in NEEDED:
        if name not in packages:
            raise EngineError(f"the Julia project '{found.project}' has no package {name}; {remedy}")
    return found


def install(report: Callable[[str], Any]) -> Installation:
    """Let juliapkg download Julia and its packages where they are missing, then compile them.

    Parameters
    ----------
    report : called with a line on what is being done.

    Raises
    ------
    EngineError
        One sentence; the Julia project is then as it was before.
    """
    if julia_option("exe") is None and julia_option("project") is None:
        report("Julia and its packages, by juliapkg (a download of some 500 MB where they are missing)")
        _resolve()
    found = installation()
    report(f"Julia {found.version} at {found.executable}")
    report("compiling the packages (minutes, the first time)")
    precompile(found)
    return found


def precompile(found: Installation) -> None:
    """Compile Balmer's Julia module and what it needs, so that a search starts at once.

    Raises
    ------
    EngineError
        With the first line of Julia's error.
    """
    done = found.run("push!(LOAD_PATH, last(ARGS)); import PythonCall; import Balmer")
    if done.returncode != 0:
        raise EngineError(f"the Julia package Balmer cannot be loaded: {first_line(_error_of(done.stderr))}")


def source() -> str:
    """The directory with the Project.toml of Balmer's Julia module: inside the package, or the checkout's root.

    Julia finds the module there because the session adds this directory to its LOAD_PATH. So the module is always
    the one that came with this Python package, and no Julia project has to know of it.
    """
    package = Path(__file__).parents[2]
    shipped = package / "_julia"
    return str(shipped if (shipped / "Project.toml").is_file() else package.parents[1])


def julia_option(name: str) -> str | None:
    """An option of juliacall as it reads it: ``-X juliacall-NAME=...``, or PYTHON_JULIACALL_NAME."""
    given = sys._xoptions.get(f"juliacall-{name.replace('_', '-')}")
    return given if isinstance(given, str) else os.environ.get(f"PYTHON_JULIACALL_{name.upper()}")


@cache
def julia_version(executable: Path) -> str | None:
    """What ``julia --version`` says; None where that fails."""
    try:
        done = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False)
    except (OSError, ValueError):
        return None
    found = re.match(r"julia version (\d+\.\d+\.\d+\S*)", done.stdout)
    return found[1] if found else None


def first_line(error: object) -> str:
    """The first line of a message that says something; of Julia's errors the rest is a backtrace."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0].removeprefix("ERROR: ").rstrip(".") if lines else type(error).__name__


def _of_environment(executable: str | None, project: str | None) -> Installation:
    if executable is None or project is None:
        there, missing = ("PROJECT", "EXE") if executable is None else ("EXE", "PROJECT")
        raise EngineError(
            f"PYTHON_JULIACALL_{there} is set without PYTHON_JULIACALL_{missing}; set both, to a julia command and "
            f"a Julia project, or neither"
        )
    command = shutil.which(executable)
    if command is None:
        raise EngineError(f"PYTHON_JULIACALL_EXE = {executable!r}: there is no such executable")
    place = Path(project).absolute()
    if not (place / "Project.toml").is_file() and not (place / "JuliaProject.toml").is_file():
        raise EngineError(
            f"PYTHON_JULIACALL_PROJECT = {project!r}: there is no Julia project in that directory"
        )
    return Installation(Path(command).absolute(), place, "the environment")


def _of_juliapkg() -> Installation:
    """What juliapkg has resolved, if that still holds; a dry run never downloads."""
    juliapkg, state = _juliapkg()
    meta = Path(state["meta"])
    if not meta.is_file():
        raise EngineError(_NOT_SET_UP)
    try:
        resolved = juliapkg.resolve(dry_run=True)
        executable = json.loads(meta.read_text(encoding="utf-8"))["executable"]
    except Exception as error:  # juliapkg raises plain exceptions, of TOML, JSON, files and its own
        raise EngineError(
            f"the Julia project '{state['project']}' cannot be read: {first_line(error)}"
        ) from None
    if not resolved:
        raise EngineError(_REFRESH)
    return Installation(Path(executable), Path(state["project"]), "juliapkg")


def _juliapkg() -> tuple[Any, Any]:
    if importlib.util.find_spec("juliapkg") is None:
        raise EngineError("the Python package juliapkg is missing, which finds Julia: pip install juliacall")
    try:
        import juliapkg
        from juliapkg.state import STATE
    except Exception as error:  # such as PYTHON_JULIAPKG_PROJECT that is no absolute path
        raise EngineError(f"juliapkg, which finds Julia, does not start: {first_line(error)}") from None
    return juliapkg, STATE


def _resolve() -> None:
    juliapkg, state = _juliapkg()
    project = Path(state["project"])
    try:
        # What juliapkg prints is for the user to watch, and no result.
        with _restored(project, Path(state["meta"])), contextlib.redirect_stdout(sys.stderr):
            juliapkg.resolve()
    except subprocess.CalledProcessError:
        raise EngineError(
            "Julia's packages could not be installed: Julia's own message stands above; nothing was changed"
        ) from None
    except Exception as error:
        reason = first_line(getattr(error, "reason", error))  # of urllib's errors, which say it in brackets
        raise EngineError(
            f"Julia could not be installed: {reason}; nothing was changed (a Julia that is there already "
            f"is taken from the PATH or from PYTHON_JULIAPKG_EXE)"
        ) from None


@contextlib.contextmanager
def _restored(project: Path, meta: Path) -> Iterator[None]:
    """If the body fails, the files of the project are put back; a project that was not there is taken away."""
    fresh = not project.exists()
    files: Sequence[Path] = [project / "Project.toml", project / "Manifest.toml", meta]
    before = {file: file.read_bytes() for file in files if file.is_file()}
    try:
        yield
    except BaseException:  # Ctrl-C too
        if fresh:
            shutil.rmtree(project, ignore_errors=True)
        for file in () if fresh else files:
            if file in before:
                file.write_bytes(before[file])
            else:
                file.unlink(missing_ok=True)
        raise


def _error_of(output: str) -> str:
    """The part of Julia's output that begins with its error."""
    at = output.find("ERROR: ")
    return output[at:] if at >= 0 else output
