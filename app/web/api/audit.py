"""`/api/v1/audit`: who did what to which object; for admins."""

from typing import Annotated

from fastapi import Query

from app.accounts import queries
from app.web.api.accounts_schemas import AuditOut
from app.web.api.pages import PageOut, page_out
from app.web.deps import MAX_ID, PageDep, RuntimeDep

Word = Annotated[str, Query(max_length=100)]


def list_audit(
    rt: RuntimeDep,
    page: PageDep,
    object_type: Word = "",
    object_id: Word = "",
    action: Word = "",
    user_id: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None,
) -> PageOut[AuditOut]:
    """One page of the audit, newest first."""
    found = rt.db.read(
        lambda tx: queries.list_audit(
            tx, page, object_type=object_type, object_id=object_id, action=action, user_id=user_id
        )
    )
    return page_out(found, AuditOut.of)
