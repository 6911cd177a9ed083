"""A unit under a systemd manager, for the length of a block."""

import contextlib
from collections.abc import Callable, Iterator

from pytest_numa.errors import HostError
from pytest_numa.services import installation, systemctl, undo
from pytest_numa.services.bundle import Bundle
from pytest_numa.services.installed_unit import InstalledUnit


@contextlib.contextmanager
def installed(
    wanted: Bundle,
    scope: systemctl.Scope,
    footprint: undo.Footprint,
    *,
    is_kept: Callable[[], bool] = bool,
) -> Iterator[InstalledUnit]:
    """Have the unit installed for the length of the block, or for good if it is kept then."""
    log_path = None
    if scope.manager == "private":
        # There is no journal.
        log_path = footprint.folder / "service.log"
        _redirect(scope, wanted.name, str(log_path))
    with installation.installed(scope, wanted) as change:
        yield InstalledUnit(scope=scope, unit=wanted.unit, log_path=log_path)
        if is_kept():
            installation.keep(scope, wanted, change)


@contextlib.contextmanager
def started(service: InstalledUnit, *, is_kept: bool = False) -> Iterator[InstalledUnit]:
    """Have the unit started for the length of the block, or for good if it is kept then."""
    try:
        service.enable()
        service.start()
        yield service
    except BaseException:
        service.stop()
        raise
    if not is_kept:
        service.stop()


def _redirect(scope: systemctl.Scope, unit: str, path: str) -> None:
    folder = scope.unit_folder / f"{unit}.d"
    try:
        folder.mkdir(exist_ok=True)
        (folder / "log.conf").write_text(
            f"[Service]\nStandardOutput=append:{path}\nStandardError=append:{path}\n",
            encoding="utf-8",
        )
    except OSError as error:
        raise HostError(f"{folder} cannot be written: {error.strerror}") from None
