"""What checks and the analysis found, as messages say it. It is data from elsewhere: plain text, clipped."""

from dataclasses import dataclass
from typing import Any

from app.platform.types import JsonObject

CHECKS_NAMED = 5
MESSAGE_LIMIT = 160
TEXT_LIMIT = 500
# From which confidence on a word is said of an analysis.
_SURE = ((0.8, "quite sure"), (0.5, "fairly sure"), (0.0, "not sure"))


@dataclass(frozen=True, slots=True)
class Findings:
    """Checks, each with `checker`, `status` and `message`, and an analysis with the keys of `AnalyzeResult` (001)."""

    checks: tuple[JsonObject, ...] = ()
    analysis: JsonObject | None = None

    @classmethod
    def of(cls, facts: JsonObject) -> "Findings":
        """What a message's facts hold of it."""
        checks, analysis = facts.get("checks"), facts.get("analysis")
        return cls(
            tuple(each for each in checks if isinstance(each, dict)) if isinstance(checks, list) else (),
            analysis if isinstance(analysis, dict) else None,
        )

    @property
    def text(self) -> str:
        """Both in a few lines; empty where there is nothing to say."""
        return "\n\n".join(part for part in (self._checks(), self._analysis()) if part)

    @property
    def recommendations(self) -> list[Any]:
        """What is recommended, by title."""
        return list((self.analysis or {}).get("recommendations") or ())

    @property
    def summaries(self) -> list[str]:
        """What is said in a sentence."""
        summary = str((self.analysis or {}).get("summary") or "")
        return [summary] if summary else []

    @property
    def metrics(self) -> JsonObject:
        """How each check went, by its name."""
        return {str(each.get("checker")): each.get("status") for each in self.checks}

    def _checks(self) -> str:
        if not self.checks:
            return ""
        bad = [each for each in self.checks if each.get("status") != "ok"]
        if not bad:
            return f"Checks{self._where()}: all {len(self.checks)} well"
        lines = [
            f"- {each.get('checker')} {each.get('status')}: {_clip(each.get('message'), MESSAGE_LIMIT)}"
            for each in bad[:CHECKS_NAMED]
        ]
        more = [f"- and {len(bad) - CHECKS_NAMED} more"] if len(bad) > CHECKS_NAMED else []
        return "\n".join([f"Checks{self._where()}: {len(bad)} of {len(self.checks)} not well", *lines, *more])

    def _where(self) -> str:
        # The alert may come from another machine than the one that was measured.
        hosts = sorted({str(each.get("hostname") or "") for each in self.checks} - {""})
        return f" on {', '.join(hosts)}" if hosts else ""

    def _analysis(self) -> str:
        found = self.analysis
        if not found or not (found.get("summary") or found.get("probable_cause")):
            return ""
        by = str(found.get("provider") or "")
        remarks = [by] if by else []
        confidence = found.get("confidence")
        if isinstance(confidence, int | float):
            remarks.append(next(word for least, word in _SURE if confidence >= least or least == 0.0))
        if found.get("fallback_used"):
            remarks.append("the provider gave no answer")
        opening = f"Analysis ({', '.join(remarks)}):" if remarks else "Analysis:"
        lines = [f"{opening} {_clip(found.get('summary'), TEXT_LIMIT)}".rstrip()]
        if found.get("probable_cause"):
            lines.append(f"Probable cause: {_clip(found.get('probable_cause'), TEXT_LIMIT)}")
        lines += [f"- {_clip(each, MESSAGE_LIMIT)}" for each in self.recommendations]
        return "\n".join(lines)


NOTHING_FOUND = Findings()


def _clip(text: object, limit: int) -> str:
    said = " ".join(str(text or "").split())
    return said if len(said) <= limit else f"{said[: limit - 1].rstrip()}…"
