"""Performance acceptance tests for LLM inference services on NUMA hosts."""

__version__ = "0.1.0"
__all__ = ["__version__"]
