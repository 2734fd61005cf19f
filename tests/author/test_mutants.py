from __future__ import annotations

import ast
from pathlib import Path

import pytest

from thinkllm_drill.author.mutants import OPERATORS, mutants
from thinkllm_drill.content.library import Library

LIBRARY = Library(Path(__file__).parents[2])

ATTENTION = '''"""Attention."""

import math

import torch


def attend(q, k, v, causal: bool = True):
    """Return softmax(q k / √d) v."""
    # region blank: the scores
    scores = q @ k.mT / math.sqrt(q.shape[-1])
    # endregion
    # region blank: no position sees a later one
    if causal:
        scores = scores.masked_fill(~torch.ones_like(scores).tril().bool(), -torch.inf)
    # endregion
    # region blank: weigh
    return scores.softmax(dim=-1) @ v
    # endregion
'''


@pytest.mark.parametrize("slug", LIBRARY.slugs())
def test_mutants_of_the_references(slug):
    reference = LIBRARY.reference(slug)
    lines = reference.splitlines()
    plain = ast.unparse(ast.parse(reference))
    found = mutants(reference)
    assert 20 <= len(found) <= 700
    assert len({mutant.id for mutant in found}) == len(found)
    programs = {ast.unparse(ast.parse(mutant.source)) for mutant in found}
    assert len(programs) == len(found), "two mutants are the same program"
    assert plain not in programs, "a mutant is the reference"
    for mutant in found:
        compile(mutant.source, mutant.id, "exec")
        assert mutant.operator in OPERATORS
        assert "# region" not in mutant.source
        assert "# endregion" not in mutant.source
        assert mutant.was != mutant.now
        assert "\n" not in mutant.was + mutant.now
        assert mutant.was.split(" …")[0].removeprefix("… ").split("(")[0].strip() in "\n".join([*lines, plain])


def test_ids_survive_edits_elsewhere():
    before = {mutant.id: mutant for mutant in mutants(ATTENTION)}
    edited = ATTENTION.replace('"""Attention."""', '"""Attention.\n\nWith a mask.\n"""')
    edited = edited.replace("no position sees a later one", "mask")
    edited = edited.replace("def attend", "def other(x):\n    return x + 1\n\n\ndef attend").replace(
        "softmax(dim=-1)", "exp()"
    )
    after = {mutant.id: mutant for mutant in mutants(edited)}
    shared = before.keys() & after.keys()
    gone = [before[label] for label in before.keys() - shared]
    assert {mutant.line for mutant in gone} == {18}, "but for those of the line that was edited"
    for label in shared:
        assert (before[label].was, before[label].now) == (after[label].was, after[label].now)
        assert after[label].line == before[label].line + 7


def test_a_mutant_is_told_by_its_line_in_the_committed_file():
    for mutant in mutants(ATTENTION):
        piece = mutant.was.removeprefix("… ").removesuffix(" …")
        assert piece in ATTENTION.splitlines()[mutant.line - 1]
    first = next(m for m in mutants(ATTENTION) if m.now == "q @ k.mT * math.sqrt(q.shape[-1])")
    assert first.id.startswith("attend/arithmetic/")
    assert first.line == 11


def test_launch_options_are_left_alone():
    reference = "def f(x, n):\n    kernel[(n,)](x, n, BLOCK=16, num_warps=8 if n >= 128 else 4, num_stages=3)\n"
    changed = {
        mutant.was for mutant in mutants(reference) if mutant.operator in ("constant", "comparison", "condition")
    }
    assert changed == {"BLOCK=16"}
