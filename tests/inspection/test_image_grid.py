"""Which images are shown, in which order, under which caption, and what is drawn."""

import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

from sklearn_difficulty.inspection import ImageGridDisplay

matplotlib.use("Agg")

IMAGES = np.arange(5 * 2 * 3, dtype=float).reshape(5, 2, 3)
DIFFICULTY = [0.5, 3.0, 1.0, 3.0, 0.25]
GIVEN = [7, 7, 8, 9, 8]
LIKELY = [7, 8, 8, 9, 7]
RED = "#b3261e"


@pytest.fixture(autouse=True)
def close_figures():
    yield
    pyplot.close("all")


def _titles(display):
    return [ax.get_title() for ax in display.axes_]


def _colours(display):
    return [ax.title.get_color() for ax in display.axes_]


def test_hardest_first_and_of_equal_ones_the_first_row():
    display = ImageGridDisplay.from_scores(IMAGES, DIFFICULTY, GIVEN, LIKELY, n_images=4)
    assert display.rows.tolist() == [1, 3, 2, 0]
    assert display.images.tolist() == IMAGES[[1, 3, 2, 0]].tolist()
    assert display.titles == ["7 → 8", "9 → 9", "8 → 8", "7 → 7"]
    assert display.notes == [f"difficulty {score}" for score in ("3", "3", "1", "0.5")]
    assert display.stands_out.tolist() == [True, False, False, False]


def test_without_likely_labels():
    display = ImageGridDisplay.from_scores(IMAGES, DIFFICULTY, GIVEN, n_images=2).plot()
    assert _titles(display) == ["7", "9"]
    assert _colours(display) == ["black", "black"]


def test_more_asked_for_than_there_are():
    assert len(ImageGridDisplay.from_scores(IMAGES, DIFFICULTY, GIVEN).rows) == 5


def test_nan_is_left_out():
    display = ImageGridDisplay.from_scores(IMAGES, [np.nan, 1, 2, np.nan, 3], GIVEN)
    assert display.rows.tolist() == [4, 2, 1]


def test_labels_of_any_type():
    display = ImageGridDisplay.from_scores(
        IMAGES,
        DIFFICULTY,
        list("abcde"),
        np.array(list("aacde"), dtype=object),
        n_images=1,
        score_name="action",
    )
    assert display.titles == ["b → a"]
    assert display.notes == ["action 3"]


def test_plot():
    display = ImageGridDisplay.from_scores(IMAGES, DIFFICULTY, GIVEN, LIKELY)
    assert display.plot(title="Hardest") is display
    assert isinstance(display.figure_, Figure)
    assert display.figure_.get_suptitle() == "Hardest"
    assert len(display.axes_) == 5
    assert len(display.figure_.axes) == 6  # three by two, the last one empty
    assert not display.figure_.axes[5].axison
    assert _titles(display) == ["7 → 8", "9 → 9", "8 → 8", "7 → 7", "8 → 7"]
    assert display.axes_[3].get_xlabel() == "difficulty 0.5"
    assert _colours(display) == [RED, "black", "black", "black", RED]
    drawn = display.axes_[0].images[0]
    assert drawn.get_array().tolist() == IMAGES[1].tolist()
    assert drawn.get_clim() == (0, 29)  # over all images, so that they can be compared


def test_plot_into_a_figure():
    whole = Figure()
    left, right = whole.subfigures(1, 2)
    display = ImageGridDisplay(IMAGES).plot(right, n_columns=1)
    assert display.figure_ is right
    assert len(right.axes) == 5
    assert left.axes == []
    assert pyplot.get_fignums() == []


@pytest.mark.parametrize(
    ("shape", "drawn"),
    [
        ((4, 5, 6), (5, 6)),
        ((4, 5, 6, 1), (5, 6)),
        ((4, 1, 5, 6), (5, 6)),
        ((4, 5, 6, 3), (5, 6, 3)),
        ((4, 3, 5, 6), (5, 6, 3)),
        ((1, 5, 6), (5, 6)),
    ],
)
def test_shapes(shape, drawn):
    images = np.random.default_rng(0).random(shape)
    display = ImageGridDisplay.from_scores(images, np.arange(shape[0]), np.arange(shape[0])).plot()
    shown = display.axes_[0].images[0].get_array()
    assert shown.shape == drawn
    hardest = images[-1]
    expected = np.moveaxis(hardest, 0, -1) if shape[1] in (1, 3) and len(shape) == 4 else hardest
    np.testing.assert_array_equal(shown, expected.reshape(drawn))


def test_bytes_are_drawn_over_their_whole_range():
    images = np.full((1, 2, 2), 100, dtype=np.uint8)
    assert ImageGridDisplay(images).plot().axes_[0].images[0].get_clim() == (0, 255)


def test_what_is_given_stays_as_it_is():
    images, difficulty = IMAGES.copy(), np.array(DIFFICULTY)
    ImageGridDisplay.from_scores(images, difficulty, GIVEN, LIKELY).plot()
    assert images.tolist() == IMAGES.tolist()
    assert difficulty.tolist() == DIFFICULTY


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"images": np.ones((5, 64))}, ValueError, r"images must have shape .*got shape \(5, 64\)"),
        ({"images": np.ones((5, 8, 8, 2))}, ValueError, "1 or 3 channels"),
        ({"images": np.ones((0, 8, 8))}, ValueError, "at least one pixel"),
        ({"difficulty": [1, 2]}, ValueError, "difficulty"),
        ({"difficulty": [np.nan] * 5}, ValueError, "a number for at least one image"),
        ({"given_labels": [1]}, ValueError, "given_labels"),
        ({"likely_labels": [1]}, ValueError, "likely_labels"),
        ({"n_images": 0}, ValueError, "n_images must be a whole number, at least 1; got 0"),
        ({"n_images": 2.5}, TypeError, "n_images must be a whole number"),
    ],
)
def test_what_makes_no_sense(arguments, error, message):
    arguments = {"images": IMAGES, "difficulty": DIFFICULTY, "given_labels": GIVEN} | arguments
    with pytest.raises(error, match=message):
        ImageGridDisplay.from_scores(**arguments)


def test_titles_of_another_length():
    with pytest.raises(ValueError, match="titles must have one entry per image, 5; got 1"):
        ImageGridDisplay(IMAGES, titles=["a"]).plot()
    with pytest.raises(ValueError, match="n_columns"):
        ImageGridDisplay(IMAGES).plot(n_columns=0)


def test_without_matplotlib_the_extra_is_named():
    code = (
        "import sys, numpy; sys.modules['matplotlib'] = None\n"
        "from sklearn_difficulty.inspection import ImageGridDisplay\n"
        "display = ImageGridDisplay.from_scores(numpy.ones((2, 3, 3)), [1, 2], [0, 1])\n"
        "try:\n    display.plot()\n"
        "except ImportError as error:\n    print(error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert "pip install 'sklearn-difficulty[plots]'" in result.stdout, result.stderr
