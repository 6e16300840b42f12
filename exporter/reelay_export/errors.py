"""The one error that people are meant to read."""


class ExportError(Exception):
    """Says where, what was found and what is allowed. The command line prints it as a sentence, without a traceback."""


def first_line(error: Exception) -> str:
    """What a foreign error says, as far as a sentence can hold it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
