"""What is read page by page in the full-screen view: a statement, the help, the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.cli.cells import visible, width, wrap_text
from thinkllm_drill.cli.mock_show import clock
from thinkllm_drill.cli.mock_view_draw import ESCAPE
from thinkllm_drill.cli.output import count, facts, table
from thinkllm_drill.cli.screen import Screen, short_path
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.cli.session import Session
    from thinkllm_drill.interview.model import Interview
    from thinkllm_drill.interview.result import Result

Lines = Callable[[Screen], Sequence[str]]
"""The lines of a page, set for a screen."""


def statement(session: Session, slug: str) -> Lines:
    """The task of an exercise."""
    from thinkllm_drill.content.statement import load

    lang = session.settings.lang
    words = load(session.library.paths(slug).statement(lang), lang).text

    def lines(screen: Screen) -> Sequence[str]:
        from thinkllm_drill.cli.markdown import render

        title, _, body = render(words, screen).partition("\n")
        about = [screen.paint(line, "dim") for line in wrap_text(facts(session.entries[slug]), screen.text_width)]
        return [title, *about, *body.split("\n")]

    return lines


def help_(interview: Interview) -> Lines:
    """What the keys do, and the rules of an interview."""

    def lines(screen: Screen) -> Sequence[str]:
        cells = screen.text_width
        runs = count("runs", interview.runs)
        found = [screen.paint(text("mockview.help.title"), "title"), ""]
        found += [*wrap_text(text("mockview.help.rules", runs=runs), cells), ""]
        arrows = "↑ ↓ 1-9" if screen.unicode else "up, down, 1-9"
        rows = [(arrows, "move"), ("s", "statement"), ("e", "edit"), ("c", "check"), ("u, Enter", "submit")]
        rows += [("a", "answer"), ("r", "restore"), ("f", "finish"), ("q, Ctrl-C", "leave")]
        words = [[key, text(f"mockview.help.{name}")] for key, name in rows]
        found += [
            part
            for row in table(screen, words, styles=[["heading", ""]] * len(words), flexible=1)
            for part in row.split("\n")
        ]
        return [*found, "", *wrap_text(text("mockview.help.elsewhere"), cells)]

    return lines


def result(outcome: Result, path: Path) -> Lines:
    """What an interview came to."""

    def lines(screen: Screen) -> Sequence[str]:
        cells = screen.text_width
        head = text("mock.result.head", id=outcome.id, score=f"{outcome.score:g}")
        found = [screen.paint(head, "title") + " · " + text(f"mock.reason.{outcome.reason}"), ""]
        found += _problems(outcome, screen)
        if outcome.question_seconds >= 1:
            found += wrap_text(text("mock.result.questions", spent=clock(outcome.question_seconds)), cells)
        points = " · ".join(_part(part.name, part.points, part.out_of) for part in outcome.parts)
        found += ["", *wrap_text(points, cells), ""]
        for advice in outcome.advice:
            found += wrap_text(visible(advice.says), cells)
            found.append("  " + screen.paint(advice.command, "code"))
        if outcome.clock_back:
            found += ["", *wrap_text(text("mock.clock_back", back=clock(outcome.clock_back)), cells)]
        file = short_path(path)
        where = text("mock.result.report", file=file)
        found += ["", where] if width(where) <= cells else ["", text("mock.result.report", file="").rstrip(), file]
        return found

    return lines


def _problems(outcome: Result, screen: Screen) -> list[str]:
    rows, styles = [], []
    for each in outcome.problems:
        passed = each.outcome == "passed"
        rows.append(
            [
                screen.symbol("ok" if passed else "bad"),
                each.slug,
                text(f"mock.outcome.{'emptied' if each.emptied else each.outcome}"),
                f"{100 * each.share:.0f} %",
                f"{clock(each.seconds)} / {each.minutes}:00",
                count("runs", each.runs),
            ]
        )
        styles.append(["ok" if passed else "bad", "bold", "", "", "dim", "dim"])
    for columns in (6, 5, 4):
        lines = table(screen, [row[:columns] for row in rows], styles=styles, numbers=(3,))
        if max(width(ESCAPE.sub("", line)) for line in lines) <= screen.width:
            break
    return lines


def _part(name: str, points: float, out_of: float) -> str:
    worth = f"{points:g}/{out_of:g}" if out_of else f"+{points:g}" if name == "extra" else "\u2013"
    return f"{text(f'mock.part.{name}')} {worth}"
