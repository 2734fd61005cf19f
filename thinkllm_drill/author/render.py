"""`thinkllm dev render`: the stubs that are committed beside the statements, and the READMEs' table of exercises."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from thinkllm_drill.author import readme
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.stubs import committed_stub
from thinkllm_drill.files import write_atomically


def render(library: Library, slugs: Iterable[str], *, check_only: bool = False) -> list[Path]:
    """The stubs and READMEs that differed from what they are made of, and now do not.

    Args:
        library: where the exercises are.
        slugs: whose stubs.
        check_only: write nothing.
    Raises:
        ContentError: a reference is broken.
    """
    wanted = {library.paths(slug).stub: committed_stub(library, slug) for slug in slugs} | readme.tables(library)
    drifted: list[Path] = []
    for path, content in wanted.items():
        if path.is_file() and path.read_bytes() == content.encode():
            continue
        drifted.append(path)
        if not check_only:
            write_atomically(path, content)
    return drifted
