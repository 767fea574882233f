"""The files that a model is exported as: the native format, Magenta's two, and those of third parties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from sketchkit import options, registry
from sketchkit.errors import PluginError
from sketchkit.guard import Guarded
from sketchkit.options import option

if TYPE_CHECKING:
    from sketchkit.models import SketchModel

__all__ = ["Exporter", "JsExporter", "JsonExporter", "NativeExporter", "exporter_class", "make_exporter"]


@runtime_checkable
class Exporter(Protocol):
    """A kind of file that a model is exported as, registered in the entry-point group `sketchkit.exporters`.

    A class without required arguments. Of its dataclass fields `class_name` is set by `models export
    --class`, and `dtype` by `--dtype`; an exporter without such a field refuses the option.
    """

    #: The suffixes it answers to, lower case with the dot, the usual one first.
    suffixes: ClassVar[tuple[str, ...]]
    #: Whether the file holds the name and the licence of a model.
    keeps_card: ClassVar[bool]

    def export(self, model: SketchModel) -> bytes:
        """The whole file; the same bytes for the same model.

        Args:
            model: of any backend, on the CPU.

        Raises:
            InputError: a model that the file cannot hold.
        """
        ...


@dataclass(frozen=True)
class NativeExporter:
    """sketchkit's own files; see `Exporter`."""

    suffixes: ClassVar[tuple[str, ...]] = (".safetensors",)
    keeps_card: ClassVar[bool] = True
    dtype: str | None = option(
        None, "the number type of the weights", choices=("float32", "float16", "bfloat16")
    )

    def export(self, model: SketchModel) -> bytes:
        """The whole file; see `Exporter`."""
        from sketchkit.checkpoints.native import dump_native

        return dump_native(model, self.dtype)


@dataclass(frozen=True)
class JsonExporter:
    """Magenta's files, which the JavaScript libraries run; see `Exporter`."""

    suffixes: ClassVar[tuple[str, ...]] = (".json",)
    keeps_card: ClassVar[bool] = False
    wrapper: ClassVar[bool] = False
    class_name: str | None = option(None, "the class that the file draws")

    def export(self, model: SketchModel) -> bytes:
        """The whole file; see `Exporter`."""
        from sketchkit.checkpoints.magenta import dump_magenta

        return dump_magenta(model, wrapper=self.wrapper, class_name=self.class_name)


@dataclass(frozen=True)
class JsExporter(JsonExporter):
    """Magenta's files as scripts; see `Exporter`."""

    suffixes: ClassVar[tuple[str, ...]] = (".js",)
    wrapper: ClassVar[bool] = True


def exporter_class(name: str) -> Any:
    """The class of an exporter, of which traits and fields can be asked.

    Raises:
        PluginError: an unknown exporter, one that cannot be loaded, or that is no class.
    """
    found = registry.load("exporter", name)
    if not isinstance(found, type) or not callable(getattr(found, "export", None)):
        raise PluginError(f"{registry.find('exporter', name)} is not a class with a method export")
    return found


def make_exporter(name: str, values: Mapping[str, Any] | None = None) -> Exporter:
    """An exporter by name.

    Args:
        name: of the exporter.
        values: of its fields, by name.

    Returns:
        The exporter; that of a plugin in a wrapper whose errors name the plugin.

    Raises:
        PluginError: it is unknown, or cannot be loaded or made.
        InputError: a field that it does not have, or an invalid value.
    """

    def create(made_by: Any) -> Exporter:
        made: Exporter = options.create(made_by, f"exporter {name!r}", values or {})
        return made

    return registry.make("exporter", name, create, _GuardedExporter)


class _GuardedExporter(Guarded[Exporter]):
    suffixes: ClassVar[tuple[str, ...]] = ()
    keeps_card: ClassVar[bool] = False

    def export(self, model: SketchModel) -> bytes:
        """The whole file; see `Exporter`."""
        return self._call(self.__wrapped__.export, model, find_problem=_find_problem)


def _find_problem(content: object) -> str | None:
    return (
        None if isinstance(content, bytes) else f"wrote a {type(content).__name__}, not the bytes of a file"
    )
