"""A login's password and the SCRAM verifier that stands for it, so that no password ever reaches the server."""

import base64
import hashlib
import hmac
import string
from collections.abc import Callable
from dataclasses import dataclass, field

ALPHABET = string.ascii_letters + string.digits  # SASLprep leaves these alone, so every client derives the same key
PASSWORD_LENGTH = 32  # characters, 190 bits
SALT_LENGTH = 16  # bytes
DEFAULT_ITERATIONS = 4096  # what RFC 7677 asks at least; stretching adds nothing to 190 random bits


@dataclass(frozen=True, slots=True)
class Credentials:
    """A password with the salt and the iterations of its verifier. Drawn for one pass, never kept in a step."""

    password: str = field(repr=False)
    salt: bytes = field(repr=False)
    iterations: int = DEFAULT_ITERATIONS

    def verifier(self) -> str:
        """What PostgreSQL stores for the password: `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`."""
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), self.salt, self.iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        stored_key = hashlib.sha256(client_key).digest()
        return f"SCRAM-SHA-256${self.iterations}:{_b64(self.salt)}${_b64(stored_key)}:{_b64(server_key)}"

    def with_password(self, password: str) -> "Credentials":
        """The same salt and iterations for another password."""
        return Credentials(password, self.salt, self.iterations)


@dataclass(frozen=True, slots=True)
class StoredVerifier:
    """What the registry keeps of a verifier: enough to tell whether a password fits, not enough to log in."""

    iterations: int
    salt: str  # base64
    digest: bytes  # sha256 of the verifier

    def fits(self, password: str) -> bool:
        """Whether the verifier was made from `password`. Costs one key derivation, about 1 ms at 4,096 iterations."""
        verifier = Credentials(password, base64.b64decode(self.salt), self.iterations).verifier()
        return hmac.compare_digest(hashlib.sha256(verifier.encode()).digest(), self.digest)


def draw(random_bytes: Callable[[int], bytes], iterations: int = DEFAULT_ITERATIONS) -> Credentials:
    """A new password and salt from `random_bytes(count)`, a source fit for secrets."""
    return Credentials(_password(random_bytes), random_bytes(SALT_LENGTH), iterations)


def _password(random_bytes: Callable[[int], bytes]) -> str:
    unbiased = len(ALPHABET) * (256 // len(ALPHABET))  # bytes above would favour the first letters
    letters = ""
    while len(letters) < PASSWORD_LENGTH:
        letters += "".join(ALPHABET[byte % len(ALPHABET)] for byte in random_bytes(64) if byte < unbiased)
    return letters[:PASSWORD_LENGTH]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@dataclass(frozen=True, slots=True)
class SetVerifier:
    """Gives the login a new verifier. The password is drawn in the call, else no diff would be the same twice."""

    identifier: str
    connection_limit: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The credentials of this pass, and whether the login has them already."""

    credentials: Credentials
    stands: bool


def choose(fresh: Credentials, published: str | None, stored: StoredVerifier | None, changed: bool = False) -> Choice:
    """Which password the login should have.

    `published` is what the connection Secret holds, `stored` what the registry knows of the verifier set last;
    `changed`: the server holds another verifier, so the tenant has changed its own password. A published password
    stays wherever it can: it is what applications know.
    """
    if published is not None and not is_well_formed(published):
        published = None
    if stored is None:  # the login is to be made
        return Choice(fresh if published is None else fresh.with_password(published), stands=False)
    if published is not None and stored.fits(published):
        return Choice(fresh.with_password(published), stands=not changed)
    return Choice(fresh, stands=False)


def is_well_formed(password: str) -> bool:
    """Whether a password could be one of ours: 32 letters and digits."""
    return len(password) == PASSWORD_LENGTH and all(character in ALPHABET for character in password)
