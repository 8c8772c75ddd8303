"""Where a server listens, and who may then ask."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from delineate.core.errors import SettingsError
from delineate.web.listening import (
    CannotListenError,
    Place,
    access_at,
    address_of,
    listen,
    require_certificate,
)


def test_any_free_port_is_found() -> None:
    """And its address is one to open."""
    with listen(Place(port=0)) as bound:
        port = bound.getsockname()[1]
        assert address_of(bound, "http") == f"http://127.0.0.1:{port}/"
        assert port > 0


def test_all_addresses_are_opened_by_one_of_this_machine() -> None:
    """A browser cannot open 0.0.0.0 everywhere."""
    with listen(Place("0.0.0.0", 0)) as bound:
        assert address_of(bound, "https").startswith("https://127.0.0.1:")
    if socket.has_ipv6:
        with listen(Place("::1", 0)) as bound:
            assert address_of(bound, "http").startswith("http://[::1]:")


def test_a_port_is_taken_once() -> None:
    """The second one is told so before it loads a model."""
    with listen(Place(port=0)) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(CannotListenError, match=f"--port {port}: cannot listen there"):
            listen(Place(port=port))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "256.1.1.1", "a" * 300])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    """With the two that everybody has."""
    with pytest.raises(CannotListenError, match=r"127\.0\.0\.1 for this machine alone"):
        listen(Place(host, 0))


def test_only_other_machines_need_a_token() -> None:
    """A new one each time, of 256 random bits."""
    with listen(Place(port=0)) as here, listen(Place("0.0.0.0", 0)) as there:
        assert access_at(here, is_encrypted=False, environment={}).token is None
        tokens = {access_at(there, is_encrypted=False, environment={}).token for _ in range(9)}
        assert len(tokens) == 9
        assert all(token is not None and len(token) == 43 for token in tokens)


def test_the_token_of_the_environment_holds_everywhere() -> None:
    """On the loopback address too."""
    with listen(Place(port=0)) as here:
        access = access_at(here, is_encrypted=True, environment={"DELINEATE_TOKEN": "t" * 22})
    assert (access.token, access.is_made) == ("t" * 22, False)
    assert access.is_encrypted


@pytest.mark.parametrize("token", ["", "t" * 21, "t" * 30 + "\n", "é" * 30])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    """Too short, or with what no header can carry; it is not repeated."""
    with (
        listen(Place(port=0)) as here,
        pytest.raises(SettingsError, match="at least 22 printable ASCII") as refused,
    ):
        access_at(here, is_encrypted=False, environment={"DELINEATE_TOKEN": token})
    assert token == "" or token not in str(refused.value)


def test_a_certificate_is_looked_at_before_anything_else(tmp_path: Path) -> None:
    """What is no certificate is named, with the option that gave it."""
    require_certificate(Place())
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    with pytest.raises(SettingsError, match="expected a certificate and its own key, both in PEM"):
        require_certificate(Place(certificate=wrong))
    with pytest.raises(SettingsError, match=r"--key .*none\.pem: cannot be read"):
        require_certificate(Place(certificate=wrong, key=tmp_path / "none.pem"))
    with pytest.raises(SettingsError, match="expected its --certificate too"):
        require_certificate(Place(key=wrong))
