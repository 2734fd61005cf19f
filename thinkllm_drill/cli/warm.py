"""Getting the background service ready before it is needed."""

from __future__ import annotations

from contextlib import suppress

from thinkllm_drill.cli.session import Session
from thinkllm_drill.errors import ThinkLLMError
from thinkllm_drill.locale import current
from thinkllm_drill.packages import missing


def get_ready(session: Session, slug: str) -> None:
    """Have the service started, and ready for the next check of an exercise, where it can be graded here."""
    if not session.settings.service or missing(session.entries[slug].needs):
        return
    from thinkllm_drill.judge.client import start_service_in_background

    with suppress(ThinkLLMError, OSError):
        start_service_in_background(slug, session.library.root, current())
