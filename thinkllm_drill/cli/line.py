"""A line of text that is typed key by key."""

from __future__ import annotations

from thinkllm_drill.cli.cells import char_width


def edited(typed: str, caret: int, key: str) -> tuple[str, int]:
    """The text and the place of the caret after a key, by the keys of a shell."""
    before, after = typed[:caret], typed[caret:]
    match key:
        case "backspace":
            return before[:-1] + after, max(caret - 1, 0)
        case "delete":
            return before + after[1:], caret
        case "left":
            return typed, max(caret - 1, 0)
        case "right":
            return typed, min(caret + 1, len(typed))
        case "home" | "ctrl-a":
            return typed, 0
        case "end" | "ctrl-e":
            return typed, len(typed)
        case "ctrl-u":
            return after, 0
        case "ctrl-k":
            return before, caret
        case "ctrl-w":
            kept = before.rstrip().rpartition(" ")
            kept_text = kept[0] + kept[1]
            return kept_text + after, len(kept_text)
    if len(key) >= 1 and key.isprintable() and not _is_name(key) and all(char_width(char) for char in key):
        return before + key + after, caret + len(key)
    return typed, caret


def _is_name(key: str) -> bool:
    """Whether this is the name of a key and no character."""
    return len(key) > 1 and key.isascii()
