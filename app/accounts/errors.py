"""What can be refused about people, each named after the fact."""

from app.platform.errors import Conflict, FieldError, Forbidden, Invalid, NotFound, TooMany, Unauthenticated


class UserMissing(NotFound):
    """There is no such user."""

    default_code = "user_missing"


class TeamMissing(NotFound):
    """There is no such team."""

    default_code = "team_missing"


class ContactMethodMissing(NotFound):
    """This person has no such contact method."""

    default_code = "contact_method_missing"


class EmailTaken(Conflict):
    """Another user has this email address."""

    default_code = "email_taken"


class NameTaken(Conflict):
    """Another team has this name."""

    default_code = "name_taken"


class LastAdmin(Conflict):
    """This would leave the appliance without an admin who can sign in."""

    default_code = "last_admin"


class SetupClosed(Conflict):
    """The first admin exists; the first-run door is closed for good (B2)."""

    default_code = "setup_closed"


class SetupCodeWrong(Forbidden):
    """The set-up code is not the one that the process printed."""

    default_code = "setup_code_wrong"


class WrongCredentials(Unauthenticated):
    """Email or password is wrong, or the account may not sign in: deliberately one answer for all."""

    default_code = "wrong_credentials"

    def __init__(self) -> None:
        super().__init__("The email or the password is wrong.")


class SlowDown(TooMany):
    """Too many failed tries for this account or from this address; right ones are taken again after the wait."""

    default_code = "slow_down"


class WrongCode(Invalid):
    """The verification code is wrong, used up or too old."""

    default_code = "wrong_code"


def invalid(path: str, message: str) -> Invalid:
    """One wrong field, as the error that names it."""
    return Invalid(f"{path} {message}.", [FieldError(path, message)])
