"""Initial weights that the sources of several models share; what is not named keeps torch's."""

from typing import Literal

from torch import nn


def kaiming_convolutions(model: nn.Module, mode: Literal["fan_in", "fan_out"]) -> None:
    """Draw every kernel from a normal distribution of variance 2 / fan, in the model's order.

    mode: "fan_in" counts kernel places times input channels, "fan_out" those times output channels.
    Draws from torch's global generator. Source: He et al. 2015, equations 10 and 14.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
