"""The page cache before each start: evicted for real, and said where it cannot be."""

import mmap
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_numa.conditions import eviction, page_cache, residency
from pytest_numa.conditions.page_cache import PageCache, Wish
from pytest_numa.process.mounts import Mounts
from pytest_numa.services.unit import Command

EVICT = Wish(choice="evict", reason="2 nodes have memory")
SIZE = 1_500_000
PAGES = -(-SIZE // mmap.PAGESIZE) * mmap.PAGESIZE
MOUNTS = Mounts(Path("/proc/self"))


@pytest.fixture
def weights() -> Iterator[Path]:
    # Not tmp_path: it may lie on a tmpfs, which has nothing to evict.
    folder = Path(__file__).with_name(f"weights-{os.getpid()}")
    folder.mkdir()
    file = folder / "model.gguf"
    file.write_bytes(os.urandom(SIZE))
    yield file
    shutil.rmtree(folder)


def resident(path: Path) -> int | None:
    with path.open("rb") as file:
        return residency.resident_bytes(file.fileno())


def by_fincore(path: Path) -> int:
    if shutil.which("fincore") is None:
        pytest.skip("needs fincore: apt-get install util-linux-extra")
    argv = ["fincore", "--bytes", "--noheadings", "--output", "RES", str(path)]
    return int(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)


def cleared(*argv: str) -> PageCache:
    found = PageCache(EVICT, Command(argv=("server", *argv)))
    found.before_start()
    return found


def test_what_is_resident_is_what_fincore_counts(weights: Path) -> None:
    found = resident(weights)

    assert found == by_fincore(weights) == PAGES


def test_a_file_that_was_just_written_is_gone_from_memory(weights: Path) -> None:
    done = eviction.evict(str(weights), MOUNTS)

    assert (done.before_bytes, done.left_bytes, done.trouble) == (PAGES, 0, None)
    assert by_fincore(weights) == 0


def test_what_was_written_is_on_the_disk(weights: Path) -> None:
    before = weights.read_bytes()

    eviction.evict(str(weights), MOUNTS)

    assert weights.read_bytes() == before


def test_the_weights_that_a_command_names_are_evicted(weights: Path) -> None:
    cleared("--model", str(weights))

    assert by_fincore(weights) == 0


def test_the_weights_behind_an_equals_sign_are_evicted(weights: Path) -> None:
    cleared(f"--model={weights}")

    assert by_fincore(weights) == 0


def test_the_weights_of_a_folder_of_links_are_evicted(weights: Path) -> None:
    snapshot = weights.parent / "snapshot"
    snapshot.mkdir()
    (snapshot / "model.safetensors").symlink_to(weights)

    cleared(str(snapshot))

    assert by_fincore(weights) == 0


def test_weights_are_found_from_the_working_directory(weights: Path) -> None:
    command = Command(argv=("server", "model.gguf"), directory=str(weights.parent))

    PageCache(EVICT, command).before_start()

    assert by_fincore(weights) == 0


def test_a_file_that_the_server_was_seen_to_map_is_evicted_before_its_next_start(
    weights: Path,
) -> None:
    cache = PageCache(EVICT, Command(argv=("server",)))
    with weights.open("r+b") as file, mmap.mmap(file.fileno(), 0):
        cache.remember([os.getpid()])

    cache.before_start()

    assert by_fincore(weights) == 0


def test_weights_that_a_process_maps_stay_and_the_report_names_it(weights: Path) -> None:
    with weights.open("r+b") as file, mmap.mmap(file.fileno(), 0) as mapped:
        assert mapped.read() == weights.read_bytes()
        told = cleared(str(weights)).sentences()

    assert told[1] == (
        f"{weights} was not evicted before 1 of 1 starts: 1.4 MiB stayed, mapped by PID "
        f"{os.getpid()}; the modes may share its pages, on whatever node they lie"
    )


def test_weights_on_a_tmpfs_are_said_to_stay() -> None:
    path = Path(f"/dev/shm/weights-{os.getpid()}")
    path.write_bytes(b"weights")

    told = cleared(str(path)).sentences()

    path.unlink()
    assert "before 1 of 1 starts: it lies on a tmpfs" in told[1]


def test_weights_that_may_not_be_read_are_said_to_stay(weights: Path) -> None:
    cache = PageCache(EVICT, Command(argv=("server", str(weights))))
    weights.unlink()

    cache.before_start()

    assert "before 1 of 1 starts: No such file or directory" in cache.sentences()[1]


def test_what_was_evicted_is_told_with_its_size(weights: Path) -> None:
    told = cleared(str(weights)).sentences()

    assert told == [
        "page cache of the server's files: evicted before starts (2 nodes have memory); "
        "up to 1.4 MiB of 1 file a start"
    ]


def test_nothing_is_evicted_where_it_is_to_be_kept(weights: Path) -> None:
    cache = PageCache(page_cache.wish("keep", nodes=2), Command(argv=(str(weights),)))

    cache.before_start()

    assert by_fincore(weights) == PAGES
    assert cache.sentences() == [
        "page cache of the server's files: kept between starts (as asked for)"
    ]


def test_a_word_too_long_for_a_path_names_no_file() -> None:
    told = cleared("x" * 5000, "a\0b").sentences()

    assert len(told) == 1


def test_a_folder_of_everything_is_not_taken_for_weights() -> None:
    told = cleared("/").sentences()

    assert told[0].endswith("up to 0 B of 0 files a start")


@pytest.mark.parametrize(("nodes", "choice"), [(1, "keep"), (2, "evict")])
def test_what_is_done_unless_asked_follows_from_the_nodes(nodes: int, choice: str) -> None:
    assert page_cache.wish(None, nodes=nodes).choice == choice


@pytest.fixture
def another_user(weights: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become another user")
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.mark.usefixtures("another_user")
def test_another_user_is_told_that_the_kernel_does_not_say_what_stayed(weights: Path) -> None:
    told = cleared(str(weights)).sentences()

    assert "before 1 of 1 starts: the kernel does not tell us whether" in told[1]
