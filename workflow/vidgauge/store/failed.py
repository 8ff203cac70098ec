"""Why a video that passed the gate has no features, where it could be decoded itself."""

BAD_TEXT = "bad-text"
BAD_PARTNER = "bad-partner"
SHORT_PARTNER = "short-partner"

FAILED = {
    BAD_TEXT: "whose text the network cannot read",
    BAD_PARTNER: "whose partner could not be decoded",
    SHORT_PARTNER: "whose partner is too short",
}
"""What is said of such videos, by reason."""
DECODING = "that could not be decoded"
"""What is said of all others."""
