"""The mock interview: picking, clock, state, scoring; and the follow-up questions."""
