"""The command line with a home, a cache and a content tree of its own, and a judge that plays what it is told."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from thinkllm_drill import locale
from thinkllm_drill.cli import main
from thinkllm_drill.content.blanks import render

CHECKOUT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Result:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Cli = Callable[..., Result]


def _fake_judge_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_judge", HERE / "fake_judge.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fake_judge"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def content_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small content tree: softmax, gqa (which requires softmax here) and a kernel."""
    root = tmp_path_factory.mktemp("content")
    for topic, name in (("functions", "softmax"), ("attention", "gqa")):
        shutil.copytree(CHECKOUT / "exercises" / topic / name, root / "exercises" / topic / name)
        for folder in ("solutions", "graders"):
            (root / folder / topic).mkdir(parents=True, exist_ok=True)
            for file in (CHECKOUT / folder / topic).glob("*.*"):
                mine = file.name.split(".")[0] in (name, f"test_{name}")
                if mine and not file.name.endswith(".strength.toml"):
                    shutil.copy(file, root / folder / topic)
    _edit(root / "exercises/functions/softmax/exercise.toml", r"^leads_to = .*$", 'leads_to = ["kv-cache", "gqa"]')
    _edit(root / "exercises/attention/gqa/exercise.toml", r"^requires = .*$", 'requires = ["mha", "softmax"]')
    kernel = root / "exercises/kernels/triton_softmax"
    shutil.copytree(root / "exercises/functions/softmax", kernel)
    _edit(kernel / "exercise.toml", r"^aliases = .*$", 'aliases = []\nneeds = ["triton"]')
    _edit(kernel / "exercise.toml", r'^difficulty = "easy"$', 'difficulty = "hard"')
    (root / "solutions/kernels").mkdir()
    shutil.copy(root / "solutions/functions/softmax.py", root / "solutions/kernels/triton_softmax.py")
    return root


@pytest.fixture
def content(tmp_path: Path, content_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A content tree that may be written to."""
    root = Path(shutil.copytree(content_root, tmp_path / "content"))
    monkeypatch.setenv("THINKLLM_CONTENT", str(root))
    return root


@pytest.fixture(autouse=True)
def _own_world(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, content_root: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """No test touches the home, the cache or the settings of whoever runs it."""
    for name in ("LANG", "LC_MESSAGES", "NO_COLOR", "EDITOR", "VISUAL", "PAGER", "_THINKLLM_COMPLETE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("LANG", "LEVEL", "EDITOR", "PAGER", "COLOR", "DEVICE", "SERVICE"):
        monkeypatch.delenv(f"THINKLLM_{name}", raising=False)
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("THINKLLM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("THINKLLM_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("THINKLLM_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("THINKLLM_CONTENT", str(content_root))
    monkeypatch.setattr("thinkllm_drill.interview.recorder.ensure", lambda folder, home: None)
    yield
    locale.use("en")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def judge(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The judge that the command line meets; its `scenario` is what it plays."""
    import thinkllm_drill.judge as package

    fake = _fake_judge_module().FakeJudge()
    for name, module in fake.modules().items():
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(package, name, module, raising=False)
    return fake


@pytest.fixture
def cli(judge: Any, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs a command line in this process."""

    def run(*args: str) -> Result:
        capsys.readouterr()
        code = main(list(args))
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return run


@pytest.fixture
def solve(content_root: Path, home: Path) -> Callable[..., Path]:
    """Fills an attempt from the reference, below its header."""

    def fill(slug: str = "gqa", topic: str = "attention", *, keep_open: bool = False) -> Path:
        path = home / "attempts" / topic / f"{slug.replace('-', '_')}.py"
        source = (content_root / "solutions" / topic / f"{slug.replace('-', '_')}.py").read_text()
        code = render(source, "cloze", only=[2]) if keep_open else render(source, "bughunt")
        path.write_text(path.read_text().splitlines()[0] + "\n" + code)
        return path

    return fill


@pytest.fixture
def python_env(content_root: Path, tmp_path: Path) -> dict[str, str]:
    """The environment for a process of its own."""
    import os

    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}


def _edit(path: Path, pattern: str, new: str) -> None:
    text, times = re.subn(pattern, new, path.read_text(), flags=re.MULTILINE)
    assert times == 1
    path.write_text(text)
