"""`thinkllm debug`: what is run, what is shown around the learner's own output, and what is left in the home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pexpect
import pytest

from thinkllm_drill.cli.reproduce import save
from thinkllm_drill.judge.replay import Asked, Replay
from thinkllm_drill.verdict import Cause, Check

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def attempt(cli: Any, solve: Any) -> Path:
    cli("drill", "gqa")
    return Path(solve("gqa"))


@pytest.fixture
def debugger(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The judge's side, which plays `check` and remembers what it was asked."""
    from thinkllm_drill.judge.debug import Debugged

    class Player:
        check = Check("values", "values", "values", "passed")
        asked: dict[str, Any]

        def debug(self, request: Any, events: Any, **more: Any) -> Debugged:
            self.asked = {"request": request, **more}
            events.on_case(self.check, "two heads: batch 1", "7f3a91c0ffee0001")
            events.on_call("GroupedQueryAttention(x)", "x = [1.0]")
            print("printed by the attempt")
            call = {"op": "call", "target": ["name", "f"], "args": [], "kwargs": {"x": [1.0]}}
            events.on_replay(Replay(Path(request.file), asked=[Asked(call)]))
            error = "Traceback (most recent call last):\n  File …" if self.check.status == "error" else None
            return Debugged(self.check, "7f3a91c0ffee0001", "two heads: batch 1", "[0.5]", error)

    player, module = Player(), ModuleType("thinkllm_drill.judge.debug")
    module.debug = player.debug  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "thinkllm_drill.judge.debug", module)
    return player


def test_without_a_verdict_the_first_case_is_run(cli: Any, attempt: Path, debugger: Any, home: Path) -> None:
    result = cli("debug", "gqa")
    assert result.code == 0
    assert debugger.asked["check"] is None
    for words in ("no verdict on this file yet", "two heads: batch 1", "x = [1.0]", "printed by", "[0.5]", "is right"):
        assert words in result.out
    assert (home / "debug/gqa/inputs.pt").exists()
    assert "from gqa import f" in (home / "debug/gqa/reproduce.py").read_text()


def test_the_last_failure_is_run(cli: Any, judge: Any, attempt: Path, debugger: Any) -> None:
    judge.scenario = "wrong"
    assert "hint: thinkllm debug gqa runs this case" in cli("check", "gqa").out
    debugger.check = Check(
        "values", "values", "values", "wrong", cause=Cause("off by 1", expected="1", actual="2", where="everywhere")
    )
    result = cli("debug", "gqa")
    assert result.code == 1
    assert debugger.asked["check"] == "values"
    assert debugger.asked["request"].seed == "7f3a91c0ffee0001"
    for words in ("off by 1", "expected   1", "yours      2", "everywhere", "breakpoint()"):
        assert words in result.out
    cli("debug", "gqa", "--seed", "ab", "--case", "left padding")
    assert debugger.asked["request"].seed == "ab"
    assert debugger.asked["request"].case == "left padding"


def test_a_file_that_changed_since_its_verdict_is_told(cli: Any, judge: Any, attempt: Path, debugger: Any) -> None:
    judge.scenario = "wrong"
    cli("check", "gqa")
    assert "has changed" not in cli("debug", "gqa").out
    attempt.write_text(attempt.read_text() + "\n")
    assert cli("debug", "gqa").out.count("The file has changed since the last verdict") == 1


def test_an_exception_is_shown_with_its_traceback_once(cli: Any, attempt: Path, debugger: Any) -> None:
    debugger.check = Check("values", "v", "values", "error", cause=Cause("ValueError: no\nq: (2, 3)"))
    out = cli("debug", "gqa").out
    assert "Traceback" in out
    assert "q: (2, 3)" in out
    assert "ValueError: no" not in out


def test_what_cannot_be_run_is_said_without_torch(cli: Any, attempt: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "thinkllm_drill.judge.debug", None)
    attempt.write_text(attempt.read_text() + "def (:\n")
    result = cli("debug", "gqa")
    assert result.code == 1
    assert "SyntaxError" in result.out
    assert cli("debug", "softmax").code == 2


def test_json_is_one_object_whatever_is_printed(cli: Any, attempt: Path, debugger: Any) -> None:
    result = cli("debug", "gqa", "--json")
    assert result.json["passed"] is True
    assert result.json["script"].endswith("debug/gqa/reproduce.py")
    assert result.json["check"]["id"] == "values"
    assert "printed by the attempt" in result.err


def test_in_chinese(cli: Any, attempt: Path, debugger: Any) -> None:
    assert "这个用例是对的" in cli("debug", "gqa", "--lang", "zh").out


def test_an_edited_script_is_kept(tmp_path: Path) -> None:
    def call(value: Any) -> Replay:
        request = {"op": "call", "target": ["name", "f"], "args": [], "kwargs": value}
        return Replay(tmp_path / "gelu.py", asked=[Asked(request)])

    folder = tmp_path / "debug"
    first = save(call({"x": [1.0]}), folder)
    assert save(call({"x": [2.0]}), folder).kept is None
    first.script.write_text(first.script.read_text() + "print('mine')\n")
    (folder / "notes.txt").write_text("mine too")
    again = save(call({}), folder)
    assert again.kept is not None
    assert "mine" in again.kept.read_text()
    assert again.inputs is None
    assert not (folder / "inputs.pt").exists()
    assert (folder / "notes.txt").read_text() == "mine too"


def test_a_script_of_a_file_that_cannot_be_imported_by_name(tmp_path: Path) -> None:
    file = tmp_path / "my answer.py"
    file.write_text("def f(x):\n    return sum(x)\n")
    request = {"op": "call", "target": ["name", "f"], "args": [], "kwargs": {"x": [1.0, 2.0]}}
    saved = save(Replay(file, asked=[Asked(request)]), tmp_path / "debug")
    ran = subprocess.run([sys.executable, str(saved.script)], capture_output=True, text=True, check=True)
    assert ran.stdout == "3.0\n"


@pytest.mark.skipif(os.name == "nt", reason="pexpect needs a POSIX terminal")
def test_a_breakpoint_in_a_terminal(cli: Any, attempt: Path, python_env: dict[str, str]) -> None:
    source = attempt.read_text()
    marked = source.replace("        B, T, _ = x.shape\n", "        B, T, _ = x.shape\n        breakpoint()\n", 1)
    assert marked != source
    attempt.write_text(marked)
    command = [sys.executable, "-m", "thinkllm_drill", "debug", "gqa", "--no-service"]
    terminal = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=90, env={**python_env, "TERM": "xterm"})
    terminal.expect_exact("(Pdb) ")
    terminal.sendline("p ('T is', T)")
    terminal.expect(r"\('T is', \d+\)")
    terminal.expect_exact("(Pdb) ")
    terminal.sendline("w")
    terminal.expect_exact("forward()")
    terminal.expect_exact("(Pdb) ")
    assert "thinkllm_drill" not in str(terminal.before)
    terminal.sendline("c")
    terminal.expect_exact("This case is right")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
