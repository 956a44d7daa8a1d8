"""The keys of the Harbor task format 1.4. Source: its `models/task/config.py`."""

from __future__ import annotations


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


HARBOR_KEYS: dict[str, frozenset[str]] = {
    "": _keys(
        "schema_version version source artifacts multi_step_reward_strategy task metadata agent "
        "verifier solution environment steps interview"
    ),
    "task": _keys("name version description authors keywords"),
    "agent": _keys("timeout_sec user network_mode allowed_hosts"),
    "verifier": _keys(
        "timeout_sec env user network_mode allowed_hosts environment_mode environment collect"
    ),
    "solution": _keys("env"),
    "environment": _keys(
        "build_timeout_sec docker_image os cpus memory_mb storage_mb gpus gpu_types tpu env "
        "mcp_servers skills_dir healthcheck workdir network_mode allowed_hosts memory storage "
        "allow_internet"
    ),
}
"""Harbor accepts any key silently; these are the ones that mean something."""
