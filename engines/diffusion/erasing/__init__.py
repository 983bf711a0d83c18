"""Erasing concepts: what all erasers share, from the words to the measured result. The erasers themselves: `engines.diffusion.erasers`."""
