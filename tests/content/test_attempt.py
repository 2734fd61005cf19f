from __future__ import annotations

import ast
import codecs
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from thinkllm_drill.content import statement
from thinkllm_drill.content.attempt import (
    Header,
    NotStarted,
    Started,
    SyntaxProblem,
    read_header,
    render_attempt,
    state,
    stub_hash,
)
from thinkllm_drill.content.blanks import LEVELS, render
from thinkllm_drill.content.stubs import render_stub
from thinkllm_drill.content.wrap import width


def attempt(library, slug="moving-average", level="cloze", lang="en", only=None) -> str:
    stub = render_stub(library, slug, level, only=only)
    words = statement.load(library.paths(slug).statement(lang), lang)
    return render_attempt(library.exercise(slug), words, stub.code, level=level, lang=lang)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("level", LEVELS)
def test_the_header_is_above_code_that_parses(library, level, lang):
    text = attempt(library, level=level, lang=lang)
    first = text.splitlines()[0]
    code = render_stub(library, "moving-average", level).code
    assert first.startswith(f"# thinkllm-drill moving-average · {level} · {stub_hash(code)}")
    assert ast.get_docstring(ast.parse(text)).startswith("The mean of every window")
    assert text.endswith(code)
    assert "thinkllm hint moving-average" in text
    assert ("Background" if lang == "en" else "背景") in text
    assert all(width(line) <= 88 for line in text.removesuffix(code).splitlines())
    assert "#       >>> moving_average([1, 2, 3, 4], 2)" in text


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("slug", ["moving-average", "ring-buffer"])
def test_an_untouched_attempt_is_not_started(library, slug, level):
    found = state(attempt(library, slug, level).encode())
    assert isinstance(found, NotStarted)
    if level in ("cloze", "body"):
        assert found.first is not None
        assert found.first.number == 1


def test_the_header_is_read_back(library):
    header = read_header(attempt(library, only=[2]))
    assert header == Header("moving-average", "cloze", header.stub_hash, (2,))
    assert read_header("import torch\n") is None
    assert read_header("# thinkllm-drill x · nonsense · 0123456789\n") is None
    assert read_header("\ufeff# -*- coding: utf-8 -*-\n# thinkllm-drill x · body · 0123456789 · 1,12\n").blanks == (
        1,
        12,
    )


def test_comments_and_layout_are_no_start(library):
    text = attempt(library).replace("# TODO", "# soon").replace("\n\n\n", "\n\n\n\n\n")
    assert isinstance(state(text.encode()), NotStarted)


def test_a_filled_blank_is_a_start(library):
    text = attempt(library).replace(
        'raise NotImplementedError("blank 1: the total of the first window")', "total = sum(values[:window])"
    )
    found = state(text.encode())
    assert isinstance(found, Started)
    assert [blank.number for blank in found.open] == [2]


@pytest.mark.parametrize("level", LEVELS)
def test_an_attempt_filled_from_the_reference_has_no_blank(library, level):
    text = attempt(library, level=level)
    code = render_stub(library, "moving-average", level).code
    filled = text.removesuffix(code) + render(library.reference("moving-average"), "bughunt")
    assert state(filled.encode()) == Started(())


@pytest.mark.parametrize(
    "source", ["", "\n", '"""Doc."""\n', '"""Doc."""\nimport torch\nfrom torch import nn\n', "# hello"]
)
def test_nothing_but_imports_is_emptied(source):
    assert state(source.encode()) == NotStarted(None, emptied=True)


@pytest.mark.parametrize("level", LEVELS)
def test_an_untouched_attempt_is_not_emptied(library, level):
    found = state(attempt(library, level=level).encode())
    assert isinstance(found, NotStarted)
    assert not found.emptied


def test_code_without_a_header_is_started():
    assert state(b"def f(x):\n    return x\n") == Started(())


@pytest.mark.parametrize(
    ("source", "line", "column", "words"),
    [
        (b"x = 1\ndef f(:\n", 2, 7, "invalid syntax"),
        (b"def f():\nreturn 1\n", 2, 1, "expected an indented block"),
        (b"x = 1\n\nreturn x\n", 3, 1, "outside function"),
        (b"x = 1\ny = '\0'\n", 2, 6, "NUL"),
        (b"x = 1\n# \xff\xfe\n", 2, 3, "not UTF-8"),
        (b"# coding: klingon\nx = 1\n", 1, 1, "unknown encoding klingon"),
        (b"# coding: rot13\nx = 1\n", 1, 1, "unknown encoding rot13"),
        (b"x = 1\ny = (\n", 2, 5, "never closed"),
        (b"def f(a, a): pass\n", 1, 1, "duplicate argument"),
    ],
)
def test_a_syntax_problem_says_where(source, line, column, words):
    found = state(source)
    assert isinstance(found, SyntaxProblem)
    assert (found.line, found.column) == (line, column) or words == "duplicate argument"
    assert words in found.message


@pytest.mark.parametrize(
    "source",
    [
        codecs.BOM_UTF8 + "x = '中文'\n".encode(),
        b"x = 1\r\ndef f():\r\n    return x\r\n",
        b"x = 1\rdef f():\r    return x\r",
        "# -*- coding: latin-1 -*-\nx = 'é'\n".encode("latin-1"),
        "# coding: gbk\nx = '中文'\n".encode("gbk"),
        b"x = '\\d'\n",
        b"x = 1 is 1\n",
    ],
)
def test_odd_but_right_files_are_read(source):
    assert state(source) == Started(())


def test_windows_line_ends_change_nothing(library):
    text = codecs.BOM_UTF8 + attempt(library).replace("\n", "\r\n").encode()
    assert isinstance(state(text), NotStarted)


@pytest.mark.parametrize(
    "source",
    [
        b"(" * 5000,
        b"x = " + b"-" * 200_000 + b"1",
        b"x = " + b"+".join([b"1"] * 50_000),
        b"x = a" + b".b" * 100_000,
        b"x = " + b"9" * 5000,
        b"[" * 150 + b"]" * 150,
        b"\n".join(b" " * depth + b"if 1:" for depth in range(150)),
    ],
)
def test_nested_code_never_breaks_the_reader(source):
    assert isinstance(state(source), SyntaxProblem | Started)


def test_a_huge_file_is_refused_at_once():
    before = time.perf_counter()
    found = state(b"x = 1\n" * 2_000_000)
    assert isinstance(found, SyntaxProblem)
    assert time.perf_counter() - before < 3  # to parse it takes a quarter of a minute


@settings(max_examples=200)
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_have_a_state(source):
    assert isinstance(state(source), SyntaxProblem | NotStarted | Started)


def test_drilling_needs_no_torch(tree, tmp_path):
    code = (
        "import sys\n"
        "from thinkllm_drill.content import attempt, statement, stubs\n"
        "from thinkllm_drill.content.library import Library\n"
        "library = Library.open()\n"
        "stub = stubs.render_stub(library, 'ring-buffer', 'cloze')\n"
        "words = statement.load(library.paths('ring-buffer').statement('zh'), 'zh')\n"
        "exercise = library.exercise('ring-buffer')\n"
        "attempt.render_attempt(exercise, words, stub.code, level='cloze', lang='zh')\n"
        "print([name for name in ('torch', 'numpy', 'pytest', 'rich') if name in sys.modules])"
    )
    environ = {**os.environ, "THINKLLM_CONTENT": str(tree), "THINKLLM_CACHE_DIR": str(tmp_path)}
    run = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
