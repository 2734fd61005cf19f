"""What the command line asks the service, as one line of JSON each way.

A request is one object; the answer is a stream of events, the last of which is `verdict`, `result` or `problem`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from thinkllm_drill.verdict import Check, CheckRequest, Verdict

MAX_REQUEST = 16 << 20


def dump(message: Mapping[str, Any]) -> bytes:
    """One message as a line."""
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def load(line: bytes) -> dict[str, Any] | None:
    """The message in a line, None where there is none in it."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


def check_request(request: CheckRequest) -> dict[str, Any]:
    """The message that asks for a verdict."""
    return {"type": "check", **asdict(request), "source": base64.b64encode(request.source).decode()}


def parse_check(message: Mapping[str, Any]) -> CheckRequest:
    """The request in a message made by `check_request`."""
    fields = {key: value for key, value in message.items() if key != "type"}
    return CheckRequest(**{**fields, "source": base64.b64decode(fields["source"])})


def plan_event(checks: list[Check]) -> dict[str, Any]:
    """The checks that will be run, before the first."""
    return {"event": "plan", "checks": [asdict(check) for check in checks]}


def check_event(check: Check) -> dict[str, Any]:
    """A check that has ended."""
    return {"event": "check", "check": asdict(check)}


def verdict_event(verdict: Verdict) -> dict[str, Any]:
    """The last event of a grading."""
    return {"event": "verdict", "verdict": verdict.to_json()}
