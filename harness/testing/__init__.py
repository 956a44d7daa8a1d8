"""What tests of ours and of task authors share: builders, a fake sandbox, the self-check."""

import pytest

# So that a broken promise shows the values it compared, as in a test of one's own.
pytest.register_assert_rewrite(
    "harness.testing.sandbox_check_lifetime", "harness.testing.sandbox_check_processes"
)
