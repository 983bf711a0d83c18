"""The head of Train: what is taught, and the buttons that act on the training at work."""

from __future__ import annotations

from gui.services import Services
from gui.views.train.controls import RunControls
from gui.views.train.readiness import Readiness
from gui.views.train.words import plural
from gui.widgets.choice_box import ChoiceBox
from gui.widgets.page import PageHeader
from projects import queries


class TrainHeader(PageHeader):
    """Title, concept chooser, and the `controls` of the training at work."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._concepts = ChoiceBox(name="train.concept", label="What to teach")
        self._concepts.setMaximumWidth(220)
        self._concepts.activated.connect(lambda _i: services.session.set_concept(str(self._concepts.currentData())))
        self.controls = RunControls(services, name="train")
        super().__init__("Train", buttons=(self._concepts, self.controls))

    def show_concept(self, readiness: Readiness) -> None:
        """Say what is taught."""
        concept = readiness.concept
        self.set_title(f"Train “{concept.name}”" if concept is not None else "Train")
        parts: list[str] = []
        if concept is not None:
            parts.append(plural(len(readiness.images), "photo"))
            if concept.trigger:
                parts.append(f"trigger word {concept.trigger}")
            if concept.class_noun:
                parts.append(f"class {concept.class_noun}")
        self.set_subtitle(", ".join(parts))
        project = self._services.session.project
        known = [(item.name, item.id) for item in queries.concepts(project)] if project is not None else []
        box = self._concepts
        if [(box.itemText(i), box.itemData(i)) for i in range(box.count())] != known:
            box.clear()
            for name, concept_id in known:
                box.addItem(name, concept_id)
        box.setVisible(len(known) > 1)
        box.setCurrentIndex(max(box.findData(concept.id), 0) if concept is not None else -1)
