"""One entry of the log, and how it is written down."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

EventKind = Literal["drill", "check", "hint", "solution", "reset", "answer", "mock"]
"""drill {level, file, resumed} · check {file, verdict, content_version, level} · hint {number} · solution {given_up} ·
reset {archived} · answer {question, given, right, self} · mock {interview, what, …}: `interview.model.What`"""

KINDS: tuple[str, ...] = get_args(EventKind)
MAX_STDOUT = 4096
"""Bytes of an attempt's output that are kept with its verdict: the last ones."""


@dataclass(frozen=True)
class Event:
    """Something that happened, once written never changed."""

    id: int
    at: datetime
    kind: str
    slug: str | None
    payload: Mapping[str, Any]
    source_hash: str | None = None


def source_hash(source: bytes) -> str:
    """The name under which a graded source is kept."""
    from hashlib import sha256

    return sha256(source).hexdigest()


def stamp(at: datetime) -> str:
    """The time as it is stored: UTC, with microseconds, sortable as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def instant(stored: str) -> datetime:
    """The time that was stored; ValueError where it is none."""
    return datetime.fromisoformat(stored).astimezone(UTC)


def encode(payload: Mapping[str, Any]) -> str:
    """The payload as JSON, the output of the attempt cut to its end."""
    verdict = payload.get("verdict")
    if isinstance(verdict, Mapping) and isinstance(verdict.get("stdout"), str):
        payload = {**payload, "verdict": {**verdict, "stdout": _tail(verdict["stdout"])}}
    written = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    try:
        written.encode("utf-8")
    except UnicodeEncodeError:  # lone surrogates, from undecodable names and output
        written = json.dumps(payload, separators=(",", ":"))
    return written


def decode(stored: str) -> dict[str, Any]:
    """The payload in JSON; {} where a damaged disk has left something else."""
    try:
        payload = json.loads(stored)
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _tail(output: str) -> str:
    data = output.encode("utf-8", "surrogatepass")
    if len(data) <= MAX_STDOUT:
        return output
    start = len(data) - MAX_STDOUT
    while data[start] & 0xC0 == 0x80:  # not in the middle of a character
        start += 1
    return data[start:].decode("utf-8", "surrogatepass")
