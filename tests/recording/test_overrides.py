"""What is a user's own is told from what skorch and this package have."""

import numpy as np
import pytest
import torch
from skorch import NeuralNetClassifier
from skorch.callbacks import Callback

from sklearn_difficulty import TrackedNetClassifier
from sklearn_difficulty.recording._overrides import is_known, rows_may_stay_on


@pytest.mark.parametrize("kind", [NeuralNetClassifier, TrackedNetClassifier])
@pytest.mark.parametrize("callbacks", [None, [], "disable"])
def test_rows_that_nobody_else_handles(kind, callbacks):
    net = kind(torch.nn.Linear, device="cpu", callbacks=callbacks)
    assert rows_may_stay_on(net) == "cpu"


@pytest.mark.parametrize("kind", [NeuralNetClassifier, TrackedNetClassifier])
@pytest.mark.parametrize(
    "method", ["infer", "get_loss", "train_step", "on_batch_begin", "on_epoch_begin", "notify"]
)
def test_rows_that_a_net_handles_itself(kind, method):
    def own(self, *args, **kwargs):
        return getattr(super(type(self), self), method)(*args, **kwargs)

    net = type("Own", (kind,), {method: own})(torch.nn.Linear)
    assert not is_known(net, method)
    assert rows_may_stay_on(net) is None
    plain = kind(torch.nn.Linear)
    vars(plain)[method] = getattr(plain, method)
    assert rows_may_stay_on(plain) is None


def test_rows_that_callbacks_may_handle():
    assert rows_may_stay_on(TrackedNetClassifier(torch.nn.Linear, callbacks=[Callback()])) is None


class ChangesRows(Callback):
    """Adds to the rows themselves before each batch."""

    def __init__(self, X):
        self.X = X

    def on_batch_begin(self, net, training=None, **kwargs):
        if training:
            self.X += np.float32(0.01)


@pytest.mark.parametrize("place", ["default", "got as default", "in the place of one"])
def test_callbacks_that_are_not_in_callbacks(place, table, make_net, seeded_fit, assert_same_fit):
    X, y = table
    fits = []
    for kind in (NeuralNetClassifier, TrackedNetClassifier):
        changed, params, methods = X.copy(), {}, {}
        pair = "changes_rows", ChangesRows(changed)
        plain = kind(torch.nn.Linear).get_default_callbacks()
        if place == "default":
            methods["_default_callbacks"] = [*plain, pair]
        elif place == "got as default":
            methods["get_default_callbacks"] = lambda self, all_of_them=[*plain, pair]: all_of_them
        else:
            params["callbacks__valid_acc"] = pair[1]
        own = type("Own", (kind,), methods)
        net = make_net(own, **params, batch_size=16, iterator_train__shuffle=True)
        assert rows_may_stay_on(net) is None
        fits.append(seeded_fit(net, changed, y)[0])
    assert_same_fit(*fits)


def test_options_of_callbacks_are_no_callbacks():
    options = {"callbacks__print_log": None, "callbacks__valid_acc__name": "accuracy"}
    net = TrackedNetClassifier(torch.nn.Linear, device="cpu", **options)
    assert rows_may_stay_on(net) == "cpu"
