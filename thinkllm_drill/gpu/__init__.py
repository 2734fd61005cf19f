"""Kernels on a GPU: whether they are right there, compiled, and how far from the device's limit they are.

`device` is what can be timed, `player` times calls beside it, `protocol` is what the judge does with players, `ruling`
what it makes of the figures. A `simulated` device stands in for a GPU in tests.
"""
