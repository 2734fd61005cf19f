from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from thinkllm_drill.content import model, roots
from thinkllm_drill.content.library import Library
from thinkllm_drill.content.names import to_disk, to_slug
from thinkllm_drill.errors import ContentError, UsageError


def test_hyphens_and_underscores():
    assert to_disk("KV-Cache") == "kv_cache"
    assert to_slug(" kv_Cache") == "kv-cache"


def test_rows_of_the_catalogue(library):
    first, second = library.entries()
    assert (first.slug, first.topic, first.title["zh"]) == ("moving-average", "lists", "滑动平均")
    assert first.here == "Moving average"
    assert first.leads_to == ("ring-buffer", "ewma")
    assert (first.kernel, second.kernel) == (False, True)


def test_rows_are_the_same_from_the_cache(library, monkeypatch):
    rows = library.entries()
    monkeypatch.setattr(model, "load", lambda path: pytest.fail("parsed again"))
    assert library.entries() == rows


def test_a_changed_file_is_read_again_and_no_other(library, monkeypatch):
    library.entries()
    path = library.paths("ring-buffer").toml
    path.write_text(path.read_text().replace("minutes = 10", "minutes = 110"))
    read = []
    load = model.load
    monkeypatch.setattr(model, "load", lambda path: read.append(path) or load(path))
    assert library.entries()[1].minutes == 110
    assert read == [path]


def test_a_removed_exercise_is_gone(tree, library):
    library.entries()
    library.paths("moving-average").toml.unlink()
    assert [row.slug for row in Library(tree, cache=library._cache).entries()] == ["ring-buffer"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format":1}', b"\xff\xfe", b'{"rows":[{}]}'])
def test_a_broken_cache_is_ignored(library, tmp_path, content):
    rows = library.entries()
    (file,) = (tmp_path / "cache").iterdir()
    file.write_bytes(content)
    assert library.entries() == rows
    assert json.loads(file.read_bytes())["rows"]


def test_a_cache_that_cannot_be_written_is_ignored(tree, tmp_path):
    (tmp_path / "file").write_text("")
    assert len(Library(tree, cache=tmp_path / "file").entries()) == 2


def test_a_fresh_cache_needs_no_parser(tree, tmp_path):
    code = (
        "import sys; from thinkllm_drill.content.library import Library; Library.open().entries();"
        "print([name for name in ('msgspec', 'tomllib', 'jinja2', 'torch') if name in sys.modules])"
    )
    environ = {**os.environ, "THINKLLM_CONTENT": str(tree), "THINKLLM_CACHE_DIR": str(tmp_path / "cache")}
    runs = [
        subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs == ["['msgspec', 'tomllib']\n", "[]\n"]


@pytest.mark.parametrize("name", ["moving-average", "moving_average", "Moving-Average", "running-mean", "RUNNING_MEAN"])
def test_names_of_an_exercise(library, name):
    assert library.resolve(name) == "moving-average"


def test_an_unknown_name_shows_the_closest(library):
    with pytest.raises(UsageError, match=r"moving-averge.*moving-average, ring-buffer") as caught:
        library.resolve("moving-averge")
    assert caught.value.hint == "thinkllm list"


def test_an_exercise_in_two_topics_is_refused(tree, library):
    other = tree / "exercises" / "more" / "ring_buffer"
    other.mkdir(parents=True)
    (other / "exercise.toml").write_text("")
    with pytest.raises(ContentError, match="also in"):
        library.entries()


def test_paths(tree, library):
    paths = library.paths("ring-buffer")
    assert paths.solution == tree / "solutions/lists/ring_buffer.py"
    assert paths.statement("zh") == tree / "exercises/lists/ring_buffer/statement.zh.md"
    assert [path.name for path in paths.honest_files] == ["ring_buffer.honest.a.py", "ring_buffer.honest.b.py"]
    assert [path.name for path in library.paths("running-mean").mistake_files] == [
        "moving_average.mistake.last_window_missing.py"
    ]


def test_the_version_follows_every_file_of_the_exercise(library):
    version = library.version("ring-buffer")
    assert version == library.version("ring-buffer")
    for path in library.paths("ring-buffer").existing():
        text = path.read_text(encoding="utf-8")
        path.write_text(text + "\n", encoding="utf-8")
        assert library.version("ring-buffer") != version
        path.write_text(text, encoding="utf-8")
    assert library.version("ring-buffer") == version


def test_the_chosen_root(tree, monkeypatch, tmp_path):
    monkeypatch.setenv("THINKLLM_CONTENT", str(tree))
    assert Library.open().root == tree
    monkeypatch.setenv("THINKLLM_CONTENT", str(tmp_path))
    with pytest.raises(ContentError, match="THINKLLM_CONTENT") as caught:
        roots.find_root()
    assert caught.value.hint


def test_the_wheel_is_second_to_the_checkout(tree, monkeypatch, tmp_path):
    package = tmp_path / "site" / "thinkllm_drill"
    package.mkdir(parents=True)
    monkeypatch.setattr(roots, "PACKAGE", package)
    with pytest.raises(ContentError):
        roots.find_root()
    tree.rename(package / "_content")
    assert roots.find_root() == package / "_content"
    for folder in roots.FOLDERS:
        (tmp_path / "site" / folder).mkdir()
    assert roots.find_root() == tmp_path / "site"
