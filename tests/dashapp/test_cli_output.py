"""Commands whose output nobody reads to the end leave as Unix tools do."""

import subprocess
import sys

import pytest

from dashapp.config import ROOT


@pytest.mark.parametrize("asked", [["settings"], ["settings", "--json"]])
def test_a_reader_that_goes_ends_a_command_without_a_word(asked: list[str]) -> None:
    command = [sys.executable, "-m", "dashapp", *asked]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (141, b"")
