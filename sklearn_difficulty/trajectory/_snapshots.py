"""Parameter states along the path."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

import numpy as np

__all__ = ["Snapshots"]

State = Mapping[str, np.ndarray]


class Snapshots:
    """Parameter states of one or more models at some of their steps.

    A trajectory of R runs holds the states of R models, or of R times F when each run was recorded
    out of fold in F folds; the models of one run then stand next to each other.

    Parameters
    ----------
    states : sequence of mapping of int to mapping of str to ndarray
        For each model, the states by step number; each state maps parameter names to arrays.
        A state may be read from disk when it is asked for, see ``Trajectory.load(mmap=True)``.

    Attributes
    ----------
    n_models : int
        Number of models.
    nbytes : int
        Size of all states in bytes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_difficulty.trajectory import Snapshots
    >>> snapshots = Snapshots([{0: {"w": np.zeros(2)}, 5: {"w": np.ones(2)}}])
    >>> snapshots.n_models, snapshots.steps(0), snapshots.nbytes
    (1, (0, 5), 32)
    >>> snapshots.state(0, 5)["w"]
    array([1., 1.])
    """

    def __init__(self, states: Sequence[Mapping[int, State]]) -> None:
        checked = []
        for model, by_step in enumerate(states):
            for step in by_step:
                if isinstance(step, bool) or not isinstance(step, Integral) or step < 0:
                    raise ValueError(
                        f"states[{model}] has the step {step!r}; "
                        "steps are whole numbers counted from 0."
                    )
            checked.append({int(step): by_step[step] for step in sorted(by_step)})
        if not checked:
            raise ValueError("states must hold at least one model; got an empty sequence.")
        self._states = checked

    def __repr__(self) -> str:
        counts = sorted({len(by_step) for by_step in self._states})
        per_model = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
        return f"<Snapshots: {per_model} steps of {self.n_models} model(s)>"

    @property
    def n_models(self) -> int:
        """Number of models."""
        return len(self._states)

    @property
    def nbytes(self) -> int:
        """Size of all states in bytes, in memory or on disk."""
        return sum(_state_nbytes(state) for states in self._states for state in states.values())

    def steps(self, model: int) -> tuple[int, ...]:
        """Give the steps kept of one model.

        Parameters
        ----------
        model : int
            Number of the model, from 0.

        Returns
        -------
        tuple of int
            The steps, in increasing order.
        """
        return tuple(self._of(model))

    def state(self, model: int, step: int) -> dict[str, np.ndarray]:
        """Give one parameter state.

        Parameters
        ----------
        model : int
            Number of the model, from 0.
        step : int
            One of ``steps(model)``.

        Returns
        -------
        dict of str to ndarray
            The arrays by parameter name.

        Raises
        ------
        KeyError
            If that step was not kept.
        """
        states = self._of(model)
        if step not in states:
            raise KeyError(f"step {step!r} of model {model} was not kept; kept: {tuple(states)}.")
        # A state on disk reads all its arrays at once for items(), and file by file otherwise.
        return dict(states[step].items())

    def stored(self, model: int, step: int) -> State:
        """Give one parameter state as it is held, without reading it when it is on disk.

        Parameters
        ----------
        model : int
            Number of the model, from 0.
        step : int
            One of ``steps(model)``.

        Returns
        -------
        mapping of str to ndarray
            The arrays by parameter name.
        """
        return self._of(model)[step]

    def select(
        self, models: Iterable[int] | None = None, steps: Iterable[int] | None = None
    ) -> "Snapshots":
        """Keep some models and steps.

        Parameters
        ----------
        models : iterable of int or None, default=None
            Models to keep, in this order; None keeps all.
        steps : iterable of int or None, default=None
            Steps that remain. The states of other steps are left out, and the state of the i-th
            of these steps becomes that of step i. None keeps all under their numbers.

        Returns
        -------
        Snapshots
            The states that remain; arrays are shared, not copied.
        """
        chosen = [self._of(m) for m in (range(self.n_models) if models is None else models)]
        if steps is None:
            return Snapshots(chosen)
        renumbered = {int(old): new for new, old in enumerate(steps)}
        return Snapshots(
            [
                {renumbered[s]: state for s, state in states.items() if s in renumbered}
                for states in chosen
            ]
        )

    @classmethod
    def stack(cls, parts: Sequence["Snapshots"]) -> "Snapshots":
        """Put the models of several snapshots after one another.

        Parameters
        ----------
        parts : sequence of Snapshots
            The snapshots to join.

        Returns
        -------
        Snapshots
            All models, in order; arrays are shared, not copied.
        """
        return cls([states for part in parts for states in part._states])

    def _of(self, model: int) -> dict[int, State]:
        if not 0 <= model < self.n_models:
            raise IndexError(f"there is no model {model}; models are 0 to {self.n_models - 1}.")
        return self._states[model]


def _state_nbytes(state: State) -> int:
    # A state on disk knows its size without being read.
    known = getattr(state, "nbytes", None)
    return int(known) if known is not None else sum(array.nbytes for array in state.values())
