"""Run the notebooks of this folder from top to bottom, and keep what they show.

A notebook stays as it was where a cell fails; a warning is a failure, too.
"""

import argparse
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent
#: Seconds that one cell may take, on a machine that is busy with other things, too.
PATIENCE = 900
#: Every warning of a cell is an error; the kernel's own, as it stops, is none.
_STRICT = (
    "import warnings; warnings.simplefilter('error'); warnings.filterwarnings('ignore', module='ipykernel')"
)


def execute(path: Path) -> nbformat.NotebookNode:
    """Run all cells in the notebook's folder, and return it with their outputs.

    Args:
        path: of the notebook, which is left as it is.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell failed.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=PATIENCE,
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=[f"--IPKernelApp.exec_lines={_STRICT}", "--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    # Cells of the shell find the commands of this environment, activated or not.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    client.execute(env=os.environ | {"PATH": path})
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            _keep_html(output)
    return notebook


def _keep_html(output: nbformat.NotebookNode) -> None:
    """Leave out what HTML says as well: viewers take the HTML, and the words may hold paths of a machine."""
    data = output.get("data", {})
    if "text/html" in data:
        output["data"] = {"text/html": data["text/html"]}


def main() -> None:
    """Run the notebooks that are named, or all of them."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="example: python examples/notebooks/execute.py artist.ipynb",
    )
    parser.add_argument("names", nargs="*", help="files of this folder; all notebooks without a name")
    names = parser.parse_args().names
    for path in [FOLDER / name for name in names] or sorted(FOLDER.glob("*.ipynb")):
        nbformat.write(execute(path), path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
