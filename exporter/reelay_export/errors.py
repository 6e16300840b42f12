"""The one error that people are meant to read."""


class ExportError(Exception):
    """Says where, what was found and what is allowed. The command line prints it as a sentence, without a traceback."""
