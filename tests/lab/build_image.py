"""Build the disk of the two-node virtual machine: this host's release with systemd as process 1.

    python tests/lab/build_image.py [--install]

The image is made from the package sources that this host's apt trusts, and kept in .lab/ under a
hash of all that it is made of. Sources: mmdebstrap(1), mke2fs(8), apt-get(8) indextargets.
"""

import argparse
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import wheelhouse

LAB = Path(__file__).parents[2] / ".lab"
PYTHON = "/opt/lab/bin/python"
"""The guest's interpreter that has all wheels but pytest-numa's own."""

# Program and the Debian package that has it.
_NEEDS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "mmdebstrap": "mmdebstrap",
    "mke2fs": "e2fsprogs",
    "ssh": "openssh-client",
    "setpriv": "util-linux",
}
_GUEST_PACKAGES = (
    "systemd,systemd-sysv,dbus,udev,initramfs-tools,util-linux,"
    "python3,python3-venv,libgomp1,numactl,openssh-server"
)
# Kernels without drivers of real hardware, by the ID= of os-release(5).
_KERNELS = {"debian": "linux-image-cloud-amd64", "ubuntu": "linux-image-virtual"}
_NETWORK = "[Match]\nType=ether\n\n[Network]\nDHCP=ipv4\n"
_NOT_WANTED = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "fstrim.timer"),
    *("e2scrub_all.timer", "e2scrub_reap.service", "systemd-networkd-wait-online.service"),
)
_DISK_SIZE = "3G"
_BUILD_LIMIT_S = 900


class LabError(Exception):
    """The virtual machine could not be built or booted, or did not do as told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A disk that boots, with what is needed to boot it and to log in."""

    folder: Path

    @property
    def disk(self) -> Path:
        """The root file system, ext4 without a partition table."""
        return self.folder / "disk"

    @property
    def kernel(self) -> Path:
        """The kernel that fits the disk's modules."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """The initial RAM disk of that kernel."""
        return self.folder / "initrd"

    @property
    def ssh_key(self) -> Path:
        """The private key that root of the guest accepts; made for this image alone."""
        return self.folder / "ssh_key"


def lacking() -> str | None:
    """Say what this host lacks to build and boot the machine, or None."""
    if platform.machine() != "x86_64":
        return f"the two-node machine is an x86_64 one, this host is {platform.machine()}"
    if _release().get("ID") not in _KERNELS:
        return "needs Debian or Ubuntu: the machine is made from the packages of this host"
    if os.geteuid() != 0:
        return "needs root, to make a file system with its owners"
    packages = _missing_packages()
    return f"needs: apt-get install {' '.join(packages)}" if packages else None


def install() -> None:
    """Install the missing programs; root on Debian or Ubuntu."""
    packages = _missing_packages()
    if packages:
        _run(["apt-get", "update", "--quiet", "--quiet"])
        options = ["--quiet", "--quiet", "--yes", "--no-install-recommends"]
        _run(["apt-get", "install", *options, *packages])


def image(wheel: Path) -> Image:
    """Return the image that has what ``wheel`` requires, and build it where it is not yet there."""
    folder = LAB / f"image-{_key(wheel)}"
    if not folder.exists():
        LAB.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=LAB, prefix="building-") as building:
            _build(Path(building), wheel)
            # Whole or not at all: an interrupted build leaves nothing that looks like an image.
            (Path(building) / "image").rename(folder)
        for other in set(LAB.glob("image-*")) - {folder}:
            shutil.rmtree(other)
    return Image(folder=folder)


def mmdebstrap_argv(
    *, codename: str, root: Path, keyring: Path, apt_options: Path, kernel: str
) -> list[str]:
    """Build the command that fills ``root``; the package sources go to its standard input."""
    return [
        *("mmdebstrap", "--variant=minbase", "--format=directory", "--quiet"),
        f"--include={_GUEST_PACKAGES},{kernel}",
        f"--keyring={keyring}",
        f"--aptopt={apt_options}",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        # The host's proxies are of no use in there, and may hold a password.
        '--customize-hook=rm "$1"/etc/apt/apt.conf.d/99mmdebstrap',
        *(codename, str(root), "-"),
    ]


def _build(building: Path, wheel: Path) -> None:
    root, kept = building / "root", building / "image"
    kept.mkdir()
    release = _release()
    argv = mmdebstrap_argv(
        codename=release["VERSION_CODENAME"],
        root=root,
        keyring=collect_keys(Path("/etc/apt"), building / "keyring"),
        apt_options=building / "apt.conf",
        kernel=_KERNELS[release["ID"]],
    )
    (building / "apt.conf").write_text(_run(["apt-config", "dump", "Acquire"]))
    _run(argv, standard_input=_package_sources(release["ID"]))
    _configure(root, kept / "ssh_key")
    wheelhouse.install(wheel, root=root, python=PYTHON, run=_run)
    for name, pattern in {"vmlinuz": "vmlinuz-*", "initrd": "initrd.img-*"}.items():
        shutil.copy(next((root / "boot").glob(pattern)), kept / name)
    _run(["mke2fs", "-q", "-t", "ext4", "-d", str(root), str(kept / "disk"), _DISK_SIZE])


def _configure(root: Path, key: Path) -> None:
    """Let root in over the network, and stop what would only take time from the tests."""
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(key)])
    (root / "root/.ssh").mkdir(mode=0o700, exist_ok=True)
    shutil.copy(key.with_suffix(".pub"), root / "root/.ssh/authorized_keys")
    (root / "etc/systemd/network/lab.network").write_text(_NETWORK)
    (root / "etc/apt/sources.list").unlink(missing_ok=True)
    _run(["chroot", str(root), "systemctl", "enable", "systemd-networkd", "ssh"])
    _run(["chroot", str(root), "systemctl", "mask", *_NOT_WANTED])
    # None makes a unit that this machine needs, and all run each time that systemd reads its units.
    masked = root / "etc/systemd/system-generators"
    masked.mkdir(exist_ok=True)
    for generator in (root / "usr/lib/systemd/system-generators").iterdir():
        (masked / generator.name).symlink_to("/dev/null")


def _package_sources(distribution: str) -> str:
    """Write this host's sources of its own release, one a line as sources.list(5) has them."""
    fields = "deb $(REPO_URI) $(RELEASE) $(COMPONENT)"
    origin = f"Origin: {distribution.capitalize()}"
    found = _run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages", origin])
    codename = _release()["VERSION_CODENAME"]
    lines = sorted({line for line in found.splitlines() if f" {codename}" in line})
    if not lines:
        raise LabError(f"expected package sources of {codename}, found none: apt-get update")
    return "\n".join(lines) + "\n"


def collect_keys(apt: Path, folder: Path) -> Path:
    """Copy the keys that apt, with its settings in ``apt``, trusts for its sources to ``folder``.

    A source names a file of keys or, in the form of deb822, holds the key itself: sources.list(5).
    """
    folder.mkdir()
    sources = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*.[ls]*"))]
    text = "\n".join(path.read_text() for path in sources if path.is_file())
    named = re.findall(r"(?im)signed-by[=:]\s*(/[^\s,\]]+)", text)
    for path in {*map(Path, named), *(apt / "trusted.gpg.d").glob("*.*")}:
        if path.is_file():
            shutil.copy(path, folder)
    armoured = re.findall(r"(?ms)^ -----BEGIN PGP.*?^ -----END PGP[^\n]*", text)
    for number, key in enumerate(armoured):
        # deb822 indents each line by one blank and writes a dot for an empty one.
        lines = ("" if line == " ." else line[1:] for line in key.splitlines())
        (folder / f"inline-{number}.asc").write_text("\n".join(lines) + "\n")
    return folder


def _key(wheel: Path) -> str:
    here = Path(__file__).parent
    texts = [(here / name).read_text() for name in ("build_image.py", "wheelhouse.py")]
    texts += [_release()["VERSION_CODENAME"], wheelhouse.MODEL, *wheelhouse.requirements(wheel)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:12]


def _release() -> dict[str, str]:
    return platform.freedesktop_os_release()


def _missing_packages() -> list[str]:
    return [package for program, package in _NEEDS.items() if shutil.which(program) is None]


def _run(argv: Sequence[str], *, standard_input: str = "") -> str:
    done = subprocess.run(
        argv,
        input=standard_input,
        capture_output=True,
        text=True,
        timeout=_BUILD_LIMIT_S,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    if done.returncode != 0:
        tail = (done.stdout + done.stderr)[-3000:]
        raise LabError(f"{' '.join(argv)} ended with {done.returncode}:\n{tail}")
    return done.stdout


def main() -> int:
    """Build the image for the working tree."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--install", action="store_true", help="install missing programs first")
    if parser.parse_args().install:
        install()
    if reason := lacking():
        sys.stderr.write(f"{reason}\n")
        return 1
    try:
        with tempfile.TemporaryDirectory() as folder:
            sys.stdout.write(f"{image(wheelhouse.build(Path(folder))).folder}\n")
    except LabError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
