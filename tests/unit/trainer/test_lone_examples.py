"""A last batch of one example: trained on where the model can, refused beforehand where not."""

import pytest

from tests.support.cells import make_cell, train
from tests.support.models import image_task, small_options
from trainer.workload import load_workload

TASK = {"examples": 123, "classes": 3, "noise": 0.5}  # of which 81 are for training


def cell_of(model, batch):
    return make_cell(
        model=model,
        model_options=small_options(model),
        dataset_options=image_task(model, **TASK),
        batch=batch,
        epochs=1,
    )


@pytest.mark.parametrize(("batch", "model"), [(16, "vgg16"), (80, "resnet18"), (1, "vgg16")])
def test_batch_norm_without_a_map_refuses_it_before_the_first_step(batch, model):
    message = (
        f"model {model} cannot train on one example alone, but 81 training examples in batches of "
        f"{batch} leave one; choose another batch"
    )
    cell = cell_of(model, batch)
    with pytest.raises(ValueError, match=message):
        load_workload(cell, None, "cpu")
    outcome = train(cell)[cell.id]
    assert (outcome.state, dict(outcome.curve)) == ("FAILED", {})
    assert message in outcome.error["message"]


@pytest.mark.parametrize(
    ("batch", "model"), [(16, "wrn_22_2"), (16, "vit"), (27, "vgg16"), (80, "mlp")]
)
def test_what_can_be_trained_is(batch, model):
    cell = cell_of(model, batch)
    assert train(cell)[cell.id].state == "COMPLETED"
