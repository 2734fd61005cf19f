"""What the attempt's process on a GPU may not do, and what its compilers must be able to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from thinkllm_drill.judge import landlock

SCRIPT = """
import json, os, subprocess, sys, tempfile
from pathlib import Path
from thinkllm_drill.gpu.worker import confine
scratch, hidden = Path(sys.argv[1]), Path(sys.argv[2])
confine(scratch, {hidden})
found = {"environment": sorted(os.environ)}
try:
    (hidden / "softmax.py").read_text()
    found["hidden"] = "read"
except OSError as error:
    found["hidden"] = type(error).__name__
(scratch / "one").mkdir()
(scratch / "one" / "file").write_text("x")
os.replace(scratch / "one" / "file", scratch / "file")
found["moved"] = (scratch / "file").read_text()
found["program"] = subprocess.run(["cat", str(scratch / "file")], capture_output=True, text=True).stdout
found["open"] = Path(sys.argv[3]).read_text()
Path("/dev/null").write_text("x")
print(json.dumps(found))
"""


@pytest.mark.skipif(landlock.version() < 2, reason="this kernel has no Landlock, or an old one")
def test_references_cannot_be_read_and_compilers_still_work(tmp_path: Path) -> None:
    scratch, hidden = tmp_path / "scratch", tmp_path / "content" / "solutions"
    scratch.mkdir()
    hidden.mkdir(parents=True)
    (hidden / "softmax.py").write_text("secret")
    beside = tmp_path / "content" / "other.py"
    beside.write_text("beside")
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "SECRET": "1",
        "CUDA_HOME": "/x",
    }
    command = [sys.executable, "-P", "-c", SCRIPT, str(scratch), str(hidden), str(beside)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["hidden"] == "PermissionError"
    assert (found["moved"], found["program"], found["open"]) == ("x", "x", "beside")
    assert "CUDA_HOME" in found["environment"]
    assert "SECRET" not in found["environment"]
