"""The hardest images next to each other, each with its label, its likely label and its score."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_difficulty._validation import check_count, check_labels, check_vector

__all__ = ["ImageGridDisplay"]

TILE_INCHES = 1.25
TEXT_INCHES = 0.55
PLAIN, STANDS_OUT, PALE = "black", "#b3261e", "0.4"


class ImageGridDisplay:
    """Images in a grid, each with a title above and a note below.

    Parameters
    ----------
    images : array-like of shape (n, H, W), (n, H, W, C) or (n, C, H, W)
        Grey images, or images of C = 1 or 3 channels, the channels last or first. Floating values
        are drawn from the smallest to the largest value of all images, integers of one byte from 0
        to 255; colours have to lie in [0, 1] or, as integers, in [0, 255].
    titles : sequence of str or None, default=None
        Text above each image.
    notes : sequence of str or None, default=None
        Text below each image.
    stands_out : array-like of shape (n,), bool, or None, default=None
        Images whose title is red.
    rows : array-like of shape (n,), int, or None, default=None
        Which row of the data each image is; by default counted from 0. Kept, not drawn.

    Attributes
    ----------
    figure_ : matplotlib Figure or SubFigure
        What was drawn on, after :meth:`plot`.
    axes_ : ndarray of matplotlib Axes
        One for each image in order, after :meth:`plot`.

    See Also
    --------
    ImageGridDisplay.from_scores : The hardest of many images.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_difficulty.inspection import ImageGridDisplay
    >>> digits = load_digits()
    >>> display = ImageGridDisplay.from_scores(
    ...     digits.images, digits.images.std(axis=(1, 2)), digits.target, n_images=6
    ... )
    >>> display.rows
    array([ 688,  856, 1737, 1117,  493,  736])
    >>> display.plot().axes_.shape
    (6,)
    """

    def __init__(
        self,
        images: Any,
        *,
        titles: Sequence[str] | None = None,
        notes: Sequence[str] | None = None,
        stands_out: Any = None,
        rows: Any = None,
    ) -> None:
        self.images = images
        self.titles = titles
        self.notes = notes
        self.stands_out = stands_out
        self.rows = rows

    @classmethod
    def from_scores(
        cls,
        images: Any,
        difficulty: Any,
        given_labels: Any,
        likely_labels: Any = None,
        *,
        n_images: int = 25,
        score_name: str = "difficulty",
    ) -> "ImageGridDisplay":
        """Choose the hardest images, the hardest first.

        Parameters
        ----------
        images : array-like of shape (n_samples, H, W), (n_samples, H, W, C) or (n_samples, C, H, W)
            All images.
        difficulty : array-like of shape (n_samples,)
            A score that is higher for harder samples. NaN is left out.
        given_labels : array-like of shape (n_samples,)
            The labels in the data.
        likely_labels : array-like of shape (n_samples,) or None, default=None
            What the samples may really be, from :func:`sklearn_difficulty.analysis.likely_labels`.
            The title of an image is red where this differs from its label.
        n_images : int, default=25
            How many to show; all of them where there are fewer. Of equal scores the first row comes
            first.
        score_name : str, default="difficulty"
            What the score is called below each image.

        Returns
        -------
        ImageGridDisplay
            The display, not yet drawn.

        Raises
        ------
        ValueError
            If images have another shape, there is nothing to show, or lengths differ.
        TypeError
            If `n_images` is not a whole number.
        """
        n_images = check_count("n_images", n_images)
        images = np.asarray(images)
        _channels_last(images)
        n_samples = len(images)
        scores = check_vector("difficulty", difficulty, length=n_samples, allow_nan=True)
        given = check_labels("given_labels", given_labels, length=n_samples)
        order = np.argsort(-scores, kind="stable")
        rows = order[~np.isnan(scores[order])][:n_images]
        if len(rows) == 0:
            raise ValueError("difficulty must have a number for at least one image; got none.")
        titles = [str(label) for label in given[rows]]
        differs = None
        if likely_labels is not None:
            likely = check_labels("likely_labels", likely_labels, length=n_samples)
            differs = given[rows] != likely[rows]
            titles = [f"{a} → {b}" for a, b in zip(titles, likely[rows], strict=True)]
        notes = [f"{score_name} {score:.3g}" for score in scores[rows]]
        return cls(images[rows], titles=titles, notes=notes, stands_out=differs, rows=rows)

    def plot(
        self,
        figure: Any = None,
        *,
        n_columns: int | None = None,
        title: str | None = None,
        cmap: Any = "gray_r",
        interpolation: str = "nearest",
    ) -> "ImageGridDisplay":
        """Draw the images.

        Parameters
        ----------
        figure : matplotlib Figure, SubFigure or None, default=None
            What to draw on; None makes a figure of fitting size.
        n_columns : int or None, default=None
            Images next to each other; None makes the grid about square.
        title : str or None, default=None
            Text above all images.
        cmap : str or matplotlib Colormap, default="gray_r"
            Colours of grey images; by default the largest values are black, as ink on paper.
        interpolation : str, default="nearest"
            How matplotlib enlarges the pixels; ``"bicubic"`` makes small images smooth.

        Returns
        -------
        ImageGridDisplay
            This display.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If images have another shape, or lengths differ.
        """
        images = _channels_last(np.asarray(self.images))
        n_images = len(images)
        titles = _per_image("titles", self.titles, n_images, "")
        notes = _per_image("notes", self.notes, n_images, "")
        stands_out = _per_image("stands_out", self.stands_out, n_images, False)
        if n_columns is None:
            n_columns = int(np.ceil(np.sqrt(n_images)))
        n_columns = min(check_count("n_columns", n_columns), n_images)
        n_rows = -(-n_images // n_columns)
        if figure is None:
            figure = _new_figure(images, n_rows, n_columns, title)
        grid = figure.subplots(n_rows, n_columns, squeeze=False)
        limits = _limits(images)
        axes = grid.ravel()[:n_images]
        for ax, image, text, note, red in zip(axes, images, titles, notes, stands_out, strict=True):
            ax.imshow(image, cmap=cmap, interpolation=interpolation, **limits)
            ax.set_title(text, fontweight="bold", color=STANDS_OUT if red else PLAIN, pad=4)
            ax.set_xlabel(note, fontsize="small", color=PALE, labelpad=3)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set(color="0.8", linewidth=0.8)
        for ax in grid.flat[n_images:]:
            ax.set_axis_off()
        if title is not None:
            figure.suptitle(title)
        self.figure_ = figure
        self.axes_ = axes
        return self


def _channels_last(images: np.ndarray) -> np.ndarray:
    """Give images of shape (n, H, W), or (n, H, W, 3) for colour."""
    if images.ndim == 3 and images.size > 0:
        return images
    if images.ndim == 4 and images.size > 0:
        # Last first: an image of (3, W, 3) is taken as three rows of colour.
        for channels_last in (images, np.moveaxis(images, 1, -1)):
            if channels_last.shape[-1] == 1:
                return channels_last[..., 0]
            if channels_last.shape[-1] == 3:
                return channels_last
    raise ValueError(
        "images must have shape (n, H, W), or (n, H, W, C) or (n, C, H, W) with 1 or 3 channels, "
        f"and at least one pixel; got shape {images.shape}. Rows of pixels become images with "
        "X.reshape(-1, height, width)."
    )


def _per_image(name: str, values: Any, n_images: int, default: Any) -> Any:
    if values is None:
        return [default] * n_images
    if len(values) != n_images:
        raise ValueError(f"{name} must have one entry per image, {n_images}; got {len(values)}.")
    return values


def _limits(images: np.ndarray) -> dict[str, float]:
    """Give the values drawn as white and black, the same in all images."""
    if images.ndim == 4:
        return {}
    if images.dtype == np.uint8:
        return {"vmin": 0, "vmax": 255}
    finite = images[np.isfinite(images)]
    return {"vmin": float(finite.min()), "vmax": float(finite.max())} if finite.size else {}


def _new_figure(images: np.ndarray, n_rows: int, n_columns: int, title: str | None) -> Any:
    try:
        from matplotlib import pyplot
        from matplotlib.layout_engine import ConstrainedLayoutEngine
    except ImportError as error:
        raise ImportError(
            "plot needs matplotlib, which comes with the extra 'plots': "
            "pip install 'sklearn-difficulty[plots]'"
        ) from error
    height, width = images.shape[1:3]
    tile = TEXT_INCHES + TILE_INCHES * height / width
    size = n_columns * (TILE_INCHES + 0.15), n_rows * tile + (0.1 if title is None else 0.4)
    # A note is to stand closer to its own image than to the title of the next.
    return pyplot.figure(figsize=size, layout=ConstrainedLayoutEngine(h_pad=0.07))
