"""Units installed for good under a real systemd: never over what is not ours, and undone."""

import time
from pathlib import Path

import pytest

from pytest_numa.errors import ServiceError, UnitError
from pytest_numa.services import bundle, installation, journal, systemctl, systemd, undo
from pytest_numa.services.bundle import Bundle, UnitFile
from pytest_numa.services.installed_unit import InstalledUnit
from pytest_numa.services.unit import Unit

pytestmark = pytest.mark.systemd

FOREIGN = "[Service]\nExecStart=/bin/sleep 2000\n"


def sleeper(seconds: int = 1000, name: str = "sleeper.service") -> Bundle:
    text = (
        f"[Service]\nType=exec\nExecStart=/bin/sleep {seconds}\nSlice=apart.slice\n"
        "[Install]\nWantedBy=x.target\n"
    )
    return bundle.of(Unit(name=name, text=text))


def instance(number: int, base: str = "[Service]\nType=exec\n") -> Bundle:
    own = f"[Service]\nExecStart=/bin/sleep {number}000\n"
    return Bundle(
        unit=Unit(name=f"many@{number}.service", text=base + own),
        files=(
            UnitFile(path="many@.service", text=base),
            UnitFile(path=f"many@{number}.service.d/50-numa.conf", text=own),
        ),
    )


def tree(scope: systemctl.Scope) -> dict[str, str]:
    """All that lies in the unit folder: folders, links with their targets, files with texts."""
    return {
        str(path.relative_to(scope.unit_folder)): (
            str(path.readlink())
            if path.is_symlink()
            else path.read_text()
            if path.is_file()
            else "folder"
        )
        for path in scope.unit_folder.rglob("*")
    }


def state(scope: systemctl.Scope, unit: str = "sleeper.service") -> tuple[str, str]:
    found = systemctl.show(scope, unit, "LoadState", "ActiveState")
    return found["LoadState"], found["ActiveState"]


def until_state(scope: systemctl.Scope, unit: str, wanted: str) -> None:
    deadline = time.monotonic() + 20
    while state(scope, unit)[1] != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    assert state(scope, unit)[1] == wanted


def install(scope: systemctl.Scope, wanted: Bundle, *, is_forced: bool = False) -> list[Path]:
    """As ``unit install --now`` does it."""
    stands = InstalledUnit(scope=scope, unit=wanted.unit)

    def finish() -> None:
        stands.enable()
        stands.start()

    return installation.install(scope, wanted, finish=finish, is_forced=is_forced)


def test_after_install_and_remove_all_is_as_before(lasting: systemctl.Scope) -> None:
    before = tree(lasting)

    install(lasting, sleeper())
    during, running = tree(lasting), state(lasting)
    installation.remove(lasting, "sleeper.service")

    assert during.keys() - before.keys() == {
        "sleeper.service",
        "x.target.wants",
        "x.target.wants/sleeper.service",
    }
    assert running == ("loaded", "active")
    assert tree(lasting) == before
    assert state(lasting) == ("not-found", "inactive")
    assert list(journal.units(lasting)) == []


def test_a_unit_that_was_installed_anew_is_restarted_and_can_go_back(
    lasting: systemctl.Scope,
) -> None:
    install(lasting, sleeper(1000))
    first = tree(lasting)
    install(lasting, sleeper(3000))
    running = systemctl.show(lasting, "sleeper.service", "ExecStart", "ActiveState")

    installation.rollback(lasting, "sleeper.service")
    back = tree(lasting)
    installation.rollback(lasting, "sleeper.service")

    assert "sleep 3000" in running["ExecStart"]
    assert running["ActiveState"] == "active"
    assert back == first
    assert "sleep 3000" in tree(lasting)["sleeper.service"]


def test_what_was_installed_once_cannot_go_back(lasting: systemctl.Scope) -> None:
    install(lasting, sleeper())

    with pytest.raises(UnitError, match="there is no earlier version"):
        installation.rollback(lasting, "sleeper.service")


def test_a_file_of_somebody_else_stays(lasting: systemctl.Scope) -> None:
    (lasting.unit_folder / "sleeper.service").write_text(FOREIGN)
    before = tree(lasting)

    with pytest.raises(UnitError, match="was not written by pytest-numa, or was changed since"):
        install(lasting, sleeper())

    assert tree(lasting) == before


def test_by_force_it_is_replaced_and_a_removal_brings_it_back_with_links_and_all(
    lasting: systemctl.Scope,
) -> None:
    path = lasting.unit_folder / "sleeper.service"
    path.write_text(f"{FOREIGN}[Install]\nWantedBy=y.target\n# not \udcff UTF-8", errors="replace")
    systemctl.must(lasting, "enable", "--now", "sleeper.service")
    before = tree(lasting)

    (copy,) = install(lasting, sleeper(), is_forced=True)
    installation.remove(lasting, "sleeper.service")

    assert copy.read_text() == before["sleeper.service"]
    assert tree(lasting) == before
    assert state(lasting) == ("loaded", "active")


def test_a_file_of_ours_that_was_edited_is_neither_overwritten_nor_removed(
    lasting: systemctl.Scope,
) -> None:
    install(lasting, sleeper())
    path = lasting.unit_folder / "sleeper.service"
    path.write_text(path.read_text() + "# mine\n")
    edited = tree(lasting)

    with pytest.raises(UnitError, match="or was changed since"):
        install(lasting, sleeper(3000))
    with pytest.raises(UnitError, match="or was changed since"):
        installation.remove(lasting, "sleeper.service")

    assert tree(lasting) == edited
    (copy,) = installation.remove(lasting, "sleeper.service", is_forced=True)
    assert copy.read_text() == edited["sleeper.service"]
    assert not path.exists()


def test_a_masked_unit_stays_masked(lasting: systemctl.Scope) -> None:
    (lasting.unit_folder / "sleeper.service").symlink_to("/dev/null")

    with pytest.raises(UnitError, match="found a link to /dev/null"):
        install(lasting, sleeper(), is_forced=True)


def test_a_start_that_fails_leaves_nothing(lasting: systemctl.Scope) -> None:
    before = tree(lasting)
    text = "[Service]\nType=exec\nExecStart=/nowhere/serve\n"

    with pytest.raises(ServiceError, match="exit status 203/EXEC"):
        install(lasting, bundle.of(Unit(name="sleeper.service", text=text)))

    assert tree(lasting) == before
    assert list(journal.units(lasting)) == []


def test_an_upgrade_whose_start_fails_leaves_the_old_one_running(lasting: systemctl.Scope) -> None:
    install(lasting, sleeper())
    before = tree(lasting)
    text = "[Service]\nType=exec\nExecStart=/nowhere/serve\n"

    with pytest.raises(ServiceError, match="exit status 203/EXEC"):
        install(lasting, bundle.of(Unit(name="sleeper.service", text=text)))

    assert tree(lasting) == before
    assert state(lasting) == ("loaded", "active")


def test_what_we_did_not_install_is_not_removed(lasting: systemctl.Scope) -> None:
    (lasting.unit_folder / "sleeper.service").write_text(FOREIGN)

    with pytest.raises(UnitError, match="was not installed by `pytest-numa unit install`"):
        installation.remove(lasting, "sleeper.service", is_forced=True)


def test_instances_share_a_file_that_goes_with_the_last_of_them(lasting: systemctl.Scope) -> None:
    before = tree(lasting)
    install(lasting, instance(1))
    install(lasting, instance(2))

    installation.remove(lasting, "many@1.service")
    between = tree(lasting)
    running = state(lasting, "many@2.service")
    installation.remove(lasting, "many@2.service")

    assert "many@.service" in between
    assert "many@1.service.d" not in between
    assert running == ("loaded", "active")
    assert tree(lasting) == before


def test_a_drop_in_of_somebody_else_outlives_the_unit(lasting: systemctl.Scope) -> None:
    install(lasting, sleeper())
    own = lasting.unit_folder / "sleeper.service.d/mine.conf"
    own.parent.mkdir()
    own.write_text("[Service]\nNice=1\n")

    installation.remove(lasting, "sleeper.service")

    assert own.exists()


def test_a_session_puts_an_installed_unit_back_as_it_was(
    lasting: systemctl.Scope, tmp_path: Path
) -> None:
    install(lasting, sleeper(1000))
    systemctl.must(lasting, "stop", "sleeper.service")
    before = tree(lasting)
    footprint = undo.Footprint(folder=tmp_path)

    with (
        systemd.installed(sleeper(3000), lasting, footprint) as stands,
        systemd.started(stands),
    ):
        during = tree(lasting)["sleeper.service"]

    assert "sleep 3000" in during
    assert tree(lasting) == before
    assert state(lasting) == ("loaded", "inactive")
    installation.remove(lasting, "sleeper.service")


def test_a_session_does_not_stop_an_installed_unit_that_runs(
    lasting: systemctl.Scope, tmp_path: Path
) -> None:
    install(lasting, sleeper(1000))

    with (
        pytest.raises(UnitError, match=r"is installed and runs: stop it .* --user stop sleeper"),
        systemd.installed(sleeper(3000), lasting, undo.Footprint(folder=tmp_path)),
    ):
        pass

    assert state(lasting) == ("loaded", "active")


def test_a_unit_that_a_session_keeps_runs_on_and_can_be_removed(
    lasting: systemctl.Scope, tmp_path: Path
) -> None:
    before = tree(lasting)
    footprint = undo.Footprint(folder=tmp_path)

    with (
        systemd.installed(sleeper(), lasting, footprint, is_kept=lambda: True) as stands,
        systemd.started(stands, is_kept=True),
    ):
        pass

    assert state(lasting) == ("loaded", "active")
    installation.remove(lasting, "sleeper.service")
    assert tree(lasting) == before


def test_a_slice_that_only_our_units_had_goes_with_the_last_of_them(
    lasting: systemctl.Scope,
) -> None:
    text = "[Service]\nType=exec\nExecStart=/bin/sleep 1000\nSlice=apart.slice\n"
    one = bundle.of(Unit(name="one.service", text=text))
    two = bundle.of(Unit(name="two.service", text=text))
    install(lasting, one)
    install(lasting, two)

    installation.remove(lasting, "one.service")
    between = state(lasting, "apart.slice")[1]
    installation.remove(lasting, "two.service")

    assert between == "active"
    assert state(lasting, "apart.slice")[1] == "inactive"


def test_a_slice_stays_where_another_unit_waits_for_its_next_start(
    lasting: systemctl.Scope,
) -> None:
    text = "[Service]\nType=exec\nExecStart=/bin/sleep 1000\nSlice=apart.slice\n"
    failing = (
        "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=1000\nSlice=apart.slice\n"
    )
    install(lasting, bundle.of(Unit(name="one.service", text=text)))
    install(lasting, bundle.of(Unit(name="two.service", text=failing)))
    until_state(lasting, "two.service", "activating")

    installation.remove(lasting, "one.service")

    assert state(lasting, "two.service") == ("loaded", "activating")
