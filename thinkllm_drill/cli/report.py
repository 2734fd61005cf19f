"""A verdict as text: the checks as they end, then why it failed or what comes after a pass."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from thinkllm_drill.cli.causes import failures
from thinkllm_drill.cli.cells import char_width, cut, pad, visible, width, wrap_text
from thinkllm_drill.cli.output import count, duration, hints, paragraph
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.findings import finding, suite_of
from thinkllm_drill.locale import text
from thinkllm_drill.packages import missing
from thinkllm_drill.verdict import Check, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.screen import Screen
    from thinkllm_drill.cli.session import Session
    from thinkllm_drill.content.index import Entry
    from thinkllm_drill.progress.status import ExerciseStatus

_SHOWN_OUTPUT = 20
_KIND_WIDTH = 12


@dataclass(frozen=True)
class Told:
    """What the record says of the exercise: its status before this run and after it; None where there is no record."""

    before: ExerciseStatus | None = None
    now: ExerciseStatus | None = None


class Reporter:
    """Shows each check as it ends; the events of the judge arrive here.

    Where a grader has several suites their checks are shown suite by suite, under the name of what each grades: a check
    that ends while an earlier suite is still running waits for it.
    """

    def __init__(self, session: Session, slug: str, path: Path, *, quiet: bool = False) -> None:
        self.session = session
        self.slug = slug
        self.title = session.entries[slug].here
        self.path = path
        self.quiet = quiet
        self.planned: list[Check] = []
        self.ended: dict[str, Check] = {}
        self.shown: set[str] = set()
        self.closed: set[str] = set()
        self.headed: set[str] = set()
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
        gap = text("cli.check.colon")
        self.progress.transient(f"  {self.slug}{gap}{visible(words)}" if self.quiet else f"  {visible(words)}")

    def on_plan(self, checks: list[Check]) -> None:
        """Learn which checks there will be."""
        self.planned = checks
        self._show_next()

    def on_check(self, check: Check) -> None:
        """Show a check that ended, and those that waited for it."""
        self.ended[check.id] = check
        self._catch_up()
        self._show_next()

    def clear(self) -> None:
        """Take the transient line away."""
        self.progress.clear()

    def finish(self, checks: Iterable[Check]) -> None:
        """Show the checks that no event told of."""
        checks = list(checks)
        self.planned = checks
        for check in checks:
            self.ended.setdefault(check.id, check)
        self._catch_up()

    def skipped(self, checks: Iterable[Check]) -> list[str]:
        """Those that were skipped, in one line for each reason."""
        screen = self.session.out
        failed = any(check.status not in ("passed", "skipped") for check in self.ended.values())
        reasons: dict[str, list[str]] = {}
        for check in checks:
            if check.status == "skipped":
                reason = check.detail if check.detail and not failed else text("cli.check.not_reached")
                reasons.setdefault(reason, []).append(check.kind)
        indent = " " * self._indent()
        lines = []
        for reason, kinds in reasons.items():
            words = f"{', '.join(dict.fromkeys(kinds))}{text('cli.check.colon')}{visible(reason)}"
            for index, line in enumerate(wrap_text(words, screen.text_width - 2 - len(indent))):
                mark = screen.symbol("skip") if index == 0 else " "
                lines.append(screen.paint(f"{indent}{mark} {line}", "dim"))
        return lines

    def _suites(self) -> list[str]:
        return list(dict.fromkeys(suite_of(check) for check in self.planned))

    def _indent(self) -> int:
        return 4 if len(self._suites()) > 1 else 2

    def _catch_up(self) -> None:
        """Show what has ended, suite by suite, and what was skipped of each suite that is over."""
        several = len(self._suites()) > 1
        for suite in self._suites() or [""]:
            ours = [check.id for check in self.planned if suite_of(check) == suite]
            ended = [check for name, check in self.ended.items() if name in ours or not self.planned]
            new = [check for check in ended if check.id not in self.shown and check.status != "skipped"]
            if several and new and suite not in self.headed:
                self.headed.add(suite)
                self._write(f"  {self.session.out.paint(visible(suite), 'heading')}")
            for check in new:
                self.shown.add(check.id)
                for line in self._lines(check):
                    self._write(line)
            if not ours or len(ended) < len(ours):
                return
            if suite not in self.closed:
                self.closed.add(suite)
                for line in self.skipped(ended):
                    self._write(line)

    def _write(self, line: str) -> None:
        if not self.quiet:
            self.session.out.write(line)
            self.lines += 1

    def _lines(self, check: Check) -> list[str]:
        screen = self.session.out
        style = "ok" if check.status == "passed" else "bad"
        mark = screen.paint(screen.symbol(style), style)
        indent = self._indent()
        column = indent + 2 + _KIND_WIDTH + 2
        about = finding(check)
        first, *more = (wrap_text(about, screen.width - column) or [""]) if screen.is_terminal else [about]
        start = f"{' ' * indent}{mark} {pad(check.kind, _KIND_WIDTH)}  "
        return [(start + first).rstrip(), *(" " * column + line for line in more)]

    def _show_next(self) -> None:
        left = next((check for check in self.planned if check.id not in self.ended), None)
        if left is not None:
            self.on_status(f"… {' '.join(part for part in (suite_of(left), left.kind) if part)}")


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
            for skipped in reporter.skipped(verdict.checks):
                screen.write(skipped)
        else:
            reporter.finish(verdict.checks)
            screen.write(f"\n  {line}")
    else:
        reporter.finish(verdict.checks)
    for block in (*failures(screen, verdict), *printed(screen, verdict.stdout)):
        screen.write()
        screen.write(block)
    screen.write()
    if verdict.passed and case is not None:
        screen.write(text("cli.check.case_passed"))
        screen.write("  " + screen.paint(f"thinkllm check {verdict.slug}", "code"))
        return
    for line in after_pass(session, verdict, told) if verdict.passed else _not_passed(session, verdict, told):
        screen.write(line)


def printed(screen: Screen, stdout: str) -> list[str]:
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


def after_pass(session: Session, verdict: Verdict, told: Told) -> list[str]:
    """How the pass came about, and what to do with it."""
    screen, slug = session.out, verdict.slug
    lines = [paragraph(screen, _summary(verdict, told))]
    rows = [(text("cli.check.compare"), "", f"thinkllm solution {slug} --diff")]
    if (follow := following(session, slug)) is not None:
        rows.append((text("cli.check.then_they_ask"), follow.here, f"thinkllm drill {follow.slug}"))
    if told.now is not None and told.now.due is not None and not _passed_before(told):
        days = max((told.now.due - datetime.now().astimezone().date()).days, 0)
        rows.append((text("quiz.review.label"), text("quiz.review.in", days=count("days", days)), "thinkllm review"))
    size = max(width(label) for label, _, _ in rows)
    gap = "" if char_width(rows[0][0][-1]) == 2 else " "
    for label, words, typed in rows:
        start = f"{pad(label, size)}{gap}{words}{'   ' if words else ''}"
        if width(start) + width(typed) > screen.width:
            lines += [start.rstrip(), " " * (size + len(gap)) + screen.paint(typed, "code")]
        else:
            lines.append(start + screen.paint(typed, "code"))
    return lines


def following(session: Session, slug: str) -> Entry | None:
    """What they ask after an exercise: the first that it leads to, can be graded here and was not passed yet."""
    passed = {name for name, status in session.statuses().items() if status.passed}
    leads = (session.entries.get(name) for name in session.entries[slug].leads_to)
    left = (entry for entry in leads if entry is not None and entry.slug not in passed and not missing(entry.needs))
    return next(left, None)


def _passed_before(told: Told) -> bool:
    """Whether this attempt had passed already."""
    return told.before is not None and told.before.attempt.passed_at is not None


def _summary(verdict: Verdict, told: Told) -> str:
    """“Passed in 14 minutes, 3 runs, no hints.” and what the checks of cost and speed found."""
    word = text(f"cli.verdict.{verdict.status}")
    now = told.now
    measured = (check for check in verdict.checks if check.kind in ("cost", "speed") and check.status == "passed")
    facts = [visible(check.detail) for check in measured if check.detail]
    if now is None:
        first = f"{word}."
    elif _passed_before(told):
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
        if (run := debugging(session, verdict)) is not None:
            steps.append(run)
        used = told.now.attempt.hints_open if told.now else 0
        total = len(session.library.exercise(slug).hint)
        hunting = told.now is not None and told.now.level == "bughunt"
        if used < total and not hunting:
            steps.append(text("cli.check.hint", command=f"thinkllm hint {slug}", number=used + 1, total=total))
        if not steps:
            steps.append(f"thinkllm show {slug}")
    return [*lines, *hints(screen, steps)] if steps else lines


def debugging(session: Session, verdict: Verdict) -> str | None:
    """The command that runs the failing case where the learner can look."""
    if verdict.status != "failed" or verdict.failure is None or verdict.failure.status == "not_started":
        return None
    own = str(session.attempt_path(verdict.slug)) == verdict.file
    target = verdict.slug if own else quote(visible(verdict.file))
    return text("cli.check.debug", command=f"thinkllm debug {target}")
