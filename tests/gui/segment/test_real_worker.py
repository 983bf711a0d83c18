"""Nothing is replaced here: the starter's Segment Anything answers clicks from the real worker, and learns in a real run."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from engines.api.job import JobMethod
from engines.api.recipe import LoopSettings
from engines.api.segment_job import SegmentData, SegmentRecipe
from gui.services import Services
from gui.views.segment.page import SegmentPage
from gui.workers.adapting import SegmentDraft
from projects import edits_regions, queries
from projects.project import Project
from tests.gui.segment.conftest import click, mask_of, settled
from tests.gui.segment.test_marking import block, key

_PATIENCE_MS = 240_000


@pytest.mark.timeout(600)
def test_a_click_is_answered_kept_and_the_model_taught_and_used(
    page: SegmentPage, services: Services, project: Project, qtbot: QtBot
) -> None:
    asking = page.mark.asking
    qtbot.waitUntil(lambda: asking.warming.ready or asking.warming.problem is not None, timeout=_PATIENCE_MS)
    assert asking.warming.problem is None
    click(page, 40, 60)
    qtbot.waitUntil(lambda: len(asking.candidates) == 3, timeout=_PATIENCE_MS)
    scores = [candidate.score for candidate in asking.candidates]
    assert scores == sorted(scores, reverse=True)
    key(page, qtbot, Qt.Key.Key_Return)
    (region,) = settled(page, qtbot, 1)
    assert mask_of(region)[60, 40], "what was clicked on belongs to it"

    label = queries.labels(project)[0].id
    rest = queries.images(project)[1:]
    new = [
        edits_regions.NewRegion(image.id, label, block(20 + 12 * n, 40, 60 + 12 * n, 80), "brush")
        for n, image in enumerate(rest, start=1)
    ]
    services.session.apply(lambda made: edits_regions.add_regions(made, new))
    services.session.apply(lambda made: edits_regions.set_split(made, [rest[-1].id], "validation"))
    loop = LoopSettings(steps=2, batch_size=1, warmup=0, checkpoint_every=2, validate_every=2, device="cpu")
    recipe = SegmentRecipe(data=SegmentData(prompts="both"), loop=loop)
    begun: list[str] = []
    draft = SegmentDraft("Discs", JobMethod(name="decoder"), recipe)
    services.runs.start(draft, done=begun.append, failed=lambda notice: pytest.fail(f"{notice.title} {notice.text}"))

    def over() -> bool:
        view = services.runs.view(begun[0]) if begun else None
        return view is not None and view.state.phase in {"finished", "failed", "interrupted"}

    qtbot.waitUntil(over, timeout=_PATIENCE_MS)
    view = services.runs.view(begun[0])
    assert view.state.phase == "finished", view.state.failure
    page.teach.use(view.id)
    qtbot.waitUntil(lambda: asking.warming.ready, timeout=_PATIENCE_MS)
    page.mark.finding.here()
    qtbot.waitUntil(lambda: not page.mark.finding.busy and not page.board.editing.busy, timeout=_PATIENCE_MS)
    assert {queries.region(project, key).label_id for key in page.board.proposals} <= {label}
