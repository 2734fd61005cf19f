"""Whatever an attempt does, it gets the verdict that its file states, and leaves nothing behind."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from thinkllm_drill.judge import sandbox

CONSTANT = b"import torch\ndef softmax(x, dim=-1): return torch.full_like(x, 0.5)\nlog_softmax = softmax\n"


def test_attempt(place: Any, hostile: Any) -> None:
    confined = place.path != "open" and sandbox.walls() == (True, True)
    if "sandbox" in hostile.needs and not confined:
        pytest.skip("nothing denies this here")
    if "triton" in hostile.needs and importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    source = hostile.path.read_bytes()
    file = place.folder / "learner" / "我的 attempt.py"
    file.write_bytes(source)
    verdict = place.grade(hostile.exercise, source, file, hostile.seconds)
    failure = verdict.failure
    cause = failure.cause.message if failure is not None and failure.cause is not None else ""
    got = (verdict.status, failure.status if failure is not None else "")
    assert got[0] == hostile.verdict, (got, cause, verdict.note)
    assert not hostile.check or got[1] in hostile.check, (got, cause)
    assert hostile.says in cause
    json.dumps(verdict.to_json(), ensure_ascii=False).encode()
    assert len(verdict.stdout) < 100_000
    assert file.read_bytes() == source
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    place.assert_clean()


def test_the_service_still_knows_right_from_wrong(place: Any, reference_of: Any) -> None:
    """The control pair, after all hostile attempts and in the service that graded them."""
    for exercise in ("softmax", "gqa", "adamw", "react-loop", "bpe-train"):
        verdict = place.grade(exercise, reference_of(exercise))
        assert verdict.status == "passed", (exercise, verdict.failure)
    constant = place.grade("softmax", CONSTANT)
    assert (constant.status, constant.failure.status) == ("failed", "wrong")
    place.assert_clean()


def test_every_file_says_what_it_must_get(all_hostile: Any) -> None:
    """Verdicts and statuses that exist, in seventeen groups less those with modules of their own."""
    groups = {hostile.path.parent.name[:2] for hostile in all_hostile}
    assert groups == {f"{number:02}" for number in range(1, 18)} - {"12", "16"}
    assert len(all_hostile) > 60
    for hostile in all_hostile:
        assert hostile.verdict in ("passed", "failed", "error", "not_started"), hostile.name
        assert bool(hostile.check) == (hostile.verdict != "passed"), hostile.name
        assert set(hostile.check) <= {"wrong", "contract", "error", "timeout", "limit", "rule", "not_started"}
        assert set(hostile.needs) <= {"linux", "sandbox", "triton"}, hostile.name
        assert set(hostile.also) <= {"spawn", "open"}, hostile.name
