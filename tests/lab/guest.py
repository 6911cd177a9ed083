"""The running virtual machine: boots it, runs commands in it, and ends it."""

import contextlib
import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import machine
from build_image import Image, LabError

_KVM = Path("/dev/kvm")
# Where KVM works the kernel is there within a second; where it hangs, it hangs for good.
_KERNEL_LIMIT_S = {"kvm": 10.0}
_KERNEL_LIMIT_DEFAULT_S = 120.0
_BOOT_LIMIT_S = 300.0
_COPY_LIMIT_S = 180.0
_LOG_TAIL = 3000


class Guest:
    """The booted two-node machine: commands and files go in and out over SSH."""

    def __init__(self, image: Image, folder: Path) -> None:
        self._image = image
        self._console, self._log = folder / "console", folder / "qemu"
        # One connection for all commands: under emulation its cryptography takes seconds.
        self._connection = folder / "ssh"
        self._qemu: subprocess.Popen[bytes] | None = None
        self._port = 0
        self.accelerator = ""

    def run(self, command: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
        """Run a shell command as root of the guest, whatever its exit status."""
        argv = ["ssh", *self._ssh_options(), "-p", str(self._port), "root@127.0.0.1", command]
        return self._host_command(argv, timeout_s)

    def must(self, command: str, timeout_s: float) -> str:
        """Run a shell command that has to succeed, and return what it printed."""
        done = self.run(command, timeout_s)
        if done.returncode != 0:
            said = f"{done.stdout[-4000:]}{done.stderr[-4000:]}"
            raise LabError(f"in the guest: {command}\nended with {done.returncode}:\n{said}")
        return done.stdout

    @contextlib.contextmanager
    def talking_to(self, command: str, timeout_s: float) -> Iterator[Callable[[str], str]]:
        """Run a command that answers each line with a line; yields what asks it."""
        argv = ["ssh", *self._ssh_options(), "-p", str(self._port), "root@127.0.0.1", command]
        with subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as talker:

            def ask(line: str) -> str:
                # Without a limit a guest that hangs would hang the test.
                limit = threading.Timer(timeout_s, talker.kill)
                limit.start()
                try:
                    print(line, file=talker.stdin, flush=True)
                    return talker.stdout.readline() if talker.stdout else ""
                finally:
                    limit.cancel()

            yield ask
            talker.kill()

    def copy_in(self, source: Path, target: str) -> None:
        """Copy a file or folder of this host to a path in the guest."""
        self._copy(str(source), f"root@127.0.0.1:{target}")

    def copy_out(self, source: str, target: Path) -> None:
        """Copy a file or folder of the guest to a path on this host."""
        self._copy(f"root@127.0.0.1:{source}", str(target))

    def boot(self) -> None:
        """Boot with KVM; where that does not bring up the kernel in time, with emulation."""
        has_kvm = os.access(_KVM, os.R_OK | os.W_OK)
        for accelerator in machine.ACCELERATORS:
            if accelerator == "kvm" and not has_kvm:
                continue
            self._start(accelerator)
            if self._kernel_is_there(accelerator):
                break
            self.kill()
        else:
            raise LabError(f"the guest's kernel did not start\n{self._logs()}")
        self._wait_for_systemd()

    def _start(self, accelerator: str) -> None:
        self.accelerator = accelerator
        self._port = _free_port()
        self._console.unlink(missing_ok=True)
        argv = machine.qemu_argv(
            self._image, accelerator=accelerator, ssh_port=self._port, console=self._console
        )
        with self._log.open("wb") as output:
            self._qemu = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )

    def _kernel_is_there(self, accelerator: str) -> bool:
        limit_s = _KERNEL_LIMIT_S.get(accelerator, _KERNEL_LIMIT_DEFAULT_S)
        until_s = time.monotonic() + limit_s
        while time.monotonic() < until_s and self._is_running():
            if self._console.exists() and b"Linux version" in self._console.read_bytes():
                return True
            time.sleep(0.2)
        return False

    def _wait_for_systemd(self) -> None:
        until_s = time.monotonic() + _BOOT_LIMIT_S
        while time.monotonic() < until_s:
            if not self._is_running():
                raise LabError(f"QEMU ended\n{self._logs()}")
            # 255 is ssh's own; a degraded system has another status and will do.
            if self.run("systemctl is-system-running --wait", _BOOT_LIMIT_S).returncode < 255:
                return
            time.sleep(1.0)
        raise LabError(f"no SSH after {_BOOT_LIMIT_S:.0f} s\n{self._logs()}")

    def _logs(self) -> str:
        said = {
            path.name: path.read_text(errors="replace")
            for path in (self._log, self._console)
            if path.exists()
        }
        return "\n".join(f"{name}: {text[-_LOG_TAIL:]}" for name, text in said.items())

    def _is_running(self) -> bool:
        return self._qemu is not None and self._qemu.poll() is None

    def kill(self) -> None:
        """End QEMU, if it runs, and the connection to it."""
        argv = ["ssh", "-O", "exit", "-o", f"ControlPath={self._connection}", "root@127.0.0.1"]
        subprocess.run(argv, capture_output=True, timeout=60, check=False)
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait(timeout=30)

    def _copy(self, source: str, target: str) -> None:
        argv = ["scp", "-q", "-r", *self._ssh_options(), "-P", str(self._port), source, target]
        done = self._host_command(argv, _COPY_LIMIT_S)
        if done.returncode != 0:
            raise LabError(f"cannot copy {source} to {target}: {done.stderr}")

    def _ssh_options(self) -> list[str]:
        # The guest is made anew each time: its host key proves nothing, and no file shall keep it.
        return [
            *("-F", "none", "-i", str(self._image.ssh_key), "-o", "BatchMode=yes"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60"),
            *("-o", "ControlMaster=auto", "-o", f"ControlPath={self._connection}"),
            *("-o", "ControlPersist=yes"),
        ]

    def _host_command(self, argv: list[str], timeout_s: float) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                argv,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = f"{_text(error.stdout)}{_text(error.stderr)}"[-3000:]
            raise LabError(
                f"no end within {timeout_s:.0f} s: {argv[-1]}\n{said}\n{self._logs()}"
            ) from None


@contextlib.contextmanager
def booted(image: Image) -> Iterator[Guest]:
    """Boot the machine for the length of the block; nothing of it stays, also after an error."""
    with tempfile.TemporaryDirectory(prefix="lab-") as folder:
        guest = Guest(image, Path(folder))
        try:
            guest.boot()
            yield guest
        finally:
            guest.kill()


def _text(output: bytes | str | None) -> str:
    return output.decode(errors="replace") if isinstance(output, bytes) else output or ""


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
