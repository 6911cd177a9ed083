import json
from dataclasses import replace

from pytest_numa.host import Cpu, Device, Node, Topology
from pytest_numa.report import topology as topology_report

GIB = 2**30


def cpu(number: int, *siblings: int, is_online: bool = True) -> Cpu:
    return Cpu(id=number, is_online=is_online, core_id=0, socket_id=0, siblings=frozenset(siblings))


TWO_NODES = Topology(
    nodes=(
        Node(
            id=0,
            cpus=frozenset({0, 1, 2, 4, 5}),
            cpus_offline=frozenset({6}),
            memory_bytes=16 * GIB,
            memory_free_bytes=8 * GIB,
            memory_available_bytes=9 * GIB,
            distances={0: 10, 8: 21},
        ),
        Node(
            id=8,
            cpus=frozenset(),
            cpus_offline=frozenset(),
            memory_bytes=GIB // 2,
            memory_free_bytes=None,
            memory_available_bytes=None,
            distances={},
        ),
    ),
    cpus=(
        *(cpu(0, 0, 4), cpu(1, 1, 5), cpu(2, 2), cpu(4, 0, 4), cpu(5, 1, 5)),
        cpu(6, is_online=False),
    ),
    devices=(
        Device(address="0000:05:00.0", kind="gpu", node=0, is_accelerator=False),
        Device(address="0000:41:00.0", kind="gpu", node=8, is_accelerator=True),
        Device(address="0000:02:00.0", kind="nic", node=None, is_accelerator=False),
    ),
    is_numa=True,
)
ONE_NODE = Topology(
    nodes=(
        Node(
            id=0,
            cpus=frozenset({0}),
            cpus_offline=frozenset(),
            memory_bytes=4 * GIB,
            memory_free_bytes=GIB,
            memory_available_bytes=GIB,
            distances={0: 10},
        ),
    ),
    cpus=(cpu(0, 0),),
    devices=(),
    is_numa=False,
)
TABLES = """\
| Node   | CPUs    | Offline   | Cores                   | Memory GiB   | Free GiB   | To 0    | To 8    |
|:-------|:--------|:----------|:------------------------|:-------------|:-----------|:--------|:--------|
| 0      | 0-2,4-5 | 6         | 3, siblings such as 0,4 | 16.0         | 8.0        | 10      | 21      |
| 8      | none    | none      | 0                       | 0.5          | unknown    | unknown | unknown |

| Device       | Kind          | Node    |
|:-------------|:--------------|:--------|
| 0000:05:00.0 | gpu (console) | 0       |
| 0000:41:00.0 | gpu           | 8       |
| 0000:02:00.0 | nic           | unknown |
"""  # noqa: E501 - a table as it is printed


def test_the_document_survives_json_with_all_that_is_known() -> None:
    document = topology_report.topology_document(TWO_NODES)

    assert json.loads(json.dumps(document)) == {
        "is_numa": True,
        "sockets": [0],
        "packages": [{"id": 0, "cpus": "0-2,4-5"}],
        "cpus_online": "0-2,4-5",
        "cpus_offline": "6",
        "siblings": ["0,4", "1,5", "2"],
        "nodes": [
            {
                "id": 0,
                "cpus": "0-2,4-5",
                "cpus_offline": "6",
                "memory_bytes": 16 * GIB,
                "memory_free_bytes": 8 * GIB,
                "distances": {"0": 10, "8": 21},
            },
            {
                "id": 8,
                "cpus": "",
                "cpus_offline": "",
                "memory_bytes": GIB // 2,
                "memory_free_bytes": None,
                "distances": {},
            },
        ],
        "devices": [
            {"address": "0000:05:00.0", "kind": "gpu", "node": 0, "is_accelerator": False},
            {"address": "0000:41:00.0", "kind": "gpu", "node": 8, "is_accelerator": True},
            {"address": "0000:02:00.0", "kind": "nic", "node": None, "is_accelerator": False},
        ],
    }


def test_the_tables_show_nodes_and_devices() -> None:
    text = topology_report.topology_tables(TWO_NODES)

    assert text == TABLES


def test_a_bar_in_a_cell_does_not_split_it() -> None:
    device = Device(address="0000|05", kind="nic", node=0, is_accelerator=False)

    text = topology_report.topology_tables(replace(ONE_NODE, devices=(device,)))

    assert r"| 0000\|05 " in text


def test_a_host_of_one_node_says_what_is_not_proven() -> None:
    text = topology_report.topology_tables(ONE_NODE)

    assert text.endswith(
        "This kernel knows no nodes (CONFIG_NUMA is off): node 0 stands for the whole host.\n\n"
        "This host has one node: placement between nodes cannot go wrong here, and is not "
        "proven.\n"
    )


def test_a_host_without_devices_has_no_table_of_them() -> None:
    assert "Device" not in topology_report.topology_tables(ONE_NODE)
