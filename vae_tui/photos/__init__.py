"""Photos: image files of any format to uint8 arrays; never torch."""
