"""Drawings, latent vectors and scores as Parquet: files whose name ends in `.parquet`."""

from sketchkit_parquet.format import ParquetFormat

__all__ = ["ParquetFormat"]
