"""The options that set the host's conditions; nothing here is heavy."""

from pytest_numa.option import Option, one_of

PAGE_CACHE = ("evict", "keep")

OPTIONS = (
    Option(
        name="page-cache",
        metavar="|".join(PAGE_CACHE),
        parse=one_of(PAGE_CACHE),
        help="the page cache of the server's files before each start [evict where several nodes "
        "have memory]",
    ),
)
