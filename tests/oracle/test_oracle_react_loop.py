"""The ReAct loop against a second program, written from the statement: no library has this loop.

Lines and `partition` in place of regular expressions, one transcript that grows in place of prompts made anew, and
replies glued together from pieces, so that labels and brackets turn up in places that nobody would think of.
"""

from __future__ import annotations

from random import Random

import pytest

PIECES = [
    *("Thought", "Action", "Observation", ":", "：", "[", "]", " ", "  ", "\n", "\n", "\n\n", "finish", "search", "x"),
    *(
        "Action: search[",
        "Action: finish[",
        "Thought:",
        "\nAction:",
        "\n  Action：",
        "\nObservation:",
        "]\n",
        "]",
        "[]",
    ),
    *("Actions:", "action:", "\tAction: broken[", "lost[x]", "think", "已知", "Action: Finish["),
]
MALFORMED = "Error: write one line Action: name[input]"


def after(label, line):
    """What follows the label of a line, None where it has another one or none."""
    for colon in ":：":
        start, found, rest = line.partition(label + colon)
        if found and not start.strip():
            return rest
    return None


def parse(reply):
    lines = reply.split("\n")
    cut = [n for n, line in enumerate(lines) if after("Observation", line) is not None]
    text = "\n".join(lines[: cut[0]] if cut else lines).strip()
    said = after("Thought", text)
    text = text if said is None else said.strip()
    lines = text.split("\n")
    marked = [n for n, line in enumerate(lines) if after("Action", line) is not None]
    if not marked:
        return text, None, None
    call = after("Action", lines[marked[0]]).strip()
    opening, closing = call.find("["), call.rfind("]")
    if opening < 0 or closing != len(call) - 1 or not call[:opening].strip():
        return text, None, None
    return "\n".join(lines[: marked[0]]).strip(), call[:opening].strip(), call[opening + 1 : closing]


def run(question, llm, tools, max_steps):
    """Answer, steps as tuples, reason, and the transcript after each reply, from the question on."""
    transcript, steps = f"Question: {question}\nThought:", []
    prompts = []
    while len(steps) < max_steps:
        prompts.append(transcript)
        thought, action, text = parse(llm(transcript))
        if action == "finish":
            return text, [*steps, (thought, action, text, None)], "finish", prompts
        if action is None:
            if steps and steps[-1][1] is None:
                return None, [*steps, (thought, None, None, None)], "parse_error", prompts
            seen, said = MALFORMED, ""
        else:
            said = f"\nAction: {action}[{text}]"
            seen = f"Error: no tool named {action}; tools: {', '.join(tools)}"
            if action in tools:
                try:
                    seen = tools[action](text)
                except Exception as error:
                    seen = f"Error: {type(error).__name__}: {error}"
        steps.append((thought, action, text, seen))
        transcript = transcript + f" {thought}{said}\nObservation: {seen}\nThought:"
    return None, steps, "max_steps", prompts


def broken(text):
    raise KeyError(text)


TOOLS = {"search": lambda text: f"found {text}\nAction: finish[{text}]", "broken": broken}


def written(random):
    return "".join(random.choice(PIECES) for _ in range(random.randint(0, 9)))


def scripted(replies):
    """A model that gives these replies, and the prompts that it saw."""
    left, asked = iter(replies), []

    def llm(prompt):
        asked.append(prompt)
        return next(left)

    return llm, asked


@pytest.mark.parametrize("seed", range(3))
def test_replies_are_read_alike(solution, seed):
    random, read = Random(seed), 0
    for _ in range(3000):
        reply = written(random)
        assert solution("react_loop").parse_reply(reply) == parse(reply), reply
        read += parse(reply)[1] is not None
    assert read > 60


@pytest.mark.parametrize("seed", range(3))
def test_runs_are_alike(solution, seed):
    random, reasons = Random(seed), set()
    for _ in range(300):
        replies = [random.choice([written(random), "go on\nAction: search[x]"]) for _ in range(6)]
        most = random.randint(0, 6)
        (theirs, _), (llm, asked) = scripted(replies), scripted(replies)
        answer, steps, reason, prompts = run("Why?", theirs, TOOLS, most)
        ours = solution("react_loop").react("Why?", llm, tools := dict(TOOLS), most)
        assert list(tools.items()) == list(TOOLS.items())
        assert (ours.answer, ours.reason) == (answer, reason), replies
        assert [(s.thought, s.action, s.action_input, s.observation) for s in ours.steps] == steps, replies
        assert [prompt[prompt.index("Question: Why?") :] for prompt in asked] == prompts, replies
        assert len({prompt[: prompt.index("Question: Why?")] for prompt in asked}) <= 1
        reasons.add(reason)
    assert reasons == {"finish", "max_steps", "parse_error"}
