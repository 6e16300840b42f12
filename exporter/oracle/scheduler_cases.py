"""The matrix of configurations that schedulers.py runs diffusers over: what published models ask for, every option once, and a
sample of their products."""

from scheduler_sigma_cases import deis, dpm_solver, euler, euler_ancestral, flow_match_euler, heun, lms, unipc
from scheduler_timestep_cases import cogvideox, consistency, ddim, ddpm, pndm

CASES = {
    "UniPCMultistepScheduler": unipc,
    "FlowMatchEulerDiscreteScheduler": flow_match_euler,
    "EulerDiscreteScheduler": euler,
    "DDIMScheduler": ddim,
    "LCMScheduler": lambda: consistency(7, [{}]),
    "DPMSolverMultistepScheduler": dpm_solver,
    "CogVideoXDDIMScheduler": lambda: cogvideox(13),
    "CogVideoXDPMScheduler": lambda: cogvideox(14),
    "PNDMScheduler": pndm,
    "EulerAncestralDiscreteScheduler": euler_ancestral,
    "DDPMScheduler": ddpm,
    "HeunDiscreteScheduler": heun,
    "TCDScheduler": lambda: consistency(9, [{}, {}, {"eta": 0.0}, {"eta": 0.7}, {"eta": 1.0}]),
    "LMSDiscreteScheduler": lms,
    "DEISMultistepScheduler": deis,
}
