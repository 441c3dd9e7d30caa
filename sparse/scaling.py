"""Gradient scalers and the optimizers that scale for themselves.

A gradient scaler does not call the step of most optimizers when a gradient is infinite. Those with
fused kernels it calls always, and leaves two tensors with them for as long as the call takes:
`found_inf`, not 0 when the step is to do nothing, and `grad_scale`, by which the step divides the
gradients.
"""

import torch


def skips(optimizer: torch.optim.Optimizer) -> bool:
    """Return whether the step that has begun does nothing; waits for the device if it may not."""
    found_inf = getattr(optimizer, "found_inf", None)
    return found_inf is not None and bool(found_inf)


@torch.no_grad()
def unscale(optimizer: torch.optim.Optimizer) -> None:
    """Divide the gradients now, so that they can be looked at, and no more during the step."""
    scale = getattr(optimizer, "grad_scale", None)
    if scale is None:
        return
    parameters = (parameter for group in optimizer.param_groups for parameter in group["params"])
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for gradient in gradients:
        gradient.div_(scale.to(gradient.device))
    optimizer.grad_scale = torch.ones_like(scale)  # type: ignore[attr-defined]
