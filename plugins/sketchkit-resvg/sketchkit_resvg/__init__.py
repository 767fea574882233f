"""A renderer for sketchkit that draws PNG by resvg, found by its name: `--format resvg`."""
