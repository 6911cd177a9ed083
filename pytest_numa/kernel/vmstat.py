"""What the kernel did to pages: /proc/vmstat. Format: proc_vmstat(5). Since boot, whole host."""

from dataclasses import dataclass

from pytest_numa.kernel import named_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Vmstat:
    """The counters of NUMA balancing and migration; None where the kernel has none."""

    numa_hint_faults: int | None
    """Faults that automatic NUMA balancing made to see who uses a page."""
    numa_pages_migrated: int | None
    """Pages that it moved to another node."""
    pgmigrate_success: int | None
    """Pages moved for whatever reason, compaction among them."""
    pgdemote: int | None
    """Pages moved to slower memory, by whichever path."""


def parse(text: str, *, source: str) -> Vmstat:
    """Read the file."""
    counts = named_counts.parse(text, source=source)
    demoted = [count for name, count in counts.items() if name.startswith("pgdemote_")]
    return Vmstat(
        numa_hint_faults=counts.get("numa_hint_faults"),
        numa_pages_migrated=counts.get("numa_pages_migrated"),
        pgmigrate_success=counts.get("pgmigrate_success"),
        pgdemote=sum(demoted) if demoted else None,
    )
