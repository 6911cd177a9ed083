"""The workload, the client that offers it, and what it saw."""
