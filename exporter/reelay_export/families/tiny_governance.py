"""What tiny models with random weights state of themselves in reelay.json."""

TINY_GOVERNANCE = {
    "card": {"summary": "Random weights, for tests.", "intendedUse": ["Tests of the exporter and the engine."],
             "outOfScope": ["Everything else."], "knownLimits": ["It makes noise."]},
    "dataset": {"sources": ["none"], "syntheticShare": 1, "personalData": "none", "thirdPartyWorks": "none",
                "optOuts": "Nothing was trained."},
    "license": {"spdx": "Apache-2.0", "commercialUse": True, "exceptTerritories": [], "prohibitedUses": []},
}
