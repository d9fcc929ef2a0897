"""Pictures of scores and of the samples behind them."""

from sklearn_difficulty.inspection._image_grid import ImageGridDisplay

__all__ = ["ImageGridDisplay"]
