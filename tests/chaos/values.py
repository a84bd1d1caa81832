"""Values of any kind, as people, programs and damaged files give them."""

from __future__ import annotations

from chaos.conftest import LONG_SECONDS
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

TRIES = int(150 + 2.5 * LONG_SECONDS)
SETTINGS = settings(
    max_examples=TRIES,
    deadline=None,
    derandomize=not LONG_SECONDS,
    database=None,
    suppress_health_check=list(HealthCheck),
)

numbers = st.one_of(
    st.integers(-(2**70), 2**70),
    st.floats(allow_subnormal=False),
    st.sampled_from([0, 1, -1, 2**31, 2**53, 2**63 - 1, 2**63, 1e308, -0.0]),
)
texts = st.one_of(
    st.text(max_size=20), st.sampled_from(["", "\x1b[31m", "\u202e", "a\nb", "[red]", "../x", "\x00", "é" * 500])
)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["loss", "elbo", "rate", "distortion", "train", "x"]), inner, max_size=4),
    ),
    max_leaves=8,
)
