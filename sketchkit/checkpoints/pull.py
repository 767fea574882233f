"""Download a published model into the store.

A download gets the trust of a foreign file: it is read within bounds and converted before it enters the
store. The bucket of Magenta's models offers no checksums; the file of any other address needs one, unless a
repository says of which commit it is.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection
from pathlib import Path
from urllib.parse import quote

from sketchkit.checkpoints import store
from sketchkit.checkpoints.arrays import read_header
from sketchkit.downloads import cause, response_from
from sketchkit.errors import CheckpointError, InputError
from sketchkit.files import display_path
from sketchkit.tensors import MAX_FILE_BYTES

__all__ = ["BASE_URL", "CLASSES", "KINDS", "pull_file", "pull_model"]

LICENCE = "Published by Google Magenta (code Apache-2.0); trained on the Quick, Draw! dataset, CC BY 4.0"
BASE_URL = "https://storage.googleapis.com/quickdraw-models/sketchRNN/large_models"
KINDS = ("gen", "vae")
_CLASS_NAMES = """
alarm_clock ambulance angel ant antyoga backpack barn basket bear bee beeflower bicycle bird book brain
bridge bulldozer bus butterfly cactus calendar castle cat catbus catpig chair couch crab crabchair
crabrabbitfacepig cruise_ship diving_board dog dogbunny dolphin duck elephant elephantpig everything eye
face fan fire_hydrant firetruck flamingo flower floweryoga frog frogsofa garden hand hedgeberry hedgehog
helicopter kangaroo key lantern lighthouse lion lionsheep lobster map mermaid monapassport monkey mosquito
octopus owl paintbrush palm_tree parrot passport peas penguin pig pigsheep pineapple pool postcard
power_outlet rabbit rabbitturtle radio radioface rain rhinoceros rifle roller_coaster sandwich scorpion
sea_turtle sheep skull snail snowflake speedboat spider squirrel steak stove strawberry swan swing_set
the_mona_lisa tiger toothbrush toothpaste tractor trombone truck whale windmill yoga yogabicycle
"""
#: The classes that Magenta publishes models for.
CLASSES = tuple(_CLASS_NAMES.split())
_TIMEOUT_SECONDS = 30
_CHUNK_BYTES = 64 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _-]{0,99}")

Progress = Callable[[int, int], None]


def pull_model(
    name: str,
    *,
    kind: str = "gen",
    base_url: str = BASE_URL,
    store_as: str | None = None,
    overwrite: bool = False,
    redirect_hosts: Collection[str] = (),
    progress: Progress | None = None,
) -> tuple[str, Path]:
    """Download one of Magenta's models and import it.

    Args:
        name: the class, such as `bird`.
        kind: `gen` (decoder-only) or `vae` (conditional).
        base_url: the folder that holds `NAME.KIND.json`.
        store_as: its name in the store; NAME for gen, NAME-vae for vae, when None.
        overwrite: whether to replace a stored model of that name.
        redirect_hosts: hosts beside that of `base_url` that a redirect may lead to.
        progress: called with (bytes so far, bytes in all or 0).

    Returns:
        The name and the path in the store.

    Raises:
        InputError: an invalid name or kind, or a name that is taken although `overwrite` is false.
        CheckpointError: the file is missing there, the network fails, or the file holds no valid model.
    """
    import tempfile

    from sketchkit.checkpoints.load import import_model

    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot be the name of a published model")
    if kind not in KINDS:
        raise InputError(f"unknown kind {kind!r}: choose one of {', '.join(KINDS)}")
    url = f"{base_url.rstrip('/')}/{quote(name)}.{kind}.json"
    chosen = store_as or (name if kind == "gen" else f"{name}-{kind}")
    if store.path_of(chosen).exists() and not overwrite:
        raise InputError(f"a model named {chosen!r} is stored already")
    with tempfile.TemporaryDirectory(prefix="sketchkit-") as scratch:
        file = Path(scratch) / f"{name}.{kind}.json"
        advice = (
            f"`sketchkit models import {shlex.join([file.name, '--name', chosen])}` takes a copy of the file"
        )
        _download(url, file, advice, redirect_hosts, progress)
        licence = LICENCE if base_url == BASE_URL else None
        try:
            return import_model(file, chosen, licence=licence, overwrite=overwrite)
        except CheckpointError as error:
            raise CheckpointError(str(error).replace(display_path(file), url)) from error


def pull_file(
    url: str,
    *,
    sha256: str | None = None,
    store_as: str | None = None,
    overwrite: bool = False,
    redirect_hosts: Collection[str] = (),
    progress: Progress | None = None,
) -> tuple[str, Path]:
    """Download a native checkpoint, check its bytes and import it.

    The card of the stored model says where it is from: `pulled_from`, `pulled_sha256`, and of a repository
    `pulled_revision`.

    Args:
        url: of a .safetensors file: `hf://OWNER/NAME[@REVISION][/FILE]`, `https://`, `s3://` or `gs://`.
        sha256: of the file, 64 hexadecimal digits; only a repository of the Hugging Face Hub, whose commit is
            recorded, does without.
        store_as: its name in the store; the model's own when None.
        overwrite: whether to replace a stored model of that name.
        redirect_hosts: hosts beside its own that a web server may redirect to.
        progress: called with (bytes so far, bytes in all or 0).

    Returns:
        The name and the path in the store.

    Raises:
        InputError: an invalid URL, checksum or name, a name that is taken although `overwrite` is false, a
            file that cannot be fetched, another file than that of the checksum, or a missing checksum.
        CheckpointError: the file holds no valid model.
    """
    import tempfile

    from sketchkit.checkpoints.load import import_model
    from sketchkit.remote import accept, fetch

    name, wanted = accept(url), _check_sha256(sha256)
    if store_as is not None and store.path_of(store_as).exists() and not overwrite:
        raise InputError(f"a model named {store_as!r} is stored already")
    with tempfile.TemporaryDirectory(prefix="sketchkit-") as scratch:
        file = Path(scratch) / f"model{store.SUFFIX}"
        known = fetch(name, str(file), MAX_FILE_BYTES, redirect_hosts, progress)
        found = _sha256_of(file)
        if wanted is None and "revision" not in known:
            raise InputError(f"{name}: --sha256 says which file you mean; the one that is there has {found}")
        if wanted not in (None, found):
            raise InputError(f"{name}: is another file: its SHA-256 is {found}, not {wanted}")
        facts = {"from": name, **known, "sha256": found}
        origin = {f"pulled_{fact}": value for fact, value in facts.items()}
        try:
            chosen = store_as or _own_name(file, overwrite=overwrite)
            return import_model(file, chosen, overwrite=overwrite, origin=origin)
        except (CheckpointError, InputError) as error:
            raise type(error)(str(error).replace(display_path(file), name)) from error


def _own_name(file: Path, *, overwrite: bool) -> str:
    """The name that a model gives itself.

    Raises:
        InputError: it is taken, or no name of the store.
    """
    name = read_header(file).card.name
    try:
        taken = store.path_of(name).exists() and not overwrite
    except InputError as error:
        raise InputError(f"{display_path(file)}: {error}; --name gives it another") from error
    if taken:
        raise InputError(f"a model named {name!r} is stored already: --name gives this one another")
    return name


def _check_sha256(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise InputError(f"{text!r} is no SHA-256, 64 hexadecimal digits")
    return text and text.lower()


def _sha256_of(file: Path) -> str:
    import hashlib

    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _download(
    url: str, target: Path, advice: str, redirect_hosts: Collection[str], progress: Progress | None
) -> None:
    """Download a file.

    Raises:
        CheckpointError: the server is out of reach, which ends with the advice, or refuses the file.
    """
    import requests

    from sketchkit.checkpoints.magenta import MAX_BYTES

    try:
        with (
            response_from(url, _TIMEOUT_SECONDS, redirect_hosts) as response,
            target.open("wb") as stream,
        ):
            if response.status_code != requests.codes.ok:
                raise CheckpointError(f"{url}: the server answers {response.status_code}")
            total, done = int(response.headers.get("content-length", 0)), 0
            for chunk in response.iter_content(_CHUNK_BYTES):
                done += len(chunk)
                if done > MAX_BYTES:
                    raise CheckpointError(f"{url}: more than {MAX_BYTES} bytes, the limit for a Magenta file")
                stream.write(chunk)
                if progress is not None:
                    progress(done, total)
    except requests.ConnectionError as error:
        raise CheckpointError(f"{url}: cannot be downloaded: {cause(error)}; {advice}") from error
    except (requests.RequestException, OSError, ValueError) as error:
        raise CheckpointError(f"{url}: cannot be downloaded: {cause(error)}") from error
