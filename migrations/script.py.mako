<%!
    def body(commands):
        """What autogenerate wrote, without its remarks."""
        lines = [line for line in (commands or "").splitlines() if not line.lstrip().startswith("# ###")]
        return "\n".join(lines).strip() or "pass"
%>\
"""${message}.

The first line says what; say here why, which release needs it, and what the previous release makes of it.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}

revision: str = ${repr(up_revision)}
down_revision: str | Sequence[str] | None = ${repr(down_revision)}
branch_labels: str | Sequence[str] | None = ${repr(branch_labels)}
depends_on: str | Sequence[str] | None = ${repr(depends_on)}


def upgrade() -> None:
    """Make the change."""
    ${body(upgrades)}


def downgrade() -> None:
    """Take it back."""
    ${body(downgrades)}
