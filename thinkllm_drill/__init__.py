"""thinkllm-drill: a command-line trainer for LLM and RL coding interviews."""

__version__ = "0.1.0"
