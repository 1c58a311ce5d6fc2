"""Frames, messages and the connection state machine of typed calls; no I/O."""
