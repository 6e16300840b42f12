"""Turns a diffusers pipeline into a Reelay bundle: ONNX graphs, bundle.json and goldens. See docs/bundles.md."""

import os

# ONNX Runtime's builds for Linux report sessions, names of model files and hashes of weights to their maker unless this is set before
# they start; a model that is exported may be nobody else's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
