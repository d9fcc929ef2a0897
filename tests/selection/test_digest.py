"""What objects are is told by content and code, and never by address or name alone."""

import os
import subprocess
import sys
import threading
from collections import OrderedDict
from functools import lru_cache
from types import ModuleType

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch import NeuralNetClassifier
from skorch.callbacks import EpochScoring, LRScheduler
from torch.utils.data import Dataset, Subset, TensorDataset

from sklearn_difficulty import DifficultyScorer, TrackedNetClassifier
from sklearn_difficulty.selection._digest import Digest, Named


def same(a, b):
    return Digest(a).key == Digest(b).key


class Squares(Dataset):
    """Could read anything, anywhere."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return i * i


def defined(code, **names):
    """What a notebook has after a cell: the module __main__, or one of that kind."""
    exec(code, names)
    return names


NET = """
class Net(torch.nn.Module):
    scale = 1.0
    def forward(self, X):
        return X * self.scale + helper(X)
"""


class TestData:
    X = np.arange(12.0).reshape(4, 3)

    @pytest.mark.parametrize(
        "make",
        [
            np.copy,
            pd.DataFrame,
            scipy.sparse.csr_matrix,
            scipy.sparse.csc_array,
            torch.tensor,
            np.ndarray.tolist,
            lambda X: X.astype(str),
            lambda X: X.astype(object),
            lambda X: TensorDataset(torch.tensor(X)),
            lambda X: Subset(TensorDataset(torch.tensor(X)), [1, 0]),
        ],
    )
    def test_equal_and_changed(self, make):
        changed = self.X.copy()
        changed[2, 1] += 1e-9
        assert same(make(self.X), make(self.X))
        assert not same(make(self.X), make(changed))
        assert not same(make(self.X), make(self.X[[1, 0, 2, 3]]))

    @pytest.mark.parametrize(
        "other", [X.astype(np.float32), X.reshape(3, 4), X[:3], X.T, X.astype(int), X.tolist()]
    )
    def test_other_types_and_shapes(self, other):
        assert not same(self.X, other)

    def test_frames(self):
        frame = pd.DataFrame({"a": pd.Categorical(["u", "v"]), "t": pd.to_datetime([0, 1])})
        assert same(frame.copy(), frame.copy())
        assert same(frame.iloc[[1, 0]], frame.iloc[[1, 0]])
        frame = frame.copy()  # whose columns lie in memory as those of any copy
        assert not same(frame, frame.rename(columns={"a": "b"}))
        assert not same(frame, frame.set_axis([5, 6]))
        assert not same(frame, frame.assign(a=pd.Categorical(["v", "v"])))

    def test_memory_mapped_by_content(self, tmp_path):
        np.save(tmp_path / "X.npy", self.X)
        mapped = np.load(tmp_path / "X.npy", mmap_mode="r+")
        assert same(mapped, np.array(self.X))
        before = Digest(mapped)
        mapped[0, 0] = 7
        assert Digest(mapped).key != before.key

    def test_what_a_sparse_matrix_notes_of_itself(self):
        X = scipy.sparse.csr_matrix(self.X)
        before = Digest(X)
        assert X.has_sorted_indices
        assert X.has_canonical_format
        assert Digest(X).key == before.key

    def test_equal_strings_of_any_origin(self):
        assert same(["auto", "auto"], ["auto", "".join(["au", "to"])])

    def test_sets_in_any_order(self):
        # 8 and 0 share a place in a small table, and stand in the order in which they came
        assert same({8, 0}, {0, 8})
        assert not same({8, 0}, {8, 1})

    @pytest.mark.parametrize(
        "what", [Squares(), threading.Lock(), (n for n in "ab"), Subset(Squares(), [0])]
    )
    def test_what_cannot_be_told(self, what):
        with pytest.raises((TypeError, joblib.hashing.pickle.PicklingError)):
            Digest(what)


class TestTensors:
    @pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int64", "bool", "complex64"])
    def test_content(self, dtype):
        a = torch.tensor([0.0, 1.0, 1.0]).to(getattr(torch, dtype))
        assert same(a, a.clone())
        assert not same(a, a.flip(0))
        assert not same(a, a.to(torch.complex128))
        assert same(a[0], a[0].clone())

    def test_requires_grad_and_strides(self):
        a = torch.zeros(2, 2)
        assert not same(a, torch.zeros(2, 2, requires_grad=True))
        assert not same(a, a.t())

    def test_shared_weights(self):
        first, second = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2)
        second.load_state_dict(first.state_dict())
        assert same(first, second)
        assert not same(torch.nn.Sequential(first, first), torch.nn.Sequential(first, second))
        weight = torch.zeros(4)
        assert not same([weight, weight[:2]], [weight, torch.zeros(4)[:2]])

    def test_order_of_layers(self):
        layers = [("b", torch.nn.ReLU()), ("a", torch.nn.Tanh())]
        one, other = (torch.nn.Sequential(OrderedDict(order)) for order in (layers, layers[::-1]))
        assert not same(one, other)
        assert joblib.hash(Named(one)) != joblib.hash(Named(other))


class TestCode:
    def test_class_of_the_same_name_is_another(self):
        one, other = (
            defined(NET, torch=torch, helper=np.sin, __name__="__main__")["Net"] for _ in range(2)
        )
        assert same(one, one)
        assert same(one(), one())
        assert not same(one, other)
        assert not same(one(), other())

    def test_class_changed_in_place(self):
        names = defined(NET, torch=torch, helper=np.sin, __name__="__main__")
        net = names["Net"]
        seen = {Digest(net).key}
        net.scale = 2.0
        seen.add(Digest(net).key)
        net.forward = lambda self, X: X
        seen.add(Digest(net).key)
        assert len(seen) == 3

    def test_method_changed_in_place(self):
        net = defined(NET, torch=torch, helper=np.sin, __name__="__main__")["Net"]
        before = Digest(net)
        net.forward.__code__ = (lambda self, X: X).__code__
        assert Digest(net).key != before.key

    def test_globals_that_a_function_reads(self):
        names = defined("def score(path):\n return [path * factor for _ in [1]]", factor=2)
        before = Digest(names["score"])
        names["unrelated"] = 1
        assert Digest(names["score"]).key == before.key
        names["factor"] = 3
        assert Digest(names["score"]).key != before.key

    def test_globals_through_another_function(self):
        names = defined("def inner(): return factor\ndef outer(): return inner()", factor=2)
        before = Digest(names["outer"])
        names["factor"] = 3
        assert Digest(names["outer"]).key != before.key

    def test_own_module_that_a_function_reads(self):
        own = ModuleType("own_layers")
        own.width = 4
        score = defined("def score(path): return own.width", own=own)["score"]
        before = Digest(score)
        own.other = 1
        assert Digest(score).key == before.key
        own.width = 5
        assert Digest(score).key != before.key

    def test_module_within_an_own_module(self):
        own, own.layers = ModuleType("own"), ModuleType("own.layers")
        own.layers.own, own.layers.width = own, 4
        score = defined("def score(path): return own.layers.width", own=own)["score"]
        before = Digest(score)
        own.layers.other = 1
        assert Digest(score).key == before.key
        own.layers.width = 5
        assert Digest(score).key != before.key

    @pytest.mark.parametrize("how", ["import own_sizes", "from own_sizes import width"])
    def test_own_module_that_a_function_imports(self, how, monkeypatch):
        own = ModuleType("own_sizes")
        own.width = 4
        monkeypatch.setitem(sys.modules, "own_sizes", own)
        read = "width" if "from" in how else "own_sizes.width"
        score = defined(f"def score(path):\n {how}\n return {read}")["score"]
        before = Digest(score)
        own.other = 1
        assert Digest(score).key == before.key
        own.width = 5
        assert Digest(score).key != before.key

    def test_closures_defaults_and_attributes(self):
        def made(n, default=0):
            def score(path, k=default):
                return path * n + k

            return score

        score = made(2)
        same_code = made(3)
        assert same(score, score)
        assert not same(score, same_code)
        before = Digest(score)
        score.__defaults__ = (1,)
        assert Digest(score).key != before.key

    def test_properties_and_cached_functions(self):
        code = """
class Holder:
    @property
    def a(self): return factor
    @staticmethod
    def b(): return 1
    @classmethod
    def c(cls): return cls
    @lru_cache
    def d(self): return 2
"""
        names = defined(code, factor=1, lru_cache=lru_cache, __name__="__main__")
        before = Digest(names["Holder"])
        assert Digest(names["Holder"]).key == before.key
        names["factor"] = 2
        assert Digest(names["Holder"]).key != before.key

    def test_keeps_what_it_names_by_address(self):
        score = defined("def score(path): return 1")["score"]
        assert any(part is score for part in Digest(score).pinned)


NETS = [
    NeuralNetClassifier(
        torch.nn.Linear,
        module__in_features=2,
        optimizer=torch.optim.Adam,
        callbacks=[("s", EpochScoring(lambda net, X, y: 1.0)), LRScheduler()],
    ),
    NeuralNetClassifier(
        torch.nn.Sequential(torch.nn.Linear(2, 2)),
        criterion=torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0])),
    ),
    TrackedNetClassifier(),
    MLPClassifier(),
    make_pipeline(FunctionTransformer(lambda X: X), MLPClassifier()),
]


@pytest.mark.parametrize("net", NETS, ids=lambda net: type(net).__name__)
def test_clones_of_estimators(net):
    scorer = DifficultyScorer(net, random_state=0)
    assert same(clone(scorer), clone(clone(scorer)))
    assert not same(clone(scorer), clone(scorer).set_params(random_state=1))


def test_named_of_clones():
    scorer = DifficultyScorer(NETS[1], random_state=0)
    assert joblib.hash(Named(clone(scorer))) == joblib.hash(Named(clone(scorer)))
    heavier = clone(scorer)
    heavier.estimator.criterion.weight[0] = 3
    assert joblib.hash(Named(heavier)) != joblib.hash(Named(scorer))
    assert repr(Named([1])) == "[1]"


def test_named_in_another_process():
    code = """
import joblib, torch
from skorch import NeuralNetClassifier
from sklearn_difficulty import DifficultyScorer
from sklearn_difficulty.selection._digest import Named
weight = torch.tensor([1.0, 2.0])
net = NeuralNetClassifier(torch.nn.Linear, criterion=torch.nn.CrossEntropyLoss(weight=weight))
print(joblib.hash(Named(DifficultyScorer(net, random_state=0))))
"""
    elsewhere = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    weight = torch.tensor([1.0, 2.0])
    net = NeuralNetClassifier(torch.nn.Linear, criterion=torch.nn.CrossEntropyLoss(weight=weight))
    here = joblib.hash(Named(DifficultyScorer(net, random_state=0)))
    assert elsewhere.stdout == f"{here}\n"
