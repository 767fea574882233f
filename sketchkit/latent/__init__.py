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
    from sketchkit.latent.files import (
        Latents,
        check_size,
        count_latents,
        join_latents,
        merge_latents,
        read_latents,
        write_latents,
    )
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
    "count_latents",
    "encode",
    "encode_rows",
    "join_latents",
    "latent_path",
    "latent_size",
    "lerp",
    "merge_latents",
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
        "sketchkit.latent.encoding": "check_z checked_z encode encode_rows latent_size posterior read_wholes",
        "sketchkit.latent.files": "Latents check_size count_latents join_latents merge_latents read_latents "
        "write_latents",
        "sketchkit.latent.flows": "Path combine latent_path prior resolve_path resolve_z_temperature typical",
        "sketchkit.latent.mapping": "Axes By check_by principal_axes umap_coordinates",
        "sketchkit.latent.paths": "Method analogy class_means lerp path slerp surface",
    },
)
