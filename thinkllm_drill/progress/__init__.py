"""What the learner has done: an append-only log of events in SQLite, and the status that follows from it.

`thinkllm_drill.progress.store.Store` is the way in. Nothing is imported here, so that commands without progress do not
pay for SQLite.
"""
