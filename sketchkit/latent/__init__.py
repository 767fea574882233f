"""Latent vectors z: what an encoder makes of drawings, the prior they come from, and ways between them."""

from sketchkit.latent.encoding import checked_z, encode, encode_rows, latent_size, prior

__all__ = ["checked_z", "encode", "encode_rows", "latent_size", "prior"]
