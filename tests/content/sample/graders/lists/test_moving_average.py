"""Grader of the moving average."""
