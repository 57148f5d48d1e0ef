"""Which releases of jaxlib compute wrong numbers, and the refusal to run on them.

Nothing here imports jax: the installed version is read from the package metadata, in a millisecond.
"""

from importlib import metadata

KNOWN_BAD_JAXLIB: dict[str, str] = {
    "0.10.2": "its CPU compiler gives wrong values for batched matrix-vector products (jax issue 39103)",
    "0.11.0": "it crashes in fused CPU reductions, is wrong on some GPUs (jax issues 39257, 40633)",
    "0.11.1": "it gives wrong values on some GPUs and has further known faults (jax issues 40633, 40412)",
}


def complaint(version: str) -> str | None:
    """The sentence that refuses this version of jaxlib, or None where nothing is known against it.

    >>> complaint("0.10.1") is None
    True
    >>> print(complaint("0.10.2"))
    diffneq refuses jaxlib 0.10.2: its CPU compiler ... pip install "jax==0.10.1" "jaxlib==0.10.1"
    """
    reason = KNOWN_BAD_JAXLIB.get(version)
    if reason is None:
        return None
    return (
        f"diffneq refuses jaxlib {version}: {reason}. "
        'Install a release that passes diffneq\'s self-check: pip install "jax==0.10.1" "jaxlib==0.10.1"'
    )


def refuse_known_bad_jaxlib() -> None:
    """Raise ImportError, with the cure in the sentence, where the installed jaxlib is known to be bad."""
    try:
        version = metadata.version("jaxlib")
    except metadata.PackageNotFoundError:
        return  # importing jax itself will say so, and better
    sentence = complaint(version)
    if sentence is not None:
        raise ImportError(sentence)
