"""Kernel text to values; pure."""
