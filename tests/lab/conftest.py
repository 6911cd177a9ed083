"""The two-node machine, booted once for all tests of the lab."""

from collections.abc import Iterator

import acting
import build_image
import guest as lab_guest
import pytest
import wheelhouse
from acting import Agent
from build_image import PYTHON
from guest import Guest


@pytest.fixture(scope="session")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guest]:
    """Boot the machine once, with pytest-numa installed from its wheel."""
    if reason := build_image.lacking():
        pytest.skip(reason)
    wheel = wheelhouse.build(tmp_path_factory.mktemp("wheel"))
    with lab_guest.booted(build_image.image(wheel)) as booted:
        booted.copy_in(wheel, f"/root/{wheel.name}")
        # No index and no --no-deps: what the wheel requires has to be there already.
        booted.must(f"{PYTHON} -m pip install --quiet --no-index /root/{wheel.name}", 180)
        yield booted


@pytest.fixture(scope="session")
def agent(guest: Guest) -> Iterator[Agent]:
    """What acts and looks in the guest."""
    with acting.acting(guest) as acts:
        yield acts
