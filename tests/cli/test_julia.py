"""`balmer julia`: what is set up, what is broken, and an installation that is done whole or not at all."""

from __future__ import annotations

import subprocess
import sys

import pytest

NOT_SET_UP = (
    "Julia is not set up here: run `balmer julia install`, or use --engine embedded (engine='embedded')"
)
posix = pytest.mark.skipif(sys.platform == "win32", reason="scripts as on POSIX")


def test_asking_for_julia_without_it_is_one_sentence_and_writes_nothing(balmer, planets, no_julia, tmp_path):
    code, out, err = balmer("fit", planets, "--engine", "julia", "--time", "1s")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"Error: {NOT_SET_UP}"
    assert list(tmp_path.iterdir()) == []


def test_auto_without_julia_is_embedded_and_says_so(balmer, planets, no_julia):
    code, out, _ = balmer("fit", planets, "--evaluations", "100")
    assert code == 0
    assert "engine embedded" in out


def test_status_without_julia(balmer, no_julia):
    assert balmer("julia", "status") == (2, "", f"Error: {NOT_SET_UP}\n")
    assert not no_julia.exists()


@posix
def test_status_says_what_is_there(balmer, julia_on_paper):
    executable, project = julia_on_paper()
    code, out, err = balmer("julia", "status")
    assert (code, err) == (0, "")
    lines = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in out.splitlines()}
    assert lines["Julia"] == f"1.10.8, {executable}"
    assert lines["project"] == str(project)
    assert lines["set up by"] == "the environment"
    assert lines["SymbolicRegression"] == "2.7.2"


def test_doctor_stops_at_the_first_broken_link(balmer, no_julia):
    code, out, err = balmer("julia", "doctor")
    assert (code, err) == (2, "")
    first, last = out.splitlines()
    assert first.startswith("ok      the Python package juliacall: ")
    assert last == f"failed  a Julia executable: {NOT_SET_UP}"


@posix
def test_doctor_sees_two_halves_of_the_bridge_that_do_not_fit(balmer, julia_on_paper):
    julia_on_paper("1.10.8", {"PythonCall": "0.9.1", "SymbolicRegression": "2.7.2"})
    code, out, _ = balmer("julia", "doctor")
    assert code == 2
    lines = out.splitlines()
    assert lines[2] == "ok      the version of Julia: 1.10.8, known to work"
    assert lines[-1].startswith(
        "failed  the Julia package PythonCall: it is 0.9.1, but the Python package juliacall"
    )
    assert lines[-1].endswith("pip install juliacall==0.9.1")


@posix
def test_doctor_names_versions_that_were_never_tried(balmer, julia_on_paper):
    julia_on_paper("1.42.0", {"PythonCall": "0.9.1", "SymbolicRegression": "2.7.2"})
    _, out, _ = balmer("julia", "doctor")
    assert "ok      the version of Julia: 1.42.0, untested (known to work: 1.10)" in out.splitlines()


@pytest.fixture
def resolve(no_julia, monkeypatch):
    """What juliapkg does when it is asked to resolve."""
    import juliapkg

    def does(action):
        monkeypatch.setattr(juliapkg, "resolve", action)

    return does


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError("no network"), "Julia could not be installed: no network; nothing was changed"),
        (
            Exception("could not find Julia ^1.10"),
            "Julia could not be installed: could not find Julia ^1.10; nothing",
        ),
        (
            subprocess.CalledProcessError(1, "julia"),
            "Julia's packages could not be installed: Julia's own message",
        ),
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_an_installation_that_fails_leaves_what_was(balmer, no_julia, resolve, error, message, earlier):
    kept = {"Project.toml": "[deps]", "Manifest.toml": "# of before"}
    if earlier:
        no_julia.mkdir()
        for name, text in kept.items():
            (no_julia / name).write_text(text)

    def fail():
        (no_julia / "pyjuliapkg").mkdir(parents=True)
        (no_julia / "pyjuliapkg" / "meta.json").write_text("{}")
        (no_julia / "Project.toml").write_text("[deps] # half")
        (no_julia / "Manifest.toml").unlink(missing_ok=True)
        raise error

    resolve(fail)
    code, out, err = balmer("julia", "install")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(f"Error: {message}")
    if earlier:
        assert {name: (no_julia / name).read_text() for name in kept} == kept
        assert not (no_julia / "pyjuliapkg" / "meta.json").exists()
    else:
        assert not no_julia.exists()


@posix
def test_install_takes_a_julia_that_the_environment_names(balmer, julia_on_paper, resolve):
    def never():
        raise AssertionError("juliapkg was asked")

    resolve(never)
    julia_on_paper()  # it answers everything with its version and success
    code, out, err = balmer("julia", "install")
    assert (code, out) == (0, "Julia 1.10.8 is set up; balmer julia doctor tries it.\n")
    assert "compiling the packages" in err


@posix
def test_packages_that_do_not_compile_are_one_sentence(balmer, julia_on_paper):
    executable, _ = julia_on_paper()
    broken = "*) echo 'ERROR: LoadError: no such thing' >&2; echo Stacktrace: >&2; exit 1;;"
    executable.write_text(f'#!/bin/sh\ncase "$1" in --version) echo julia version 1.10.8;; {broken} esac\n')
    code, out, err = balmer("julia", "install")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == (
        "Error: the Julia package Balmer cannot be loaded: LoadError: no such thing"
    )


@pytest.mark.julia
def test_the_doctor_finds_a_law(balmer):
    code, out, err = balmer("julia", "doctor")
    assert (code, err) == (0, ""), out
    assert all(line.startswith("ok ") for line in out.splitlines())
    assert out.splitlines()[-1].startswith("ok      a search: found y = ")


@pytest.mark.julia
def test_the_julia_engine_from_the_command_line(balmer, planets):
    code, out, _ = balmer("fit", planets, "--engine", "julia", "--evaluations", "20000")
    assert code == 0
    assert "engine julia" in out
