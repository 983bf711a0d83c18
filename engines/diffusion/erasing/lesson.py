"""What is asked while erasing is learned: the erased answer to a target, and the old answer to everything else.

    erasing    | said(t) - [ base(from) - push (base(t) - base(reference)) ] |^2
    anchoring  | said(c) - base(c) |^2 for anchors c, drawn with P(c) ~ (1 - |cos(c, t)|)^a

(SPM, Lyu et al. 2024; ESD, Gandikota et al. 2023.) Half the anchors are directions drawn at random from the space of text states, as long as the
target's (0.8 to 1.2 times), half are words. Noise and velocity are alike here: both are linear in what is said, and the factors sum to one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engines.diffusion.contracts import Base, TextStates
from engines.diffusion.erasing.contracts import Erasing, Wish
from engines.diffusion.erasing.walks import GUIDANCE, Moment
from engines.diffusion.transport import EVERYDAY

SHORTEST, LONGEST = 0.8, 1.2
_DRAWS = 16


class Lesson:
    """The questions of one run; the text encoder is needed only while it is made."""

    def __init__(self, base: Base, erasing: Erasing, wish: Wish) -> None:
        self._base, self._erasing, self._aim = base, erasing, erasing.aim
        self._targets = base.encode_prompts([one.target for one in wish.targets])
        self._surrogates = base.encode_prompts([one.surrogate for one in wish.targets])
        self._nothing = base.encode_prompts([""])
        self._words = base.encode_prompts([*wish.keep, *EVERYDAY])
        self._chances = anchor_chances(self._words["hidden"], self._targets["hidden"], self._aim.narrow)

    def loss(self, moment: Moment) -> torch.Tensor:
        """Training error, a scalar. Anchors are drawn from torch's global generator."""
        count, held = len(moment.targets), self._aim.anchors if self._aim.hold else 0
        anchors = self._anchors([number for number in moment.targets for _ in range(held)]) if held else None
        asked = joined([self._of(moment), *([anchors] if anchors is not None else [])])
        noisy = torch.cat([moment.noisy, moment.noisy.repeat_interleave(held, dim=0)])
        times = torch.cat([moment.timesteps, moment.timesteps.repeat_interleave(held)])
        goal = self._goal(moment, anchors, noisy, times)
        rows = [*moment.targets, *(number for number in moment.targets for _ in range(held))]
        with self._erasing.acting(rows):
            said = self._base.predict(noisy, times, asked).float()
        squared = (said - goal).square().mean(dim=(1, 2, 3))
        error = squared[:count].mean()
        if held:
            error = error + self._aim.hold * squared[count:].mean()
        penalty = self._erasing.penalty()
        return error if penalty is None else error + penalty

    @torch.no_grad()
    def error(self, moment: Moment) -> float:
        """The erasing error of moments alone, without anchors; touches no random state."""
        goal = self._goal(moment, None, moment.noisy, moment.timesteps)
        with self._erasing.acting(moment.targets):
            said = self._base.predict(moment.noisy, moment.timesteps, self._of(moment)).float()
        return float((said - goal).square().mean())

    @torch.no_grad()
    def guided(self, noisy: torch.Tensor, timesteps: torch.Tensor, targets: Sequence[int]) -> torch.Tensor:
        """What the model says, with little guidance, of pictures on the way to targets; see `walks.Say`."""
        count = len(targets)
        text = joined([picked(self._nothing, [0] * count), picked(self._targets, targets)])
        with self._erasing.acting([-1] * count + list(targets)):
            without, within = self._base.predict(torch.cat([noisy] * 2), timesteps.repeat(2), text).float().chunk(2)
        return without + GUIDANCE * (within - without)

    @torch.no_grad()
    def _goal(
        self, moment: Moment, anchors: TextStates | None, noisy: torch.Tensor, times: torch.Tensor
    ) -> torch.Tensor:
        """What should be said: of the targets first, then of the anchors."""
        count = len(moment.targets)
        texts = [self._of(moment), picked(self._surrogates, moment.targets)]
        if self._aim.against_nothing:
            texts.append(picked(self._nothing, [0] * count))
        several = len(texts)
        if anchors is not None:
            texts.append(anchors)
        with self._erasing.switched_off():
            said = self._base.predict(
                torch.cat([moment.noisy] * several + [noisy[count:]]),
                torch.cat([moment.timesteps] * several + [times[count:]]),
                joined(texts),
            ).float()
        parts = said[: several * count].chunk(several)
        target, surrogate, reference = parts[0], parts[1], parts[-1]
        return torch.cat([aimed(surrogate, target, reference, self._aim.push), said[several * count :]])

    def _of(self, moment: Moment) -> TextStates:
        return picked(self._targets, moment.targets)

    def _anchors(self, targets: Sequence[int]) -> TextStates:
        """One anchor for each target, every other one a word."""
        numbers = torch.multinomial(self._chances[list(targets)], 1).squeeze(1).tolist()
        words = picked(self._words, numbers)
        drawn = directions_near(picked(self._targets, targets), self._aim.narrow)
        odd = torch.arange(len(targets), device=words["hidden"].device) % 2 == 1
        return {
            name: torch.where(odd.view(-1, *(1,) * (states.ndim - 1)), states, drawn[name])
            for name, states in words.items()
        }


def aimed(surrogate: torch.Tensor, target: torch.Tensor, reference: torch.Tensor, push: float) -> torch.Tensor:
    """What an erased model should say of its target, from what the base says of three words; all (N, C, h, w)."""
    return surrogate - push * (target - reference)


def directions_near(targets: TextStates, narrow: float) -> TextStates:
    """States drawn at random, 0.8 to 1.2 times as long as the targets', kept with chance (1 - |cosine|)^narrow. One for each row.

    In so many dimensions nearly all are kept; but the bound holds wherever there are few. Token numbers are the targets' own.
    """
    found = {}
    for name, states in targets.items():
        if not states.is_floating_point():
            found[name] = states
            continue
        flat = states.flatten(1)
        drawn = torch.nn.functional.normalize(torch.randn_like(flat), dim=1)
        own = torch.nn.functional.normalize(flat, dim=1)
        waiting = torch.ones_like(drawn[:, :1], dtype=torch.bool)
        for _ in range(_DRAWS):
            chance = (1.0 - (drawn * own).sum(dim=1, keepdim=True).abs()).clamp_min(0.0) ** narrow
            waiting = waiting & (torch.rand_like(chance) > chance)
            drawn = torch.where(waiting, torch.nn.functional.normalize(torch.randn_like(flat), dim=1), drawn)
        length = flat.norm(dim=1, keepdim=True) * torch.empty_like(flat[:, :1]).uniform_(SHORTEST, LONGEST)
        found[name] = (length * drawn).view_as(states)
    return found


def anchor_chances(words: torch.Tensor, targets: torch.Tensor, narrow: float) -> torch.Tensor:
    """Chance of each word (M, L, D) to be an anchor of each target (k, L, D): (k, M), rows sum to 1."""
    unit = torch.nn.functional.normalize
    cosine = unit(targets.float().flatten(1), dim=1) @ unit(words.float().flatten(1), dim=1).T
    chance = (1.0 - cosine.abs()).clamp_min(1e-6) ** narrow
    return chance / chance.sum(dim=1, keepdim=True)


def picked(text: TextStates, rows: Sequence[int]) -> TextStates:
    """Rows of text states by number."""
    return {name: states[list(rows)] for name, states in text.items()}


def joined(texts: Sequence[TextStates]) -> TextStates:
    """Text states one after the other."""
    return {name: torch.cat([text[name] for text in texts]) for name in texts[0]}
