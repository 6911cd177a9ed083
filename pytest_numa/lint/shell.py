"""What only a shell makes something of, and systemd hands on as it stands.

Sources: systemd.service(5), "Command lines"; replace_env_argv() in systemd's env-util.c.
"""

import re
from collections.abc import Iterator

from pytest_numa.errors import UnitError
from pytest_numa.lint.finding import Finding
from pytest_numa.lint.subject import Subject
from pytest_numa.lint.wrapper import SHELLS
from pytest_numa.services import quoting

# What is written in their place; the first that fits counts.
_OPERATORS = {
    r"#": "write the comment on a line of its own",
    r"\d?>{1,2}(?:&\d)?|\d?>{1,2}[/&].*": "leave it out: the journal has what the server prints; "
    "StandardOutput=append:FILE has it in a file",
    r"<": "write StandardInput=file:FILE",
    r"\|": "leave it out: the journal has what the server prints",
    r"\|\|": "leave it out: Restart=on-failure starts the server again",
    r"&&": "write what is to run before the server into ExecStartPre=",
    r"&": "leave it out: systemd does not wait for the server's end",
    r"\$\(.*|`.*": "write what it prints, or start the server by /bin/sh -c 'exec ...'",
}
_BUILTINS = ("cd", "source", ".", "export", "exec", "ulimit", "eval", "set")
_HOME = re.compile(r"(?:-[\w-]*=)?~(?:/.*)?")
_GLOB = re.compile(r"(?:-[\w-]*=)?/.*\*.*")
_BRACELESS = re.compile(r"\$([A-Za-z_]\w*)")
_BRACED = re.compile(r"\$\{(\w+)\}")
_DEFAULT = re.compile(r"\$\{(\w+):[^}]*\}")
# systemd.exec(5), "Environment variables in spawned processes".
_BY_SYSTEMD = (
    *("PATH", "LANG", "USER", "LOGNAME", "HOME", "SHELL", "TERM", "INVOCATION_ID", "MAINPID"),
    *("RUNTIME_DIRECTORY", "STATE_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY"),
    *("CONFIGURATION_DIRECTORY", "CREDENTIALS_DIRECTORY", "JOURNAL_STREAM", "NOTIFY_SOCKET"),
    *("XDG_RUNTIME_DIR", "SYSTEMD_EXEC_PID"),
)
# Where a text was copied from a page that is set for reading.
_TYPESET = re.compile(r"[–—‘’“”].*|.*[’”]")  # noqa: RUF001 - looked for
# Lists that a line in a shell's profile adds to.
_SEARCHED = ("PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH")


def check(subject: Subject) -> Iterator[Finding]:
    """The command line, then the variables; what stands in a shell's script is the shell's."""
    if not any(one.name in SHELLS for one in subject.wrappers):
        yield from _operators(subject)
        yield from _variables(subject)
        yield from _names(subject)
    yield from _first(subject)
    yield from _unset(subject)
    for name in _SEARCHED:
        value = subject.written.get(name, "")
        if "$" in value.replace("$$", ""):
            yield Finding(
                subject=f"Environment={name}",
                expected="a whole list: systemd puts no variable's value there",
                found=f"{value!r}, which is taken as it stands",
                fix=f"write the list out; `systemctl show-environment` has {name} if it is set",
            )


def _operators(subject: Subject) -> Iterator[Finding]:
    for word in subject.words:
        fix = next(
            (
                text
                for pattern, text in _OPERATORS.items()
                if re.fullmatch(pattern, word, re.DOTALL)
            ),
            None,
        )
        if fix is not None:
            yield _as_it_is(word, fix)
            return


def _first(subject: Subject) -> Iterator[Finding]:
    first = subject.words[0] if subject.words else ""
    if first in _BUILTINS or re.match(r"\w+=", first):
        is_variable = "=" in first
        yield Finding(
            subject="ExecStart=",
            expected="a program",
            found=f"{first!r}, which only a shell understands: the start fails (203/EXEC)",
            fix=f"write Environment={first}, and the program first"
            if is_variable
            else "write WorkingDirectory= or Environment=, and the program first",
        )


def _variables(subject: Subject) -> Iterator[Finding]:
    """Braces are needed in the middle of a word, and have no default in them."""
    for word in _written(subject) if ":" not in subject.prefixes else ():
        plain = word.replace("$$", "")
        inner, default = _BRACELESS.search(plain), _DEFAULT.search(plain)
        # A word with blanks may be the script of a shell that something else starts.
        if re.search(r"\s", word) or (inner and inner[0] == plain):
            continue
        if inner:
            yield Finding(
                subject=f"${inner[1]} in ExecStart=",
                expected="${NAME}: without braces a variable is a word of its own",
                found=f"{word!r}, which the program "
                + ("does not get at all" if word.startswith("$") else "gets as it stands"),
                fix=f"write the value itself, or ${{{inner[1]}}}",
            )
        elif default:
            yield Finding(
                subject=f"${{{default[1]}}} in ExecStart=",
                expected="a name alone in the braces",
                found=f"{default[0]!r}, which only a shell understands",
                fix=f"write ${{{default[1]}}}, and Environment={default[1]}= with the default",
            )


def _unset(subject: Subject) -> Iterator[Finding]:
    """Variables on the command line whose value is not known."""
    if ":" in subject.prefixes or subject.around.has_absent_variables:
        return
    passed = " ".join(subject.texts("PassEnvironment")).split()
    known = {*subject.written, *subject.around.variables, *passed, *_BY_SYSTEMD}
    words = [word.replace("$$", "") for word in _written(subject)]
    alone = [match for word in words if (match := _BRACELESS.fullmatch(word))]
    found = [*alone, *(match for word in words for match in _BRACED.finditer(word))]
    for name in dict.fromkeys(match[1] for match in found if match[1] not in known):
        yield Finding(
            subject=f"${{{name}}} in ExecStart=",
            expected="a variable that the unit sets",
            found="one that it does not: systemd puts nothing in its place"
            + ("" if not subject.around.absent_files else ", and a file of them was not read"),
            fix=f"write Environment={name}=VALUE, or $$ for a dollar sign",
            is_unknown=bool(subject.around.absent_files),
        )


def _written(subject: Subject) -> list[str]:
    """The words before variables are put in their place."""
    try:
        return quoting.split(subject.exec_start[len(subject.prefixes) :], source="ExecStart=")
    except UnitError:
        return []


def _names(subject: Subject) -> Iterator[Finding]:
    """Paths that a shell completes, and characters that are none of a command line."""
    # Of the first word systemd itself says that it is no path.
    for word in subject.words[1:]:
        if _HOME.fullmatch(word):
            yield _as_it_is(word, "write the whole path, from / on")
        elif _GLOB.fullmatch(word) and subject.engine.name:
            yield _as_it_is(word, "write the file's name")
        elif _TYPESET.fullmatch(word) and not re.search(r"\s", word):
            yield _as_it_is(word, 'write - and " in the place of what a text has for them')


def _as_it_is(word: str, fix: str) -> Finding:
    return Finding(
        subject="ExecStart=",
        expected="a program and its arguments: systemd is no shell",
        found=f"{word!r}, which the program gets as an argument",
        fix=fix,
    )
