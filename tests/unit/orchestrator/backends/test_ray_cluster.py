"""A Ray cluster before anything of Ray is loaded: its address, its nodes, what they say."""

import socket
from pathlib import Path

import pytest

from orchestrator.backends import BackendError
from orchestrator.backends.ray_cluster import Node, RayCluster
from orchestrator.backends.ray_nodes import problems_of
from orchestrator.provenance import code_hash, installed
from orchestrator.store.layout import Store


@pytest.mark.parametrize("address", ["head", "head:", "head:abc"])
def test_an_address_is_a_host_and_a_port(address: str) -> None:
    with pytest.raises(BackendError, match=f"--address is '{address}'; allowed: host:port, or au"):
        RayCluster(address, store=Path("results")).probe()


def test_an_address_at_which_nobody_listens_is_refused_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(BackendError, match=f"no Ray cluster answers at 127.0.0.1:{port}: Conn"):
            RayCluster(f"127.0.0.1:{port}", store=Path("results")).probe()


@pytest.mark.parametrize(
    ("resources", "threads", "gpus", "slots"),
    [
        ({"CPU": 8.0}, 1, 0.0, 8),
        ({"CPU": 8.0}, 3, 0.0, 2),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 1.0, 2),
        ({"CPU": 8.0, "GPU": 2.0}, 1, 0.3, 6),
        ({"CPU": 4.0, "GPU": 2.0}, 1, 0.25, 4),
        ({"CPU": 8.0, "GPU": 3.0}, 1, 2.0, 1),
        ({"CPU": 8.0}, 1, 0.5, 0),
        ({}, 1, 0.0, 0),
    ],
)
def test_how_many_packs_a_node_carries(
    resources: dict[str, float], threads: int, gpus: float, slots: int
) -> None:
    assert Node(name="n1", resources=resources).slots(threads, gpus) == slots


def said(**changed: object) -> dict[str, object]:
    here = {"code": code_hash(), "torch": installed().get("torch"), "plug-ins": "none"}
    return {"host": "n7", "sees": True, **here, **changed}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (said(), []),
        (said(sees=False), ["n7 does not see the store {store}: all nodes must share its file"]),
        (said(torch="1.0"), ["n7 has torch 1.0; this machine"]),
        (said(code="0ld"), ["n7 has code 0ld; this machine"]),
        (said(**{"plug-ins": "ourlab 1.0"}), ["n7 has plug-ins ourlab 1.0; this machine none"]),
        (
            said(code=None, **{"import": "No module named 'orchestrator'"}),
            ["n7 cannot import the code from /code: No module named 'orchestrator'"],
        ),
    ],
)
def test_what_is_wrong_with_a_node_is_named(
    tmp_path: Path, node: dict[str, object], expected: list[str]
) -> None:
    store = Store.create(tmp_path / "results")
    found = problems_of(node, store, Path("/code"))
    assert len(found) == len(expected)
    for text, beginning in zip(found, expected, strict=True):
        assert text.startswith(beginning.format(store=store.root))
