"""What stands around a unit on its host."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the host says besides its topology; what is None was not looked at."""

    has_cpuset: bool | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """Those of the unit's EnvironmentFile=."""
    has_absent_variables: bool = False
    """Whether an EnvironmentFile= that may be absent is absent."""
    absent_files: tuple[str, ...] = ()
    """Files of EnvironmentFile= and LoadCredential= that cannot be read."""
    open_files: tuple[str, ...] = ()
    """Those that everybody may read."""
    missing: tuple[str, ...] = ()
    """The program and the model, where they are not there."""
    unreachable: tuple[str, ...] = ()
    """Where they are, and the unit's user cannot read them."""
    strangers: tuple[str, ...] = ()
    """Users and groups of the unit that the host does not have, as ``User=NAME``."""
    first_free_port: int | None = None
    """The lowest port that a user without rights may listen on."""
    slice_cpus: frozenset[int] | None = None
    slice_nodes: frozenset[int] | None = None
