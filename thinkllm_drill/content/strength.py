"""How strong an exercise's grader was measured to be: `<name>.strength.toml`, written by `thinkllm dev strength`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from thinkllm_drill.errors import ContentError


@dataclass(frozen=True)
class Strength:
    """The figures of one measurement; pairs are of how many.

    `content` is the hash of what was measured, `engine` that of the code that graded it. `mistakes` counts those
    rejected by the check that they name on every seed, `diagnosed` the verdicts on them that name them, of those that
    could, `mutants` those rejected of those that are not equivalent, `honest` the verdicts that accept an honest
    variant. `margin` is the largest error of an honest variant, `clearance` the smallest of a wrong value that a
    mistake is rejected for, as parts of what is allowed.
    """

    content: str
    engine: str
    mistakes: tuple[int, int]
    mistake_seeds: int
    diagnosed: tuple[int, int]
    mutants: tuple[int, int]
    equivalent: int
    honest: tuple[int, int]
    honest_seeds: int
    margin: float
    clearance: float


def read(path: Path) -> Strength | None:
    """The figures in a file, None if there is no such file.

    Raises:
        ContentError: it is broken.
    """
    import tomllib

    try:
        data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        values: dict[str, Any] = {key: tuple(value) if type(value) is list else value for key, value in data.items()}
        return Strength(**values)
    except FileNotFoundError:
        return None
    except (tomllib.TOMLDecodeError, TypeError, UnicodeDecodeError) as error:
        raise ContentError(f"not what `thinkllm dev strength` writes: {error}", file=path, line=1) from None


def dump(strength: Strength) -> str:
    """The text of the file."""
    lines = [
        f'{key} = "{value}"' if isinstance(value, str) else f"{key} = {list(value) if type(value) is tuple else value}"
        for key, value in asdict(strength).items()
    ]
    return "# Written by `thinkllm dev strength`; not to be edited.\n" + "\n".join(lines) + "\n"
