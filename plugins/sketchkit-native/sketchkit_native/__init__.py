"""Stepping sketchkit's LSTM models on the CPU by compiled code: the engine `native`."""
