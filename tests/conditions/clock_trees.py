"""Builds the part of /sys that sets clocks, as Linux shows it on bare metal."""

from pathlib import Path


def build(root: Path, *, cpus: int = 4, governor: str = "powersave") -> Path:
    """Build a host of ``cpus`` CPUs, two in each clock domain, under intel_pstate."""
    for first in range(0, cpus, 2):
        folder = root / f"sys/devices/system/cpu/cpufreq/policy{first}"
        folder.mkdir(parents=True)
        for name, text in {
            "related_cpus": f"{first} {first + 1}",
            "affected_cpus": f"{first} {first + 1}",
            "scaling_governor": governor,
            "scaling_available_governors": "performance powersave",
            "scaling_setspeed": "<unsupported>",
            "energy_performance_preference": "balance_performance",
        }.items():
            (folder / name).write_text(f"{text}\n")
    return root


def seen(root: Path) -> list[str]:
    """Governor and preference of each domain; of a file the first line, as the kernel has one."""
    return [
        path.read_text().splitlines()[0]
        for name in ("scaling_governor", "energy_performance_preference")
        for path in sorted(root.rglob(name))
    ]
