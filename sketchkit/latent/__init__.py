"""Latent vectors z: the encoding of drawings, the prior, and paths between vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sketchkit.lazy import lazy_names

if TYPE_CHECKING:
    from sketchkit.latent.encoding import (
        check_z,
        checked_z,
        encode,
        encode_rows,
        latent_size,
        posterior,
        read_wholes,
    )
    from sketchkit.latent.files import Latents, check_size, read_latents, write_latents
    from sketchkit.latent.flows import (
        Path,
        combine,
        latent_path,
        prior,
        resolve_path,
        resolve_z_temperature,
        typical,
    )
    from sketchkit.latent.mapping import Axes, By, check_by, principal_axes, umap_coordinates
    from sketchkit.latent.paths import Method, analogy, class_means, lerp, path, slerp, surface

__all__ = [
    "Axes",
    "By",
    "Latents",
    "Method",
    "Path",
    "analogy",
    "check_by",
    "check_size",
    "check_z",
    "checked_z",
    "class_means",
    "combine",
    "encode",
    "encode_rows",
    "latent_path",
    "latent_size",
    "lerp",
    "path",
    "posterior",
    "principal_axes",
    "prior",
    "read_latents",
    "read_wholes",
    "resolve_path",
    "resolve_z_temperature",
    "slerp",
    "surface",
    "typical",
    "umap_coordinates",
    "write_latents",
]

__getattr__ = lazy_names(
    __name__,
    {
        "Axes": "sketchkit.latent.mapping",
        "By": "sketchkit.latent.mapping",
        "Latents": "sketchkit.latent.files",
        "Method": "sketchkit.latent.paths",
        "Path": "sketchkit.latent.flows",
        "analogy": "sketchkit.latent.paths",
        "check_by": "sketchkit.latent.mapping",
        "check_size": "sketchkit.latent.files",
        "check_z": "sketchkit.latent.encoding",
        "checked_z": "sketchkit.latent.encoding",
        "class_means": "sketchkit.latent.paths",
        "combine": "sketchkit.latent.flows",
        "encode": "sketchkit.latent.encoding",
        "encode_rows": "sketchkit.latent.encoding",
        "latent_path": "sketchkit.latent.flows",
        "latent_size": "sketchkit.latent.encoding",
        "lerp": "sketchkit.latent.paths",
        "path": "sketchkit.latent.paths",
        "posterior": "sketchkit.latent.encoding",
        "principal_axes": "sketchkit.latent.mapping",
        "prior": "sketchkit.latent.flows",
        "read_latents": "sketchkit.latent.files",
        "read_wholes": "sketchkit.latent.encoding",
        "resolve_path": "sketchkit.latent.flows",
        "resolve_z_temperature": "sketchkit.latent.flows",
        "slerp": "sketchkit.latent.paths",
        "surface": "sketchkit.latent.paths",
        "typical": "sketchkit.latent.flows",
        "umap_coordinates": "sketchkit.latent.mapping",
        "write_latents": "sketchkit.latent.files",
    },
)
