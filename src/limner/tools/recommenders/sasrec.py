"""SASRec: self-attention over what somebody took says what comes next."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from limner.errors import InputError
from limner.tools.catalogue import Catalogue
from limner.tools.interactions import Interactions
from limner.tools.recommenders.base import BaseRecommender, Positions, Scores
from limner.tools.recommenders.protocol import Grid
from limner.tools.recommenders.sequences import batches, padded, pieces, sequences

if TYPE_CHECKING:
    from limner.tools.recommenders.transformer import Tensor

__all__ = ["SASRec"]

_TOGETHER = 256
"""Histories encoded at once; more take memory and no less time."""


class SASRec(BaseRecommender):
    """Self-attentive sequential recommendation (Kang and McAuley, ICDM 2018, arXiv 1808.09781).

    The last `length` items, as vectors with their places, go through `blocks` of causal self-attention and a feed-forward layer
    (Section III-A to III-C, layers normalised at their input, one head); a score is the product of what comes out at the newest place
    with an item's vector, the same that goes in (III-D). Where it departs from the paper:

    - The loss is the cross-entropy over the whole catalogue at every place, not the binary one against one sampled item
      a place (III-E), whose scores are too sure of themselves and rank worse (Klenitskiy and Vasilev, RecSys 2023, arXiv 2309.07602).
    - What is older than the newest `length` items of a user is learnt from too, in pieces of that size that are cut elsewhere at each
      epoch; the paper leaves it out, here more than half of the interactions of MovieLens-100K.
    - AdamW with a rate that rises and falls, so that few epochs do. Places are counted from the newest item.

    `explain` says how much likelier the item is by each item of the history: the log-probability with it less that without it.
    The same seed and settings give the same weights, with any number of threads; nothing is random when it is asked.

    The defaults were chosen among a few on the validation items of MovieLens-100K, where they have NDCG@10 .108 and take a minute of one
    core: dropout .4 had .106, and the newest `length` items alone .098 after 20 epochs.

    Args:
        length: Newest items of a history that are looked at, and most of a sequence that is learnt from.
        width: Of the vectors; `heads` parts it.
        blocks: Number of blocks, at least 1.
        heads: Attention heads.
        dropout: Share of each layer's output that is left out in training, from 0 to below 1.
        epochs: Times that each item is a target.
        learning_rate: The highest of the training.
        weight_decay: Of AdamW.
        batch: Sequences in a step.
        seed: Of the first weights, the order of the sequences and the dropout.
    """

    name = "sasrec"
    grid: ClassVar[Grid] = {"dropout": (0.2, 0.4), "epochs": (10, 20), "learning_rate": (2e-3, 4e-3)}

    def __init__(
        self,
        *,
        length: int = 50,
        width: int = 64,
        blocks: int = 2,
        heads: int = 1,
        dropout: float = 0.2,
        epochs: int = 12,
        learning_rate: float = 4e-3,
        weight_decay: float = 0.01,
        batch: int = 64,
        seed: int = 0,
    ) -> None:
        super().__init__(seed=seed)
        counts = {
            "length": length,
            "width": width,
            "blocks": blocks,
            "heads": heads,
            "epochs": epochs,
            "batch": batch,
        }
        for setting, count in counts.items():
            if count < 1:
                raise InputError(f"{setting} is {count}; it must be at least 1.")
        if width % heads:
            raise InputError(f"heads={heads} must part width={width} without a rest.")
        if not 0 <= dropout < 1:
            raise InputError(f"dropout is {dropout}; it must be at least 0 and below 1.")
        if not (learning_rate > 0 and weight_decay >= 0):
            raise InputError(
                f"learning_rate={learning_rate} must be above 0 and weight_decay={weight_decay} at least 0."
            )
        self.length = length
        self.width = width
        self.blocks = blocks
        self.heads = heads
        self.dropout = dropout
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch = batch
        self._weights: dict[str, Tensor] = {}

    def _fit(self, interactions: Interactions, catalogue: Catalogue) -> None:
        import torch

        from limner.tools.recommenders.transformer import new_weights

        generator = torch.Generator().manual_seed(self.seed)
        self._weights = {"items": torch.randn(len(catalogue), self.width, generator=generator) * 0.02}
        self._weights |= new_weights(self.length, self.width, self.blocks, generator)
        taken = sequences(interactions, catalogue)
        self._train(self._weights, taken, self.epochs, generator, self._loss)

    def _train(
        self,
        weights: Mapping[str, "Tensor"],
        taken: Sequence[Positions],
        epochs: int,
        generator: Any,  # noqa: ANN401 - torch's
        loss: Callable[["Tensor", "Tensor", Any], "Tensor"],
    ) -> None:
        """Train weights on sequences by a loss of their places, shape `(batch, longest)`, lengths and a random generator."""
        import torch

        from limner.tools.recommenders.transformer import train

        def parts(epoch: int) -> list[Positions]:
            cuts = np.random.default_rng((self.seed, epoch)).integers(self.length, size=len(taken))
            return [
                part
                for sequence, cut in zip(taken, cuts, strict=True)
                for part in pieces(sequence, self.length, cut)
            ]

        def losses() -> Iterator[Callable[[], "Tensor"]]:
            order = np.random.default_rng(self.seed)
            for epoch in range(epochs):
                for places, lengths in batches(parts(epoch), self.batch, order):
                    found = torch.from_numpy(places), torch.from_numpy(lengths)
                    yield partial(loss, *found, generator)

        steps = sum(-(-len(parts(epoch)) // self.batch) for epoch in range(epochs))
        train(weights, losses(), steps, learning_rate=self.learning_rate, weight_decay=self.weight_decay)

    def _loss(self, places: "Tensor", lengths: "Tensor", generator: Any) -> "Tensor":  # noqa: ANN401 - torch's
        import torch

        inputs, targets, there = self._parted(places, lengths)
        states = self._encoded(inputs, lengths - 1, generator)[there]
        return torch.nn.functional.cross_entropy(states @ self._weights["items"].T, targets[there])

    @staticmethod
    def _parted(places: "Tensor", lengths: "Tensor") -> tuple["Tensor", "Tensor", "Tensor"]:
        """Return what is known at each place, what comes next, and where there is anything."""
        import torch

        inputs = places[:, :-1]
        there = torch.arange(inputs.shape[1]) >= (inputs.shape[1] - (lengths - 1))[:, None]
        return inputs, places[:, 1:], there

    def _encoded(self, places: "Tensor", lengths: "Tensor", generator: Any = None) -> "Tensor":  # noqa: ANN401 - torch's
        """Return the states of sequences; a generator is given when they are trained on."""
        from limner.tools.recommenders.transformer import encoded

        return encoded(
            self._weights,
            self._weights["items"][places] * self.width**0.5,
            lengths,
            heads=self.heads,
            blocks=self.blocks,
            dropout=0.0 if generator is None else self.dropout,
            generator=generator,
        )

    def _score(self, history: Positions) -> Scores:
        scores: Scores = self._score_many([history])[0]
        return scores

    def _score_many(self, histories: Sequence[Positions]) -> Scores:
        import torch

        scores = []
        with torch.inference_mode():
            for start in range(0, len(histories), _TOGETHER):
                parts = [history[-self.length :] for history in histories[start : start + _TOGETHER]]
                places, lengths = padded(parts)
                scores.append(self._asked(torch.from_numpy(places), torch.from_numpy(lengths)).numpy())
        return np.concatenate(scores)

    def _asked(self, places: "Tensor", lengths: "Tensor") -> "Tensor":
        """Return the scores of all items after each sequence, shape `(sequences, items)`."""
        return self._encoded(places, lengths)[:, -1] @ self._weights["items"].T

    def _contributions(self, history: Positions, item: int) -> Scores:
        amounts = np.zeros(len(history), dtype=np.float32)
        newest = history[-self.length :]
        if len(newest) < 2:
            amounts[-1:] = 1  # with nothing else to ask with, it is all of the reason
            return amounts
        parts = [newest, *(np.delete(newest, place) for place in range(len(newest)))]
        scores = self._score_many(parts).astype(np.float64)
        likely = scores[:, item] - np.logaddexp.reduce(scores, axis=1)
        amounts[-len(newest) :] = likely[0] - likely[1:]
        return amounts

    def _arrays(self) -> Mapping[str, NDArray[Any]]:
        return {name: weight.numpy() for name, weight in self._weights.items()}

    def _restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        import torch

        found = {name: array.shape for name, array in arrays.items() if array.dtype == np.float32}
        if found != self._shapes(len(arrays["items"])):
            raise ValueError("the weights are not of the shapes that the settings say")
        self._weights = {name: torch.from_numpy(array) for name, array in arrays.items()}

    def _shapes(self, items: int) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the weights for a catalogue of so many items."""
        import torch

        from limner.tools.recommenders.transformer import new_weights

        weights = new_weights(self.length, self.width, self.blocks, torch.Generator())
        return {"items": (items, self.width)} | {
            name: tuple(weight.shape) for name, weight in weights.items()
        }
