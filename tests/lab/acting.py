"""The tests' side of `agent.py`: commands and looks in the guest, in a process that is warm."""

import contextlib
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from build_image import PYTHON, LabError
from guest import Guest

STAND_IN = "/opt/stand_in.py"
_HERE = Path(__file__).parent
_LIMIT_S = 400.0


@dataclass(frozen=True)
class Ran:
    """How a command ended; -9 where it was killed."""

    code: int
    out: str
    took_s: float


@dataclass(frozen=True)
class Agent:
    """Acts and looks in the guest."""

    guest: Guest
    _ask: Callable[[str], str]

    def run(
        self, command: str, folder: str = "/", kill_after_s: float | None = None, user: str = ""
    ) -> Ran:
        """Run ``pytest …`` or ``pytest-numa …``, to its end or until it is killed."""
        return Ran(**self._answer("run", shlex.split(command), folder, kill_after_s, user))

    def standing(self) -> dict[str, Any]:
        """All that an installation could change."""
        found: dict[str, Any] = self._answer("standing")
        return found

    def unit_files(self) -> list[str]:
        """The unit files, each with whether it is enabled."""
        found: list[str] = self._answer("unit_files")
        return found

    def look(self, unit: str, port: int) -> dict[str, Any]:
        """What the kernel and systemd say of a running unit that answers at ``port``."""
        found: dict[str, Any] = self._answer("look", unit, port)
        return found

    def _answer(self, name: str, *arguments: object) -> Any:  # noqa: ANN401 - what JSON has
        said = self._ask(json.dumps([name, *arguments]))
        assert said, f"the agent did not answer to {name} {arguments} within {_LIMIT_S:.0f} s"
        answer = json.loads(said)
        if "failed" in answer:
            raise LabError(f"in the guest, {name} {arguments}: {answer['failed']}")
        return answer


@contextlib.contextmanager
def acting(guest: Guest) -> Iterator[Agent]:
    """Have the agent in the guest for the length of the block, and the stand-in of engines."""
    guest.copy_in(_HERE / "agent.py", "/opt/agent.py")
    guest.copy_in(_HERE / "stand_in.py", STAND_IN)
    guest.must(f"chmod 755 {STAND_IN}", 60)
    with guest.talking_to(f"{PYTHON} /opt/agent.py", _LIMIT_S) as ask:
        yield Agent(guest, ask)
