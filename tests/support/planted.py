"""Secrets to plant into what strangers write: 500 of them in 25 shapes, the same in every run."""

import base64
import random
import string
from collections.abc import Callable

WORDS = string.ascii_letters + string.digits
CHANCE = random.Random(20260302)


def word(length: int, letters: str = WORDS) -> str:
    # With a digit and a letter of each case, as whatever makes such secrets promises.
    return "aQ7" + "".join(CHANCE.choice(letters) for _ in range(length - 3))


def hexadecimal(length: int) -> str:
    return "".join(CHANCE.choice("0123456789abcdef") for _ in range(length))


def password() -> str:
    return CHANCE.choice(["hunter", "Sommer", "correct", "tr0ub"]) + "".join(CHANCE.choice(WORDS) for _ in range(6))


# How a secret looks, and the text that it is found in; `{}` is where it stands.
SHAPES: list[tuple[str, Callable[[], str]]] = [
    ("login with password={}", password),
    ("db_password: {} was refused", password),
    ('{{"user": "app", "passwd": "{}"}}', password),
    ("the password is {}", password),
    ("postgres://app:{}@db.example.com:5432/app", password),
    ("https://hooks.example.com/in?token={}&a=b", lambda: word(20)),
    ("mysql -u root -p{} failed", password),
    ("curl -u admin:{} https://api.example.com", password),
    ("backup --password {} --all", password),
    ("Server=db;User Id=sa;Password={};Encrypt=true", password),
    ("Authorization: Bearer {}", lambda: word(32)),
    ("Authorization: Basic {}", lambda: base64.b64encode(f"app:{password()}".encode()).decode()),
    ("X-API-Key: {}", lambda: word(16)),
    ("export AWS_SECRET_ACCESS_KEY={}", lambda: word(40, WORDS + "+/")),
    ("key AKIA{} is denied", lambda: "".join(CHANCE.choice(string.ascii_uppercase + string.digits) for _ in range(16))),
    ("slack says xoxb-{}", lambda: word(24)),
    ("pushed with ghp_{}", lambda: word(36)),
    ("openai said sk-{}", lambda: word(40)),
    ("jwt eyJhbGciOiJIUzI1NiJ9.{}.x", lambda: word(60)),
    ("session {} expired", lambda: hexadecimal(32)),
    ("request {} failed", lambda: word(24)),
    ("digest sha256:{}", lambda: hexadecimal(64)),
    ("key -----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY----- leaked", lambda: word(64)),
    ("https://hooks.slack.com/services/T000/B000/{}", lambda: word(24)),
    ("heroku key {}", lambda: "-".join(hexadecimal(length) for length in (8, 4, 4, 4, 12))),
]  # fmt: skip


def planted() -> list[tuple[str, str]]:
    """500 secrets, each with the text that it stands in."""
    return [(secret, text.format(secret)) for text, make in SHAPES for _ in range(20) for secret in [make()]]
