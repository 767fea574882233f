"""The command line: thin walks from files to drawings to files; the top of the import order."""
