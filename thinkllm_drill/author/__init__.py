"""The author's kit: what writes and what checks an exercise."""
