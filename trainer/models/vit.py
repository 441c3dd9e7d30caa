"""A small vision transformer."""

from dataclasses import dataclass

from torch import Tensor, nn

from sparse.options import option
from trainer.models import MODELS
from trainer.models.images import refuse_other_images


@dataclass(frozen=True, kw_only=True, slots=True)
class ViTOptions:
    """The patches, the depth and the widths."""

    patch: int = option(4, ge=1, help="side of a patch in pixels; it divides the image's sides")
    depth: int = option(6, ge=1, help="number of blocks")
    heads: int = option(3, ge=1, help="heads of every attention layer")
    widths: tuple[int, ...] = option(
        (192, 64, 768),
        ge=1,
        min_items=3,
        max_items=3,
        help="width of the tokens, of one head, and of the hidden layer of every block",
    )


class Attention(nn.Module):
    """Self-attention of several heads, each of its own queries, keys and values.

    Written as two products and a softmax: every kernel then is deterministic and can be
    differentiated twice, as grasp needs, which fused attention cannot promise.

    Args:
        width: of the tokens.
        heads: number of heads.
        head_width: of each head's queries, keys and values.
    """

    def __init__(self, width: int, heads: int, head_width: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = head_width**-0.5
        self.query = nn.Linear(width, heads * head_width)
        self.key = nn.Linear(width, heads * head_width)
        self.value = nn.Linear(width, heads * head_width)
        self.output = nn.Linear(heads * head_width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, t, width) of tokens (n, t, width)."""
        queries, keys, values = (
            layer(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        shares = (self.scale * queries @ keys.transpose(2, 3)).softmax(3)
        mixed: Tensor = self.output((shares @ values).transpose(1, 2).flatten(2))
        return mixed


class Block(nn.Module):
    """Attention and a perceptron of one hidden layer, each after a LayerNorm, beside a shortcut."""

    def __init__(self, width: int, heads: int, head_width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = Attention(width, heads, head_width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens (n, t, width) of tokens (n, t, width)."""
        tokens = tokens + self.attention(self.norm1(tokens))
        tokens = tokens + self.mlp(self.norm2(tokens))
        return tokens


class ViT(nn.Module):
    """Patches, learned positions, blocks, a last LayerNorm, the mean over tokens, a linear head.

    Args:
        options: patch, depth, heads and widths.
        input_shape: of an image, (c, h, w).
        classes: logits per image.
    """

    def __init__(self, options: ViTOptions, input_shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels, height, across = input_shape
        width, head_width, hidden = options.widths
        tokens = (height // options.patch) * (across // options.patch)
        self.patches = nn.Conv2d(channels, width, options.patch, options.patch)
        self.positions = nn.Embedding(tokens, width)
        self.blocks = nn.Sequential(
            *(Block(width, options.heads, head_width, hidden) for _ in range(options.depth))
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)
        self.apply(_draw)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (n, classes) of images (n, c, h, w)."""
        tokens = self.patches(inputs).flatten(2).transpose(1, 2) + self.positions.weight
        logits: Tensor = self.head(self.norm(self.blocks(tokens)).mean(1))
        return logits


@MODELS.register(
    "vit",
    summary="small vision transformer; patches, depth, heads and widths are options",
    options=ViTOptions,
    widths="widths",
)
def vit(options: ViTOptions, input_shape: tuple[int, ...], classes: int) -> ViT:
    """A vision transformer for small images.

    Maskable are the patches' kernel, the queries, keys, values and outputs of attention, both
    layers of every perceptron, and the head; LayerNorm and positions stay dense. Weights and
    positions are normal with standard deviation 0.02, and biases begin at 0. Source: Dosovitskiy et
    al. 2021; the default widths are those of Touvron et al. 2021 (DeiT-Ti) at half its depth.
    Deviations: the mean over all tokens for a class token, no dropout, no cut-off of the weights.

    Raises:
        ValueError: for inputs that are not images, or whose sides the patch does not divide.
    """
    refuse_other_images("vit", input_shape, smallest=options.patch)
    height, width = input_shape[1:]
    if height % options.patch or width % options.patch:
        raise ValueError(
            f"model vit cuts images into patches of {options.patch} x {options.patch} pixels; "
            f"{height} x {width} is no multiple of that"
        )
    return ViT(options, input_shape, classes)


def _draw(module: nn.Module) -> None:
    if isinstance(module, nn.Linear | nn.Conv2d | nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear | nn.Conv2d) and module.bias is not None:
        nn.init.zeros_(module.bias)
