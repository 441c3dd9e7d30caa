"""lth and imp on several layers: ranking over all of them or within, and options that exclude."""

import pytest
import torch
from torch import nn

from sparse import IMP, LTH, attach
from tests.support.toy import ToyContext, ToyLayer

FIRST = torch.tensor([[0.9, -0.1, 0.2], [-0.8, 0.3, 0.05]])
SECOND = torch.tensor([[0.7, 0.01], [-0.6, 0.02]])


def masks(method, first=FIRST, second=SECOND):
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    trained = {"0.weight": first, "1.weight": second}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = attach(model, optimizer, method, artifacts={"final": trained}).masks()
    return [found[name].int().tolist() for name in trained]


@pytest.mark.parametrize("kind", [LTH, IMP])
def test_weights_are_ranked_over_all_layers_together(kind):
    assert masks(kind("0.4")) == [[[1, 0, 0], [1, 0, 0]], [[1, 0], [1, 0]]]


@pytest.mark.parametrize("kind", [LTH, IMP])
def test_within_layers_the_allocation_decides_how_many_stay(kind):
    found = masks(kind("0.5", scope="layer", allocation="uniform"))
    assert found == [[[1, 0, 0], [1, 1, 0]], [[1, 0], [1, 0]]]


def test_a_layer_with_too_few_active_weights_gives_its_share_away():
    # Uniform would keep 3 of 6 and 2 of 4, but the second layer has one that was active.
    second = torch.tensor([[0.0, 0.0], [-0.6, 0.0]])
    found = masks(IMP("0.5", scope="layer", allocation="uniform"), second=second)
    assert found == [[[1, 0, 1], [1, 1, 0]], [[0, 0], [1, 0]]]


class RoundBefore(ToyContext):
    """Four weights, of which the round before had the first and the last two active."""

    def artifact(self, name):
        return {"line": torch.tensor([[0.0, 0.0, 0.5, 0.0]])}

    def artifact_masks(self, name):
        return {"line": torch.tensor([[True, False, True, True]])}


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_an_active_weight_of_zero_comes_before_all_that_is_pruned(scope):
    method = IMP("0.75", scope=scope)
    method.prepare(RoundBefore([ToyLayer("line", torch.ones(1, 4))]))
    assert method.layers[0].mask.tolist() == [[1, 0, 1, 1]]


def test_a_state_dict_alone_does_not_tell_a_weight_of_zero_from_what_is_pruned():
    with pytest.raises(ValueError, match="only 9 of the round before were active"):
        masks(IMP("1"), second=torch.tensor([[0.7, 0.0], [-0.6, 0.02]]))


@pytest.mark.parametrize("kind", [LTH, IMP])
def test_the_allocation_has_no_say_in_a_global_ranking(kind):
    with pytest.raises(ValueError, match="ignores allocation with these options"):
        kind("0.4", allocation="uniform")


@pytest.mark.parametrize("rewind", ["weights", "learning_rate"])
def test_a_round_goes_on_from_the_step_that_is_rewound_to(rewind):
    assert [IMP("0.4", rewind=rewind, rewind_step=k).first_step for k in (0, 5)] == [0, 5]
    assert LTH("0.4").first_step == 0


@pytest.mark.parametrize("rewind", ["weights", "learning_rate"])
def test_a_round_has_at_least_one_step(rewind):
    def begin(step, total):
        layers = [ToyLayer("line", torch.ones(1, 4))]
        IMP("0.75", rewind=rewind, rewind_step=step).prepare(RoundBefore(layers, total))

    begin(9, 10)
    begin(9, None)
    with pytest.raises(ValueError, match="IMP goes on from step 10, but the run has 10 steps"):
        begin(10, 10)
