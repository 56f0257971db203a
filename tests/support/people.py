"""People for tests, made through the use cases that the product uses."""

from app.accounts.types import Role, User
from app.platform.runtime import Runtime
from app.usecases import people

PASSWORD = "a-long-and-quiet-river"


def add_admin(rt: Runtime, name: str = "Ada") -> User:
    """An admin who can sign in with PASSWORD."""
    return people.create_admin(rt, email=email_of(name), name=name, password=PASSWORD, now=rt.clock.now())


def add_user(rt: Runtime, name: str, *, actor: User, role: Role = Role.RESPONDER, signs_in: bool = False) -> User:
    """Somebody with an email contact method; with PASSWORD where they sign in."""
    return people.create_user(
        rt,
        email=email_of(name),
        name=name,
        role=role,
        login_enabled=signs_in,
        password=PASSWORD if signs_in else None,
        actor=actor,
        now=rt.clock.now(),
    )


def email_of(name: str) -> str:
    """The address of somebody of this name."""
    return f"{name.lower()}@example.com"
