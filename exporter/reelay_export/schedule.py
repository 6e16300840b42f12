"""What a scheduler's config lets a bundle offer: how many steps, and a shift that a request may change. For bundles without
bundle.json gpu-container/runtime/schedule-offers.ts says the same."""

MAX_SHIFT = 100
# What else resamples the sigmas of a solver; it comes before the flow's.
OTHER_SIGMAS = ("use_karras_sigmas", "use_exponential_sigmas", "use_lu_lambdas")
SOLVERS = ("UniPCMultistepScheduler", "DPMSolverMultistepScheduler", "DEISMultistepScheduler")


def steps_of(config: dict, offered: dict) -> dict:
    """Of the step counts on offer those that give a schedule. One step stretched to a `shift_terminal` is 0 / 0; PNDM's Runge-Kutta
    start takes four; LCM and TCD choose among the steps of their distillation."""
    name = config["_class_name"]
    low = 4 if name == "PNDMScheduler" and not config.get("skip_prk_steps") else 2 if config.get("shift_terminal") else 1
    high = config.get("original_inference_steps", 50) if name in ("LCMScheduler", "TCDScheduler") else offered["max"]
    return {"min": max(low, offered["min"]), "max": min(high, offered["max"])}


def shift_of(config: dict) -> float | None:
    """The shift that has an effect on this schedule; None where none has, or where the size of the clip decides it."""
    name, shift = config["_class_name"], None
    if config.get("use_dynamic_shifting"):
        return None
    if name == "FlowMatchEulerDiscreteScheduler":
        shift = config.get("shift")
    elif name in SOLVERS and config.get("use_flow_sigmas") and not any(config.get(other) for other in OTHER_SIGMAS):
        shift = config.get("flow_shift")
    return shift if shift is not None and 0 < shift <= MAX_SHIFT else None


def offer(config: dict, limits: dict, defaults: dict) -> tuple[dict, dict]:
    """A family's limits and defaults with the steps and the shift of this scheduler."""
    steps, shift = steps_of(config, limits["steps"]), shift_of(config)
    usual = min(max(defaults["steps"], steps["min"]), steps["max"])
    return limits | {"steps": steps}, defaults | {"steps": usual} | ({} if shift is None else {"flow_shift": shift})
