"""`thinkllm dev render`: the stubs beside the statements, the READMEs' table of exercises, the page on coverage."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from thinkllm_drill.author import outline, readme
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.stubs import committed_stub
from thinkllm_drill.files import write_atomically


def render(library: Library, slugs: Iterable[str], *, check_only: bool = False) -> list[Path]:
    """The files that differed from what they are made of, and now do not.

    Args:
        library: where the exercises are.
        slugs: whose stubs.
        check_only: write nothing.
    Raises:
        ContentError: a reference is broken.
    """
    wanted = {library.paths(slug).stub: committed_stub(library, slug) for slug in slugs}
    wanted |= readme.tables(library) | outline.page(library)
    drifted: list[Path] = []
    for path, content in wanted.items():
        if path.is_file() and path.read_bytes() == content.encode():
            continue
        drifted.append(path)
        if not check_only:
            write_atomically(path, content)
    return drifted
