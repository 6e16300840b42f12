"""Turns a diffusers pipeline into a Reelay bundle: ONNX graphs, bundle.json and goldens. See docs/bundles.md."""
