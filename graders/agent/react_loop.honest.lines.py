"""No regular expressions: lines, `partition` and a small state machine; named tuples for the records."""

from typing import NamedTuple, Optional

COLONS = ":", "："


class Step(NamedTuple):
    thought: str
    action: Optional[str]  # noqa: UP045
    action_input: Optional[str]  # noqa: UP045
    observation: Optional[str]  # noqa: UP045


class AgentResult(NamedTuple):
    answer: Optional[str]  # noqa: UP045
    steps: list
    reason: str


def _after_label(line, label):
    """What follows the label in a line that starts with it, else None."""
    line = line.lstrip()
    for colon in COLONS:
        if line.startswith(label + colon):
            return line[len(label) + 1 :]
    return None


def parse_reply(reply):
    kept = []
    for line in reply.split("\n"):
        if _after_label(line, "Observation") is not None:
            break
        kept.append(line)
    text = "\n".join(kept).strip()
    rest = _after_label(text, "Thought")
    if rest is not None:
        text = rest.strip()
    before = []
    for line in text.split("\n"):
        action = _after_label(line, "Action")
        if action is None:
            before.append(line)
            continue
        name, bracket, argument = action.strip().partition("[")
        if bracket and name.strip() and argument.endswith("]"):
            return "\n".join(before).strip(), name.strip(), argument[:-1]
        break
    return text, None, None


def react(question, llm, tools, max_steps=8):
    head = "You may use these tools:\n" + "\n".join(f"- {name}" for name in tools)
    prompt = f"{head}\n\nQuestion: {question}\nThought:"
    steps, strikes = [], 0
    while len(steps) < max_steps:
        thought, name, argument = parse_reply(llm(prompt))
        prompt += f" {thought}\n"
        if name is None:
            strikes += 1
            if strikes == 2:
                steps += [Step(thought, None, None, None)]
                return AgentResult(None, steps, "parse_error")
            seen = "Error: write one line Action: name[input]"
        else:
            strikes = 0
            if name == "finish":
                return AgentResult(argument, [*steps, Step(thought, name, argument, None)], "finish")
            prompt += f"Action: {name}[{argument}]\n"
            if name in tools:
                try:
                    seen = tools[name](argument)
                except Exception as problem:
                    seen = "Error: " + type(problem).__name__ + ": " + str(problem)
            else:
                seen = f"Error: no tool named {name}; tools: {', '.join(tools.keys())}"
        steps.append(Step(thought, name, argument, seen))
        prompt += f"Observation: {seen}\nThought:"
    return AgentResult(None, steps, "max_steps")
