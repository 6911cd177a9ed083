"""A machine, and services on it, written to a folder that can be read elsewhere."""

from pytest_numa.capture.writer import Captured, write

__all__ = ["Captured", "write"]
