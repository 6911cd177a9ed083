from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_numa.errors import ParseError
from pytest_numa.kernel import numa_maps
from pytest_numa.kernel.numa_maps import MappedRange

SAMPLES = Path(__file__).parents[3] / "shared/samples/numa_maps"
KIB = 1024


def read(line: str) -> MappedRange:
    (found,) = numa_maps.parse(line, source="/proc/1/numa_maps")
    return found


def test_every_field_of_a_range_is_read() -> None:
    found = read(
        r"7fa277e00000 bind=static:0-1,3 file=/dev/hugepages/a\040heap\040(deleted) huge anon=5 "
        "dirty=512 mapped=3 mapmax=2 swapcache=1 active=0 writeback=4 N0=500 N33=12 "
        "kernelpagesize_kB=2048"
    )

    assert found == MappedRange(
        start_address=0x7FA277E00000,
        policy="bind=static:0-1,3",
        file="/dev/hugepages/a heap (deleted)",
        is_heap=False,
        is_stack=False,
        is_huge=True,
        pages_by_node={0: 500, 33: 12},
        page_size_kib=2048,
        anon_pages=5,
        dirty_pages=512,
        mapped_pages=3,
        mapmax=2,
    )
    assert found.bytes_by_node == {0: 500 * 2048 * KIB, 33: 12 * 2048 * KIB}


@pytest.mark.parametrize(
    "policy",
    [
        *("default", "local", "prefer:1", "prefer (many):0-1", "bind:0", "bind=balancing:0-1"),
        *(
            "bind=relative:0",
            "bind=static|balancing:1",
            "interleave:0-2",
            "weighted interleave:0,2",
        ),
        *("prefer=static:1", "weighted interleave=static:0", "some-future-mode:7"),
    ],
)
@pytest.mark.parametrize("rest", ["", " heap", " anon=1 N0=1 kernelpagesize_kB=4"])
def test_each_spelling_of_a_policy_is_read(policy: str, rest: str) -> None:
    assert read(f"7f00 {policy}{rest}").policy == policy


def test_a_range_without_pages_has_no_bytes() -> None:
    assert read("7ffec07e5000 default").bytes_by_node == {}


def test_heap_and_stack_are_told_apart_from_files() -> None:
    heap = read("3829f000 default heap anon=1 dirty=1 N0=1 kernelpagesize_kB=4")
    stack = read("7ffec06bb000 default stack:77 anon=1 dirty=1 N0=1 kernelpagesize_kB=4")

    assert (heap.is_heap, heap.is_stack, heap.file) == (True, False, None)
    assert (stack.is_heap, stack.is_stack, stack.file) == (False, True, None)


def test_the_page_size_of_the_host_stands_in_where_the_kernel_prints_none() -> None:
    (found,) = numa_maps.parse("7f00 default N0=2", source="", default_page_size_kib=64)

    assert found.bytes_by_node == {0: 128 * KIB}


@pytest.mark.parametrize("character", ["\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\udcff"])
def test_a_path_may_hold_what_python_takes_for_a_line_end(character: str) -> None:
    assert read(f"7f00 default file=/a{character}b N0=1").file == f"/a{character}b"


@pytest.mark.parametrize(
    "line",
    [
        *("nonsense", "7f01", "7f01 ", "zz default", "7f01  default", "7f01 default N0=x"),
        *("7f01 default N0=-1", "7f01 default what", "7f01 default heap file=/a", "7f01 heap N0=3"),
        *("7f01 file=/a N0=3", "7f01 default N0", "7f01 default N0=1  N1=2", "7f01 default N0=٣"),
        "7f01 default " + "N0=" + "9" * 5000,
    ],
)
def test_a_line_in_another_format_is_refused_with_its_number(line: str) -> None:
    text = f"7f00 default\n{line}\n7f02 default\n"

    with pytest.raises(ParseError, match=r"^/proc/1/numa_maps:2: expected ADDRESS POLICY"):
        list(numa_maps.parse(text, source="/proc/1/numa_maps"))


@pytest.mark.parametrize(
    "end", ["7f01 bi", "7f01 default N0=1", "7f01 default anon=3", "7f01", "7f01 bind:0 file=/a N0"]
)
def test_a_text_that_was_cut_off_is_refused_with_the_number_of_its_last_line(end: str) -> None:
    text = f"7f00 default anon=2 N0=2 kernelpagesize_kB=4\n{end}"

    with pytest.raises(ParseError, match=r"^/proc/1/numa_maps:2: expected ADDRESS POLICY"):
        list(numa_maps.parse(text, source="/proc/1/numa_maps"))


def test_ranges_that_differ_in_their_address_alone_are_told_apart() -> None:
    like = "default anon=1 N0=1 kernelpagesize_kB=4"

    found = list(numa_maps.parse(f"7f00 {like}\n7f01 {like}\n", source=""))

    assert [one.start_address for one in found] == [0x7F00, 0x7F01]
    assert {one.bytes_by_node[0] for one in found} == {4 * KIB}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
@pytest.mark.parametrize(
    ("name", "kib_by_node"),
    [
        ("dpdk-1G-two-nodes.txt", {0: 5 * KIB * KIB, 1: KIB * KIB}),
        ("qemu-2M-hugetlb-and-4k-bind.txt", {0: 2 * KIB * KIB}),
        ("thp-partial-migration-bind0-on-N1.txt", {0: 18602 * 4, 1: 6998 * 4}),
        ("scylla-file-text.head.txt", {0: (1492 + 8115) * 4}),
        ("vm-e2.numa_maps", {0: 776, 1: 65620}),
        ("vm-e3.numa_maps", {0: 66396}),
        ("vm-e4a.numa_maps", {0: 776, 1: 68}),
        ("vm-e10.numa_maps", {0: 135536, 2: 438732}),
        ("vm-e11.numa_maps", {0: 49928, 1: 16432}),
        ("vm-e12.numa_maps", {0: 17160, 1: 52}),
        ("vm-e13.numa_maps", {0: 45112, 1: 15112, 2: 2048}),
        ("vm-e20.numa_maps", {0: 8, 1: 4932}),
        ("vm-e26.numa_maps", {0: 32816, 1: 776}),
    ],
)
def test_a_captured_process_adds_up(name: str, kib_by_node: dict[int, int]) -> None:
    text = (SAMPLES / name).read_text()

    total: Counter[int] = Counter()
    for found in numa_maps.parse(text, source=name):
        total.update(found.bytes_by_node)

    assert total == {node: kib * KIB for node, kib in kib_by_node.items()}


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the captured samples are not on this machine")
def test_all_policies_of_one_captured_process_are_told_apart() -> None:
    text = (SAMPLES / "vm-e13.numa_maps").read_text()

    policies = {found.policy for found in numa_maps.parse(text, source="vm-e13")}

    assert policies == {
        *("default", "local", "bind=balancing:0-1", "bind=relative:0", "bind=static:1", "bind:1"),
        *("prefer (many):0-1", "prefer:1", "interleave:0-2"),
    }


NAMES = st.text(st.characters(exclude_characters="\n\t =\\\0"), min_size=1)
COUNTS = st.integers(0, 10**12)
POLICIES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["bind", "prefer", "prefer (many)", "interleave", "weighted interleave"]),
    st.sampled_from(["", "=static", "=relative", "=static|balancing"]),
    st.sampled_from(["", ":0", ":0-3", ":0-1,33"]),
)


@given(
    address=st.integers(0, 2**64 - 1),
    policy=POLICIES,
    label=st.sampled_from(["", " heap", " stack"]) | NAMES.map(" file=/{}".format),
    huge=st.sampled_from(["", " huge"]),
    counts=st.dictionaries(
        st.sampled_from(["anon", "dirty", "mapped", "mapmax", "active"]), COUNTS
    ),
    nodes=st.dictionaries(st.integers(0, 1023), COUNTS, max_size=4),
    size_kib=st.sampled_from([4, 16, 64, 2048, 1048576]),
)
def test_any_line_of_the_grammar_reads_back(
    *,
    address: int,
    policy: str,
    label: str,
    huge: str,
    counts: dict[str, int],
    nodes: dict[int, int],
    size_kib: int,
) -> None:
    numbers = [f" {name}={count}" for name, count in counts.items()]
    pages = [f" N{node}={count}" for node, count in nodes.items()]
    line = "".join(
        [f"{address:08x} {policy}{label}{huge}", *numbers, *pages, f" kernelpagesize_kB={size_kib}"]
    )

    found = read(line)

    assert (found.start_address, found.policy) == (address, policy)
    assert found.file == (label.removeprefix(" file=") if label.startswith(" file=") else None)
    assert (found.is_heap, found.is_stack) == (label == " heap", label == " stack")
    assert found.is_huge == bool(huge)
    assert (found.anon_pages, found.mapmax) == (counts.get("anon"), counts.get("mapmax"))
    assert (found.pages_by_node, found.page_size_kib) == (nodes, size_kib)


FACTS = st.sampled_from(
    [
        "default",
        "bind:0 heap anon=3 N0=3 kernelpagesize_kB=4",
        "default file=/a mapped=1 mapmax=2 N1=1 kernelpagesize_kB=4",
        "prefer (many):0-1 anon=2 N0=1 N1=1 kernelpagesize_kB=4",
        "default file=/h huge dirty=1 N2=1 kernelpagesize_kB=2048",
    ]
)


@given(st.lists(st.tuples(st.integers(0, 2**48), FACTS), max_size=30), st.sampled_from("\n\0"))
def test_ranges_counted_by_their_like_add_up_to_the_same(
    pairs: list[tuple[int, str]], end: str
) -> None:
    text = "".join(f"{address:x} {facts}\n" for address, facts in pairs) + end.strip("\n")

    one_by_one: Counter[object] = Counter(one[1:3] for one in numa_maps.parse(text, source=""))
    alike = list(numa_maps.parse_alike(text, source=""))

    counted: Counter[object] = Counter()
    for one, number in alike:
        counted[one[1:3]] += number
    assert counted == one_by_one
    assert all(number == 1 for one, number in alike if one.mapmax)


@pytest.mark.parametrize(
    "end", ["7f01 default what\n", "7f01 bi", "zz default\n", "\n7f02 default\n"]
)
def test_counting_by_like_refuses_what_reading_line_by_line_does(end: str) -> None:
    text = f"7f00 default\n7f00 default\n{end}"

    with pytest.raises(ParseError, match=r"^m:3: expected ADDRESS POLICY"):
        list(numa_maps.parse_alike(text, source="m"))


@given(st.text() | st.text(alphabet="0123456789abcdef NA=:-,()\n\0", max_size=60))
def test_garbage_raises_a_parse_error(text: str) -> None:
    with pytest.raises(ParseError):
        list(numa_maps.parse(f"{text}\n?", source=""))
