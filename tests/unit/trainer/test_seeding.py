"""Named randomness."""

import pytest
import torch

from trainer.seeding import (
    generator,
    kept_globals,
    named_seed,
    prepare_tier,
    reseed_globals,
    seeded_globals,
)


def test_a_stream_is_named_by_seed_purpose_and_index():
    names = [(0, "order", 0), (1, "order", 0), (0, "mask", 0), (0, "order", 1)]
    assert len({named_seed(*name) for name in names}) == 4
    assert named_seed(0, "order", 0) == named_seed(0, "order")


def test_streams_are_frozen():
    # A change here changes every result ever recorded.
    assert named_seed(0, "weights") == 6_579_489_009_559_179_723
    assert torch.randperm(5, generator=generator(7, "order", 2)).tolist() == [4, 1, 3, 2, 0]


def test_the_global_generator_is_neither_read_nor_moved():
    before = torch.get_rng_state()
    with seeded_globals(3, "weights"):
        inside = torch.rand(4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(100)
    with seeded_globals(3, "weights"):
        assert torch.equal(torch.rand(4), inside)


def test_a_pack_leaves_the_process_as_it_was():
    torch.manual_seed(11)
    before = (torch.get_rng_state(), torch.get_num_threads(), torch.get_deterministic_debug_mode())
    with kept_globals():
        reseed_globals(3, "forward", 1, "cpu")
        prepare_tier("exact", 1)
        torch.rand(5)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.get_deterministic_debug_mode()) == before[1:]


def test_the_exact_tier_asks_for_deterministic_kernels():
    prepare_tier("exact", 1)
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == 1


@pytest.mark.parametrize("given", ["", "AUTO", "AVX512"])
def test_the_exact_tier_refuses_an_open_code_path(given, monkeypatch):
    if not torch.backends.mkl.is_available():
        pytest.skip("this torch has no MKL, so there is no code path to fix")
    monkeypatch.setenv("MKL_CBWR", given)
    with pytest.raises(RuntimeError, match=r"MKL_CBWR=AVX512,STRICT .* is '.*' here"):
        prepare_tier("exact", 1)
