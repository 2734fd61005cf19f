"""Group 12: what lies beside the attempt is neither loaded nor heeded, by command line, judge and runner."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MARK = "raise SystemExit(open({mark!r}, 'a').write(__name__ + ' ') and 'loaded')\n"
MODULES = (
    *("conftest", "sitecustomize", "usercustomize", "torch", "numpy", "random", "json", "pytest", "_pytest", "typing"),
    *("thinkllm_drill", "safetensors", "psutil", "encodings", "os", "test_softmax", "softmax_test", "solutions"),
)
FILES = {
    "pytest.ini": "[pytest]\naddopts = --collect-only -p conftest\n",
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '--collect-only'\n",
    "setup.cfg": "[tool:pytest]\naddopts = --collect-only\n",
    "tox.ini": "[pytest]\naddopts = --collect-only\n",
    "evil.pth": "import conftest\n",
    ".pytest_cache": "",
    "solutions.toml": "",
}


@pytest.fixture
def folder(place: Any, tmp_path: Path) -> Path:
    """A learner's folder full of traps; each leaves a mark if it is loaded."""
    home = tmp_path / "home"
    attempts = home / "attempts" / "functions"
    attempts.mkdir(parents=True)
    for where in (attempts, home):
        for name in MODULES:
            (where / f"{name}.py").write_text(MARK.format(mark=str(tmp_path / "loaded")))
        for name, text in FILES.items():
            (where / name).write_text(text)
        (where / "__pycache__").mkdir()
    return attempts


def check(place: Any, folder: Path, source: bytes, *options: str) -> dict[str, Any]:
    """What the command line says of an attempt, run in its folder."""
    (folder / "softmax.py").write_bytes(source)
    environment = os.environ | place.environment | {"THINKLLM_HOME": str(folder.parents[1]), "LC_ALL": "C.UTF-8"}
    environment |= {"PYTHONPATH": str(CHECKOUT), "THINKLLM_RUNTIME_DIR": str(place.folder / "run2")}
    environment["THINKLLM_CACHE_DIR"] = str(folder.parents[2] / "cache")
    command = [sys.executable, "-P", "-m", "thinkllm_drill"]
    done = subprocess.run(
        [*command, "check", "softmax.py", "--json", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        timeout=60,
    )
    subprocess.run([*command, "service", "stop"], cwd=folder, env=environment, capture_output=True, timeout=30)
    assert done.stdout, done.stderr.decode()
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("options", [(), ("--no-service",)], ids=["service", "foreground"])
def test_nothing_beside_the_attempt_counts(
    place: Any, folder: Path, tmp_path: Path, reference_of: Any, options: tuple[str, ...]
) -> None:
    (place.folder / "run2").mkdir(mode=0o700, exist_ok=True)
    assert check(place, folder, reference_of("softmax"), *options)["status"] == "passed"
    wrong = check(place, folder, b"import conftest, random\n" + reference_of("softmax"), *options)
    assert wrong["status"] == "error"  # there is no such module for it
    assert not (tmp_path / "loaded").exists()
    for path in (place.folder / "run2").iterdir():
        path.unlink()
    (place.folder / "run2").rmdir()
    place.assert_clean()
