"""What a shell completes: slugs, from the index of the content alone."""

from __future__ import annotations


def slugs(incomplete: str) -> list[str]:
    """The slugs and aliases that begin with what was typed; nothing where the content cannot be read."""
    from thinkllm_drill.content.names import to_slug

    try:
        from thinkllm_drill.content.library import Library

        names = Library.open().slugs()
    except Exception:
        return []
    typed = to_slug(incomplete)
    underscores = "_" in incomplete
    found = [name for name in names if name.startswith(typed)]
    return [name.replace("-", "_") for name in found] if underscores else found


def topics(incomplete: str) -> list[str]:
    """The topics that begin with what was typed."""
    try:
        from thinkllm_drill.content.library import Library

        names = {entry.topic for entry in Library.open().entries()}
    except Exception:
        return []
    return sorted(name for name in names if name.startswith(incomplete))
