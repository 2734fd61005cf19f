"""The folder that `thinkllm debug` leaves: the inputs of a case, and a short script that runs it without us."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from thinkllm_drill.files import write_atomically

if TYPE_CHECKING:
    from thinkllm_drill.judge.replay import Replay

_OURS = re.compile(r"# thinkllm debug ([0-9a-f]{12})\n")


@dataclass(frozen=True)
class Reproduction:
    """What was written: the inputs, where there are any, the script, and where a script that was edited is now."""

    inputs: Path | None
    script: Path
    kept: Path | None = None


def save(replay: Replay, folder: Path, before: Reproduction | None = None) -> Reproduction:
    """Write the inputs and the script of a replay into `folder`, in the place of what we wrote there earlier.

    A script that was edited since is moved aside.

    Raises:
        OSError: the folder cannot be written.
    """
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    inputs, script = folder / "inputs.pt", folder / "reproduce.py"
    values, code = replay.written(inputs)
    kept = before.kept if before is not None else None
    if before is None and script.exists() and not _is_ours(script):
        kept = _aside(script)
    if values:
        staged = folder / ".inputs.pt"
        torch.save(values, staged)
        staged.replace(inputs)
    else:
        inputs.unlink(missing_ok=True)
    write_atomically(script, f"# thinkllm debug {_hash(code)}\n{code}")
    return Reproduction(inputs if values else None, script, kept)


def _is_ours(script: Path) -> bool:
    """Whether a script is as we wrote it."""
    content = script.read_text(encoding="utf-8", errors="replace")
    found = _OURS.match(content)
    return found is not None and found[1] == _hash(content[found.end() :])


def _aside(script: Path) -> Path:
    number = 1
    while (target := script.with_name(f"{script.stem}-{number}.py")).exists():
        number += 1
    return script.rename(target)


def _hash(code: str) -> str:
    return sha256(code.encode()).hexdigest()[:12]
