"""The bar counts epochs here, and trainings where they run elsewhere."""

import joblib
import pytest

from sklearn_difficulty.recording._progress import no_tick, progress


def test_silent(capsys):
    with progress(2, 3, n_jobs=None, verbose=0) as (tick, track):
        tick()
        assert list(track([1, 2])) == [1, 2]
    assert capsys.readouterr().err == ""


def test_epochs(capsys):
    with progress(2, 3, n_jobs=1, verbose=1) as (tick, track):
        for _ in range(6):
            tick()
        assert list(track("ab")) == ["a", "b"]
    shown = capsys.readouterr().err
    assert "6/6" in shown
    assert "epoch" in shown


@pytest.mark.parametrize(("n_steps", "n_jobs"), [(None, 1), (3, 2)])
def test_trainings(n_steps, n_jobs, capsys):
    with progress(2, n_steps, n_jobs=n_jobs, verbose=1) as (tick, track):
        assert tick is no_tick
        assert tick() is None
        assert list(track("ab")) == ["a", "b"]
    shown = capsys.readouterr().err
    assert "2/2" in shown
    assert "training" in shown


def test_trainings_of_a_backend_with_several_jobs():
    with (
        joblib.parallel_backend("threading", n_jobs=2),
        progress(2, 3, n_jobs=None, verbose=0) as (tick, _),
    ):
        assert tick is no_tick
