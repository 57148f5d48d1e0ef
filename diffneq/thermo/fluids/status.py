"""What may be said of a state; bits that are OR-ed over the steps of a calculation."""

NO_STATE = 1
NOT_CONVERGED = 2
UNSTABLE = 4
NO_COEXISTENCE = 8
EXTRAPOLATED = 16
METASTABLE = 32

SENTENCES = {
    NO_STATE: "no state of the fluid has these values",
    NOT_CONVERGED: "the iteration did not converge",
    UNSTABLE: "inside the spinodal: the homogeneous fluid is unstable there",
    NO_COEXISTENCE: "liquid and vapour do not coexist at or above the critical point",
    EXTRAPOLATED: "outside the range in which the model was fitted",
    METASTABLE: "metastable: another phase has the lower Gibbs energy",
}
FAILURES = NO_STATE | NOT_CONVERGED | UNSTABLE | NO_COEXISTENCE


def explain(status: int) -> str:
    """A status in words.

    >>> explain(0), explain(17)
    ('stable', 'no state of the fluid has these values; outside the range in which the model was fitted')
    """
    return "; ".join(words for bit, words in SENTENCES.items() if status & bit) or "stable"
