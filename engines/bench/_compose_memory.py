"""The most memory one picture needs, plain or with five concepts in regions, in a process of its own: `python -m engines.bench._compose_memory plain|regions`.

The last line it prints is a number of bytes.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

CONCEPTS = 5
_WORDS = ("bear", "duck", "car", "mug", "tree")


def main(arguments: list[str]) -> None:
    """Make the picture told by the first argument."""
    from engines.api.compose import Composition, Concept
    from engines.api.uses import AdapterUse
    from engines.bench._turn import peak_bytes
    from engines.bench.switch import an_adapter
    from engines.core.devices import pick
    from engines.diffusion.compose import compose
    from engines.diffusion.exchange import write_adapter
    from engines.diffusion.generate import Generator

    generator = Generator(pick("auto"))
    generator.open("starter")
    prompt = " and ".join(f"a {word}" for word in _WORDS)
    if arguments[0] == "plain":
        list(generator.pictures([prompt], [1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            concepts = []
            for number, word in enumerate(_WORDS):
                file = Path(folder) / f"{word}.safetensors"
                write_adapter(an_adapter(generator.base, number), file)
                box = (number / CONCEPTS, 0.2, (number + 1) / CONCEPTS, 0.9)
                concepts.append(Concept(name=word, adapter=AdapterUse(file=str(file)), class_noun=word, box=box))
            wanted = Composition(concepts=tuple(concepts), prompt=prompt, strategy="regions")
            list(compose(generator, wanted, (1,)))
    print(peak_bytes(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
