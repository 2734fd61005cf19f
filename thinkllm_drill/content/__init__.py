"""Finds exercises on disk, reads them, and renders a reference into what the learner gets."""
