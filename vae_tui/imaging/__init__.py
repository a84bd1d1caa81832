"""Pictures: uint8 arrays to PNG files and terminal cells; never torch."""
