"""LUI's use cases: lists, jobs, mails, events, reports; no web framework, no sockets."""
