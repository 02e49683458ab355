"""The command line in process: exit code, stdout and stderr of one call, in an empty directory."""

from pathlib import Path

import pytest

from balmer.cli import main

EXAMPLES = Path(__file__).parents[2] / "examples" / "data"


@pytest.fixture
def planets():
    return EXAMPLES / "planets.parquet"


@pytest.fixture
def balmer(tmp_path, monkeypatch, capsys):
    """Call it with arguments; returns (code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call
