"""What a check is about and what it found, in a few words: for the terminal and for reports."""

from __future__ import annotations

from thinkllm_drill.locale import LANGUAGES, text
from thinkllm_drill.verdict import Check
from thinkllm_drill.visible import visible


def suite_of(check: Check) -> str:
    """What a check is about where a grader has several suites: the function or class; "" where it has one."""
    name, found, _ = f"{check.id}.".partition(f".{check.kind}.")
    return name if found and not check.id.startswith(f"{check.kind}.") else ""


def title_of(check: Check) -> str:
    """The title of a check without the name of its suite.

    What every suite has is in the language of this process, a promise of the exercise's own in that of the grading.
    """
    suite = suite_of(check)
    title = visible(check.title or "").replace("\n", " ").removeprefix(f"{suite}: " if suite else "")
    return _here(check, title) if of_every_suite(check) else title


def _here(check: Check, title: str) -> str:
    """The title of a check that every suite has in the language of this process, whatever it was graded in."""
    key = f"grading.check.{check.kind}"
    ours = text(key)
    return ours if title != ours and any(title == text(key, lang=lang) for lang in LANGUAGES) else title


def of_every_suite(check: Check) -> bool:
    """Whether every suite has such a check; otherwise it is a test of the exercise's own, and its title a promise."""
    return check.id.endswith(check.kind)


def finding(check: Check) -> str:
    """What a line says of a check: a fact or its title if it passed; else the kind of failure, then where or what."""
    title = title_of(check)
    if check.status == "passed":
        about = visible(check.detail).replace("\n", " ") if check.detail else title
        return "" if about == check.kind else about
    word = text(f"cli.check_status.{check.status}")
    frame = check.cause.frames[-1] if check.cause and check.cause.frames else None
    if frame is not None:
        key = "cli.check.line_in" if frame.function else "cli.check.line"
        return f"{word} · {text(key, line=frame.line, function=visible(frame.function))}"
    if not title or title == check.kind:
        return word
    if check.status == "not_started" or (check.status == "wrong" and of_every_suite(check)):
        return f"{word} · {title}"
    not_met = text("cli.check.not_met", title=title)
    if check.status in ("wrong", "rule", "contract"):
        return not_met
    return word if of_every_suite(check) else f"{word} · {not_met}"
