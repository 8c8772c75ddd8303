"""Where a server listens, and who may then ask."""

from __future__ import annotations

import os
import secrets
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from delineate.core.errors import DelineateError, SettingsError
from delineate.files.writing import REMEDIES
from delineate.web.security import SHORTEST_TOKEN, Access

TOKEN = "DELINEATE_TOKEN"
_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class CannotListenError(DelineateError):
    """An address that cannot be listened at."""


@dataclass(frozen=True)
class Place:
    """The address to listen at, and the files of its certificate; port 0 is any that is free."""

    host: str = "127.0.0.1"
    port: int = 8765
    certificate: Path | None = None
    key: Path | None = None

    @property
    def scheme(self) -> str:
        """How a browser asks there."""
        return "http" if self.certificate is None else "https"


def listen(place: Place) -> socket.socket:
    """A socket that is bound to the place.

    Raises:
        CannotListenError: no such host here, or a port that is taken or not permitted.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            place.host, place.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError) as error:
        raise CannotListenError(
            f"--host {place.host}: expected a name or address of this machine ({error}); take "
            "127.0.0.1 for this machine alone, or 0.0.0.0 for all that reach it"
        ) from error
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # A second server on the port is told so here, not when this one accepts.
        bound.listen(512)
    except OSError as error:
        bound.close()
        reason = (error.strerror or str(error)).lower()
        raise CannotListenError(
            f"--host {place.host} --port {place.port}: cannot listen there: {reason}; choose "
            "another port, or 0 for any that is free"
        ) from error
    return bound


def require_certificate(place: Place) -> None:
    """Refuse files that are no certificate with its key.

    Raises:
        SettingsError: naming the file and what is wrong with it.
    """
    if place.certificate is None:
        if place.key is not None:
            raise SettingsError(f"--key {place.key}: expected its --certificate too, found none")
        return
    for option, file in (("--certificate", place.certificate), ("--key", place.key)):
        if file is not None:
            _require_readable(option, file)
    files = f"--certificate {place.certificate}"
    files += "" if place.key is None else f" --key {place.key}"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without an answer to give, an encrypted key would ask on the terminal.
        context.load_cert_chain(place.certificate, place.key, password=lambda: "")
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"{files}: expected a certificate and its own key, both in PEM and the key without a "
            f"password; they cannot be used: {error}"
        ) from error


def _require_readable(option: str, file: Path) -> None:
    try:
        with file.open("rb"):
            return
    except OSError as error:
        reason = REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise SettingsError(f"{option} {file}: cannot be read: {reason}") from error


def access_at(
    bound: socket.socket, *, is_encrypted: bool, environment: Mapping[str, str] = os.environ
) -> Access:
    """Who may ask at a bound socket.

    On a loopback address every program of this machine; on any other whoever has the token. A
    token in the variable `DELINEATE_TOKEN` holds everywhere.

    Raises:
        SettingsError: a token there that could be guessed.
    """
    host, port = bound.getsockname()[:2]
    given = environment.get(TOKEN)
    if given is not None:
        _require_long(given)
        return Access(given, port, is_encrypted=is_encrypted)
    is_local = ip_address(host.partition("%")[0]).is_loopback
    made = None if is_local else secrets.token_urlsafe(32)
    return Access(made, port, is_encrypted=is_encrypted, is_made=made is not None)


def _require_long(token: str) -> None:
    if len(token) < SHORTEST_TOKEN or not (token.isascii() and token.isprintable()):
        raise SettingsError(
            f"{TOKEN}: expected at least {SHORTEST_TOKEN} printable ASCII characters that nobody "
            f"can guess, found {len(token)}; make one with `python3 -c 'import secrets; "
            "print(secrets.token_urlsafe(32))'`"
        )


def address_of(bound: socket.socket, scheme: str) -> str:
    """What to open in a browser on this machine."""
    host, port = bound.getsockname()[:2]
    name = _WILDCARDS.get(host, host)
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}/"
