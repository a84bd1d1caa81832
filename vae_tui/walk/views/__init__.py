"""The views of a walk, without a screen: which latents each shows, what it needs for that, and what there is to draw."""
