"""What keys do in a walk, by what it is about: place, view, motion and what is stored."""
