"""Latent vectors z: what an encoder makes of drawings, the prior they come from, and ways between them."""

from sketchkit.latent.arithmetic import analogy, class_means
from sketchkit.latent.encoding import (
    checked_z,
    encode,
    encode_rows,
    latent_size,
    posterior,
    read_wholes,
)
from sketchkit.latent.files import Latents, check_size, read_latents, write_latents
from sketchkit.latent.mapping import Axes, By, check_by, principal_axes, umap_coordinates
from sketchkit.latent.paths import Method, lerp, path, slerp, surface
from sketchkit.latent.prior import Path, check_z_temperature, combine, prior, resolve_path, way

__all__ = [
    "Axes",
    "By",
    "Latents",
    "Method",
    "Path",
    "analogy",
    "check_by",
    "check_size",
    "check_z_temperature",
    "checked_z",
    "class_means",
    "combine",
    "encode",
    "encode_rows",
    "latent_size",
    "lerp",
    "path",
    "posterior",
    "principal_axes",
    "prior",
    "read_latents",
    "read_wholes",
    "resolve_path",
    "slerp",
    "surface",
    "umap_coordinates",
    "way",
    "write_latents",
]
