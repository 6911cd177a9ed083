"""A small noisy neighbour: copies memory on one CPU until it is ended.

Run as a script by its path: ``memory_load.py CPU BUFFER_BYTES``. It imports nothing of the package,
so that it starts at once.
"""

import os
import sys


def copy_for_ever(buffer_bytes: int) -> None:
    """Copy one buffer into another, again and again; each is larger than a share of the cache."""
    # Written to, page by page: memory that was never written is one page of zeros.
    source = memoryview(bytearray(b"\1") * buffer_bytes)
    target = memoryview(bytearray(buffer_bytes))
    while True:
        target[:] = source


def main() -> None:
    """Pin, then allocate: the first touch puts the pages on the node of the CPU."""
    cpu, buffer_bytes = (int(word) for word in sys.argv[1:3])
    os.sched_setaffinity(0, {cpu})
    copy_for_ever(buffer_bytes)


if __name__ == "__main__":
    main()
