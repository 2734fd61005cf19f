# Generated from solutions/agent/react_loop.py; do not edit. thinkllm dev render
"""The ReAct loop, Yao et al. 2023 (arXiv:2210.03629), section 2: thought, action and observation take turns.

The model only writes text: the loop reads one action out of each reply, calls the tool, and puts the result into the
next prompt.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

PREAMBLE = """\
Answer the question. Think, then act: write one line Action: name[input] and stop.
Tools: {tools}. When you know the answer, write Action: finish[answer].
"""
MALFORMED = "Error: write one line Action: name[input]"
UNKNOWN = "Error: no tool named {name}; tools: {tools}"
FAILED = "Error: {kind}: {message}"


@dataclass(frozen=True)
class Step:
    """One reply of the model, and what came of it; action and input are None if the reply was malformed."""

    thought: str
    action: str | None
    action_input: str | None
    observation: str | None


@dataclass(frozen=True)
class AgentResult:
    """How a run ended."""

    answer: str | None
    steps: list[Step]
    reason: Literal["finish", "max_steps", "parse_error"]


def parse_reply(reply: str) -> tuple[str, str | None, str | None]:
    """Return the thought, the action's name and its input; (text, None, None) for a malformed reply.

    Args:
        reply: what the model wrote, perhaps with an observation that it made up.
    """
    raise NotImplementedError("blank 1: parse_reply")


def react(
    question: str, llm: Callable[[str], str], tools: dict[str, Callable[[str], str]], max_steps: int = 8
) -> AgentResult:
    """Return the answer to the question, the steps that led to it, and why the run ended.

    Args:
        question: what to answer.
        llm: continues a prompt.
        tools: by name; none is called finish.
        max_steps: how often the model may be called.
    """
    raise NotImplementedError("blank 2: react")
