"""A look at every node of a Ray cluster, before packs are given to it."""

import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.backends.base import BackendError
from orchestrator.provenance import code_hash, installed, plugin_names
from orchestrator.store.layout import Store

_LOOK_SECONDS = 120.0


def check_nodes(store: Store, code: Path) -> None:
    """Refuse a cluster of which a node cannot do the work; all that is wrong is told at once.

    Args:
        store: The store, which every node must see.
        code: Folder of the frozen code.

    Raises:
        BackendError: Naming the nodes, and what is there and what here.
    """
    sign = store.root / f".seen-{secrets.token_hex(8)}"
    sign.touch()
    try:
        said = _ask_all(str(sign))
    finally:
        sign.unlink()
    problems = [f"  {text}" for node in said for text in problems_of(node, store, code)]
    if problems:
        raise BackendError("the Ray cluster cannot be used:\n" + "\n".join(sorted(problems)))


def problems_of(said: Mapping[str, Any], store: Store, code: Path) -> list[str]:
    """What is wrong with a node, from what it said of itself.

    Args:
        said: "host", whether it "sees" the store, its "code", "torch" and "plug-ins", and why not.
        store: The store.
        code: Folder of the frozen code.
    """
    host = said["host"]
    if not said["sees"]:
        return [f"{host} does not see the store {store.root}: all nodes must share its file system"]
    if said["code"] is None:
        return [f"{host} cannot import the code from {code}: {said['import']}"]
    here = {
        "code": code_hash(),
        "torch": installed().get("torch"),
        "plug-ins": ", ".join(plugin_names()) or "none",
    }
    return [
        f"{host} has {name} {said[name]}; this machine {here[name]}"
        for name in here
        if said[name] != here[name]
    ]


def _ask_all(sign: str) -> list[dict[str, Any]]:
    """What every living node says of itself, in a new process there."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    look = ray.remote(_look_from_there())
    nodes = [node["NodeID"] for node in ray.nodes() if node["Alive"]]
    asked = [
        look.options(
            num_cpus=0,
            max_retries=0,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node_id=node, soft=False),
        ).remote(sign)
        for node in nodes
    ]
    try:
        found: list[dict[str, Any]] = ray.get(asked, timeout=_LOOK_SECONDS)
    except ray.exceptions.RayError as error:
        raise BackendError(f"a node of the Ray cluster does not answer: {error}") from error
    return found


def _look_from_there() -> Callable[[str], dict[str, Any]]:
    """The function that a node runs: sent as it is, because our code may not be there."""

    def look(sign: str) -> dict[str, Any]:
        import os
        import socket
        from importlib.metadata import PackageNotFoundError, version

        said: dict[str, Any] = {"host": socket.gethostname(), "sees": os.path.exists(sign)}
        try:
            said["torch"] = version("torch")
        except PackageNotFoundError:
            said["torch"] = None
        try:
            from orchestrator import provenance

            said["code"] = provenance.code_hash()
            said["plug-ins"] = ", ".join(provenance.plugin_names()) or "none"
        except ImportError as error:
            said |= {"code": None, "import": str(error)}
        return said

    return look
