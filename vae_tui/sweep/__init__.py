"""Sweeps: many runs of one recipe that differ in some keys, as a folder of jobs that workers on any machine take from."""
