"""What is a user's own is told from what skorch and this package have."""

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
@pytest.mark.parametrize("method", ["infer", "get_loss", "train_step", "on_batch_begin", "notify"])
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
