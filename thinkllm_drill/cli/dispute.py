"""`thinkllm check --dispute`: everything that is needed to look into a verdict, in one archive."""

from __future__ import annotations

import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from thinkllm_drill import __version__
from thinkllm_drill.cli.screen import short_path
from thinkllm_drill.cli.session import Session
from thinkllm_drill.locale import text

if TYPE_CHECKING:
    from thinkllm_drill.verdict import Verdict


def write_bundle(session: Session, verdict: Verdict, source: bytes) -> Path:
    """The archive with the attempt, the verdict and the facts of this machine; tells where it is and what to do."""
    from thinkllm_drill.cli import doctor
    from thinkllm_drill.cli.errors import issues
    from thinkllm_drill.settings import home_problem

    about = {
        "schema": 1,
        "slug": verdict.slug,
        "seed": verdict.seed,
        "thinkllm_drill": __version__,
        "content_version": session.library.version(verdict.slug),
        "at": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    parts: dict[str, bytes] = {
        "attempt.py": source,
        "verdict.json": _json(verdict.to_json()),
        "about.json": _json(about),
        "doctor.json": _json({"schema": 1, **doctor.to_json(doctor.findings(session, grade=False))}),
    }
    folder = session.settings.home / "disputes"
    path = folder / f"{verdict.slug}-{datetime.now():%Y%m%d-%H%M%S-%f}.zip"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "x", zipfile.ZIP_DEFLATED) as archive:
            for name, content in parts.items():
                archive.writestr(name, content)
    except OSError as error:
        raise home_problem(path, error) from error
    session.err.write()
    session.err.write(text("cli.dispute.wrote", file=short_path(path), names=", ".join(parts)))
    session.err.write(text("cli.dispute.send", url=issues()))
    return path


def _json(value: dict[str, Any]) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode("utf-8", "backslashreplace")
