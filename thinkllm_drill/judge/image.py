"""The warm image that judges and runners are forked from: everything they need is imported, nothing is computed."""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from pathlib import Path

from thinkllm_drill.judge import sandbox


def preload() -> None:
    """Import what every judge and runner needs, without computing anything."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.dont_write_bytecode = True
    if os.environ.get("TRITON_INTERPRET") == "1":  # the service for kernels
        with contextlib.suppress(ImportError):
            importlib.import_module("triton.language")
    import _pytest.python  # noqa: F401
    import pytest  # noqa: F401
    import torch

    import thinkllm_drill.grading.plugin
    import thinkllm_drill.judge.runner
    import thinkllm_drill.judge.session
    import thinkllm_drill.judge.worker  # noqa: F401
    from thinkllm_drill.judge import flops

    flops.formulas_of_torch()
    torch.set_num_threads(1)
    _run_pytest_once()
    sandbox.readable()  # kept for every fork
    gc.collect()
    gc.freeze()


def _run_pytest_once() -> None:
    """What it imports and works out the first time is there in every fork."""
    from thinkllm_drill.judge.session import run_pytest

    with contextlib.suppress(OSError), tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "test_nothing.py")
        empty.touch()
        run_pytest(empty, [])
