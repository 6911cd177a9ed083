"""The model of the CPUs: /proc/cpuinfo.

Its lines differ by architecture (show_cpuinfo() of each). An ARM core has no name but numbers, of
which a host may have several kinds.
"""

from collections.abc import Iterator

UNKNOWN = "unknown CPU model"
_NAMES = ("model name", "Model Name", "cpu model", "cpu", "uarch")


def parse_model(text: str) -> str:
    """Name the model in one line; ``UNKNOWN`` where the text names none, as in some captures."""
    pairs = list(_pairs(text))
    for name in _NAMES:
        models = [value for key, value in pairs if key == name and value]
        if models:
            return " + ".join(dict.fromkeys(" ".join(model.split()) for model in models))
    implementers = [value for key, value in pairs if key == "CPU implementer"]
    parts = [value for key, value in pairs if key == "CPU part"]
    kinds = sorted(set(zip(implementers, parts, strict=False)))
    return " + ".join(f"ARM {maker} part {part}" for maker, part in kinds) or UNKNOWN


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        key, colon, value = line.partition(":")
        if colon:
            yield key.strip(), value.strip("\0\t ")
