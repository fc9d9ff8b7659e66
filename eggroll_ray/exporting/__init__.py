"""A trained policy as files that are read without this package: arrays, StableHLO and ONNX."""
