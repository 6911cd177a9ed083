"""What names one machine, one person or one device, and what stands in its place.

A number of a kind becomes zeros with a running number at the end, in the same shape: two cgroups
whose names differ in a UUID stay two.
"""

import ipaddress
import re
from dataclasses import dataclass, field

_HEX = "[0-9A-Fa-f]"
# A cgroup driver writes underscores for hyphens, and systemd-escape(1) writes \x2d.
_HYPHEN = r"(?:[-_]|\\x2d)"
_NUMBERS = re.compile(
    rf"(?P<uuid>{_HEX}{{8}}(?:{_HYPHEN}{_HEX}{{4}}){{3}}{_HYPHEN}{_HEX}{{12}})"
    # Of volumes there are shorter ones, PARTUUID=1c2d3e4f-01, and some with colons.
    r"|(?P<volume>(?<=[Uu][Uu][Ii][Dd]=)[0-9A-Fa-f:-]{6,})"
    # 6 bytes of Ethernet, 20 of InfiniBand.
    rf"|(?P<mac>(?<!{_HEX})(?:(?:{_HEX}{{2}}:){{5,19}}|(?:{_HEX}{{2}}-){{5}}){_HEX}{{2}}(?!{_HEX}))"
    rf"|(?P<interface>(?<=enx){_HEX}{{12}}(?!{_HEX}))"
    rf"|(?P<serial>(?:(?<=wwn-0x)|(?<=eui\.)|(?<=naa\.)|(?<=nvme-uuid\.)){_HEX}{{16,32}})"
    rf"|(?P<machine>(?<!{_HEX}){_HEX}{{32}}(?!{_HEX}))"
)
_KINDS = {
    "uuid": "a UUID",
    "volume": "a UUID",
    "mac": "a hardware address",
    "interface": "a hardware address",
    "serial": "a serial number",
    "machine": "a machine id",
}
_DIGITS = re.compile(r"(\\x2d|[^0-9A-Fa-f])")
_MOST_KNOWN = 0xFFFF
_IPV4 = re.compile(
    r"(?<!\d)(?<!\d\.)(?!127\.|0\.0\.0\.0(?!\d))(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)"
    r"|(?<=ip-)(?:\d{1,3}-){3}\d{1,3}(?!\d)"
)
_IPV6 = re.compile(rf"(?<![\w:.])(?:{_HEX}{{0,4}}:){{2,7}}{_HEX}{{0,4}}(?!\w|\.\d)")
_LEAST_GROUP = 3
_LEAST_NAME = 3
_LEAST_DISTINCT_NAME = 5
# Words of the kernel and of systemd that a host may be called by: they tell nothing of it, and
# stand in everything.
_WORDS = frozenset(
    (
        *("anon", "bind", "boot", "bin", "blanked", "blkio", "cgroup", "cgroup2", "cpu", "cpuacct"),
        *("cpuset", "default", "dev", "devices", "etc", "ext4", "file", "freezer", "heap", "home"),
        *("host", "huge", "init", "interleave", "kernel", "lib", "linux", "local", "localdomain"),
        *("localhost", "mapped", "memory", "mnt", "node", "none", "opt", "overlay", "pids"),
        *("prefer", "proc", "python", "python3", "root", "run", "scope", "server", "service"),
        *("slice", "srv", "stack", "sys", "system", "systemd", "tmp", "tmpfs", "unified", "user"),
        *("usr", "var", "xfs"),
    )
)
# What stands behind a dot and is no domain: kinds of units and of files.
_SUFFIXES = (
    "service|scope|slice|socket|mount|automount|target|timer|swap|path|conf|d|gguf|gz|img|json|"
    "lock|log|pid|py|qcow2|sh|so|sock|toml|txt|ya?ml"
)


@dataclass(slots=True)
class Numbers:
    """Numbers that are unique in the world, each with its running number here."""

    known: dict[str, int] = field(default_factory=dict)

    def blank(self, text: str, what: dict[str, None]) -> str:
        """Put zeros and running numbers in their place; note the kinds in ``what``."""

        def instead(match: re.Match[str]) -> str:
            shape = _DIGITS.split(match[0])
            digits = "".join(shape[::2])
            # As we write them ourselves: nothing is left to blank.
            if int(digits, 16) <= _MOST_KNOWN:
                return match[0]
            what[_KINDS[str(match.lastgroup)]] = None
            number = self.known.setdefault(digits.lower(), len(self.known) + 1)
            left = f"{number:0{len(digits)}x}"
            for at in range(0, len(shape), 2):
                shape[at], left = left[: len(shape[at])], left[len(shape[at]) :]
            return "".join(shape)

        return _NUMBERS.sub(instead, text)


def addresses(text: str, what: dict[str, None]) -> str:
    """Put the addresses of RFC 5737 and RFC 3849 in the place of all but loopback and "any"."""

    def version_4(match: re.Match[str]) -> str:
        return "192-0-2-1" if "-" in match[0] else "192.0.2.1"

    def version_6(match: re.Match[str]) -> str:
        # A colon may end it, as before the path of an NFS server.
        end = ":" if match[0].endswith(":") and not match[0].endswith("::") else ""
        address = match[0].removesuffix(end)
        groups = address.split(":")
        # Eight groups may be a list of CPUs, "0:1:2:3:4:5:6:7".
        is_short = "" not in groups and max(map(len, groups)) < _LEAST_GROUP
        return match[0] if is_short or not _is_private(address) else f"2001:db8::1{end}"

    blanked = _IPV6.sub(version_6, _IPV4.sub(version_4, text))
    if blanked != text:
        what["an address"] = None
    return blanked


def _is_private(address: str) -> bool:
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return not (found.is_loopback or found.is_unspecified)


def host_pattern(*names: str) -> re.Pattern[str] | None:
    """Find the names of a host, with their domain; None where it has no name worth a search.

    A name with a digit or a hyphen is found inside of longer ones too, ``rhel_gpu--box--17-swap``.
    """
    short = {name.partition(".")[0] for name in names}
    wanted = {name for name in {*names, *short} if len(name) >= _LEAST_NAME} - {""}
    shapes = [_shape(name) for name in sorted(wanted, key=lambda name: (-len(name), name))]
    found = [shape for shape in shapes if shape]
    if not found:
        return None
    domain = rf"(?:\.(?!(?:{_SUFFIXES})(?![\w-]))[A-Za-z][A-Za-z0-9-]*)*"
    return re.compile(rf"(?i)(?:{'|'.join(found)}){domain}")


def _shape(name: str) -> str:
    if name.lower() in _WORDS or re.fullmatch(r"(?i)(?:cpu|node|numa)\d*", name):
        return ""
    # As they are, as device mapper doubles them, and as systemd escapes them.
    escaped = r"(?:--|\\x2d|-)".join(map(re.escape, name.split("-")))
    if len(name) >= _LEAST_DISTINCT_NAME and re.search(r"[\d-]", name):
        return rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"
    return rf"(?<![\w.-]){escaped}(?![\w-])"
