"""Unit files, the managers that run them, and direct launches."""
