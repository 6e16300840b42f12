"""Cases of the schedulers that step in training timesteps."""

from scheduler_matrix import SCHEDULES, SD, SPACINGS, Case, flat, product


def ddim() -> list:
    animate = {**SD, "beta_schedule": "linear", "clip_sample": False, "steps_offset": 1, "timestep_spacing": "linspace"}
    zero = {**SD, "rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    return [
        *[Case(animate, {"steps": n}) for n in (1, 4, 25, 50)],
        Case(animate, {"steps": 20}, sums=True),
        *[Case(animate, {"steps": 20}, start=k) for k in (1, 8, 19)],
        *[Case({**zero, "prediction_type": "v_prediction"}, {"steps": n}) for n in (5, 20)],
        Case({**zero, "prediction_type": "v_prediction", "clip_sample": False}, {"steps": 6, "eta": 1.0}),
        Case({**zero, "clip_sample": False}, {"steps": 6}, nan=True),
        *[Case({**SD, "clip_sample": False}, {"steps": 7, "eta": eta}) for eta in (0.0, 0.35, 1.0)],
        Case({"thresholding": True}, {"steps": 6, "batch": 2}),
        Case({"thresholding": True, "sample_max_value": 4.0, "dynamic_thresholding_ratio": 0.6}, {"steps": 6, "batch": 2}),
        Case({}, {"steps": 1001}),
        Case({"trained_betas": [0.002 * i for i in range(1, 31)], "num_train_timesteps": 30}, {"steps": 6}),
        *flat(product(5, 44, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "prediction_type": ["epsilon", "sample", "v_prediction"],
            "steps_offset": [None, None, 1], "set_alpha_to_one": [None, False], "clip_sample": [None, False],
            "clip_sample_range": [None, 2.5], "options": [{}, {"eta": 0.5}, {"eta": 1.0}],
            "rescale_betas_zero_snr": [None, None, True],
        })),
    ]


def ddpm() -> list:
    return [
        *[Case({}, {"steps": n}) for n in (1, 2, 25, 50)],
        Case({}, {"steps": 20}, sums=True),
        *[Case({"clip_sample": False}, {"steps": 12}, start=k) for k in (1, 6, 11)],
        Case({}, {"steps": 4, "timesteps": [950, 600, 300, 0]}),
        Case({"variance_type": "fixed_large"}, {"steps": 4, "timesteps": [950, 600, 300, 7]}),
        Case({}, {"steps": 3, "timesteps": [100, 600, 300]}),
        Case({}, {"steps": 3, "timesteps": [1000, 600, 300]}),
        Case({"thresholding": True, "sample_max_value": 2.0}, {"steps": 6, "batch": 2}),
        Case({"variance_type": "fixed_large_log"}, {"steps": 3}, nan=True),
        *flat(product(6, 44, {
            "beta_schedule": [*SCHEDULES, "sigmoid", "laplace"], "timestep_spacing": SPACINGS, "steps_offset": [None, None, 1],
            "prediction_type": ["epsilon", "sample", "v_prediction"], "clip_sample": [None, False], "clip_sample_range": [None, 2.5],
            "variance_type": [None, "fixed_small_log", "fixed_large"], "rescale_betas_zero_snr": [None, None, None, True],
        })),
    ]


def consistency(seed: int, etas: list) -> list:
    lcm = {**SD, "beta_schedule": "linear", "clip_sample": False, "steps_offset": 1}
    return [
        *[Case(lcm, {"steps": n}) for n in (1, 2, 4, 6, 8, 50)],
        Case(lcm, {"steps": 8}, sums=True),
        *[Case(lcm, {"steps": 8}, start=k) for k in (1, 4, 7)],
        Case(lcm, {"steps": 51}),
        Case({"original_inference_steps": 1001}, {"steps": 4}),
        Case({}, {"steps": 4, "timesteps": [999, 759, 499, 259]}),
        Case({}, {"steps": 4, "timesteps": [990, 700, 300, 0]}),
        Case({}, {"steps": 4, "timesteps": [259, 499, 759, 999]}),
        Case({"thresholding": True, "sample_max_value": 2.0}, {"steps": 5, "batch": 2}),
        Case({"rescale_betas_zero_snr": True}, {"steps": 5}, nan=True),
        *flat(product(seed, 40, {
            "beta_schedule": SCHEDULES, "prediction_type": ["epsilon", "sample", "v_prediction"], "clip_sample": [None, True],
            "clip_sample_range": [None, 2.0], "original_inference_steps": [None, 25, 100], "timestep_scaling": [None, 1.0],
            "options": etas,
        })),
    ]


def pndm() -> list:
    sd = {
        "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "num_train_timesteps": 1000,
        "set_alpha_to_one": False, "skip_prk_steps": True, "steps_offset": 1, "trained_betas": None, "clip_sample": False,
    }
    return [
        *[Case(sd, {"steps": n}) for n in (1, 2, 3, 4, 5, 20, 50)],
        *[Case({}, {"steps": n}) for n in (3, 4, 5, 20)],
        Case(sd, {"steps": 20}, sums=True),
        Case({}, {"steps": 10}, sums=True),
        *[Case(sd, {"steps": 12}, start=k) for k in (1, 2, 5, 11, 12)],
        *[Case({}, {"steps": 8}, start=k) for k in (1, 3, 13)],
        *[Case({"beta_schedule": "squaredcos_cap_v2", **more}, {"steps": 8}) for more in ({}, {"skip_prk_steps": True})],
        *flat(product(8, 40, {
            "beta_schedule": [None, "scaled_linear"],
            "timestep_spacing": SPACINGS, "prediction_type": ["epsilon", "v_prediction"],
            "steps_offset": [None, None, 1], "set_alpha_to_one": [None, True], "skip_prk_steps": [None, True],
        }, steps=(4, 5, 6, 8, 10, 15))),
    ]


def cogvideox(seed: int) -> list:
    two = {
        "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
        "clip_sample_range": 1.0, "num_train_timesteps": 1000, "prediction_type": "v_prediction", "sample_max_value": 1.0,
        "rescale_betas_zero_snr": True, "set_alpha_to_one": True, "snr_shift_scale": 3.0, "steps_offset": 0,
        "timestep_spacing": "trailing", "trained_betas": None,
    }
    sampled = flat(product(seed, 44, {
        "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "steps_offset": [None, None, 1],
        "prediction_type": ["epsilon", "sample", "v_prediction"], "set_alpha_to_one": [None, False],
        "snr_shift_scale": [None, 1.0, 2.0], "rescale_betas_zero_snr": [None, True], "options": [{}, {"eta": 0.5}],
    }))
    for case in sampled:
        if case.config.get("beta_schedule") == "linear":  # in float32: see Case
            case.config.pop("rescale_betas_zero_snr", None)
    return [
        *sampled,
        *[Case(two, {"steps": n}) for n in (1, 2, 3, 10, 50)],
        *[Case({**two, "snr_shift_scale": 1.0}, {"steps": n}) for n in (4, 25)],
        Case(two, {"steps": 20}, sums=True),
        *[Case(two, {"steps": 12}, start=k) for k in (1, 6, 11)],
        Case({**two, "prediction_type": "epsilon"}, {"steps": 4}, nan=True),
        Case(two, {"steps": 1001}),
    ]
