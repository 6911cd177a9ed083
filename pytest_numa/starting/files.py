"""What is laid out, and how: never over a file that is there."""

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_numa import acceptance
from pytest_numa.errors import HostError
from pytest_numa.services import catalogue

_HERE = Path(__file__).parent
_OPTIONS = "@OPTIONS@"
_TEST = "tests/test_numa_acceptance.py"
_WORKFLOWS = {
    "github": (".github/workflows/numa-acceptance.yml", "github.yml"),
    "gitlab": (".gitlab/numa-acceptance.yml", "gitlab.yml"),
}
WORKFLOWS = tuple(_WORKFLOWS)
_DOC = '''"""The acceptance of our inference service: change the marks to what you accept.

Run it with: pytest {test} {options}
"""
'''
_HOST = '''

@pytest.mark.numa_host("N7", "N8", "N26")
def test_the_host_does_not_undo_the_policy() -> None:
    """NUMA balancing and zone reclaim off, cgroup version 2; `pytest-numa audit` shows all."""
'''


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One file of the set; ``is_new`` is False where there was one, which stands as it was."""

    path: Path
    is_new: bool


def lay_out(directory: Path, *, unit: str, workflow: str, options: list[str]) -> Iterator[Written]:
    """Write the set below ``directory``, file by file; HostError where that cannot be.

    ``unit`` is a packaged template, ``workflow`` one of WORKFLOWS; ``options`` are those of pytest
    that say the policy.
    """
    source = catalogue.find(unit, directory=directory)
    shown = " ".join(map(shlex.quote, [*options, f"--numa-unit={unit}"]))
    place, text = _WORKFLOWS[workflow]
    texts = {
        _TEST: _test(shown),
        f"units/{source.path.name}": source.whole(),
        place: (_HERE / text).read_text(encoding="utf-8").replace(_OPTIONS, shown),
    }
    for name, text in texts.items():
        yield _write(directory / name, text)


def _test(options: str) -> str:
    """The packaged acceptance, with a docstring of its own and the host beside the service."""
    packaged = Path(acceptance.__file__).with_name("test_acceptance.py").read_text(encoding="utf-8")
    body = packaged.split('"""\n', 1)[1]
    return _DOC.format(test=_TEST, options=options) + body + _HOST


@contextlib.contextmanager
def _removed_unless_whole(path: Path) -> Iterator[None]:
    """A half of a file would be kept by the next try."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _write(path: Path, text: str) -> Written:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file, _removed_unless_whole(path):
            file.write(text)
            file.flush()
    except FileExistsError:
        if path.exists() or path.is_symlink():
            return Written(path=path, is_new=False)
        raise HostError(f"{path}: expected a folder above it, found a file") from None
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}") from None
    return Written(path=path, is_new=True)
