"""Replies of an attempt that writes to the connection itself: never an answer, never the judge's fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from thinkllm_drill.judge import framing
from thinkllm_drill.judge.failures import AttemptDied, GradeFailure
from thinkllm_drill.judge.wire import Encoder

SOURCE = Path(__file__).with_name("faulty.py").read_text(encoding="utf-8")


@pytest.fixture
def attempt(make: Callable[..., Any]) -> Any:
    return make(SOURCE, seconds=5)


def failing(call: Callable[[], Any]) -> GradeFailure:
    with pytest.raises(GradeFailure) as failure:
        call()
    return failure.value


@pytest.mark.parametrize(
    "data",
    [
        b"garbage, and a lot of it: " * 10,
        b"TLD1" + bytes(12),
        b"TLD1\0\0\0\5\0\0\0\0\0\0\0\0[[[[[",
        b"TLD1\0\0\0\2\0\0\0\0\0\0\0\0{}",
        b"TLD1\0\0\0\2\0\0\0\0\0\0\0\0[]",
        b"TLD1\0\0\0\4\0\0\0\0\0\0\0\0null",
    ],
    ids=["text", "empty", "no-json", "no-kind", "list", "null"],
)
def test_bytes_on_the_connection_are_no_answer(attempt: Any, data: bytes) -> None:
    assert type(failing(lambda: attempt.write(data))) is AttemptDied
    assert attempt.fine() == "fine"


@pytest.mark.parametrize(
    "reply",
    [
        {"ok": 1, "kwargs": 3, "args": []},
        {"ok": 1, "kwargs": {}},
        {"raised": {}},
        {"raised": 5},
        {"raised": {"type": "E", "message": "m", "bases": 3, "frames": [], "shapes": {}}},
        {"raised": {"type": "E", "message": "m", "bases": [], "frames": [{"line": "x"}], "shapes": {}}},
        {"ok": 1, "forbidden": 7},
        {"ok": 1, "launches": "many"},
        {"callback": 99, "args": 3, "kwargs": None},
        {"forbidden": []},
    ],
    ids=repr,
)
def test_forged_replies_are_never_the_judges_fault(attempt: Any, reply: Any) -> None:
    failure = failing(lambda: attempt.write(framing.pack(*Encoder().encode(reply))))
    assert failure.status in ("error", "rule", "contract")
    assert attempt.fine() == "fine"


def test_an_answer_that_was_not_asked_for_is_no_answer_to_the_next_question(attempt: Any) -> None:
    for number in (None, *range(1, 12)):  # it may guess the number of the question, but still answers it twice
        forged = framing.pack(*Encoder().encode({"ok": "forged", "number": number}))
        assert type(failing(lambda data=forged: (attempt.write(data), attempt.fine()))) is AttemptDied
        assert attempt.fine() == "fine"


def test_an_unsound_answer_to_each_request_is_an_error(make: Any) -> None:
    source = SOURCE + "\nwrite(REPLY)\n"
    forged = framing.pack(*Encoder().encode({"ok": 5}))
    attempt = make(source.replace("REPLY", repr(forged)))
    assert type(failing(attempt.load)) is AttemptDied
