"""Named randomness: every draw comes from a generator named by (cell seed, purpose, index).

Nothing draws from torch's global generator as it happens to stand, so a cell draws the same numbers
alone, in a pack, after a resume and on any backend.
"""

import contextlib
import hashlib
import os
import platform
from collections.abc import Iterator

import torch


def named_seed(seed: int, purpose: str, index: int = 0) -> int:
    """The 63-bit seed of the stream named ``(seed, purpose, index)``.

    Args:
        seed: the cell's seed.
        purpose: what the draws are for, e.g. ``"order"``, ``"weights"``, ``"mask"``.
        index: the epoch or step of the draws; 0 for draws made once.
    """
    name = f"{seed}/{purpose}/{index}".encode()
    return int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") >> 1


def generator(
    seed: int, purpose: str, index: int = 0, device: str | torch.device = "cpu"
) -> torch.Generator:
    """A fresh generator for the stream ``(seed, purpose, index)``.

    Draws are made on the CPU and moved, so that they do not depend on the device. Only what is too
    large for that in every step is drawn on the device itself.
    """
    return torch.Generator(device).manual_seed(named_seed(seed, purpose, index))


@contextlib.contextmanager
def seeded_globals(seed: int, purpose: str, index: int = 0) -> Iterator[None]:
    """Run a block whose code draws from torch's global generator as if it drew from a named one.

    Needed for code that takes no generator: ``nn.Module`` constructors and dropout. The global
    state is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(named_seed(seed, purpose, index))
        yield


@contextlib.contextmanager
def kept_globals() -> Iterator[None]:
    """Put torch's global state back afterwards: generator, threads and kernel switches."""
    threads, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    benchmark = torch.backends.cudnn.benchmark
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            torch.set_num_threads(threads)
            torch.set_deterministic_debug_mode(mode)
            torch.backends.cudnn.benchmark = benchmark


def reseed_globals(seed: int, purpose: str, index: int, device: str) -> None:
    """Make torch's global generators continue with the stream ``(seed, purpose, index)``.

    The cheap form of :func:`seeded_globals` for code that runs at every step; ``run_pack`` puts the
    global state back when it ends.
    """
    state = named_seed(seed, purpose, index)
    torch.default_generator.manual_seed(state)
    if device != "cpu":
        torch.cuda.manual_seed(state)


def prepare_tier(tier: str, threads: int) -> None:
    """Set the process up for a tier: the number of threads and deterministic kernels.

    Raises:
        RuntimeError: in the exact tier when ``MKL_CBWR`` does not fix MKL's code path. Without it
            the bits of a batched product depend on how many cells share it.
    """
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    exact = tier == "exact"
    # The same switch as use_deterministic_algorithms, without its import of the compiler (seconds).
    torch.set_deterministic_debug_mode("error" if exact else "default")
    torch.backends.cudnn.benchmark = not exact
    if exact:
        _require_fixed_code_path()


def _require_fixed_code_path() -> None:
    if not torch.backends.mkl.is_available() or platform.machine() not in ("x86_64", "AMD64"):
        return
    given = os.environ.get("MKL_CBWR", "")
    if not given.endswith(",STRICT"):
        raise RuntimeError(
            f"the exact tier needs MKL_CBWR=AVX512,STRICT (or AVX2,STRICT) in the environment "
            f"before torch is loaded; it is {given!r} here"
        )
