"""`python -m thinkllm_drill`: the same as `thinkllm`."""

from __future__ import annotations

import sys

from thinkllm_drill.cli import main

if __name__ == "__main__":
    sys.exit(main())
