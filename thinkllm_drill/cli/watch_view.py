"""What `thinkllm watch` shows: one verdict at a time on a terminal, verdict after verdict where the cursor cannot move.

On a terminal everything is drawn again whenever something changes, so that it fits after the window was resized. What
is longer than the window scrolls as any output does, and then ends with its headline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.cli.causes import failures
from thinkllm_drill.cli.cells import cut, pad, visible, width, wrap_text
from thinkllm_drill.cli.grade import contract
from thinkllm_drill.cli.output import count, hints, paragraph, prose
from thinkllm_drill.cli.report import Told, after_pass, debugging, printed
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.findings import finding, of_every_suite, suite_of, title_of
from thinkllm_drill.locale import text
from thinkllm_drill.verdict import Check, Verdict

if TYPE_CHECKING:
    from thinkllm_drill.cli.screen import Screen
    from thinkllm_drill.cli.session import Session
    from thinkllm_drill.errors import ThinkLLMError

Block = Callable[[], Sequence[str]]
"""Lines, set for the terminal as it is when they are drawn."""

_KIND_WIDTH = 12
_SHOWN_FAILURES = 4
_SHOWN_NAMES = 6


@dataclass(frozen=True)
class Changes:
    """How a verdict differs from the one before: what passes now, what fails now, and what fails still."""

    green: tuple[Check, ...] = ()
    red: tuple[Check, ...] = ()
    still: tuple[Check, ...] = ()


def changes(before: Verdict | None, now: Verdict) -> Changes | None:
    """What changed since the last verdict on the same exercise; None where there is none to compare with."""
    if before is None or before.slug != now.slug or len(now.checks) < 2:
        return None  # one check alone: it could not be run, which says nothing of the others
    passed = {check.id for check in before.checks if check.status == "passed"}
    failing = {check.id for check in before.checks if _fails(check)}
    return Changes(
        tuple(check for check in now.checks if check.status == "passed" and check.id not in passed),
        tuple(check for check in now.checks if _fails(check) and check.id not in failing),
        tuple(check for check in now.checks if _fails(check) and check.id in failing),
    )


class View:
    """Shows what happens to one attempt after the other.

    Args:
        session: gives the stream.
        keys: whether keys are listened to.
    """

    def __init__(self, session: Session, *, keys: bool) -> None:
        self._session = session
        self._keys = keys
        self._blocks: list[Block] = []
        self._hint: Block | None = None
        self._headline: Block | None = None
        self._debuggable = False
        self._hints: tuple[int, int] | None = None
        self._below_other = True

    @property
    def _screen(self) -> Screen:
        return self._session.out

    def begin(self, slug: str, path: Path, *, below_other: bool = False) -> None:
        """Watch this attempt from now on; what another verb wrote about it stays until there is something to show."""
        title = self._session.entries[slug].here
        self._header: Block = lambda: _header(self._screen, title, path)
        self._title = title
        self._blocks, self._hint, self._hints = [], None, None
        self._headline, self._debuggable = None, False
        self._footed = False
        if not self._screen.moves:
            self._append(self._header)
        elif not below_other:
            self._draw([])

    def hints(self, used: int, total: int) -> None:
        """Tell how many hints there are and how many were seen."""
        self._hints = used, total

    def status(self, words: str) -> None:
        """Show what is being waited for."""
        self._screen.transient(f"  {visible(words)}")

    def failing(self, verdict: Verdict, before: Verdict | None) -> None:
        """Show the first failure of a check that is not over, where it can be drawn over."""
        if self._screen.moves:
            self.verdict(verdict, before, text("watch.looking"))

    def say(self, words: str, *, alone: bool = False) -> None:
        """Show a message, in the place of everything else if it is `alone`."""
        self._put(lambda: ["", paragraph(self._screen, visible(words), indent=2)], alone=alone)

    def problem(self, error: ThinkLLMError, *, alone: bool = False) -> None:
        """Show an error and what to do about it."""

        def lines() -> list[str]:
            screen = self._screen
            steps = hints(screen, [visible(error.hint)]) if error.hint else []
            return ["", *prose(visible(error.message), screen.text_width), *steps]

        self._put(lines, alone=alone)

    def verdict(self, verdict: Verdict, before: Verdict | None, at: str) -> None:
        """Show a verdict, what changed since the one before, and when it came."""
        changed = changes(before, verdict)
        if verdict.passed:
            self._hint = None
        self._debuggable = debugging(self._session, verdict) is not None

        def headline() -> list[str]:
            return ["", _headline(self._screen, self._title, verdict, at)]

        self._put(lambda: _verdict(self._screen, verdict, changed, at), alone=True, headline=headline)

    def untouched(self, verdict: Verdict) -> None:
        """Show that nothing is written yet."""
        self.say(verdict.note or "", alone=True)

    def told(self, verdict: Verdict, told: Told) -> None:
        """Show what to do after a verdict."""
        self._put(lambda: _after(self._session, verdict, told))

    def hint(self, number: int, total: int, words: str) -> None:
        """Show a hint, which stays until the exercise is passed."""
        self.hints(number, total)

        def lines() -> list[str]:
            head = self._screen.paint(text("cli.hint.head", number=number, total=total), "heading")
            return ["", f"  {head}", paragraph(self._screen, words, indent=4)]

        if self._screen.moves:
            self._hint = lines
            self.redraw()
        else:
            self._append(lines)

    def leave(self) -> None:
        """Make room for what another verb writes."""
        if self._screen.moves:
            self._screen.write("\x1b[H\x1b[J", end="")

    def stay(self) -> None:
        """Leave what another verb wrote, and show below it which keys there are."""
        self._below_other = True
        for line in ("", *self._foot(back=bool(self._blocks))):
            self._screen.write(line)

    def redraw(self, *, below_other: bool = False) -> None:
        """Draw everything again; below what is on the screen now if that is not ours."""
        screen = self._screen
        self._below_other = self._below_other or below_other
        if screen.moves:
            screen.measure()
            blocks = [*self._blocks, *([self._hint] if self._hint else [])]
            foot = ["", *self._foot()]
            lines = "\n".join([*(line for block in (self._header, *blocks) for line in block()), *foot])
            if self._headline is not None and lines.count("\n") >= screen.height:
                blocks.append(self._headline)  # its first lines are out of sight
            self._draw([*blocks, lambda: foot])

    def _draw(self, blocks: Sequence[Block]) -> None:
        """Write the header and these blocks in the place of what is on the screen, which is pushed up if not ours."""
        room = "\n" * (self._screen.height - 1) if self._below_other else ""
        self._below_other = False
        lines = [line for block in (self._header, *blocks) for line in block()]
        self._screen.write(f"{room}\x1b[H\x1b[J" + "\n".join(lines))

    def end(self) -> None:
        """Leave the cursor on a line of its own."""
        self._screen.clear()
        if self._screen.moves:
            self._screen.write()

    def _put(self, block: Block, *, alone: bool = False, headline: Block | None = None) -> None:
        if not self._screen.moves:
            if not self._footed:
                self._footed = True
                self._append(lambda: ["", *self._foot()])
            self._append(block)
            return
        self._blocks = [block] if alone else [*self._blocks, block]
        self._headline = headline if alone else self._headline
        self.redraw()

    def _append(self, block: Block) -> None:
        for line in block():
            self._screen.write(line)

    def _foot(self, *, back: bool = False) -> list[str]:
        """The keys there are, in as many lines as they need."""
        screen = self._screen
        if not self._keys:
            return [screen.paint(text("watch.foot.no_keys"), "dim")]
        used, total = self._hints or (0, 0)
        parts = [("s", text("watch.foot.statement")), ("n", text("watch.foot.next")), ("r", text("watch.foot.again"))]
        if self._debuggable:
            parts.insert(0, ("d", text("watch.foot.debug")))
        if used < total:
            parts.insert(0, ("h", text("watch.foot.hint", number=used + 1, total=total)))
        if back:
            parts = [("esc", text("watch.foot.back")), *(part for part in parts if part[0] != "s")]
        parts.append(("q", text("watch.foot.quit")))
        lines, used_cells = [""], 0
        for key, words in parts:
            cells = 1 + len(key) + width(words) + 3
            if used_cells and used_cells + cells > screen.width:
                lines.append("")
                used_cells = 0
            lines[-1] += ("   " if used_cells else "") + f"{screen.paint(key, 'code')} {screen.paint(words, 'dim')}"
            used_cells += cells
        return lines


class JsonView(View):
    """Writes each verdict as one line of JSON; messages go to standard error."""

    def __init__(self, session: Session) -> None:
        super().__init__(session, keys=False)

    def begin(self, slug: str, path: Path, *, below_other: bool = False) -> None:
        """Show nothing."""

    def status(self, words: str) -> None:
        """Show nothing."""

    def say(self, words: str, *, alone: bool = False) -> None:
        """Show a message."""
        self._session.err.write(visible(words))

    def problem(self, error: ThinkLLMError, *, alone: bool = False) -> None:
        """Show an error and what to do about it."""
        from thinkllm_drill.cli.errors import show

        show(error, self._session)

    def verdict(self, verdict: Verdict, before: Verdict | None, at: str) -> None:
        """Write a verdict."""
        self._session.emit(contract(verdict))

    def untouched(self, verdict: Verdict) -> None:
        """Write that nothing is written yet."""
        self._session.emit(contract(verdict))

    def told(self, verdict: Verdict, told: Told) -> None:
        """Show nothing."""

    def redraw(self, *, below_other: bool = False) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


def _fails(check: Check) -> bool:
    return check.status not in ("passed", "skipped")


def _header(screen: Screen, title: str, path: Path) -> list[str]:
    shown = visible(short_path(path))
    together = width(title) + 3 + width(shown) <= screen.width or not screen.is_terminal
    painted = screen.paint(title, "title")
    return [f"{painted} · {shown}"] if together else [painted, shown]


def _verdict(screen: Screen, verdict: Verdict, changed: Changes | None, at: str) -> list[str]:
    """The verdict in a few lines, what changed, and why it failed."""
    failing = [check for check in verdict.checks if _fails(check)]
    lines = [""]
    if verdict.passed:
        done = sum(check.status == "passed" for check in verdict.checks)
        words = text("cli.check.passed_checks", checks=count("checks", done), seconds=f"{verdict.seconds:.2f}")
        lines.append(f"  {screen.paint(screen.symbol('ok'), 'ok')} {words}{screen.paint(f' · {at}', 'dim')}")
    else:
        shown = {check.id: _kind(check) for check in failing[:_SHOWN_FAILURES]}
        column = max([_KIND_WIDTH, *map(width, shown.values())])
        for check in failing[:_SHOWN_FAILURES]:
            lines += _failing(screen, check, pad(shown[check.id], column))
        tally = _tally(verdict, len(failing))
        lines.append("    " + screen.paint(" · ".join([*tally, at]), "dim"))
    if changed is not None:
        lines += _changed(screen, changed)
    for block in (*failures(screen, verdict), *printed(screen, verdict.stdout)):
        lines += ["", block]
    return lines


def _headline(screen: Screen, title: str, verdict: Verdict, at: str) -> str:
    """The title and the verdict in one line."""
    if verdict.passed:
        done = count("checks", sum(check.status == "passed" for check in verdict.checks))
        style, words = "ok", text("cli.check.passed_checks", checks=done, seconds=f"{verdict.seconds:.2f}")
    else:
        failing = [check for check in verdict.checks if _fails(check)]
        style, tally = "bad", _tally(verdict, len(failing))
        words = " · ".join([", ".join(dict.fromkeys(map(_kind, failing[:_SHOWN_FAILURES]))), *tally])
    line = f"{screen.symbol(style)} {words} · {at}"
    whole = f"{title} · {line}" if width(title) + 3 + width(line) <= screen.width else line
    return screen.paint(cut(whole, screen.width), style)


def _failing(screen: Screen, check: Check, name: str) -> list[str]:
    """A check that fails: its name and what was found."""
    column = 4 + width(name) + 2
    about = finding(check)
    first, *more = (wrap_text(about, max(screen.width - column, 20)) or [""]) if screen.is_terminal else [about]
    start = f"  {screen.paint(screen.symbol('bad'), 'bad')} {name}  "
    return [start + first, *(" " * column + line for line in more)]


def _kind(check: Check) -> str:
    """The kind of a check, with what it is about where a grader has several suites."""
    return " ".join(part for part in (suite_of(check), check.kind) if part)


def _tally(verdict: Verdict, failing: int) -> list[str]:
    """How many checks passed, failed without being named, and were not reached; and how long it took."""
    passed = sum(check.status == "passed" for check in verdict.checks)
    skipped = sum(check.status == "skipped" for check in verdict.checks)
    parts = [text("watch.passed", count=passed)] if passed else []
    parts += [text("watch.more_fail", count=failing - _SHOWN_FAILURES)] if failing > _SHOWN_FAILURES else []
    parts += [text("watch.not_reached", count=skipped)] if skipped else []
    return [*parts, text("cli.check.seconds", count=f"{verdict.seconds:.2f}")] if verdict.seconds else parts


def _changed(screen: Screen, changed: Changes) -> list[str]:
    """What changed since the last verdict, a line for each way."""
    lines = []
    for checks, key, style in (
        (changed.green, "watch.now_passes", "ok"),
        (changed.red, "watch.now_fails", "bad"),
        (changed.still, "watch.still_fails", "warn"),
    ):
        if checks:
            names = [_name(check) for check in checks[:_SHOWN_NAMES]]
            if len(checks) > _SHOWN_NAMES:
                names.append(text("watch.and_more", count=len(checks) - _SHOWN_NAMES))
            words = wrap_text(text(key, checks=text("cli.check.comma").join(names)), screen.text_width - 4)
            lines += [f"    {screen.paint(line, style)}" for line in words]
    return lines


def _name(check: Check) -> str:
    """A check in a list of names: its suite and kind, or the promise of a test of the exercise's own."""
    own = "" if of_every_suite(check) else title_of(check)
    return own or _kind(check)


def _after(session: Session, verdict: Verdict, told: Told) -> list[str]:
    """What to do after a verdict: what passing led to, or the command that runs the failing case."""
    if verdict.passed:
        return ["", *after_pass(session, verdict, told)]
    if verdict.status == "internal":
        return ["", paragraph(session.out, text("cli.check.internal")), f"thinkllm check {verdict.slug} --dispute"]
    command = "thinkllm doctor" if verdict.status == "unavailable" else debugging(session, verdict)
    return ["", *hints(session.out, [command])] if command else []
