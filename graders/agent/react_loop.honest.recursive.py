"""One compiled pattern for the whole reply, an agent class, and recursion in place of the loop."""

import re
from dataclasses import dataclass, field

REPLY = re.compile(
    r"(?P<thought>(?:(?![ \t]*Action[:：]).*\n)*)"  # whole lines that are no action
    r"[ \t]*Action[:：][ \t]*(?P<name>[^\[\n]*)\[(?P<input>.*)\][ \t]*(?:\n|\Z)"
)


@dataclass
class Step:
    thought: str
    action: str | None = None
    action_input: str | None = None
    observation: str | None = None

    def __str__(self):
        action = "" if self.action is None else f"Action: {self.action}[{self.action_input}]\n"
        return f"Thought: {self.thought}\n{action}Observation: {self.observation}\n"


@dataclass
class AgentResult:
    answer: str | None = None
    steps: list = field(default_factory=list)
    reason: str = "max_steps"


def parse_reply(reply):
    lines = reply.splitlines()
    made_up = [k for k, line in enumerate(lines) if re.match(r"\s*Observation(:|：)", line)]
    text = "\n".join(lines[: made_up[0]] if made_up else lines).strip()
    label = next((label for label in ("Thought:", "Thought：") if text.startswith(label)), "")
    text = text.removeprefix(label).strip()
    found = REPLY.match(text)
    if found is None or not found["name"].strip():
        return (text, None, None)
    return (found["thought"].strip(), found["name"].strip(), found["input"])


class _Agent:
    def __init__(self, question, llm, tools, budget):
        self.question, self.llm, self.tools, self.budget = question, llm, tools, budget
        self.result = AgentResult()

    def run(self):
        if self.budget == 0:
            return self.result
        self.budget -= 1
        steps = self.result.steps
        tools = "".join(f"{name}[input]\n" for name in self.tools)
        history = "".join(map(str, steps))
        thought, name, argument = parse_reply(self.llm(f"{tools}Question: {self.question}\n{history}Thought:"))
        steps.append(Step(thought, name, argument))
        if name == "finish":
            self.result.answer, self.result.reason = argument, "finish"
            return self.result
        if name is None and [step.action for step in steps[-2:]] == [None, None]:
            self.result.reason = "parse_error"
            return self.result
        steps[-1].observation = self.observe(name, argument)
        return self.run()

    def observe(self, name, argument):
        match name:
            case None:
                return "Error: write one line Action: name[input]"
            case _ if (tool := self.tools.get(name)) is None:
                return "Error: no tool named {}; tools: {}".format(name, ", ".join(self.tools))
        try:
            return tool(argument)
        except Exception as error:
            return f"Error: {type(error).__name__}: {error}"


def react(question, llm, tools, max_steps=8):
    return _Agent(question, llm, tools, max_steps).run()
