"""The command in this process."""

import signal
import sys

import pytest

from seedbed.cli import main


@pytest.fixture
def here(monkeypatch, capsys):
    """A function that runs the command in this process, which has the libraries already: exit code, stdout, stderr."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    for name in ("OPENBLAS_NUM_THREADS", "SEEDBED_DEBUG", "COLUMNS"):
        monkeypatch.setenv(name, {"COLUMNS": "100"}.get(name, ""))

    def call(*words, cwd="."):
        if words[:1] == ("run",):  # the small projects of tests have no data
            words = ("run", "--no-check", *words[1:])
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["seedbed", *words])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code or 0, *capsys.readouterr()

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)
