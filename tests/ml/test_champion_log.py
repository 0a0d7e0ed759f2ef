"""Every change of the version that serves stands in the audit log."""

from sqlalchemy.orm import Session

from db.queries import audit
from ml import registry
from tests.ml import versions


def test_a_new_champion_is_written_down_and_a_candidate_is_not(session: Session) -> None:
    asked = versions.config()
    card = versions.card(asked, versions.prepared(asked))
    states = [registry.record(session, card, asked, manifest={}, folder=f"{n}").state for n in range(2)]
    written = audit.page(session, audit.Wanted(action="champion_changed"))
    assert len(written) == states.count("champion") == 1
    assert (written[0].actor, written[0].object) == ("system", f"{card.name} v1")
    assert written[0].detail == {"job": None, "before": None, "proven": False, "asked_by": None}
    assert audit.verify(session).breaches == []
