"""The two spellings of an exercise's name: `kv-cache` on the command line, `kv_cache` on disk."""

from __future__ import annotations

import re

SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def to_slug(name: str) -> str:
    """The spelling of the command line: lower case, hyphens."""
    return name.strip().lower().replace("_", "-")


def to_disk(slug: str) -> str:
    """The spelling on disk: lower case, underscores."""
    return slug.strip().lower().replace("-", "_")


def is_slug(name: str) -> bool:
    """Whether name is spelt as a slug: lower-case letters, digits and single hyphens."""
    return re.match(SLUG, name) is not None
