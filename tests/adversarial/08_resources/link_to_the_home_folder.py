# exercise: softmax
# verdict: passed
# needs: linux
# also: open
"""Right, and leaves links in its folder: whoever removes the folder must not follow them."""

import os
from pathlib import Path

Path("adversary").symlink_to("../../learner")
Path("adversary-2").symlink_to(os.path.abspath("../.."))


def softmax(x, dim=-1):
    y = x.float()
    e = (y - y.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).to(x.dtype)

def log_softmax(x, dim=-1):
    y = x.float()
    y = y - y.amax(dim, keepdim=True)
    return (y - y.exp().sum(dim, keepdim=True).log()).to(x.dtype)
