"""Fit a scorer, or find it fitted: in a memory, or among the last ones of this process."""

import logging
import os
import random
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral
from typing import Any

import numpy as np
import torch
from joblib import Memory
from sklearn import get_config
from sklearn.frozen import FrozenEstimator

from sklearn_difficulty._scorer import DifficultyScorer
from sklearn_difficulty.recording._generators import _TURN, preserved_generators
from sklearn_difficulty.selection._digest import Digest, Named
from sklearn_difficulty.selection._stored import Packed, Stored

_LOG = logging.getLogger(__name__)
# The folds of a search, which come one after the other for each of its candidates.
MAX_FITS = 64
MAX_BYTES = 2**29


def fit_once(scorer: Any, X: Any, y: Any, groups: Any = None, *, memory: Memory) -> Any:
    """Fit a scorer, or find what the same fit has left before.

    Parameters
    ----------
    scorer : estimator
        Unfitted scorer.
    X : container of n_samples rows
        Rows.
    y : array-like of shape (n_samples,)
        Targets.
    groups : array-like of shape (n_samples,) or None, default=None
        Groups of rows, passed on when there are any.
    memory : joblib.Memory
        Cache of fitted scorers. One without a location stands for the last fits of this process.

    Returns
    -------
    scorer : estimator
        The fitted scorer, which nobody else holds.

    Notes
    -----
    Without a location, only a fit that would be repeated bit for bit is looked up: every
    ``random_state`` of the scorer, nested ones too, is a number, and there is one at least. What
    a fit depends on is the scorer with all its parameters and the code of its classes and
    functions, the rows in their order, the targets, the groups, and the settings of scikit-learn
    and torch. What cannot be told, such as a data set that reads files, is trained each time, and
    so is a scorer that drew from a global generator of random numbers; the debug messages of this
    module's logger say which and why.

    Examples
    --------
    >>> from joblib import Memory
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._fit_once import fit_once
    >>> X, y = load_iris(return_X_y=True)
    >>> fit_once(DifficultyScorer(random_state=0), X, y, memory=Memory(None)).difficulty_.shape
    (150,)
    """
    if isinstance(scorer, FrozenEstimator):
        return _fit(scorer, X, y, groups)
    if memory.location is not None:
        return memory.cache(_fit_named)(Named(scorer), X, y, groups).held
    if not repeats_itself(scorer):
        return _fit(scorer, X, y, groups)
    try:
        digest = Digest(scorer, X, y, groups, _settings())
    except Exception as error:
        # Pickling runs code of whatever is pickled, which may raise anything. What cannot be told
        # is trained.
        _LOG.debug("%s is trained each time, since it cannot be told: %r", scorer, error)
        return _fit(scorer, X, y, groups)
    return _LAST_FITS.get(digest, lambda: _fit(scorer, X, y, groups))


def forget_fits() -> None:
    """Give back the memory of the last fits, so that each is trained anew.

    Without ``memory=``, filters and samplers hold copies of the scorers that were fitted last in
    this process, so that another threshold on the same rows trains nothing: up to 64 of them, and
    512 MiB.

    Examples
    --------
    >>> from sklearn_difficulty.selection import forget_fits
    >>> forget_fits()
    """
    _LAST_FITS.empty()


def repeats_itself(scorer: Any) -> bool:
    """Tell whether a scorer says of itself that a second fit is the same as the first.

    Parameters
    ----------
    scorer : estimator
        Unfitted scorer.

    Returns
    -------
    bool
        True if each ``random_state``, nested ones too, is a number, and there is one. With its
        own, a :class:`~sklearn_difficulty.DifficultyScorer` seeds all of its estimator.

    Examples
    --------
    >>> from sklearn.linear_model import SGDClassifier
    >>> from sklearn_difficulty import DifficultyScorer
    >>> from sklearn_difficulty.selection._fit_once import repeats_itself
    >>> repeats_itself(DifficultyScorer(SGDClassifier(), random_state=0))
    True
    >>> repeats_itself(DifficultyScorer(SGDClassifier(random_state=0)))
    False
    """
    if not hasattr(scorer, "get_params"):
        return False
    deep = not isinstance(scorer, DifficultyScorer)
    seeds = [
        value
        for name, value in scorer.get_params(deep=deep).items()
        if name.split("__")[-1] == "random_state"
    ]
    return bool(seeds) and all(isinstance(seed, Integral) for seed in seeds)


class LastFits:
    """The fits that were asked for last, each trained by one thread while others wait for it.

    Parameters
    ----------
    max_fits, max_bytes : int
        What is held at most; what was not asked for the longest goes first.

    Examples
    --------
    >>> from sklearn_difficulty.selection._digest import Digest
    >>> from sklearn_difficulty.selection._fit_once import LastFits
    >>> last = LastFits(max_fits=2, max_bytes=1000)
    >>> last.get(Digest("a"), lambda: [1]), last.get(Digest("a"), lambda: [2])
    ([1], [1])
    """

    def __init__(self, max_fits: int, max_bytes: int) -> None:
        self.max_fits, self.max_bytes = max_fits, max_bytes
        self.start_anew()

    def start_anew(self) -> None:
        """Hold nothing, and no lock that another thread had when this process was forked."""
        self._lock = threading.Lock()
        self._held: OrderedDict[str, tuple[Digest, Stored]] = OrderedDict()
        self._nbytes = 0
        self._turns: dict[str, tuple[threading.Lock, int]] = {}

    def empty(self) -> None:
        """Hold nothing."""
        with self._lock:
            self._held.clear()
            self._nbytes = 0

    def get(self, digest: Digest, train: Callable[[], Any]) -> Any:
        """Get a copy of what is held, or train.

        Parameters
        ----------
        digest : Digest
            Of all that the training depends on.
        train : callable
            Trains and returns what it trained. When it raises, nothing is held.

        Returns
        -------
        object
            Of which nothing is shared with what another call returned.
        """
        if _has_turn():
            # Inside of another training, that all others wait for: one of these may be the one
            # that would be waited for here.
            return self._get(digest, train)
        with self._turn(digest.key):
            return self._get(digest, train)

    def _get(self, digest: Digest, train: Callable[[], Any]) -> Any:
        with self._lock:
            _, stored = self._held.get(digest.key, (None, None))
            if stored is not None:
                self._held.move_to_end(digest.key)
        if stored is not None:
            return stored.load()
        before = _generators()
        trained = train()
        if _generators() == before:
            self._hold(digest, trained)
        else:
            _LOG.debug("%s is trained each time, since it drew global random numbers", trained)
        return trained

    def _hold(self, digest: Digest, trained: Any) -> None:
        try:
            stored = Stored(trained, self.max_bytes)
            stored.load()
        except Exception as error:
            # Too large, in files, or not to be copied, which may raise anything.
            _LOG.debug("%s is trained each time, since it is not held: %r", trained, error)
            return
        with self._lock:
            if digest.key in self._held:
                return
            self._held[digest.key] = digest, stored
            self._nbytes += stored.nbytes
            while len(self._held) > self.max_fits or self._nbytes > self.max_bytes:
                _, (_, oldest) = self._held.popitem(last=False)
                self._nbytes -= oldest.nbytes

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """One thread at a time for each key."""
        with self._lock:
            turn, n_threads = self._turns.get(key, (threading.Lock(), 0))
            self._turns[key] = turn, n_threads + 1
        try:
            with turn:
                yield
        finally:
            with self._lock:
                turn, n_threads = self._turns.pop(key)
                if n_threads > 1:
                    self._turns[key] = turn, n_threads - 1


def _fit(scorer: Any, X: Any, y: Any, groups: Any) -> Any:
    return scorer.fit(X, y) if groups is None else scorer.fit(X, y, groups=groups)


def _fit_named(named: Named, X: Any, y: Any, groups: Any) -> Packed:
    """Fit; a function of its arguments alone, so that a memory can cache it."""
    return Packed(_fit(named.held, X, y, groups))


def _settings() -> tuple[Any, ...]:
    """What a training depends on besides its arguments."""
    return (
        get_config(),
        torch.get_default_dtype(),
        str(torch.empty(0).device),  # the default
        torch.get_float32_matmul_precision(),
        torch.are_deterministic_algorithms_enabled(),
    )


def _generators() -> tuple[Any, ...]:
    """States of the global generators of random numbers, between the trainings of other threads."""
    with preserved_generators():
        name, *state = np.random.get_state()
        numpy_state = tuple(np.asarray(part).tobytes() for part in state)
        return random.getstate(), name, numpy_state, torch.get_rng_state().numpy().tobytes()


def _has_turn() -> bool:
    """Whether this thread is inside a training that the global generators are kept for."""
    try:
        threading.Condition(_TURN).notify()  # which only who has the lock may do
    except RuntimeError:
        return False
    return True


_LAST_FITS = LastFits(MAX_FITS, MAX_BYTES)
os.register_at_fork(after_in_child=_LAST_FITS.start_anew)
