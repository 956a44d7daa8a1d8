"""A configuration says what is wrong with it, and keeps its keys to itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gateway.__main__ import main
from harness.gateway.configuration import (
    GatewayConfig,
    HttpUpstream,
    SessionGrant,
    key_hash,
    read_configuration,
    written,
)

CONFIG = GatewayConfig(
    sessions=(SessionGrant(session="s", key_sha256=key_hash("k")),),
    upstreams={"chat": HttpUpstream(base_url="https://models.example/v1", key="sk-real")},
)


def test_it_comes_back_as_it_was_written(tmp_path: Path):
    """The file has the provider's key; nothing else that shows a configuration does."""
    path = tmp_path / "config.json"
    path.write_bytes(written(CONFIG))
    assert read_configuration(path) == CONFIG
    assert "sk-real" not in CONFIG.model_dump_json()
    assert "sk-real" not in repr(CONFIG)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{", "file"),
        ('{"port": 70000}', "port"),
        ('{"sessions": [{"session": "s", "key_sha256": "sk-real"}]}', "sessions.0.key_sha256"),
        ('{"upstreams": {"chat": {"kind": "magic", "key": "sk-real"}}}', "upstreams.chat"),
    ],
)
def test_a_wrong_one_names_the_place_and_no_key(tmp_path: Path, text: str, place: str):
    """The operator reads where to look."""
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=place) as raised:
        read_configuration(path)
    assert "sk-real" not in str(raised.value)
    assert raised.value.slug == "gateway-configuration"


def test_one_that_is_not_there(tmp_path: Path):
    """A missing file is wrong use."""
    with pytest.raises(UsageError, match="No such file"):
        read_configuration(tmp_path / "nothing.json")


def test_a_key_is_new_each_time_and_fits_its_hash(capsys: pytest.CaptureFixture[str]):
    """`key` gives the session's key and what the configuration has of it."""
    assert [main(["key"]), main(["key"])] == [0, 0]
    one, two = (json.loads(line) for line in capsys.readouterr().out.splitlines())
    assert one["key"] != two["key"]
    assert one["key_sha256"] == key_hash(one["key"])


@pytest.mark.parametrize("argv", [[], ["serve"], ["read", "x", "-1"], ["dance"]])
def test_wrong_use_explains(argv: list[str], capsys: pytest.CaptureFixture[str]):
    """Exit code 2 and the verbs."""
    assert main(argv) == 2
    assert "serve CONFIG SPOOL" in capsys.readouterr().err


def test_a_wrong_configuration_ends_the_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """The same message on standard error, exit code 2."""
    assert main(["serve", str(tmp_path / "none"), str(tmp_path / "spool")]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_authorities_that_are_none_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A file without a certificate is told, before any call is taken."""
    config = tmp_path / "config.json"
    (tmp_path / "company.pem").write_text("nothing")
    config.write_text(json.dumps({"ca_file": str(tmp_path / "company.pem")}))
    assert main(["serve", str(config), str(tmp_path / "spool")]) == 2
    assert "company.pem cannot be read" in capsys.readouterr().err


def test_it_ships_alone():
    """Importing the gateway brings in nothing of the harness but the nouns and the errors."""
    code = (
        "import sys, harness.gateway.__main__, harness.gateway.serving;"
        "rooms = {'.'.join(n.split('.')[:2]) for n in sys.modules if n.startswith('harness.')};"
        "print(sorted(rooms))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "['harness.errors', 'harness.gateway', 'harness.models']"
