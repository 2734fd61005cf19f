"""Bare `thinkllm mock` on a terminal: the interview that runs on the full screen, or a screen to begin one."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from thinkllm_drill.cli.fullscreen import FullScreen, size_of
from thinkllm_drill.cli.interview import keep
from thinkllm_drill.cli.keys import Keys, open_keys
from thinkllm_drill.cli.mock_view_draw import Message
from thinkllm_drill.cli.mock_view_keys import LEAVE, View
from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError

if TYPE_CHECKING:
    from thinkllm_drill.interview.engine import Interviewer
    from thinkllm_drill.interview.model import Interview


def available(session: Session) -> bool:
    """Whether there is a terminal for the view: one that takes keys and moves, and tells its size."""
    typed = sys.stdin is not None and sys.stdin.isatty()
    return not session.json and typed and session.out.moves and size_of(session.out) is not None


def open_view(session: Session, desk: Interviewer, interview: Interview | None) -> int:
    """Show an interview until the learner leaves; where there is none, begin one by keys. Returns the exit code."""
    view = None
    with open_keys() as keys, FullScreen(session.out) as full:
        keys.before_stop = full.leave
        try:
            if interview is None:
                interview = _begin(session, desk, keys, full)
            if interview is not None:
                view = View(session, desk, interview, keys, full)
                view.loop()
        except KeyboardInterrupt:
            pass
        finally:
            if view is not None:
                view.close()
    session.out.measure()
    if view is not None:
        view.farewell()
    return 0


def _begin(session: Session, desk: Interviewer, keys: Keys, full: FullScreen) -> Interview | None:
    """The interview that the learner began, None if they left."""
    from thinkllm_drill.cli import mock_view_start
    from thinkllm_drill.interview import profiles

    start = mock_view_start.Start(tuple(profiles.read(session.library.root).values()))
    while True:
        frame = mock_view_start.draw(start, full.screen)
        full.show(frame.lines)
        key = keys.read(60.0)
        if key in (*LEAVE, "esc"):
            return None
        if key in ("resize", "resume"):
            full.enter()
        elif key == "enter":
            try:
                interview = desk.start(start.wishes)
            except ThinkLLMError as error:
                start = replace(start, messages=(Message(error.message, "bad"),))
            else:
                keep(session, interview)
                return interview
        elif key is not None:
            start = start.press(key)
