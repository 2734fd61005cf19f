"""What one line says of a check."""

from __future__ import annotations

from typing import Any

import pytest

from thinkllm_drill.findings import finding, suite_of
from thinkllm_drill.verdict import Cause, Check, Frame


@pytest.mark.parametrize(
    ("id_", "kind", "status", "says"),
    [
        ("cost.no_key_is_copied", "cost", "passed", "no key is copied"),
        ("cost.no_key_is_copied", "cost", "wrong", "not met: no key is copied"),
        ("cost.no_key_is_copied", "cost", "timeout", "out of time · not met: no key is copied"),
        ("f.properties.shift", "properties", "wrong", "not met: no key is copied"),
        ("values", "values", "wrong", "wrong · no key is copied"),
        ("f.values", "values", "timeout", "out of time"),
        ("rules", "rules", "rule", "not met: no key is copied"),
    ],
)
def test_a_promise_that_is_not_kept_is_not_told_as_kept(id_: str, kind: Any, status: Any, says: str) -> None:
    prefix = f"{id_.split('.')[0]}: " if id_.startswith("f.") else ""
    assert finding(Check(id_, f"{prefix}no key is copied", kind, status)) == says


def test_a_line_of_the_attempt_says_more_than_a_title() -> None:
    cause = Cause("boom", frames=(Frame(7, "f", "x"),))
    assert finding(Check("rules", "nothing forbidden used", "rules", "rule", cause=cause)) == (
        "against the rules · line 7 in f"
    )


def test_the_suite_of_a_check() -> None:
    ids = {"values": "", "properties.values": "", "log_softmax.values": "log_softmax"}
    kinds: dict[str, Any] = {"values": "values", "properties.values": "properties", "log_softmax.values": "values"}
    assert {name: suite_of(Check(name, "", kinds[name], "passed")) for name in ids} == ids
