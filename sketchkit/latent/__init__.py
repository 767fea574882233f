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
from sketchkit.latent.paths import Method, lerp, path, slerp, surface

__all__ = [
    "Axes",
    "By",
    "Latents",
    "Method",
    "Path",
    "analogy",
    "check_by",
    "check_size",
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
