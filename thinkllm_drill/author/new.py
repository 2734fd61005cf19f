"""`thinkllm dev new`: the skeleton of an exercise, which works and says what is left to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, get_args

from thinkllm_drill.content.library import Library, Paths
from thinkllm_drill.content.names import is_slug, to_disk, to_slug
from thinkllm_drill.content.stubs import committed_stub
from thinkllm_drill.errors import UsageError
from thinkllm_drill.files import write_exclusively

Kind = Literal["function", "module", "object", "kernel"]
TEMPLATES = Path(__file__).parent / "templates"


def create(library: Library, topic: str, slug: str, title_en: str, title_zh: str, kind: Kind) -> list[Path]:
    """The files of a new exercise, which now exist; what the author has to write is marked by TODO.

    Args:
        library: where to put it.
        topic: the folder, which may be new.
        slug: its name.
        title_en: in English.
        title_zh: in Chinese.
        kind: what the learner writes.
    Raises:
        UsageError: a name cannot be used, a title is empty, or a file of the exercise is there already.
    """
    slug, topic = to_slug(slug), to_slug(topic)
    _refuse_bad_names(library, topic, slug, (title_en, title_zh), kind)
    paths = Paths(library.root, topic, to_disk(slug))
    texts = _texts(paths, slug, " ".join(title_en.split()), " ".join(title_zh.split()), kind)
    if taken := [path for path in (*texts, paths.stub) if path.exists()]:
        raise UsageError(f"{taken[0]} is there already", hint=f"thinkllm dev check {slug}")
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_exclusively(path, text)
    stub = committed_stub(Library(library.root), slug)
    return [*texts, write_exclusively(paths.stub, stub)]


def _refuse_bad_names(library: Library, topic: str, slug: str, titles: tuple[str, str], kind: str) -> None:
    for name in (topic, slug):
        if not is_slug(name) or name[0].isdigit():
            message = f"{name!r} is no name: lower-case letters, digits and single hyphens, beginning with a letter"
            raise UsageError(message, hint="thinkllm dev new attention sliding-window --title … --title-zh …")
    if slug in library.slugs():
        raise UsageError(
            f"the exercise {slug} is there already: {library.paths(slug).folder}", hint=f"thinkllm show {slug}"
        )
    if kind not in get_args(Kind):
        raise UsageError(f"unknown kind {kind!r}; one of: {', '.join(get_args(Kind))}")
    if not all(title.strip() for title in titles):
        raise UsageError("an exercise needs a title in both languages", hint="thinkllm dev new --help")


def _texts(paths: Paths, slug: str, title_en: str, title_zh: str, kind: Kind) -> dict[Path, str]:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quoted"] = lambda text: json.dumps(text, ensure_ascii=False)
    camel = "".join(part.capitalize() for part in slug.split("-"))
    values = {
        "slug": slug,
        "camel": camel,
        "name": camel if kind in ("module", "object") else to_disk(slug),
        "kind": kind,
        "title_en": title_en,
        "title_zh": title_zh,
    }
    graders = paths.grader.parent
    targets = {
        "exercise.toml": paths.toml,
        "statement.en.md": paths.statement("en"),
        "statement.zh.md": paths.statement("zh"),
        "mistakes.toml": paths.mistakes,
        f"{kind}/solution.py": paths.solution,
        f"{kind}/grader.py": paths.grader,
    }
    for variant in sorted((TEMPLATES / kind).glob("honest.*.py.jinja")):
        name = variant.name.removesuffix(".jinja")
        targets[f"{kind}/{name}"] = graders / f"{paths.name}.{name}"
    return {path: environment.get_template(f"{name}.jinja").render(values) for name, path in targets.items()}
