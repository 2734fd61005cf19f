"""A verdict as text: the checks as they end, then why it failed or what comes after a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from shlex import quote
from textwrap import dedent
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import char_width, cut, pad, visible, width, wrap_text
from thinkllm_drill.cli.output import count, duration, paragraph
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.screen import Screen
    from thinkllm_drill.cli.session import Session
    from thinkllm_drill.progress.status import ExerciseStatus

_SHOWN_OUTPUT = 20
_SHOWN_FRAMES = 4
_ID_WIDTH = 12


@dataclass(frozen=True)
class Told:
    """What the record says of the exercise: its status before this run and after it; None where there is no record."""

    before: ExerciseStatus | None = None
    now: ExerciseStatus | None = None


class Reporter:
    """Shows each check as it ends; the events of the judge arrive here."""

    def __init__(self, session: Session, slug: str, path: Path, *, quiet: bool = False) -> None:
        self.session = session
        self.slug = slug
        self.title = session.entries[slug].here
        self.path = path
        self.quiet = quiet
        self.id_width = _ID_WIDTH
        self.planned: list[str] = []
        self.ended: set[str] = set()
        self.lines = 0
        self.progress = session.out if session.out.moves and not session.json else session.err

    def begin(self) -> None:
        """Say what is graded."""
        if not self.quiet:
            screen = self.session.out
            path = visible(short_path(self.path))
            gap = " · " if width(self.title) + 3 + width(path) <= screen.width or not screen.is_terminal else "\n"
            screen.write(f"{screen.paint(self.title, 'title')}{gap}{path}\n")
        self.on_status(text("cli.check.begin"))

    def on_status(self, words: str) -> None:
        """Show what is being waited for."""
        self.progress.transient(f"  {self.slug}: {visible(words)}" if self.quiet else f"  {visible(words)}")

    def on_plan(self, checks: list[Check]) -> None:
        """Learn which checks there will be."""
        self.planned = [check.id for check in checks]
        self.id_width = max([_ID_WIDTH, *(width(name) for name in self.planned)])
        self._show_next()

    def on_check(self, check: Check) -> None:
        """Show a check that ended; those that were skipped are told of together at the end."""
        self.ended.add(check.id)
        if check.status == "skipped":
            return
        if not self.quiet:
            for line in self._lines(check):
                self.session.out.write(line)
                self.lines += 1
        self._show_next()

    def clear(self) -> None:
        """Take the transient line away."""
        self.progress.clear()

    def show_rest(self, checks: Iterable[Check]) -> None:
        """Show the checks that no event told of, and in one line for each reason those that were skipped."""
        reasons: dict[str, list[str]] = {}
        failed = False
        for check in checks:
            if check.status == "skipped":
                reason = check.detail if check.detail and not failed else text("cli.check.not_reached")
                reasons.setdefault(reason, []).append(check.id)
            elif check.id not in self.ended:
                self.on_check(check)
            failed = failed or check.status not in ("passed", "skipped")
        screen = self.session.out
        for reason, names in reasons.items():
            words = wrap_text(f"{', '.join(names)}: {visible(reason)}", screen.text_width - 4)
            for index, line in enumerate(words):
                mark = screen.symbol("skip") if index == 0 else " "
                screen.write(screen.paint(f"  {mark} {line}", "dim"))

    def _lines(self, check: Check) -> list[str]:
        screen = self.session.out
        passed = check.status == "passed"
        style = "ok" if passed else "bad"
        mark = screen.paint(screen.symbol(style), style)
        about = visible((check.detail if passed and check.detail else check.title) or "").replace("\n", " ")
        about = about if about != check.id else ""
        if not passed:
            about = _failing(check, about)
        room = screen.width - self.id_width - 6
        if screen.is_terminal and not passed:
            first, *more = wrap_text(about, room) or [""]
        else:
            first, more = cut(about, room) if screen.is_terminal else about, []
        start = f"  {mark} {pad(visible(check.id), self.id_width)}  "
        return [(start + first).rstrip(), *(" " * (self.id_width + 6) + line for line in more)]

    def _show_next(self) -> None:
        left = [name for name in self.planned if name not in self.ended]
        if left:
            self.on_status(f"… {left[0]}")


def show_verdict(
    session: Session, reporter: Reporter, verdict: Verdict, told: Told, *, case: str | None = None
) -> None:
    """Show what a run said, once it is over.

    Args:
        case: the only case that was graded, if it was one.
    """
    reporter.clear()
    screen = session.out
    if verdict.passed:
        done = sum(check.status == "passed" for check in verdict.checks)
        seconds = f"{verdict.seconds:.2f}"
        line = text("cli.check.passed_checks", checks=count("checks", done), seconds=seconds)
        rolled_up = screen.moves and reporter.lines < screen.height - 2
        if rolled_up:
            screen.rewind(reporter.lines)
            screen.write(f"  {screen.paint(screen.symbol('ok'), 'ok')} {line}")
        reporter.show_rest(verdict.checks)
        if not rolled_up:
            screen.write(f"\n  {line}")
    else:
        reporter.show_rest(verdict.checks)
    for block in (*_failure(screen, verdict), *_printed(screen, verdict.stdout)):
        screen.write()
        screen.write(block)
    screen.write()
    if verdict.passed and case is not None:
        screen.write(text("cli.check.case_passed", command=f"thinkllm check {verdict.slug}"))
        return
    for line in _passed(session, verdict, told) if verdict.passed else _not_passed(session, verdict, told):
        screen.write(line)


def _failing(check: Check, title: str) -> str:
    """What a line says of a check that did not pass: the kind of failure, then where or what."""
    word = text(f"cli.check_status.{check.status}")
    frame = check.cause.frames[-1] if check.cause and check.cause.frames else None
    if frame is not None:
        key = "cli.check.line_in" if frame.function else "cli.check.line"
        title = text(key, line=frame.line, function=visible(frame.function))
    return f"{word} · {title}" if title else word


def _failure(screen: Screen, verdict: Verdict) -> list[str]:
    """The blocks that explain the first failure."""
    failure = verdict.failure
    blocks = []
    if failure is not None and failure.cause is not None:
        blocks = [_source_and_message(screen, failure), _case(screen, failure, verdict.seed)]
    if verdict.diagnosis is not None:
        blocks.append(screen.paint(paragraph(screen, visible(verdict.diagnosis.says), indent=2), "bold"))
    if verdict.note and (failure is None or failure.cause is None or verdict.note != failure.cause.message):
        blocks.append(paragraph(screen, visible(verdict.note), indent=2))
    return [block for block in blocks if block]


def _source_and_message(screen: Screen, check: Check) -> str:
    """The learner's own lines, and what was raised or found there."""
    cause = check.cause
    assert cause is not None
    lines = []
    for frame in cause.frames[-_SHOWN_FRAMES:]:
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
        note = text("cli.check.seed", seed=seed)
        if not more and screen.text_width >= width(first) + width(note) + 6:
            lines = [f"  {first}    {screen.paint(note, 'dim')}"]
        else:
            lines.append("  " + screen.paint(note, "dim"))
    labels = {"expected": cause.expected, "actual": cause.actual}
    size = max(width(text(f"cli.check.{name}")) for name in labels)
    for name, value in labels.items():
        if value is not None:
            lines += _labelled(pad(text(f"cli.check.{name}"), size), visible(value))
    if cause.where:
        lines += paragraph(screen, visible(cause.where), indent=4).split("\n")
    return "\n".join(lines)


def _labelled(label: str, value: str) -> list[str]:
    first, *more = value.rstrip().split("\n")
    return [f"    {label}   {first}", *(" " * (width(label) + 7) + line for line in more)]


def _printed(screen: Screen, stdout: str) -> list[str]:
    """What the attempt printed, its last lines."""
    lines = visible(stdout).rstrip().split("\n")
    if lines == [""]:
        return []
    runs = [(line, len(list(same))) for line, same in groupby(lines)]
    most = min(_SHOWN_OUTPUT, max(screen.height // 2 - 2, 5)) if screen.is_terminal else _SHOWN_OUTPUT
    head = text("cli.check.printed")
    if len(runs) > most:
        head = text("cli.check.printed_end", count=sum(times for _, times in runs[-most:]), total=len(lines))
    shown = [screen.paint(paragraph(screen, head, indent=2), "heading")]
    for line, times in runs[-most:]:
        mark = f"  (×{times})" if times > 1 else ""
        shown.append("    " + (cut(line, screen.width - 4 - len(mark)) if screen.is_terminal else line) + mark)
    return ["\n".join(shown)]


def _passed(session: Session, verdict: Verdict, told: Told) -> list[str]:
    """How the pass came about, and what to do with it."""
    screen, slug = session.out, verdict.slug
    lines = [paragraph(screen, _summary(verdict, told))]
    rows = [(text("cli.check.compare"), "", f"thinkllm solution {slug} --diff")]
    follow = next((entry for name in session.entries[slug].leads_to if (entry := session.entries.get(name))), None)
    if follow is not None:
        rows.append((text("cli.check.then_they_ask"), follow.here, f"thinkllm drill {follow.slug}"))
    size = max(width(label) for label, _, _ in rows)
    for label, words, typed in rows:
        start = f"{pad(label, size)} {words}{'   ' if words else ''}"
        if width(start) + width(typed) > screen.width:
            lines += [start.rstrip(), " " * (size + 1) + screen.paint(typed, "code")]
        else:
            lines.append(start + screen.paint(typed, "code"))
    return lines


def _summary(verdict: Verdict, told: Told) -> str:
    """“Passed in 14 minutes, 3 runs, no hints.” and what the checks of cost and speed found."""
    word = text(f"cli.verdict.{verdict.status}")
    now = told.now
    measured = (check for check in verdict.checks if check.kind in ("cost", "speed") and check.status == "passed")
    facts = [visible(check.detail) for check in measured if check.detail]
    if now is None:
        first = f"{word}."
    elif told.before is not None and told.before.attempt.passed_at is not None:
        first = text(f"cli.check.again.{verdict.status}")
    else:
        counts = [count("runs", now.attempt.runs), count("hints", now.attempt.hints)]
        if now.attempt.seconds is not None:
            counts.insert(0, text("cli.check.in_time", time=duration(now.attempt.seconds)))
        first = text("cli.check.passed_in", word=word, facts=text("cli.check.comma").join(counts))
    stop, gap = (first[-1], "" if char_width(first[-1]) == 2 else " ")
    return gap.join([first, *(f"{fact[0].upper()}{fact[1:].rstrip('.。')}{stop}" for fact in facts)])


def _not_passed(session: Session, verdict: Verdict, told: Told) -> list[str]:
    """What to do next, one command a line."""
    slug, screen = verdict.slug, session.out
    lines: list[str] = []
    steps: list[str] = []
    if verdict.status == "internal":
        lines.append(paragraph(screen, text("cli.check.internal")) + "\n")
        steps.append(f"thinkllm check {slug} --dispute")
    elif verdict.status == "unavailable":
        steps.append("thinkllm doctor")
    else:
        used = told.now.attempt.hints_open if told.now else 0
        total = len(session.library.exercise(slug).hint)
        if used < total:
            steps.append(text("cli.check.hint", command=f"thinkllm hint {slug}", number=used + 1, total=total))
        steps.append(_rerun(verdict) or f"thinkllm show {slug}")
    label = "hint:"
    for step in steps:
        lines.append(f"{screen.paint(label, 'heading')} {step}")
        label = " " * len(label)
    return lines


def _rerun(verdict: Verdict) -> str | None:
    """The command that runs the failing case alone."""
    failure = verdict.failure
    if failure is None or failure.cause is None or not failure.cause.rerun or not verdict.seed:
        return None
    return f"thinkllm check {verdict.slug} --case {quote(visible(failure.cause.rerun))} --seed {verdict.seed}"
