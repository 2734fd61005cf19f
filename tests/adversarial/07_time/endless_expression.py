# exercise: react-loop
# verdict: failed
# check: timeout
# seconds: 1
"""A regular expression that tries every way to fail."""

import re


def parse_reply(reply):
    return re.match(r"(a+)+$", "a" * 64 + "b"), None, None


def react(question, llm, tools, max_steps=8):
    return None
