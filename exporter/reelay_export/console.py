"""What these programs print, and what they do not."""

import logging
import warnings


def quiet() -> None:
    """What the libraries say about their own progress is not this program's output. Call it before a family is imported."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    import diffusers
    import transformers

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
