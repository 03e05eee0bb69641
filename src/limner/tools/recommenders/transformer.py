"""A causal transformer over sequences of vectors, as functions of named arrays: nothing to pickle, no global random state."""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import torch

from limner.errors import InputError

__all__ = ["Tensor", "Weights", "dropped", "encoded", "new_weights", "train"]

Tensor: TypeAlias = Any
"""A torch tensor; torch is looked at by no type checker here."""
Weights: TypeAlias = Mapping[str, Tensor]


def new_weights(length: int, width: int, blocks: int, generator: Any) -> dict[str, Tensor]:  # noqa: ANN401 - torch's
    """Return random weights.

    Args:
        length: Longest sequence.
        width: Of the vectors.
        blocks: Attention and feed-forward layers, one of each a block.
        generator: A `torch.Generator`.
    """

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.02

    weights = {"positions": drawn(length, width)}
    weights |= {"last.scale": torch.ones(width), "last.shift": torch.zeros(width)}
    for block in range(blocks):
        for name, rows, columns in (
            ("attend.in", width, 3 * width),
            ("attend.out", width, width),
            ("feed.in", width, width),
            ("feed.out", width, width),
        ):
            scale = math.sqrt(2 / (rows + columns))
            weights[f"{block}.{name}"] = torch.randn(rows, columns, generator=generator) * scale
            weights[f"{block}.{name}.shift"] = torch.zeros(columns)
        for name in ("attend", "feed"):
            weights[f"{block}.{name}.norm.scale"] = torch.ones(width)
            weights[f"{block}.{name}.norm.shift"] = torch.zeros(width)
    return weights


def encoded(
    weights: Weights,
    vectors: Tensor,
    lengths: Tensor,
    *,
    heads: int,
    blocks: int,
    dropout: float = 0.0,
    generator: Any = None,  # noqa: ANN401 - torch's
) -> Tensor:
    """Return what is known at each place of some sequences, from that place and those before it.

    Args:
        weights: As `new_weights` draws them.
        vectors: Of the sequences, shape `(sequences, places, width)`, each at the right end: the newest is last, and what
            is left of its first is not looked at.
        lengths: Of the sequences, at least 1, shape `(sequences,)`.
        heads: Attention heads; they part the width.
        blocks: Blocks of the weights.
        dropout: Share of each layer's output that is left out, 0 when nothing is trained.
        generator: Random numbers for that.

    Returns:
        Shape `(sequences, places, width)`; zero or noise where a sequence has nothing yet.
    """
    count, places, width = vectors.shape
    own = torch.arange(places) >= (places - lengths)[:, None]
    seen = torch.ones(places, places, dtype=torch.bool).tril()[None] & own[:, None, :]
    # A place before the beginning sees itself, for a softmax over nothing is not a number.
    blocked = ~(seen | torch.eye(places, dtype=torch.bool)[None])[:, None]
    state = dropped(vectors + weights["positions"][-places:], dropout, generator)
    for block in range(blocks):
        normal = _normed(state, weights, f"{block}.attend.norm")
        parts = _linear(normal, weights, f"{block}.attend.in").view(count, places, 3, heads, width // heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4)
        likeness = query @ key.transpose(-1, -2) / math.sqrt(width // heads)
        share = torch.softmax(likeness.masked_fill(blocked, -1e9), dim=-1)
        taken = (dropped(share, dropout, generator) @ value).transpose(1, 2).reshape(count, places, width)
        state = state + dropped(_linear(taken, weights, f"{block}.attend.out"), dropout, generator)
        hidden = torch.relu(
            _linear(_normed(state, weights, f"{block}.feed.norm"), weights, f"{block}.feed.in")
        )
        hidden = _linear(dropped(hidden, dropout, generator), weights, f"{block}.feed.out")
        state = state + dropped(hidden, dropout, generator)
    return _normed(state, weights, "last")


def dropped(values: Tensor, share: float, generator: Any) -> Tensor:  # noqa: ANN401 - torch's
    """Return the values with a random share of them zero and the others larger by as much."""
    # torch's own takes its numbers from the process, where whatever else is drawn would change them.
    if not share:
        return values
    return values * (torch.rand(values.shape, generator=generator) >= share) / (1 - share)


def _linear(values: Tensor, weights: Weights, name: str) -> Tensor:
    return values @ weights[name] + weights[f"{name}.shift"]


def _normed(values: Tensor, weights: Weights, name: str) -> Tensor:
    return torch.nn.functional.layer_norm(
        values, values.shape[-1:], weights[f"{name}.scale"], weights[f"{name}.shift"], 1e-8
    )


def train(
    weights: Weights,
    losses: Iterator[Callable[[], Tensor]],
    steps: int,
    *,
    learning_rate: float,
    weight_decay: float,
) -> None:
    """Change weights in place so that a loss falls, by AdamW (Loshchilov and Hutter, ICLR 2019).

    The rate rises over the first tenth of the steps and falls to nothing over the others, so that few epochs do. Only matrices decay.
    One thread computes, so that sums come out alike however many there are; matrices so small gain nothing from a second.

    Args:
        weights: To be trained, all of them.
        losses: What to compute at each step, `steps` in all.
        steps: Number of them.
        learning_rate: The highest.
        weight_decay: Share of a matrix that goes at each step, relative to the rate.

    Raises:
        InputError: The loss is no number any more.
    """
    with _one_thread():
        _train(weights, losses, steps, learning_rate, weight_decay)


def _train(
    weights: Weights,
    losses: Iterator[Callable[[], Tensor]],
    steps: int,
    learning_rate: float,
    weight_decay: float,
) -> None:
    for weight in weights.values():
        weight.requires_grad_()
    matrices = [weight for weight in weights.values() if weight.ndim > 1]
    vectors = [weight for weight in weights.values() if weight.ndim == 1]
    groups = [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.98))
    rising = max(1.0, steps / 10)
    for step, loss_of in enumerate(losses):
        rate = min((step + 1) / rising, (steps - step) / max(1.0, steps - rising))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * rate
        loss = loss_of()
        if not torch.isfinite(loss):
            raise InputError(
                f"Training diverged at step {step} of {steps}: take a lower learning_rate than {learning_rate}."
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for weight in weights.values():
        weight.requires_grad_(False)


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
