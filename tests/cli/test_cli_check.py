from __future__ import annotations

import json
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.errors import ProgressError
from thinkllm_drill.progress.store import Store


@pytest.fixture
def attempt(cli: Any, solve: Any) -> Path:
    """An attempt at gqa with every blank filled."""
    cli("drill", "gqa")
    path: Path = solve("gqa")
    return path


def test_an_attempt_as_it_was_given_is_not_started(cli: Any, judge: Any) -> None:
    cli("drill", "gqa")
    result = cli("check")
    assert result.code == 1
    assert "Not started. Blank 1, line" in result.out
    assert "project x" in result.out
    verdict = cli("check", "--json")
    assert verdict.code == 1
    assert verdict.json["status"] == "not_started"
    assert judge.requests == []


def test_a_syntax_error_is_told_with_its_line_before_anything_runs(cli: Any, judge: Any, attempt: Path) -> None:
    attempt.write_text(attempt.read_text() + "\ndef f(:\n    pass\n")
    result = cli("check")
    line = attempt.read_text().split("\n").index("def f(:") + 1
    assert result.code == 1
    assert f"line {line}" in result.out
    assert f"{line} │   def f(:" in result.out
    assert "SyntaxError: invalid syntax" in result.out
    assert cli("check", "--json").json["status"] == "error"
    assert judge.requests == []


@pytest.mark.parametrize("junk", [b"\x00\xff", b"\xff\xfe\x00", b"x = '\x80'\n", b"", b"(" * 5000])
def test_junk_is_no_crash(cli: Any, attempt: Path, junk: bytes) -> None:
    attempt.write_bytes(junk)
    result = cli("check")
    assert result.code == 1
    assert "Internal" not in result.err


def test_a_pass(cli: Any, judge: Any, attempt: Path) -> None:
    cli("hint", "gqa")
    result = cli("check")
    assert result.code == 0
    assert "4 checks in 0.21 s" in result.out
    assert "speed: no CUDA device" in result.out
    last = result.out.split("\n\n")[-1]
    assert last.startswith("Passed in 1 second, 1 run, 1 hint. No key is copied.")
    assert "Compare: thinkllm solution gqa --diff" in last
    assert "Then they ask" not in last
    again = cli("check")
    assert "Passed again. No key is copied." in again.out


def test_after_a_pass_the_interviewer_goes_on_with_what_there_is(cli: Any, solve: Any) -> None:
    cli("drill", "softmax")
    solve("softmax", "functions")
    assert "Then they ask: Grouped-query attention   thinkllm drill gqa" in cli("check").out


def test_a_pass_without_a_measured_speed_says_so(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "unmeasured"
    result = cli("check")
    assert result.code == 0
    assert "Passed, speed not measured in" in result.out
    assert cli("list", "--json", "--topic", "attention").json["exercises"][0]["status"] == "passed_speed_unmeasured"


def test_a_failure_is_laid_out(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "wrong"
    result = cli("check")
    assert result.code == 1
    assert result.out == (
        f"Grouped-query attention · {attempt}\n"
        "\n"
        "  ✓ defined       GroupedQueryAttention(d_model, num_heads, num_kv_heads)\n"
        "  ✓ contract      title of contract\n"
        "  ✗ values        wrong · two query heads a group\n"
        "  – edges, gradients: not reached\n"
        "\n"
        "  The values differ.\n"
        "\n"
        "  Smallest failing case: batch 1, 2 heads on 1 key head, 2 tokens, head_dim 4\n"
        "  (seed 7f3a91c0ffee0001)\n"
        "    expected   [[ 0.412, -1.201 ],\n"
        "                [ 0.377, -0.950 ]]\n"
        "    yours      [[ 0.412, -1.201 ],\n"
        "                [ 0.301, -0.822 ]]\n"
        "    The first token is right, every later one is not.\n"
        "\n"
        "  This is what comes out when the scores are not divided by √head_dim.\n"
        "\n"
        "hint: thinkllm debug gqa runs this case\n"
        "      thinkllm hint gqa (1 of 3)\n"
    )


def test_each_function_of_a_grader_has_its_checks_and_its_cause(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "two"
    assert cli("check").out.split("\n\n", 1)[1] == (
        "  softmax\n"
        "    ✓ defined       softmax(x)\n"
        "    ✗ rules         against the rules · line 7 in softmax\n"
        "    – contract: not reached\n"
        "  log_softmax\n"
        "    ✓ defined       log_softmax(x)\n"
        "    ✗ properties    not met: a shift changes nothing\n"
        "\n"
        "  softmax · rules\n"
        "       7 │   return torch.softmax(x)\n"
        "    torch.softmax is not allowed\n"
        "\n"
        "  Smallest failing case: small    (seed 7f3a91c0ffee0001)\n"
        "    x = [[1.0, 2.0],\n"
        "         [3.0, 4.0]]\n"
        "    expected   1\n"
        "    yours      2\n"
        "\n"
        "  log_softmax · properties · not met: a shift changes nothing\n"
        "  the same logits plus 8\n"
        "    in the case: shifted\n"
        "    expected   3\n"
        "    yours      4\n"
        "\n"
        "hint: thinkllm debug gqa runs this case\n"
        "      thinkllm hint gqa (1 of 3)\n"
    )
    ids = [check["id"] for check in cli("check", "--json").json["checks"]]
    assert "log_softmax.properties.shift" in ids


def test_nothing_of_the_attempt_reaches_the_terminal_unescaped(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "crash"
    out = cli("check").out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "[red]evil\\x1b]0;title\\x07[/red]" in out
    assert "error · line 31 in GroupedQueryAttention.attend" in out
    assert "    12 │   return self.attend(q, k)\n      31 │   scores = q @ k.transpose(-1, -2)\n" in out
    assert "Your code printed (the last 20 of 30 lines)" in out
    assert "line 10\\x1b[31m" in out
    assert "line 9\\x1b" not in out


def test_our_own_fault_counts_for_nothing(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "internal"
    result = cli("check")
    assert result.code == 4
    assert "thinkllm check gqa --dispute" in result.out
    assert cli("check", "--json").code == 4


def test_an_open_blank_is_never_passed(cli: Any, solve: Any) -> None:
    cli("drill", "gqa")
    solve("gqa", keep_open=True)
    result = cli("check", "--json")
    assert result.code == 1
    assert result.json["status"] == "failed"
    assert "Blank 2 is still open" in result.json["note"]
    assert "Blank 2 is still open" in cli("check").out
    assert cli("list", "--json", "--topic", "attention").json["exercises"][0]["status"] == "started"


def test_a_kernel_without_triton_is_unavailable(cli: Any, judge: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thinkllm_drill.packages.find_spec", lambda name: None)
    cli("drill", "triton-softmax")
    path = Path(cli("drill", "triton-softmax", "--json").json["file"])
    path.write_text(path.read_text().replace('raise NotImplementedError("blank 1', 'print("'))
    result = cli("check")
    assert result.code == 3
    assert "triton" in result.out
    assert judge.requests == []


def test_the_json_contract_of_check(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "wrong"
    result = cli("check", "--json")
    data = result.json
    assert result.code == 1
    assert result.err == ""
    assert {key: data[key] for key in ("schema", "slug", "file", "passed", "status", "seed", "device", "stdout")} == {
        "schema": 1,
        "slug": "gqa",
        "file": str(attempt),
        "passed": False,
        "status": "failed",
        "seed": "7f3a91c0ffee0001",
        "device": "cpu",
        "stdout": "",
    }
    assert data["diagnosis"]["mistake"] == "no-scale"
    assert [check["status"] for check in data["checks"]] == ["passed", "passed", "wrong", "skipped", "skipped"]
    assert set(data["checks"][2]["cause"]) >= {"message", "case", "expected", "actual", "where"}


def test_what_the_judge_is_asked(cli: Any, judge: Any, attempt: Path, content_root: Path) -> None:
    args = ["--seed", "00ff", "--case", "left padding", "--device", "cuda", "--no-service", "--lang", "zh"]
    cli("check", "gqa", *args)
    [request] = judge.requests
    assert (request.slug, request.file, request.content) == ("gqa", str(attempt), str(content_root))
    assert request.source == attempt.read_bytes()
    assert (request.seed, request.case, request.device, request.lang) == ("00ff", "left padding", "cuda", "zh")
    cli("check", "gqa")
    assert judge.services == [False, True]


def test_a_file_is_graded_wherever_it_is(
    cli: Any, judge: Any, attempt: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "我的 答案" / "try.py"
    other.parent.mkdir()
    other.write_bytes(attempt.read_bytes())
    monkeypatch.chdir(other.parent)
    assert cli("check", "try.py", "--json").json["file"] == str(other)
    assert cli("check", "--json").json["file"] == str(other)
    assert cli("check", "gqa", "--json").json["file"] == str(attempt)
    other.write_text("x = 1\n")
    assert cli("check", str(other)).code == 2
    assert cli("check", "missing.py").code == 2
    assert cli("check", str(tmp_path) + "/").code == 2


def test_every_graded_source_is_kept(cli: Any, judge: Any, attempt: Path, home: Path) -> None:
    judge.scenario = "wrong"
    cli("check")
    first = attempt.read_bytes()
    attempt.write_bytes(first + b"\n# second\n")
    judge.scenario = "pass"
    cli("check")
    with Store.open(home / "progress.db") as store:
        versions = store.history("gqa")
    assert [version.source for version in versions] == [first, attempt.read_bytes()]
    assert [version.status for version in versions] == ["failed", "passed"]
    assert all(version.event.payload["level"] == "cloze" for version in versions)
    assert all(len(version.event.payload["content_version"]) == 16 for version in versions)


def test_without_an_attempt(cli: Any) -> None:
    assert cli("check", "gqa").err.endswith("hint: thinkllm drill gqa\n")
    assert cli("check", "--all").code == 2


def test_all_grades_each_attempt(cli: Any, judge: Any, solve: Any) -> None:
    cli("drill", "gqa")
    cli("drill", "softmax")
    solve("gqa")
    result = cli("check", "--all")
    assert result.code == 1
    gqa, softmax = result.out.split("\n")[:2]
    assert gqa.split()[:3] == ["✓", "gqa", "Passed"]
    assert "not started" in softmax
    assert "1 of 2 passed." in result.out
    data = cli("check", "--all", "--json").json
    assert [verdict["slug"] for verdict in data["verdicts"]] == ["gqa", "softmax"]
    assert cli("check", "gqa", "--all").code == 2


def test_dispute_writes_a_bundle(cli: Any, judge: Any, attempt: Path, home: Path) -> None:
    judge.scenario = "wrong"
    result = cli("check", "--dispute")
    assert result.code == 1
    [bundle] = (home / "disputes").iterdir()
    assert bundle.name in result.err
    with zipfile.ZipFile(bundle) as archive:
        assert archive.read("attempt.py") == attempt.read_bytes()
        assert json.loads(archive.read("verdict.json"))["seed"] == "7f3a91c0ffee0001"
        assert json.loads(archive.read("doctor.json"))["schema"] == 1
        about = json.loads(archive.read("about.json"))
    assert about["slug"] == "gqa"
    assert len(about["content_version"]) == 16
    assert cli("check", "--dispute", "--json").json["status"] == "failed"


def test_a_dispute_is_about_the_verdict_that_was_seen(cli: Any, judge: Any, attempt: Path) -> None:
    judge.scenario = "wrong"
    cli("check", "--seed", "00ABC")
    result = cli("check", "--dispute")
    assert judge.requests[-1].seed == "00abc"
    assert "with the bundle attached" in result.err
    attempt.write_text(attempt.read_text() + "\n# another\n")
    cli("check", "--dispute")
    assert judge.requests[-1].seed is None


@pytest.mark.parametrize("seed", ["", "xyz", "0x1", "1" * 17, "１"])
def test_a_seed_is_hex_digits(cli: Any, judge: Any, attempt: Path, seed: str) -> None:
    assert cli("check", "--seed", seed).code == 2
    assert judge.requests == []


def test_an_error_is_json_where_json_is_wanted(cli: Any) -> None:
    result = cli("check", "gqa", "--json")
    assert result.json == {
        "schema": 1,
        "error": {
            "message": "There is no attempt at gqa yet.",
            "hint": "thinkllm drill gqa",
            "exit_code": 2,
        },
    }
    assert "hint: thinkllm drill gqa" in result.err
    assert cli("list", "--nonsense", "--json").json["error"]["exit_code"] == 2


@pytest.mark.parametrize("more", [(), ("--no-service",)])
def test_a_judge_that_is_gone_sends_to_the_doctor(
    cli: Any, judge: Any, attempt: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run/service.log").write_text("out of luck\n")
    judge.scenario = "gone"
    result = cli("check", *more)
    assert result.code == 4
    assert "hint: thinkllm doctor\n" in result.err
    assert "service.log" in result.err
    assert "--no-service" not in result.err


def test_an_interrupt_loses_nothing(cli: Any, judge: Any, attempt: Path) -> None:
    cli("check")
    judge.scenario = "interrupt"
    before = attempt.read_bytes()
    assert cli("check").code == 130
    assert attempt.read_bytes() == before
    judge.scenario = "pass"
    assert "Passed again" in cli("check").out


def test_a_verdict_is_shown_even_if_it_cannot_be_recorded(
    cli: Any, judge: Any, attempt: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object) -> None:
        raise ProgressError("progress.db is locked", hint="wait")

    monkeypatch.setattr(Store, "record", locked)
    result = cli("check")
    assert result.code == 3
    assert "Passed." in result.out
    assert result.err == "progress.db is locked\n\nhint: wait\n"
    result = cli("check", "--json")
    assert (result.code, result.json["passed"]) == (3, True)


def test_two_checks_at_once(cli: Any, judge: Any, attempt: Path, home: Path) -> None:
    from thinkllm_drill.cli import main

    judge.delay = 0.05
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(main(["check", "gqa", "--json"]))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0, 0]
    with Store.open(home / "progress.db") as store:
        assert store.status("gqa").runs == 3


def test_a_single_case_is_no_pass_of_the_exercise(cli: Any, judge: Any, attempt: Path) -> None:
    result = cli("check", "--case", "left-padding")
    assert result.code == 0
    assert "This case passes. To grade all of them:\n  thinkllm check gqa\n" in result.out
    assert cli("check", "--case", "left-padding", "--json").json["case"] == "left-padding"
    assert cli("list", "--json", "--topic", "attention").json["exercises"][0]["status"] == "started"
    assert cli("solution", "gqa").code == 2


def test_all_is_shown_in_the_order_of_the_catalogue_however_they_end(cli: Any, judge: Any, solve: Any) -> None:
    for slug, topic in (("gqa", "attention"), ("softmax", "functions")):
        cli("drill", slug)
        solve(slug, topic)
    plain, first = judge.check, threading.Event()

    def check(request: Any, events: Any, **more: Any) -> Any:
        if request.slug == "gqa":
            assert first.wait(10)
        try:
            return plain(request, events, **more)
        finally:
            first.set() if request.slug == "softmax" else None

    sys.modules["thinkllm_drill.judge.client"].check = check  # type: ignore[attr-defined]
    data = cli("check", "--all", "--jobs", "2", "--json").json
    assert [verdict["slug"] for verdict in data["verdicts"]] == ["gqa", "softmax"]
    assert cli("check", "gqa", "--jobs", "2").code == 2


def test_all_records_what_was_graded_before_it_was_interrupted(
    cli: Any, judge: Any, solve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from thinkllm_drill.cli import check_all

    for slug, topic in (("gqa", "attention"), ("softmax", "functions")):
        cli("drill", slug)
        solve(slug, topic)
    plain = check_all._graded

    def graded(*args: Any) -> Any:
        yield next(plain(*args))
        raise KeyboardInterrupt

    monkeypatch.setattr(check_all, "_graded", graded)
    result = cli("check", "--all", "--jobs", "1")
    assert result.code == 130
    assert "gqa" in result.out
    assert [row["status"] for row in cli("list", "--json").json["exercises"] if row["slug"] == "gqa"] == ["passed"]
