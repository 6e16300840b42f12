"""What the exporter promises of its files and options: python -m unittest discover -s tests. No diffusers pipeline is run."""

import io
import json
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from reelay_export import __main__ as command
from reelay_export import check, onnx_export
from reelay_export.bundle import digest
from reelay_export.errors import ExportError
from reelay_export.options import read_options
from reelay_export.rules import rules_of

WAN = {"vae": {"scale_factor_spatial": 8, "scale_factor_temporal": 4}}
UNET = {"unet": {"block_out_channels": [1, 2, 3, 4], "motion_max_seq_length": 32}, "vae": {"block_out_channels": [1, 2, 3, 4]}}
COG = {"vae": {"block_out_channels": [1, 2, 3, 4], "temporal_compression_ratio": 4}, "transformer": {"patch_size": 2}}


class InFolder(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def source(self, said=None, configs=None, name="source", family="WanPipeline") -> Path:
        source = self.folder / name
        source.mkdir()
        (source / "model_index.json").write_text(json.dumps({"_class_name": family}))
        if said is not None:
            (source / "reelay.json").write_text(said if isinstance(said, str) else json.dumps(said))
        for folder, config in (configs or {}).items():
            (source / folder).mkdir()
            (source / folder / "config.json").write_text(json.dumps(config))
        return source


def small_model() -> onnx.ModelProto:
    def table(name, rows):
        return numpy_helper.from_array(np.random.default_rng(rows).standard_normal((rows, 64)).astype(np.float32), name)

    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "ids"], ["a"]), helper.make_node("MatMul", ["a", "w"], ["out"])], "g",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "n"])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, "n", 64])], [table("table", 128), table("w", 64)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run_small(path: Path) -> np.ndarray:
    return onnx_export.run_graph(onnx_export.session(path), {"ids": np.array([[0, 5, 127]])})[0]


class Save(InFolder):
    def test_weights_past_the_limit_lie_beside_the_graph_and_nothing_else_counts_the_bytes(self):
        onnx_export.save(small_model(), self.folder / "whole.onnx")
        want = run_small(self.folder / "whole.onnx")
        for kind, tolerance in (("fp32", 0), ("fp16", 0.1), ("int8", 1)):
            model, path = small_model(), self.folder / kind / "model.onnx"
            path.parent.mkdir()
            onnx_export.store_weights(model, kind)
            with mock.patch.object(onnx_export, "MAX_INLINE_BYTES", 8_000):
                onnx_export.save(model, path)
            self.assertEqual(sorted(f.name for f in path.parent.iterdir()), ["model.onnx", "model.onnx_data"])
            self.assertLessEqual(np.abs(run_small(path) - want).max(), tolerance)

    def test_the_size_is_that_of_every_constant_those_in_bodies_among_them(self):
        model = small_model()
        self.assertEqual(onnx_export.weight_bytes(model), 4 * 64 * (128 + 64))
        body = helper.make_graph([helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.zeros(10, np.float16)))], "b", [],
                                 [helper.make_tensor_value_info("c", TensorProto.FLOAT16, [10])])
        model.graph.node.append(helper.make_node("If", ["yes"], ["c"], then_branch=body, else_branch=body))
        self.assertEqual(onnx_export.weight_bytes(model), 4 * 64 * (128 + 64) + 2 * 20)


class Options(InFolder):
    def read(self, *flags, family="wan", **source):
        folder = self.source(name=f"source-{len(list(self.folder.iterdir()))}", **({"said": {"license": "MIT"}} | source))
        return read_options(folder, command.parse([str(folder), "out", *flags]), rules_of(family, folder))

    def refused(self, sentence, *flags, **source):
        with self.assertRaises(ExportError) as caught:
            self.read(*flags, **source)
        self.assertIn(sentence, str(caught.exception))

    def test_sizes_and_frames_that_the_family_cannot_make_are_refused_before_anything_is_loaded(self):
        self.refused("--sizes has 840x480. Both sides are multiples of 16", "--sizes", "832x480,840x480", configs=WAN)
        self.refused("These weights make 1 + k · 4 frames", "--frames", "5:82:3", configs=WAN)
        self.refused("These weights make 1 + k · 4 frames", "--frames", "5:80:1", configs=WAN)
        self.refused("Both sides are multiples of 64", "--sizes", "512x500", family="animatediff", configs=UNET)
        self.refused("32 are the most", "--frames", "8:40:1", family="animatediff", configs=UNET)
        self.refused("These weights make 9 + k · 8 frames", "--frames", "5:48:1", family="cogvideox", configs=COG)
        fixed = COG | {"transformer": {"use_learned_positional_embeddings": True, "sample_width": 90, "sample_height": 60, "sample_frames": 49}}
        self.refused("make 720x480 only", "--sizes", "480x720", family="cogvideox", configs=fixed)
        self.refused("make 49 frames only", "--frames", "9:49:8", family="cogvideox", configs=fixed)
        self.refused("Both sides are multiples of 32", "--sizes", "704x500", family="ltx", configs={"vae": {}})
        self.refused("Both sides are multiples of 16", said={"license": "MIT", "limits": {"sizes": ["50x32"]}}, configs=WAN)

    def test_what_is_offered_first_or_longest_is_the_default(self):
        options = self.read("--sizes", "832x480,480x832", "--frames", "5:81:1", configs=WAN)
        self.assertEqual((options.defaults["size"], options.defaults["frames"]), ("832x480", 81))

    def test_the_license_is_needed(self):
        self.refused("--license is missing", said={})
        self.assertEqual(self.read("--license", "Apache-2.0", said={}).license, "Apache-2.0")

    def test_an_id_an_opset_or_a_number_that_reelay_would_refuse_is_refused_here(self):
        self.refused("a letter or digit first", "--id", ".hidden")
        self.refused("20 to 26 are allowed", "--opset", "27")
        self.refused("20 to 26 are allowed", "--opset", "19")
        self.refused("--max-tokens is 0", "--max-tokens", "0")
        self.refused("cannot be chosen", "--max-tokens", "60", family="animatediff")
        self.refused("--tile is '100/200'", "--tile", "100/200")

    def test_a_broken_reelay_json_is_a_sentence(self):
        self.refused("is not JSON that can be read", said="{")
        self.refused("is no JSON object", said="[]")
        self.refused("colour is not known", said={"colour": 1})
        self.refused("limits is 3", said={"limits": 3})
        self.refused("frames is {'min': 5}", said={"limits": {"frames": {"min": 5}}})
        self.refused("license is 3", said={"license": 3})


class Target(InFolder):
    def test_force_never_takes_the_source_or_what_is_no_bundle_away(self):
        source = self.source()
        (source / "bundle.json").write_text("{}")
        (self.folder / "bundle.json").write_text("{}")
        for out in (source, source / "bundle", self.folder, self.folder / "source" / ".." / "source"):
            with self.assertRaisesRegex(ExportError, "lie one in the other"):
                command.target_of(source, out, True)
        other = self.source(name="other")
        with self.assertRaisesRegex(ExportError, "holds no bundle.json"):
            command.target_of(source, other, True)
        (other / "bundle.json").write_text("{}")
        with self.assertRaisesRegex(ExportError, "is not empty"):
            command.target_of(source, other, False)
        self.assertEqual(command.target_of(source, other, True), other.resolve())

    def test_an_export_that_fails_leaves_the_old_bundle_and_nothing_else(self):
        target = self.folder / "bundle"
        target.mkdir()
        (target / "bundle.json").write_text("old")
        with self.assertRaises(KeyboardInterrupt), command.built_beside(target) as out:
            (out / "half").write_text("")
            raise KeyboardInterrupt
        self.assertEqual([f.name for f in self.folder.iterdir()], ["bundle"])
        with command.built_beside(target) as out:
            (out / "bundle.json").write_text("new")
        self.assertEqual([f.name for f in self.folder.iterdir()], ["bundle"])
        self.assertEqual((target / "bundle.json").read_text(), "new")


class Check(InFolder):
    def bundle(self) -> Path:
        onnx_export.save(small_model(), self.folder / "model.onnx")
        manifest = {"family": "wan", "components": {"transformer": {"graph": "model.onnx"}},
                    "files": [{"path": "model.onnx", "sha256": digest(self.folder / "model.onnx")}]}
        (self.folder / "bundle.json").write_text(json.dumps(manifest))
        return self.folder

    def run_check(self) -> tuple[int, str]:
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(out), mock.patch.object(check, "quiet"):
            return check.main([str(self.folder)]), out.getvalue()

    def test_a_bundle_without_goldens_has_its_files_hashed_and_its_graphs_loaded(self):
        self.bundle()
        code, said = self.run_check()
        self.assertEqual(code, 0)
        self.assertIn("1 files match their sha256, 1 graphs load", said)

    def test_a_changed_file_a_graph_that_does_not_load_and_a_broken_manifest_are_sentences(self):
        folder = self.bundle()
        (folder / "model.onnx").write_bytes(b"nothing")
        self.assertEqual(self.run_check()[0], 1)
        self.assertIn("does not match its sha256", self.run_check()[1])
        manifest = json.loads((folder / "bundle.json").read_text())
        manifest["files"][0]["sha256"] = digest(folder / "model.onnx")
        (folder / "bundle.json").write_text(json.dumps(manifest))
        self.assertIn("cannot be loaded by ONNX Runtime", self.run_check()[1])
        (folder / "bundle.json").write_text("{")
        self.assertEqual(self.run_check()[0], 1)
        self.assertIn("no bundle.json with a list of files", self.run_check()[1])


if __name__ == "__main__":
    sys.exit(unittest.main())
