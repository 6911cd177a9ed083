"""Where the keys of the image's packages come from."""

from pathlib import Path

import build_image

# As sources.list(5) shows it; the lines between the armour stand for a key.
INLINE = """\
Types: deb
URIs: https://deb.debian.org/debian
Suites: bookworm
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 mDMEYCQjIxYJKwYBBAHaRw8BAQdAD/P5Nvvnvk66SxBBHDbhRml9ORg1WV5CvzKY
 -----END PGP PUBLIC KEY BLOCK-----

Types: deb-src
"""


def collected(tmp_path: Path, name: str, sources: str) -> dict[str, str]:
    (tmp_path / "apt/sources.list.d").mkdir(parents=True)
    (tmp_path / "apt/sources.list.d" / name).write_text(sources)
    folder = build_image.collect_keys(tmp_path / "apt", tmp_path / "keys")
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_key_inside_a_source_is_taken_without_its_indent(tmp_path: Path) -> None:
    keys = collected(tmp_path, "debian.sources", INLINE)

    assert keys == {
        "inline-0.asc": "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
        "\n"
        "mDMEYCQjIxYJKwYBBAHaRw8BAQdAD/P5Nvvnvk66SxBBHDbhRml9ORg1WV5CvzKY\n"
        "-----END PGP PUBLIC KEY BLOCK-----\n"
    }


def test_a_key_file_that_a_source_names_is_taken(tmp_path: Path) -> None:
    (tmp_path / "one.gpg").write_text("one")
    (tmp_path / "two.gpg").write_text("two")

    keys = collected(
        tmp_path,
        "mixed.list",
        f"deb [arch=amd64 signed-by={tmp_path}/one.gpg] https://one.example stable main\n"
        f"Signed-By: {tmp_path}/two.gpg\n",
    )

    assert keys == {"one.gpg": "one", "two.gpg": "two"}


def test_a_source_without_keys_has_those_that_apt_trusts_for_all(tmp_path: Path) -> None:
    (tmp_path / "apt/trusted.gpg.d").mkdir(parents=True)
    (tmp_path / "apt/trusted.gpg.d/debian.asc").write_text("for all")

    keys = collected(tmp_path, "old.list", "deb https://deb.debian.org/debian bookworm main\n")

    assert keys == {"debian.asc": "for all"}
