"""The wheel: what is in it, and that it lists the same exercises where there is no checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel built from this checkout, without fetching anything."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_all_content(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("exercises", "solutions", "graders"):
        here = {
            f"thinkllm_drill/_content/{path.relative_to(ROOT)}"
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
        assert here <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "exercises/", "graders/", "solutions/"))]
    assert "thinkllm_drill/content/templates/attempt.py.jinja" in names
    for name in ("base.html", "mock.html", "macros.html", "charts.html", "report.css"):
        assert f"thinkllm_drill/report/templates/{name}" in names


@pytest.mark.slow
def test_an_installed_wheel_lists_and_drills_the_same(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    libraries = sysconfig.get_paths()["purelib"]
    # an isolated interpreter, so that an editable install of this checkout is not found instead
    start = (
        f"import sys; sys.path[:0] = [{str(site)!r}, {libraries!r}]; import thinkllm_drill.cli as c; sys.exit(c.main())"
    )
    environment = os.environ | {"THINKLLM_HOME": str(tmp_path / "home"), "THINKLLM_SERVICE": "off"}
    environment.pop("PYTHONPATH", None)
    environment.pop("THINKLLM_CONTENT", None)

    def thinkllm(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", "-c", start, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    listed = thinkllm("list", "--json")
    assert listed.returncode == 0, listed.stderr
    here = {path.parent.name.replace("_", "-") for path in (ROOT / "exercises").glob("*/*/exercise.toml")}
    assert {row["slug"] for row in json.loads(listed.stdout)["exercises"]} == here
    drilled = thinkllm("drill", "softmax", "--json")
    assert drilled.returncode == 0, drilled.stderr
    assert Path(json.loads(drilled.stdout)["file"]).is_file()
