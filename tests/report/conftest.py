"""The samples, importable by the tests of reports as `report_samples`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

_spec = importlib.util.spec_from_file_location("report_samples", Path(__file__).with_name("samples.py"))
assert _spec is not None
assert _spec.loader is not None
sys.modules["report_samples"] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(sys.modules["report_samples"])
