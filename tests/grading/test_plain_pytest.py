"""A grader file is an ordinary pytest file: it can be run from a checkout, without the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
GRADER = CHECKOUT / "graders" / "functions" / "test_softmax.py"

pytestmark = pytest.mark.slow
WRONG = """
import torch

def softmax(x, dim=-1):
    weights = x.exp()
    return weights / weights.sum(-1, keepdim=True)

def log_softmax(x, dim=-1):
    return softmax(x, dim).log()
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Runs pytest in an empty home; no process and no folder of a runner may be left."""
    home = tmp_path_factory.mktemp("home")
    before = set(Path(tempfile.gettempdir()).glob("thinkllm-run-*"))
    started = []

    def go(*arguments, cwd=CHECKOUT):
        environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *map(str, arguments)]
        with subprocess.Popen(
            command, cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            started.append(str(process.pid))
            output = process.communicate(timeout=120)[0]
        return process.returncode, output

    yield go
    left = set(Path(tempfile.gettempdir()).glob("thinkllm-run-*")) - before
    assert not [path for path in left if path.name.split("-")[2] in started]


def test_without_an_attempt_the_reference_is_graded(run):
    code, output = run(GRADER, "-q")
    assert code == 0, output
    assert re.search(r"\b[1-9]\d passed", output)
    assert "failed" not in output


def test_a_wrong_attempt_in_a_file_with_a_difficult_name_fails_readably(run, tmp_path):
    folder = tmp_path / "my 练习"
    folder.mkdir()
    (folder / "soft max.py").write_bytes(b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode())
    code, output = run(GRADER, "-rA", "--attempt", folder / "soft max.py", "--seed", "00000000000000ab")
    assert code == 1
    assert "wrong: " in output
    assert "seed 00000000000000ab" in output
    assert re.search(r"^case: .*shape", output, re.MULTILINE)
    assert re.search(r"^expected: \[", output, re.MULTILINE)
    assert re.search(r"^actual: \[", output, re.MULTILINE)
    assert "Traceback" not in output
    assert "battery.py" not in output
    assert "2 failed" in output
    assert "not reached" in output
