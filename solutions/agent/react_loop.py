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


# region keep
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


# endregion


def parse_reply(reply: str) -> tuple[str, str | None, str | None]:
    """Return the thought, the action's name and its input; (text, None, None) for a malformed reply.

    Args:
        reply: what the model wrote, perhaps with an observation that it made up.
    """
    # region blank: cut the reply before a line that starts with Observation; drop a leading Thought label
    text = re.split(r"^\s*Observation[:：]", reply, flags=re.MULTILINE)[0].strip()
    text = re.sub(r"\AThought[:：]\s*", "", text)
    # endregion
    # region blank: find the first line that starts with Action and take it apart as name[input]
    line = re.search(r"^[ \t]*Action[:：](.*)$", text, re.MULTILINE)
    call = line and re.fullmatch(r"\s*([^\[]*[^\[\s])\s*\[(.*)\]\s*", line[1])
    if not call:
        return text, None, None
    return text[: line.start()].strip(), call[1], call[2]
    # endregion


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
    steps: list[Step] = []
    for _ in range(max_steps):
        thought, action, action_input = parse_reply(llm(_prompt(question, tools, steps)))
        # region blank: a malformed reply is told so once; the second in a row ends the run
        if action is None:
            again = bool(steps) and steps[-1].action is None
            steps.append(Step(thought, None, None, None if again else MALFORMED))
            if again:
                return AgentResult(None, steps, "parse_error")
            continue
        # endregion
        # region blank: finish ends the run, any other action is observed
        if action == "finish":
            steps.append(Step(thought, action, action_input, None))
            return AgentResult(action_input, steps, "finish")
        steps.append(Step(thought, action, action_input, _observe(tools, action, action_input)))
        # endregion
    return AgentResult(None, steps, "max_steps")


def _observe(tools: dict[str, Callable[[str], str]], name: str, text: str) -> str:
    """Return what the tool says; an unknown or failing tool is an observation too."""
    # region blank: call the tool; what goes wrong becomes the text of an observation
    if name not in tools:
        return UNKNOWN.format(name=name, tools=", ".join(tools))
    try:
        return tools[name](text)
    except Exception as error:
        return FAILED.format(kind=type(error).__name__, message=error)
    # endregion


def _prompt(question: str, tools: dict[str, Callable[[str], str]], steps: list[Step]) -> str:
    """Return the preamble, the question, every step so far, and the cue for the next thought."""
    lines = [PREAMBLE.format(tools=", ".join(tools)), f"Question: {question}"]
    # region blank: a Thought, an Action and an Observation line for each step
    for step in steps:
        lines.append(f"Thought: {step.thought}")
        if step.action is not None:
            lines.append(f"Action: {step.action}[{step.action_input}]")
        lines.append(f"Observation: {step.observation}")
    # endregion
    return "\n".join([*lines, "Thought:"])
