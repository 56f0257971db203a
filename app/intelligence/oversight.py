"""Analyses for those who watch over PagerPal: how they ended, and what they cost."""

from sqlalchemy import String, case, cast, func, literal

from app.intelligence.models import AnalysisRow
from app.platform.tally import Fact

_OUTCOME = case((AnalysisRow.fallback_used, literal("fallback")), else_=func.lower(cast(AnalysisRow.status, String)))

ANALYSES = Fact(
    name="pagerpal_analyses",
    help="Analyses that ended: succeeded, failed, or made by the local provider because another failed (fallback).",
    labels={"provider": AnalysisRow.provider, "outcome": _OUTCOME},
    at=AnalysisRow.completed_at,
)
PROMPT_TOKENS = Fact(
    name="pagerpal_ai_prompt_tokens",
    help="Tokens in the questions put to AI providers.",
    labels={"provider": AnalysisRow.provider},
    at=AnalysisRow.completed_at,
    amount=AnalysisRow.prompt_tokens,
    where=AnalysisRow.prompt_tokens.is_not(None),
)
COMPLETION_TOKENS = Fact(
    name="pagerpal_ai_completion_tokens",
    help="Tokens in what they answered.",
    labels={"provider": AnalysisRow.provider},
    at=AnalysisRow.completed_at,
    amount=AnalysisRow.completion_tokens,
    where=AnalysisRow.completion_tokens.is_not(None),
)
