"""The report for two readers: an engineer's view of a session, then a client's."""
