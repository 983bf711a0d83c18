"""The forecast of any job, and what a finished one teaches the next forecast: one question, answered by the kind of job."""

from __future__ import annotations

from engines.api.catalog import DeviceEntry
from engines.api.erase_job import EraseJob
from engines.api.jobs import AnyJob
from engines.api.segment_job import SegmentJob
from engines.launch import erase_forecast, forecast, segment_forecast
from engines.launch.figures import figures_of
from engines.launch.forecast import Outlook


def outlook_of(job: AnyJob, device: DeviceEntry) -> Outlook:
    """Forecast a job on a device, before anything is loaded."""
    if isinstance(job, SegmentJob):
        return segment_forecast.segment_outlook(job.base, job.recipe, job.method, device)
    if isinstance(job, EraseJob):
        return erase_forecast.erase_outlook(job, device)
    return forecast.outlook(job.base, job.recipe, job.method, device)


def work_of(job: AnyJob) -> tuple[str, float]:
    """What makes two jobs take the same time a step, and the floating point operations of one."""
    if isinstance(job, SegmentJob):
        sizes = segment_forecast.sizes_at(job.base)
        return segment_forecast.work_key(job.recipe, job.method), segment_forecast.step_flops(
            sizes, job.recipe, job.method
        )
    if isinstance(job, EraseJob):
        return erase_forecast.work_key(job), erase_forecast.step_flops(job)
    return forecast.work_key(job.recipe, job.method), forecast.step_flops(figures_of(job.base), job.recipe, job.method)


def remedy_of(job: AnyJob) -> str:
    """What to change so that a job needs less memory, the gentlest change first."""
    if isinstance(job, SegmentJob):
        return segment_forecast.remedy_for(segment_forecast.sizes_at(job.base), job.recipe, job.method)
    if isinstance(job, EraseJob):
        return erase_forecast.remedy_for(job)
    return forecast.remedy_for(job.recipe)
