from __future__ import annotations

import ast
import re

import pytest

from thinkllm_drill.content.blanks import LEVELS, blanks, open_blanks, render
from thinkllm_drill.content.stubs import committed_stub, render_stub
from thinkllm_drill.errors import ContentError, UsageError


def function(*lines: str) -> str:
    return "def f(x):\n" + "".join(f"    {line}\n" for line in lines)


def test_blanks_have_number_prompt_lines_and_function(library):
    first, second = blanks(library.reference("ring-buffer"))
    assert (first.number, first.prompt, first.function) == (1, "write the value over the oldest one", "RingBuffer.push")
    assert second.last_line == second.first_line == 58


@pytest.mark.parametrize(
    ("source", "line", "message"),
    [
        (function("# region blank: a", "return x"), 2, "without `# endregion`"),
        (
            function("# region blank: a", "# region keep", "return x", "# endregion", "# endregion"),
            3,
            "inside the region",
        ),
        (function("return x", "# endregion"), 3, "without a region"),
        (function("# region blank:", "return x", "# endregion"), 2, "without a prompt"),
        (function("# region blank", "return x", "# endregion"), 2, "without a prompt"),
        (function("# region of interest", "return x", "# endregion"), 2, "expected"),
        (function("# region blank: a", "", "# endregion", "return x"), 2, "empty"),
        ("# region blank: a\nx = 1\n# endregion\n", 1, "inside a function"),
        ("def f(:\n", 1, "not valid Python"),
    ],
)
def test_wrong_markers_name_the_line(tmp_path, source, line, message):
    with pytest.raises(ContentError, match=message) as caught:
        blanks(source, file=tmp_path / "x.py")
    assert (caught.value.line, caught.value.file) == (line, tmp_path / "x.py")


def test_a_region_that_cuts_a_statement_in_two():
    source = function("y = [", "# region blank: a", "    x,", "# endregion", "]", "return y")
    with pytest.raises(ContentError, match="not Python"):
        render(source, "cloze")


def test_a_marker_inside_a_string_is_text():
    source = function('y = """', "# region blank: a", '"""', "return y")
    assert blanks(source) == ()
    assert render(source, "bughunt") == source


def test_cloze_cuts_every_blank(library):
    code = render_stub(library, "moving-average", "cloze").code
    assert "    # TODO: the total of the first window\n    raise NotImplementedError(" in code
    assert "means" not in code
    assert "window must be at least 1" in code
    assert [blank.number for blank in open_blanks(code)] == [1, 2]


def test_cloze_of_some_blanks_keeps_their_numbers(library):
    stub = render_stub(library, "moving-average", "cloze", only=[2])
    assert [blank.number for blank in stub.blanks] == [2]
    assert "total = sum(values[:window])" in stub.code
    assert "region" not in stub.code


def test_a_seed_chooses_at_least_half_of_the_blanks(library):
    chosen = {tuple(blank.number for blank in render_stub(library, "moving-average", "cloze", seed=str(seed)).blanks)
              for seed in range(20)}  # fmt: skip
    assert chosen == {(1,), (2,), (1, 2)}
    same = [render_stub(library, "moving-average", "cloze", seed="7").code for _ in range(2)]
    assert same[0] == same[1]


def test_a_prompt_may_hold_quotes_and_backslashes():
    code = render(function('# region blank: say "\\n" or 中文', "return x", "# endregion"), "cloze")
    assert open_blanks(code)[0].prompt == 'say "\\n" or 中文'


def test_body_keeps_signatures_docstrings_keeps_constants_and_data(library):
    code = render_stub(library, "ring-buffer", "body").code
    assert "EMPTY = object()" in code
    assert "return len(self.values)" in code, "data classes stay whole"
    assert "self.slots = [EMPTY] * size" in code, "a kept method stays"
    assert 'size = self.size\n        raise NotImplementedError("blank 2: RingBuffer.push")' in code
    assert ") -> State:  # the colon: here\n" in code
    assert "def clear(self) -> None: ..." in code
    for gone in ("_filled", "_order", "how many values there are", "region", "return State("):
        assert gone not in code


def test_body_of_one_line_and_of_a_class_without_public_methods():
    code = render("class A:\n    def _f(self): return 1\n\n\ndef g(x): return x\n", "body")
    assert code == 'class A:\n    pass\n\n\ndef g(x):\n    raise NotImplementedError("blank 1: g")\n'


def test_body_of_decorated_async_and_nested_functions():
    source = (
        "import functools\n\n\n@functools.cache\ndef f(\n    x=(1,\n       2),\n):\n    def g():\n        return 1\n\n"
        "    return g\n\n\nasync def h():\n    # why\n    return 2\n    # the end\n\n\n"
        "@functools.cache\ndef _p():\n    return 3\n"
    )
    code = render(source, "body")
    names = [
        node.name for node in ast.walk(ast.parse(code)) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert names == ["f", "h"]
    assert "# why" not in code
    assert "# the end" not in code
    assert code.count("functools.cache") == 1


def test_a_private_helper_that_is_kept_stays():
    code = render("# region keep\ndef _h(x):\n    return x\n\n\n# endregion\n\n\ndef f(x):\n    return _h(x)\n", "body")
    assert code.startswith("def _h(x):\n    return x\n\n\ndef f")


def test_blank_names_what_to_define(library):
    code = render_stub(library, "ring-buffer", "blank").code
    assert ast.get_docstring(ast.parse(code)) == "A buffer that keeps the last values."
    assert "def " not in code
    assert "# @dataclass\n# class State\n" in code
    assert "#     full: bool = False\n" in code
    assert "#     @property\n#     size(self) -> int\n#         The capacity.\n" in code
    assert "#     push(self, value: int, *, quiet: bool = False) -> State\n" in code
    assert "_order" not in code
    assert "import dataclass" in code


def test_blank_ships_what_is_kept_at_module_level():
    code = render("import math\n\n# region keep\nTABLE = [1]\n\n\n# endregion\ndef f(x): return math.exp(x)\n", "blank")
    assert "TABLE = [1]" in code
    assert "# f(x)" in code


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("slug", ["moving-average", "ring-buffer"])
def test_every_level_is_tidy_python(library, slug, level):
    code = render_stub(library, slug, level).code
    ast.parse(code)
    assert "\n\n\n\n" not in code
    assert not re.search(r"\n\n\n[ \t]", code)
    assert code.endswith("\n")
    assert not code.endswith("\n\n")
    assert "region" not in code


def test_blank_lines_inside_strings_stay():
    source = function('y = """a', "", "", "", 'b"""', "return y")
    assert render(source, "bughunt") == source


def test_bughunt_plants_the_first_mistake_or_one_by_seed(library):
    stub = render_stub(library, "moving-average", "bughunt")
    assert stub.mistake == "sum-not-mean"
    assert "means.append(total)\n" in stub.code
    planted = {render_stub(library, "moving-average", "bughunt", seed=str(seed)).mistake for seed in range(20)}
    assert planted == {"sum-not-mean", "never-subtracts"}, "a mistake that is a whole file cannot be planted"


def test_bughunt_without_a_mistake_to_plant(library):
    library.paths("ring-buffer").mistakes.write_text("")
    with pytest.raises(UsageError, match="no mistake to hunt"):
        render_stub(library, "ring-buffer", "bughunt")


def test_the_committed_stub_says_where_it_is_from(library):
    stub = committed_stub(library, "moving-average")
    assert stub.startswith("# Generated from solutions/lists/moving_average.py; do not edit. thinkllm dev render\n")
    assert stub == library.paths("moving-average").stub.read_text()


def test_open_blanks_are_found_by_syntax():
    source = (
        '"""raise NotImplementedError("blank 9: text")"""\n'
        'def f():\n    raise NotImplementedError("blank 2: b")\n'
        'def g():\n    raise NotImplementedError("blank 1: a")\n'
        'def h():\n    raise NotImplementedError("later")\n    raise ValueError("blank 3: c")\n'
        "def k():\n    raise NotImplementedError\n"
    )
    assert [(blank.number, blank.prompt, blank.line) for blank in open_blanks(source)] == [(1, "a", 5), (2, "b", 3)]
