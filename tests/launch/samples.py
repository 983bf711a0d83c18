"""A job and pictures that tests of the launch package share."""

from __future__ import annotations

from engines.api.job import Job, JobConcept, JobImage


def a_job(name: str = "2026-11-21-my-dog") -> Job:
    return Job(id=name, title="My dog", created=1.0, concept=JobConcept(name="My dog", trigger="sks", class_noun="dog"))


def an_image(name: str = "images/a.png") -> JobImage:
    return JobImage(file=name, caption="a photo of [trigger]")
