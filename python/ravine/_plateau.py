# SPDX-License-Identifier: Apache-2.0
"""A learning rate that falls when training no longer gets better."""

from ravine import _api
from ravine._library import lib, made


class Plateau:
    """Lowers the learning rate when a metric stands still, as PyTorch's ReduceLROnPlateau does.

        plateau = ravine.Plateau(patience=5)
        optimizer.set("lr", 3e-4 * plateau.tell(test_loss))

    It is no schedule: what it answers depends on what it is told. `state` is all that it knows, as
    a dict for a checkpoint.
    """

    def __init__(
        self,
        *,
        maximize: bool = False,
        factor: float = 0.1,
        minimum: float = 0.0,
        threshold: float = 1e-4,
        patience: int = 10,
        cooldown: int = 0,
    ):
        """A controller that has been told nothing yet (ravine_plateau).

        Args:
            maximize: whether a higher metric is better.
            factor: in (0, 1): multiplies the scale at each reduction.
            minimum: in [0, 1]: the scale never falls below it.
            threshold: >= 0: the least improvement that counts, relative to |best|.
            patience: bad results that are tolerated; the next one reduces.
            cooldown: results after a reduction that are not counted.
        """
        self._value = made(_api.ravine_plateau, lib.ravine_plateau_init)
        self.state = {
            "maximize": int(maximize),
            "factor": factor,
            "minimum": minimum,
            "threshold": threshold,
            "patience": patience,
            "cooldown": cooldown,
        }

    def tell(self, metric: float) -> float:
        """Tells the next metric; the scale of the learning rate from now on.

        A metric that is not finite counts as bad.

        Raises:
            ravine.RangeError: a setting is out of bounds.
        """
        lib.ravine_plateau_tell(self._value, metric, None)
        return self._value.scale

    @property
    def scale(self) -> float:
        """The product of all reductions so far."""
        return self._value.scale

    @property
    def state(self) -> dict[str, float]:
        """Settings, the best metric, the scale and the counters, by the names of ravine_plateau."""
        names = [name for name, _ in _api.ravine_plateau._fields_ if name != "size"]
        return {name: getattr(self._value, name) for name in names}

    @state.setter
    def state(self, state: dict[str, float]) -> None:
        for name, value in state.items():
            setattr(self._value, name, value)
