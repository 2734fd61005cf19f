# exercise: react-loop
# verdict: failed
# check: wrong contract
"""Text that no encoding has bytes for."""


def parse_reply(reply):
    return "\ud800" + reply, "\udfff", "\x00"


def react(question, llm, tools, max_steps=8):
    return None
