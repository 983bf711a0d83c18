"""Switching adapters on a warm base model: how long attaching, another strength, another adapter, and detaching take.

Adapters of rank 8 on all attention of the starter, through `Placement`, as Generate and Compare do between pictures. What counts on the
processor is the lesser of the clock's time and the time it worked on this, so that another program's work is not taken for ours.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from engines.bench.table import Bench, Figure, Result, Table

if TYPE_CHECKING:
    from engines.core.devices import Device
    from engines.diffusion.contracts import Base
    from engines.diffusion.exchange import Adapter

SENTENCE = "milliseconds to attach an adapter to the starter, to change its weight, and to detach it"

TIMES, QUICK_TIMES = 60, 2
RANK = 8


def measure(bench: Bench) -> Result:
    """Do it many times and take the middle."""
    import torch

    from engines.core.devices import pick
    from engines.diffusion.backbones import open_base
    from engines.diffusion.placement import Placement

    device = pick("auto")
    base = open_base("starter", device)
    one, other = an_adapter(base, 0), an_adapter(base, 1)
    placement = Placement(base)
    acts: dict[str, Callable[[], None]] = {
        "attach": lambda: placement.use([(one, 1.0)]),
        "change the weight": lambda: placement.use([(one, 0.6)]),
        "take another": lambda: placement.use([(other, 1.0)]),
        "detach": placement.clear,
    }
    clock: dict[str, list[float]] = {name: [] for name in acts}
    work: dict[str, list[float]] = {name: [] for name in acts}
    for _ in range(1 + (QUICK_TIMES if bench.quick else TIMES)):
        for name, act in acts.items():
            seconds, worked = _timed(act, device)
            clock[name].append(1000.0 * seconds)
            work[name].append(1000.0 * min(seconds, worked))
    middle = {name: statistics.median(found[1:]) for name, found in work.items()}
    rows = tuple((name, middle[name], statistics.median(clock[name][1:]), max(clock[name][1:])) for name in acts)
    slowest = max(middle, key=lambda name: middle[name])
    figure = Figure(
        "adapter-switch-ms", middle[slowest], 50.0, 50.0, better="lower", unit="ms", note=f"the slowest: {slowest}"
    )
    conditions = {
        "device": device.kind,
        "threads": str(torch.get_num_threads()),
        "adapter": f"rank {RANK}, {len(one.modules)} layers",
        "times": str(len(work[slowest]) - 1),
    }
    return Result((Table("Milliseconds", ("act", "median", "by the clock", "longest"), rows),), (figure,), conditions)


def an_adapter(base: Base, seed: int) -> Adapter:
    """An adapter with random values on all attention."""
    import torch

    from engines.diffusion.exchange import Adapter, LoraPair, canonical

    draws = torch.Generator().manual_seed(seed)
    networks, modules = base.networks(), {}
    for site in base.attention_linears():
        outputs, inputs = networks[site.network].get_parameter(f"{site.path}.weight").shape
        down, up = torch.randn(RANK, inputs, generator=draws), torch.randn(outputs, RANK, generator=draws)
        modules[canonical(site)] = LoraPair(0.1 * down, 0.1 * up, float(RANK))
    return Adapter(modules, {})


def _timed(act: Callable[[], None], device: Device) -> tuple[float, float]:
    """Seconds by the clock, and seconds the processor worked on it; both the clock's where another device did."""
    import torch

    began, worked = time.perf_counter(), time.process_time()
    act()
    if device.kind == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    return seconds, time.process_time() - worked if device.kind == "cpu" else seconds
