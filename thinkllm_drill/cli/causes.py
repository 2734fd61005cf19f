"""Why checks did not pass, as text: the learner's own lines, the smallest failing case and its values."""

from __future__ import annotations

from textwrap import dedent
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import cut, pad, visible, width, wrap_text
from thinkllm_drill.cli.output import paragraph
from thinkllm_drill.findings import of_every_suite, suite_of, title_of
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.screen import Screen

_SHOWN_FRAMES = 4


def failures(screen: Screen, verdict: Verdict) -> list[str]:
    """The blocks that explain the failures: the first one in full, the others in short, each with what it is about."""
    failed = [
        check for check in verdict.checks if check.status not in ("passed", "skipped") and check.cause is not None
    ]
    blocks = []
    for check in failed[:1]:
        blocks += [_source_and_message(screen, check, _SHOWN_FRAMES), _case(screen, check, verdict.seed)]
        if len(failed) > 1:
            blocks[0] = f"{_heading(screen, check)}\n{blocks[0]}"
    if verdict.diagnosis is not None:
        blocks.append(screen.paint(paragraph(screen, visible(verdict.diagnosis.says), indent=2), "bold"))
    blocks += [_in_short(screen, check) for check in failed[1:]]
    if verdict.note and (not failed or failed[0].cause is None or verdict.note != failed[0].cause.message):
        blocks.append(paragraph(screen, visible(verdict.note), indent=2))
    return [block for block in blocks if block]


def _heading(screen: Screen, check: Check) -> str:
    """Which check a block is about; a test of the exercise's own by what was not met."""
    title = "" if of_every_suite(check) else text("cli.check.not_met", title=title_of(check))
    parts = (suite_of(check), check.kind, title)
    return "  " + screen.paint(" · ".join(part for part in parts if part), "heading")


def _in_short(screen: Screen, check: Check) -> str:
    """A failure after the first: what it is about, the case, the line, the message and the two values."""
    cause = check.cause
    assert cause is not None
    lines = [_heading(screen, check), _source_and_message(screen, check, 1)]
    if cause.case:
        lines.append(paragraph(screen, text("cli.check.in_case", case=visible(cause.case)), indent=4))
    return "\n".join([*lines, *_values(check)])


def _source_and_message(screen: Screen, check: Check, frames: int) -> str:
    """The learner's own lines, and what was raised or found there."""
    cause = check.cause
    assert cause is not None
    lines = []
    for frame in cause.frames[-frames:]:
        for number, code in enumerate(dedent(visible(frame.code)).strip("\n").split("\n")):
            shown = cut(code, screen.width - 14) if screen.is_terminal else code
            lines.append(f"  {frame.line if number == 0 else '':>6} │   {screen.paint(shown, 'code')}")
    indent = 4 if lines else 2
    for line in visible(cause.message).split("\n"):
        lines += [" " * indent + part for part in (wrap_text(line, screen.text_width - indent) or [""])]
    return "\n".join(lines)


def _case(screen: Screen, check: Check, seed: str) -> str:
    """The smallest failing case: the inputs, what was expected, what came, and how they differ."""
    cause = check.cause
    assert cause is not None
    lines = []
    if cause.case:
        first, *more = wrap_text(text("cli.check.smallest", case=visible(cause.case)), screen.text_width - 2)
        lines = [f"  {first}", *(f"    {line}" for line in more)]
        note = text("cli.check.seed", seed=seed or "…")
        if not more and screen.text_width >= width(first) + width(note) + 6:
            lines = [f"  {first}    {screen.paint(note, 'dim')}"]
        else:
            lines.append("  " + screen.paint(note, "dim"))
    if cause.inputs:
        lines += [f"    {line}" for line in visible(cause.inputs).rstrip().split("\n")]
    lines += _values(check)
    if cause.where:
        lines += paragraph(screen, visible(cause.where), indent=4).split("\n")
    return "\n".join(lines)


def _values(check: Check) -> list[str]:
    """What was expected and what came."""
    cause = check.cause
    assert cause is not None
    labels = {"expected": cause.expected, "actual": cause.actual}
    size = max(width(text(f"cli.check.{name}")) for name in labels)
    lines = []
    for name, value in labels.items():
        if value is not None:
            lines += _labelled(pad(text(f"cli.check.{name}"), size), visible(value))
    return lines


def _labelled(label: str, value: str) -> list[str]:
    first, *more = value.rstrip().split("\n")
    return [f"    {label}   {first}", *(" " * (width(label) + 7) + line for line in more)]
