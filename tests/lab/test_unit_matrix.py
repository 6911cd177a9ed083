"""Right and wrong units under systemd as process 1: each wrong one is caught with its cause.

The units are those of `unit_cases.py`; `occupant.py` is the service that they run.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from build_image import PYTHON
from guest import Guest
from unit_cases import COMPANION, OTHERS, RIGHT, UNITS, WANTED, WRONG, Case, Wrong, unit_text

pytestmark = pytest.mark.lab

OCCUPANT = Path(__file__).with_name("occupant.py")
JUDGE = Path(__file__).with_name("judge.py")

# The watch looks from a second thread: once that is there, it has begun; without any it is over.
WATCHED = """
/opt/lab/bin/pytest-numa placement {words} --watch {watch_s} --json & WATCH=$!
until [ "$(ls /proc/$WATCH/task 2>/dev/null | wc -l)" -ne 1 ]; do sleep 0.2; done
sleep 1
{meanwhile}
wait $WATCH
"""

Start = Callable[[Case], str]
Judge = Callable[[str], tuple[int, dict[str, Any]]]


@pytest.fixture(scope="module")
def occupied(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """The guest with all units: under emulation systemd takes seconds to read them anew."""
    folder = tmp_path_factory.mktemp("units")
    texts = {name: unit_text(case) for name, case in UNITS.items()}
    texts["companion.service"] = COMPANION
    for name, text in texts.items():
        (folder / name).write_text(text)
    # Where also a user without rights can read it.
    guest.copy_in(OCCUPANT, "/opt/occupant.py")
    guest.copy_in(folder, "/opt/units")
    guest.must("cp /opt/units/* /etc/systemd/system && systemctl daemon-reload", 120)
    yield guest
    guest.must(f"cd /etc/systemd/system && rm {' '.join(texts)} && systemctl daemon-reload", 120)


@pytest.fixture(scope="module")
def judge(occupied: Guest) -> Iterator[Judge]:
    """The command line of the guest, in a process that has been started already."""
    occupied.copy_in(JUDGE, "/opt/judge.py")
    with occupied.talking_to(f"{PYTHON} /opt/judge.py", 180) as ask:

        def judged(words: str) -> tuple[int, dict[str, Any]]:
            code, out, _ = json.loads(ask(json.dumps(["placement", *words.split(), "--json"])))
            return code, json.loads(out)

        yield judged


@pytest.fixture
def start(occupied: Guest) -> Iterator[Start]:
    """Start a case's unit and return its name; afterwards the guest is as it was before."""
    undo: list[str] = []

    def started(case: Case) -> str:
        unit = next(name for name, one in UNITS.items() if one is case)
        undo.append(f"systemctl stop $UNIT; {case.undo}; systemctl reset-failed $UNIT")
        undo.append(f"UNIT={unit}")
        commands = f"({case.before}) && systemctl start $UNIT && ({case.after})"
        occupied.must(f"UNIT={unit}; {commands}", 180)
        return unit

    yield started
    occupied.run("; ".join(reversed(undo)), 120)


def looked_at(guest: Guest, words: str, prefix: str = "") -> tuple[int, dict[str, Any]]:
    return answered(guest, f"{prefix}/opt/lab/bin/pytest-numa placement {words} --json")


def watched(
    guest: Guest, words: str, meanwhile: str, watch_s: int = 8
) -> tuple[int, dict[str, Any]]:
    return answered(guest, WATCHED.format(words=words, meanwhile=meanwhile, watch_s=watch_s))


def answered(guest: Guest, command: str) -> tuple[int, dict[str, Any]]:
    done = guest.run(command, 180)
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)


def main_pid(guest: Guest, unit: str) -> str:
    return guest.must(f"systemctl show --property=MainPID --value {unit}", 60).strip()


@pytest.mark.parametrize("case", RIGHT.values(), ids=RIGHT.keys())
def test_a_right_unit_has_no_finding(judge: Judge, start: Start, case: Case) -> None:
    code, found = judge(f"{start(case)} {case.wanted}")

    assert (code, found["verdict"], found["findings"], found["unread"]) == (0, "pass", [], [])
    assert set(found["bytes_by_node"]) >= {"1"}


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_unit_is_caught_with_its_cause(judge: Judge, start: Start, case: Wrong) -> None:
    code, found = judge(f"{start(case)} {case.wanted}")

    causes = [finding["cause"] for finding in found["findings"]]
    assert (code, found["verdict"]) == (1, "fail"), found
    assert all(case.cause in cause for cause in causes), causes
    assert all(case.fix in finding["fix"] for finding in found["findings"]), found["findings"]


def test_a_thread_that_pins_itself_for_a_while_is_seen_by_a_watch(
    occupied: Guest, start: Start
) -> None:
    unit = start(OTHERS["a thread that pins itself on a signal"])
    signal = f"systemctl kill --kill-who=main --signal=SIGUSR1 {unit}"

    # Long enough for systemctl, which takes seconds where the emulated machine is starved.
    code, found = watched(occupied, f"{unit} {WANTED}", signal, watch_s=25)

    (finding,) = found["findings"]
    assert (code, found["verdict"]) == (1, "fail")
    assert "was allowed off the policy's CPUs for a while" in finding["subject"]


def test_a_watch_in_which_nothing_happens_has_no_finding(occupied: Guest, start: Start) -> None:
    unit = start(OTHERS["a thread that pins itself on a signal"])

    code, found = watched(occupied, f"{unit} {WANTED}", "true")

    assert (code, found["verdict"], found["findings"]) == (0, "pass", [])


@pytest.mark.parametrize(("place", "code"), [("0@0-1", 0), ("1@2-3", 1)])
def test_a_role_has_a_place_of_its_own(
    occupied: Guest, start: Start, place: str, code: int
) -> None:
    unit = start(OTHERS["a worker of the other node"])

    ended, found = looked_at(occupied, f"{unit} {WANTED} --role '^worker$={place}'")

    # Anchored: the main process has the word among its arguments.
    roles = {one["role"]: one["allowed_cpus"] for one in found["processes"]}
    assert ended == code, found
    assert roles == {"default": "2-3", "^worker$": "0"}


def test_a_service_of_another_user_is_unknown_and_not_passed(occupied: Guest, start: Start) -> None:
    unit = start(RIGHT["all lines"])
    nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups "

    code, found = looked_at(occupied, f"{unit} {WANTED}", prefix=nobody)

    assert (code, found["verdict"], found["findings"]) == (3, "unknown", [])
    assert "numa_maps: Permission denied" in found["unread"][0]


@pytest.mark.parametrize(
    ("unit", "message"),
    [
        ("nosuch.service", "the unit nosuch.service does not exist"),
        ("right-0", "right-0.service has no main process: it is inactive"),
    ],
)
def test_a_unit_that_does_not_run_is_unknown(judge: Judge, unit: str, message: str) -> None:
    code, found = judge(f"{unit} {WANTED}")

    assert (code, found["verdict"]) == (3, "unknown")
    assert message in found["unread"][0]


def test_without_options_what_the_unit_declares_is_wanted(occupied: Guest, start: Start) -> None:
    code, found = looked_at(occupied, start(RIGHT["all lines"]))

    assert (code, found["wanted"]["cpus"], found["wanted"]["memory_nodes"]) == (0, "2-3", "1")


def test_a_process_id_stands_for_the_whole_unit(occupied: Guest, start: Start) -> None:
    unit = start(OTHERS["a child"])
    pid = main_pid(occupied, unit)

    code, found = looked_at(occupied, f"{pid} {WANTED}")

    assert (code, len(found["processes"])) == (0, 2)
    assert found["notes"][0].startswith(f"{unit} says CPUAffinity=2-3")


def test_a_captured_service_is_judged_as_the_live_one(occupied: Guest, start: Start) -> None:
    unit = start(WRONG["children outside the CPUs"])
    pid = main_pid(occupied, unit)
    occupied.must(
        f"rm -rf /root/captured; /opt/lab/bin/pytest-numa capture /root/captured {pid}", 180
    )

    _, live = looked_at(occupied, f"{pid} {WANTED}")
    code, found = looked_at(occupied, f"{pid} {WANTED} --root /root/captured")

    assert code == 1
    assert found["processes"] == live["processes"]
    assert [one["subject"] for one in found["findings"]] == [
        one["subject"] for one in live["findings"]
    ]
