"""The command line: thin walks from files to drawings to files. Nobody imports this."""
