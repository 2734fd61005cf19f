"""Source files as editors and systems write them, and how their errors are shown."""

from __future__ import annotations

from typing import Any

import pytest

from thinkllm_drill.judge.failures import AttemptRaised, NotStarted

CODE = "# 注释\ndef double(x):\n    return x * 2\n\ndef fail(x):\n    raise ValueError('中文')  # 这里\n"


@pytest.mark.parametrize(
    "source",
    [
        CODE.encode(),
        b"\xef\xbb\xbf" + CODE.encode(),
        CODE.replace("\n", "\r\n").encode(),
        b"\xef\xbb\xbf" + CODE.replace("\n", "\r\n").encode(),
        CODE.replace("\n", "\r").encode(),
        ("# -*- coding: gbk -*-\n" + CODE).encode("gbk"),
        ("# vim: set fileencoding=utf-8 :\n" + CODE).encode(),
        ("from __future__ import annotations\n" + CODE).encode().rstrip(),
        ("TEXT = 'a\u2028b\x0c'\n\x0c\n" + CODE).encode(),
    ],
    ids=["utf-8", "bom", "crlf", "bom-crlf", "cr", "gbk", "cookie", "no-final-newline", "other-line-ends"],
)
@pytest.mark.parametrize("filename", ["attempt.py", "/home/a b/练习 1/soft max.py", "<stdin>", "C:\\x\\y.py"])
def test_sources_load_and_their_lines_are_shown(make: Any, source: bytes, filename: str) -> None:
    attempt = make(source, filename)
    assert attempt.double(3) == 6
    with pytest.raises(AttemptRaised) as raised:
        attempt.fail(1)
    frame = raised.value.cause.frames[-1]
    assert raised.value.cause.message == "ValueError: 中文"
    assert frame.code == "raise ValueError('中文')  # 这里"
    assert frame.function == "fail"


@pytest.mark.parametrize(
    ("source", "line", "code", "words"),
    [
        (b"x = 1\ndef f(:\n    pass\n", 2, "def f(:", "invalid syntax"),
        (b"def f():\nreturn 1\n", 2, "return 1", "expected an indented block"),
        (b"x = 1\nif x:\n\tpass\n        y = 2\n", None, None, "inconsistent use of tabs"),
        ("x = 1\ny = ‘1’\n".encode(), 2, "y = ‘1’", "invalid character"),
        (b"x = '\xff'\n", None, None, ""),
        (b"# coding: klingon\nx = 1\n", None, None, "klingon"),
        (b"x = 1\0\n", None, None, "null bytes"),
        (b"x = (" * 300, None, None, ""),
        (b"def f():\n    return 1\n    yield (\n", None, None, "was never closed"),
    ],
    ids=["colon", "indent", "tabs", "quotes", "not-utf-8", "unknown-cookie", "nul", "parentheses", "never-closed"],
)
def test_syntax_errors(make: Any, source: bytes, line: int | None, code: str | None, words: str) -> None:
    with pytest.raises(AttemptRaised) as raised:
        make(source, "my file.py").load()
    assert raised.value.type_name in ("SyntaxError", "IndentationError", "TabError", "ValueError")
    assert words in raised.value.cause.message
    if line is not None:
        assert [(frame.line, frame.code) for frame in raised.value.cause.frames] == [(line, code)]


def test_an_error_at_the_top_of_the_file(make: Any) -> None:
    with pytest.raises(AttemptRaised) as raised:
        make(b"import os\n\nvalue = 1 / 0\n").load()
    assert raised.value.cause.message == "ZeroDivisionError: division by zero"
    assert [(f.line, f.function, f.code) for f in raised.value.cause.frames] == [(3, "", "value = 1 / 0")]
    with pytest.raises(AttemptRaised, match="No module named 'no_such_module'"):
        make(b"import no_such_module\n").load()
    with pytest.raises(AttemptRaised, match="SystemExit"):
        make(b"import sys\nsys.exit()\n").load()
    with pytest.raises(NotStarted):
        make(b"raise NotImplementedError('blank 1: everything')\n").load()


def test_an_empty_file(make: Any) -> None:
    assert make(b"").describe(["softmax"]) == {"softmax": None}


def test_the_file_is_a_module(make: Any) -> None:
    source = """
import dataclasses, sys, typing


@dataclasses.dataclass
class Node:
    children: "list[Node]" = dataclasses.field(default_factory=list)

def facts():
    return __name__ != "__main__", sys.modules[__name__] is not None, __file__
def hints():
    return sorted(typing.get_type_hints(Node))
if __name__ == "__main__":
    raise RuntimeError("it must not run as a program")
"""
    attempt = make(source, "some file.py")
    assert attempt.facts() == (True, True, "some file.py")
    assert attempt.hints() == ["children"]


def test_files_beside_the_attempt_are_not_imported(make: Any, tmp_path: Any) -> None:
    for name in ("torch", "random", "helper", "sitecustomize", "conftest"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('loaded')", encoding="utf-8")
    attempt = make(b"import torch, random\ndef f():\n    import helper\n", str(tmp_path / "attempt.py"))
    with pytest.raises(AttemptRaised, match="No module named 'helper'"):
        attempt.f()


@pytest.mark.parametrize("module", ["solutions.functions.softmax", "graders.functions.test_softmax", "benchmarks"])
def test_nothing_of_a_checkout_is_imported(make: Any, module: str) -> None:
    with pytest.raises(AttemptRaised, match="ModuleNotFoundError"):
        make(f"import {module}\n").load()


def test_globals_that_the_file_takes_away_do_not_hurt(make: Any) -> None:
    attempt = make(b"del __file__, __name__\n__dict__ = 1\ndef f():\n    raise ValueError('x')\n")
    with pytest.raises(AttemptRaised, match="ValueError: x"):
        attempt.f()
