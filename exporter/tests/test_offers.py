"""What a bundle offers: steps and shift by its scheduler, a tile only when asked for, and which pipelines are refused by name."""

import json
import tempfile
import unittest
from pathlib import Path

from reelay_export import families, schedule
from reelay_export.errors import ExportError
from reelay_export.options import check_tile

FIXTURES = Path(__file__).parents[2] / "test/fixtures/bundles"
OFFERED = {"min": 1, "max": 100}


class Offers(unittest.TestCase):
    def test_every_fixture_of_diffusers_offers_the_steps_and_the_shift_of_its_scheduler_and_no_tile(self):
        for folder in sorted(FIXTURES.iterdir()):
            manifest = json.loads((folder / "bundle.json").read_text())
            if manifest["family"] == "reelay-mini":
                continue  # made by the recipe, which says itself what it offers
            config = json.loads((folder / "scheduler/scheduler_config.json").read_text())
            self.assertEqual(schedule.steps_of(config, OFFERED), manifest["limits"]["steps"], folder.name)
            self.assertEqual(schedule.shift_of(config), manifest["defaults"].get("flow_shift"), folder.name)
            self.assertNotIn("tile", manifest["components"]["vae_decoder"], folder.name)

    def test_steps_that_give_no_schedule_are_not_offered(self):
        for config, steps in (({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 0.1}, (2, 100)),
                              ({"_class_name": "LCMScheduler", "original_inference_steps": 20}, (1, 20)),
                              ({"_class_name": "TCDScheduler", "original_inference_steps": 500}, (1, 100)),
                              ({"_class_name": "PNDMScheduler"}, (4, 100)), ({"_class_name": "PNDMScheduler", "skip_prk_steps": True}, (1, 100))):
            self.assertEqual(tuple(schedule.steps_of(config, OFFERED).values()), steps, config)

    def test_the_default_steps_are_among_those_on_offer(self):
        limits, defaults = schedule.offer({"_class_name": "LCMScheduler", "original_inference_steps": 4}, {"steps": OFFERED}, {"steps": 6})
        self.assertEqual((limits["steps"], defaults["steps"]), ({"min": 1, "max": 4}, 4))

    def test_a_shift_without_effect_is_none(self):
        flow = {"_class_name": "UniPCMultistepScheduler", "use_flow_sigmas": True, "flow_shift": 3.0}
        self.assertEqual(schedule.shift_of(flow), 3.0)
        for more in ({"use_flow_sigmas": False}, {"use_karras_sigmas": True}, {"use_dynamic_shifting": True}, {"flow_shift": 0},
                     {"_class_name": "DDIMScheduler"}):
            self.assertIsNone(schedule.shift_of(flow | more), more)

    def test_a_tile_is_a_size_and_a_stride_without_gaps(self):
        self.assertEqual(check_tile("256/192"), {"size": 256, "stride": 192})
        for text in ("256", "256x192", "256/0", "192/256", "256/192/1"):
            with self.assertRaisesRegex(ExportError, "SIZE/STRIDE"):
                check_tile(text)

    def test_a_pipeline_that_passes_for_another_is_refused_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "model_index.json").write_text('{"_class_name": "LTXConditionPipeline"}')
            with self.assertRaisesRegex(ExportError, "LTXConditionPipeline.*linear-quadratic schedule"):
                families.family_of(Path(folder))


if __name__ == "__main__":
    unittest.main()
