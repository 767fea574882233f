"""`python -m sketchkit`."""

from sketchkit.cli.main import main

if __name__ == "__main__":
    main()
