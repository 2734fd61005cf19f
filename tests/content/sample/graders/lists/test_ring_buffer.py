"""Grader of the ring buffer."""
