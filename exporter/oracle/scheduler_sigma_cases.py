"""Cases of the schedulers that step in sigmas."""

from scheduler_matrix import KARRAS, SCHEDULES, SD, SPACINGS, Case, flat, product

WAN = {
    "beta_end": 0.02, "beta_schedule": "linear", "beta_start": 0.0001, "disable_corrector": [],
    "dynamic_thresholding_ratio": 0.995, "final_sigmas_type": "zero", "flow_shift": 3.0, "lower_order_final": True,
    "num_train_timesteps": 1000, "predict_x0": True, "prediction_type": "flow_prediction",
    "rescale_betas_zero_snr": False, "sample_max_value": 1.0, "solver_order": 2, "solver_p": None, "solver_type": "bh2",
    "steps_offset": 0, "thresholding": False, "time_shift_type": "exponential", "timestep_spacing": "linspace",
    "trained_betas": None, "use_beta_sigmas": False, "use_dynamic_shifting": False, "use_exponential_sigmas": False,
    "use_flow_sigmas": True, "use_karras_sigmas": False, "_diffusers_version": "0.33.0.dev0",
}


def unipc() -> list:
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    dynamic = {**flow, "use_dynamic_shifting": True}
    lowest = {"final_sigmas_type": "sigma_min"}
    ladder = [1.0, 0.8, 0.55, 0.3, 0.1]
    return [
        *[Case(WAN, {"steps": n}) for n in (1, 2, 3, 4, 8, 20, 50)],
        *[Case({**WAN, "flow_shift": shift}, {"steps": n}) for shift in (5.0, 8.0) for n in (4, 30)],
        *[Case(WAN, {"steps": 20}, start=k) for k in (1, 7, 19)],
        Case(WAN, {"steps": 12}, sums=True),
        Case({}, {"steps": 20}, sums=True),
        Case({**WAN, "solver_order": 3}, {"steps": 9}),
        Case({**WAN, "solver_order": 1}, {"steps": 9}),
        Case({**WAN, "disable_corrector": [0, 2]}, {"steps": 6}),
        Case({**WAN, **lowest, "solver_type": "bh1"}, {"steps": 6}),
        Case({**WAN, **lowest, "lower_order_final": False}, {"steps": 6}),
        Case({**WAN, "shift_terminal": 0.1}, {"steps": 6}),
        Case({**WAN, "thresholding": True, "sample_max_value": 2.0}, {"steps": 5, "batch": 2}),
        Case({**WAN, "use_karras_sigmas": True}, {"steps": 7}),
        Case({**WAN, "use_karras_sigmas": True, "sigma_min": 0.02, "sigma_max": 40.0}, {"steps": 7}),
        Case(flow, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "flow_shift": 4.0}, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "use_karras_sigmas": True}, {"steps": 5, "sigmas": ladder}),
        Case({**flow, "use_exponential_sigmas": True}, {"steps": 5}, nan=True),
        Case(dynamic, {"steps": 8, "mu": 1.1}),
        Case({**dynamic, "time_shift_type": "linear"}, {"steps": 8, "mu": 2.5}),
        Case({**dynamic, "shift_terminal": 0.05}, {"steps": 5, "mu": 0.6, "sigmas": ladder}),
        Case(dynamic, {"steps": 8}),
        Case({}, {"steps": 5, "sigmas": ladder}),
        Case({"shift_terminal": 0.1}, {"steps": 5}),
        Case({"solver_type": "bh1"}, {"steps": 4}, nan=True),
        Case({"predict_x0": False}, {"steps": 4}, nan=True),
        Case({"lower_order_final": False}, {"steps": 4}, nan=True),
        Case({"predict_x0": False, "prediction_type": "flow_prediction", **lowest}, {"steps": 4}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 4}),
        Case({"beta_schedule": "sigmoid"}, {"steps": 4}),
        Case({"trained_betas": [0.001 * i for i in range(1, 41)], "num_train_timesteps": 40}, {"steps": 6}),
        Case({"solver_type": "heun", "prediction_type": "v_prediction"}, {"steps": 6}),
        *flat(product(1, 48, {
            "beta_schedule": SCHEDULES, "solver_order": [1, 2, 2, 3], "timestep_spacing": SPACINGS,
            "prediction_type": ["epsilon", "sample", "v_prediction"], "steps_offset": [None, 1],
            "sigmas+": [{}, {}, {"use_karras_sigmas": True}, {"use_exponential_sigmas": True},
                        {"use_karras_sigmas": True, "sigma_min": 0.03, "sigma_max": 14.0}],
            "end+": [{}, lowest, {**lowest, "predict_x0": False}, {**lowest, "solver_type": "bh1"},
                     {**lowest, "lower_order_final": False}, {**lowest, "solver_type": "bh1", "predict_x0": False}],
            "rescale_betas_zero_snr": [None, None, True],
        })),
        Case({"thresholding": True}, {"steps": 8, "batch": 2}),
        Case({"thresholding": True, "dynamic_thresholding_ratio": 0.7, "sample_max_value": 3.0}, {"steps": 8, "batch": 2}),
        Case({**SD, "solver_order": 3}, {"steps": 50}, smooth=True),
        Case({**SD, "timestep_spacing": "trailing"}, {"steps": 33}),
    ]


def flow_match_euler() -> list:
    ladder = [1.0, 0.75, 0.5, 0.25]
    dynamic = {"use_dynamic_shifting": True}
    ltx = {
        "base_image_seq_len": 1024, "base_shift": 0.95, "invert_sigmas": False, "max_image_seq_len": 4096, "max_shift": 2.05,
        "num_train_timesteps": 1000, "shift": 1.0, "shift_terminal": 0.1, "use_beta_sigmas": False,
        "use_dynamic_shifting": True, "use_exponential_sigmas": False, "use_karras_sigmas": False,
    }
    even = lambda n: [1 - i * (1 - 1 / n) / (n - 1) for i in range(n)]
    return [
        *[Case(ltx, {"steps": n, "sigmas": even(n), "mu": mu}) for n in (3, 8, 50) for mu in (0.95, 1.4, 2.05)],
        *[Case({"shift": shift}, {"steps": n}) for shift in (1.0, 3.0, 5.0, 1.15) for n in (1, 2, 7, 12, 50)],
        Case({"shift": 3.0}, {"steps": 20}, sums=True),
        *[Case({"shift": 7.0}, {"steps": 12}, start=k) for k in (1, 5, 11)],
        Case({"shift": 5.0, "num_train_timesteps": 500}, {"steps": 7}),
        Case({"shift": 3.0}, {"steps": 4, "sigmas": ladder}),
        Case({"shift": 3.0}, {"steps": 3, "timesteps": [999.0, 500.5, 20.0]}),
        Case({"shift": 3.0}, {"steps": 3, "sigmas": [1.0, 0.6, 0.1], "timesteps": [1000.0, 700.0, 100.0]}),
        Case(dynamic, {"steps": 8, "mu": 0.8}),
        Case(dynamic, {"steps": 4, "sigmas": ladder, "mu": 1.15}),
        Case(dynamic, {"steps": 4}),
        Case({**dynamic, "time_shift_type": "linear"}, {"steps": 8, "mu": 2.5}),
        Case({"shift": 2.0, "shift_terminal": 0.1}, {"steps": 6}),
        Case({"shift": 3.0, "use_karras_sigmas": True}, {"steps": 6}),
        Case({"shift": 3.0, "use_exponential_sigmas": True}, {"steps": 6}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 6}),
        Case({"time_shift_type": "cubic"}, {"steps": 6}),
        Case({"invert_sigmas": True}, {"steps": 5}),
        Case({"shift": 3.0, "stochastic_sampling": True}, {"steps": 4}),
        Case({"shift": 3.0, "stochastic_sampling": True}, {"steps": 9}, start=4),
    ]


def euler() -> list:
    svd = {
        "beta_end": 0.012, "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
        "interpolation_type": "linear", "num_train_timesteps": 1000, "prediction_type": "v_prediction",
        "set_alpha_to_one": False, "sigma_max": 700.0, "sigma_min": 0.002, "skip_prk_steps": True, "steps_offset": 1,
        "timestep_spacing": "leading", "timestep_type": "continuous", "trained_betas": None, "use_karras_sigmas": True,
    }
    lightning = {**SD, "timestep_spacing": "trailing", "beta_schedule": "linear"}
    ladder = [14.0, 5.0, 1.5, 0.4, 0.05, 0.0]
    return [
        *[Case(svd, {"steps": n}) for n in (1, 2, 3, 10, 25)],
        *[Case(svd, {"steps": 25}, start=k) for k in (3, 24)],
        *[Case(lightning, {"steps": n}) for n in (1, 2, 4, 8)],
        *[Case(SD, {"steps": n}) for n in (1, 20, 50)],
        Case(SD, {"steps": 20}, sums=True),
        *[Case({**SD, "interpolation_type": "log_linear", **more}, {"steps": n}) for n in (1, 6) for more in ({}, KARRAS[2])],
        Case(SD, {"steps": 4, "timesteps": [999, 700, 312, 20]}),
        Case({**SD, "interpolation_type": "log_linear"}, {"steps": 4, "timesteps": [999, 700, 312, 20]}),
        Case(SD, {"steps": 5, "sigmas": ladder}),
        Case({**SD, "use_karras_sigmas": True}, {"steps": 5, "sigmas": ladder}),
        Case({**SD, "timestep_spacing": "leading"}, {"steps": 5, "sigmas": ladder}),
        Case({**svd, "use_karras_sigmas": False}, {"steps": 3, "timesteps": [900, 500, 100]}),
        Case(svd, {"steps": 3, "timesteps": [900, 500, 100]}),
        Case(SD, {"steps": 3, "timesteps": [900, 500, 100], "sigmas": [3.0, 2.0, 1.0, 0.0]}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 5}),
        Case({"prediction_type": "flow_prediction"}, {"steps": 5}),
        Case({"prediction_type": "original_sample"}, {"steps": 5}),
        *flat(product(2, 40, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "prediction_type": ["epsilon", "sample", "v_prediction"],
            "steps_offset": [None, 1], "sigmas+": KARRAS, "final_sigmas_type": [None, "zero", "sigma_min"],
            "rescale_betas_zero_snr": [None, None, True], "timestep_type": [None, None, "continuous"],
        })),
    ]


def euler_ancestral() -> list:
    return [
        *[Case(SD, {"steps": n}) for n in (1, 2, 20, 50)],
        Case(SD, {"steps": 20}, sums=True),
        *[Case(SD, {"steps": 20}, start=k) for k in (1, 8, 19)],
        Case({"prediction_type": "sample"}, {"steps": 3}),
        *flat(product(3, 40, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "prediction_type": ["epsilon", "v_prediction"],
            "steps_offset": [None, 1], "rescale_betas_zero_snr": [None, None, True],
        })),
    ]


def heun() -> list:
    return [
        *[Case(SD, {"steps": n}) for n in (1, 2, 20, 30)],
        Case(SD, {"steps": 12}, sums=True),
        *[Case(SD, {"steps": 10}, start=k) for k in (1, 2, 7, 8, 18)],
        Case(SD, {"steps": 4, "timesteps": [999, 700, 312, 20]}),
        Case({**SD, "use_karras_sigmas": True}, {"steps": 4, "timesteps": [999, 700, 312, 20]}),
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 5}),
        Case({"clip_sample": True, "clip_sample_range": 1.5}, {"steps": 8}),
        *flat(product(4, 40, {
            "beta_schedule": [*SCHEDULES, "exp"], "timestep_spacing": SPACINGS, "steps_offset": [None, 1], "sigmas+": KARRAS,
            "prediction_type": ["epsilon", "sample", "v_prediction"], "clip_sample": [None, None, True],
        }, steps=(1, 2, 3, 4, 5, 7, 10))),
    ]


def dpm_solver() -> list:
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    lowest = {"final_sigmas_type": "sigma_min"}
    return [
        *[Case({**SD, "use_karras_sigmas": True}, {"steps": n}) for n in (1, 2, 20)],
        Case(SD, {"steps": 50}, smooth=True),
        Case(SD, {"steps": 20}, sums=True),
        Case({**SD, "algorithm_type": "sde-dpmsolver++", "solver_order": 3}, {"steps": 20}, sums=True),
        *[Case({**SD, "solver_order": 3}, {"steps": 16}, start=k) for k in (1, 8, 14, 15)],
        *[Case({**flow, "flow_shift": shift}, {"steps": n}) for shift in (1.0, 3.0, 7.0) for n in (1, 4, 12)],
        Case({**flow, "use_dynamic_shifting": True}, {"steps": 8, "mu": 1.1}),
        Case(flow, {"steps": 8, "mu": 1.1}),
        Case({**flow, "solver_order": 3, "algorithm_type": "sde-dpmsolver++"}, {"steps": 12}),
        Case({**flow, "use_karras_sigmas": True}, {"steps": 8}, nan=True),
        Case(flow, {"steps": 3, "timesteps": [900, 500, 100]}),
        Case(SD, {"steps": 4, "timesteps": [999, 700, 312, 20]}),
        *[Case({**SD, key: True}, {"steps": 3, "timesteps": [900, 500, 100]})
          for key in ("use_karras_sigmas", "use_lu_lambdas", "use_exponential_sigmas")],
        *[Case({**SD, "lambda_min_clipped": least, "timestep_spacing": spacing}, {"steps": 9})
          for least, spacing in ((-5.1, "linspace"), (-2.0, "leading"), (-3.0, "trailing"))],
        Case({"beta_schedule": "squaredcos_cap_v2", "lambda_min_clipped": -5.1}, {"steps": 6}),
        Case({"algorithm_type": "dpmsolver"}, {"steps": 4}),
        *[Case({"algorithm_type": "sde-dpmsolver", "solver_order": 3, **lowest}, {"steps": n}) for n in (4, 5, 20)],
        Case({"algorithm_type": "dpmsolver", "solver_type": "heun", "use_karras_sigmas": True, **lowest}, {"steps": 20}, nan=True),
        Case({"algorithm_type": "dpmsolver", "prediction_type": "flow_prediction", **lowest}, {"steps": 4}),
        Case({"algorithm_type": "dpmsolver++2"}, {"steps": 4}),
        Case({"solver_type": "euler"}, {"steps": 4}),
        Case({"algorithm_type": "deis", "solver_type": "logrho"}, {"steps": 4}),
        Case({"thresholding": True, "sample_max_value": 2.0}, {"steps": 6, "batch": 2}),
        Case({"thresholding": True, "sample_max_value": 2.0, "algorithm_type": "dpmsolver", **lowest}, {"steps": 6, "batch": 2}),
        *flat(product(10, 72, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "steps_offset": [None, None, 1],
            "prediction_type": ["epsilon", "sample", "v_prediction"], "solver_order": [1, 2, 2, 3], "solver_type": [None, "heun"],
            "algorithm+": [{}, {}, {"algorithm_type": "sde-dpmsolver++"}, {"algorithm_type": "dpmsolver", **lowest},
                           {"algorithm_type": "sde-dpmsolver", "solver_order": 2, **lowest}, lowest],
            "sigmas+": [*KARRAS, {"use_lu_lambdas": True}, {"use_lu_lambdas": True}],
            "euler_at_final": [None, None, True], "lower_order_final": [None, None, False],
            "rescale_betas_zero_snr": [None, None, None, True],
        })),
    ]


def deis() -> list:
    flow = {"use_flow_sigmas": True, "prediction_type": "flow_prediction"}
    return [
        *[Case(SD, {"steps": n}) for n in (1, 2, 3, 20)],
        Case(SD, {"steps": 20}, sums=True),
        *[Case({**SD, "solver_order": 3}, {"steps": 16}, start=k) for k in (1, 8, 15)],
        *[Case({**flow, "flow_shift": shift}, {"steps": n}) for shift in (1.0, 5.0) for n in (1, 9)],
        Case({**flow, "use_dynamic_shifting": True}, {"steps": 8, "mu": 1.1}),
        Case(flow, {"steps": 8, "mu": 1.1}),
        Case({**flow, "use_karras_sigmas": True}, {"steps": 8}, nan=True),
        Case({"algorithm_type": "dpmsolver++", "solver_type": "midpoint"}, {"steps": 4}),
        Case({"algorithm_type": "sde-dpmsolver"}, {"steps": 4}),
        Case({"thresholding": True, "sample_max_value": 2.0}, {"steps": 6, "batch": 2}),
        *[Case({**SD, "prediction_type": "flow_prediction", "solver_order": n}, {"steps": 8}) for n in (1, 2, 3)],
        *flat(product(11, 44, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "steps_offset": [None, None, 1],
            "prediction_type": ["epsilon", "sample", "v_prediction"], "solver_order": [1, 2, 2, 3], "sigmas+": KARRAS,
            "lower_order_final": [None, None, False],
        })),
    ]


def lms() -> list:
    return [
        *[Case(SD, {"steps": n}) for n in (1, 2, 20, 50)],
        Case(SD, {"steps": 20}, sums=True),
        *[Case(SD, {"steps": 12}, start=k) for k in (1, 6, 11)],
        Case({"use_karras_sigmas": True, "use_exponential_sigmas": True}, {"steps": 4}),
        *flat(product(12, 40, {
            "beta_schedule": SCHEDULES, "timestep_spacing": SPACINGS, "steps_offset": [None, 1], "sigmas+": KARRAS,
            "prediction_type": ["epsilon", "sample", "v_prediction"],
        })),
    ]
