"""`thinkllm dev render`: the stubs that are committed beside the statements."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from thinkllm_drill.content.library import Library
from thinkllm_drill.content.stubs import committed_stub
from thinkllm_drill.files import write_atomically


def render(library: Library, slugs: Iterable[str], *, check_only: bool = False) -> list[Path]:
    """The stubs that differed from their references, and now do not.

    Args:
        library: where the exercises are.
        slugs: whose stubs.
        check_only: write nothing.
    Raises:
        ContentError: a reference is broken.
    """
    drifted: list[Path] = []
    for slug in slugs:
        path, stub = library.paths(slug).stub, committed_stub(library, slug)
        if path.is_file() and path.read_bytes() == stub.encode():
            continue
        drifted.append(path)
        if not check_only:
            write_atomically(path, stub)
    return drifted
