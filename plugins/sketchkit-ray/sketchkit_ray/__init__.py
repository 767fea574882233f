"""`sketchkit ray`: the work of a command in parts, done by the processes of a Ray cluster."""

__all__: list[str] = []
