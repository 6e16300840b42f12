"""torch modules as ONNX graphs with named float32 edges, and the proof that ONNX Runtime computes the same."""

import logging
import math
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

from .errors import ExportError, first_line
from .options import Options

TORCHSCRIPT_OPSET = 18
MAX_INLINE_BYTES = 1_900_000_000  # protobuf ends at 2 GB
MIN_STORED_VALUES = 256  # smaller tensors stay float32: norms, biases, tables


def export_graph(module: torch.nn.Module, inputs: dict[str, torch.Tensor], outputs: list[str], path: Path, options: Options, *,
                 free: dict[str, dict[int, str]] | None = None, method: str = "dynamo", checks: tuple = (),
                 weights: str | None = None) -> list[tuple[str, str, float]]:
    """Writes `module` as `path` and compares ONNX Runtime with torch on `inputs` and on every dict of `checks`.

    `inputs` are example tensors in the order of forward's parameters; their keys become the graph's input names, `outputs` its
    outputs'. `free` names the axes that may vary, by tensor name; an example's size there should be above 1, for tracing
    takes 0 and 1 as fixed. `method` is "dynamo" (options.opset) or "torchscript" (opset 18). Returns a row for each comparison:
    path, shapes, greatest absolute difference. Raises ExportError where a size that is declared free turns out fixed.
    """
    module = module.eval()
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        model = (_dynamo if method == "dynamo" else _torchscript)(module, inputs, outputs, path, options.opset, free or {})
    clean(model)
    name_axes(model, free or {})
    store_weights(model, weights or options.weights)
    save(model, path)
    return compare(module, path, [inputs, *checks])


def _dynamo(module, inputs, outputs, path, opset, free):
    shapes = {k: {axis: torch.export.Dim.DYNAMIC for axis in free.get(k, {})} or None for k in inputs}
    try:
        # Deferred: "is this axis 1?" inside a model then becomes a check at run time instead of fixing the axis, so that one graph
        # serves batches of 1 and 2.
        exported = torch.export.export(module, args=(), kwargs=dict(inputs), dynamic_shapes=shapes, strict=False,
                                       prefer_deferred_runtime_asserts_over_guards=True)
        program = torch.onnx.export(exported, dynamo=True, opset_version=opset, verbose=False,
                                    input_names=list(inputs), output_names=outputs)
    except Exception as error:
        raise ExportError(f"{path.name}: torch.onnx.export failed: {first_line(error)}") from error
    if _bytes(module) < MAX_INLINE_BYTES:
        return program.model_proto
    program.save(str(path), external_data=True)
    model = onnx.load(str(path))
    for data in path.parent.glob(path.name + "*"):
        data.unlink()
    return model


def _torchscript(module, inputs, outputs, path, _opset, free):
    large = _bytes(module) >= MAX_INLINE_BYTES
    scratch = path.parent / ("." + path.name + "_parts") / path.name if large else path
    scratch.parent.mkdir(parents=True, exist_ok=True)
    torch.onnx.export(module, tuple(inputs.values()), str(scratch), dynamo=False, opset_version=TORCHSCRIPT_OPSET,
                      input_names=list(inputs), output_names=outputs, dynamic_axes=free)
    model = onnx.load(str(scratch))
    if large:
        for part in scratch.parent.iterdir():
            part.unlink()
        scratch.parent.rmdir()
    return model


def _bytes(module: torch.nn.Module) -> int:
    return sum(t.numel() * t.element_size() for t in [*module.parameters(), *module.buffers()])


def clean(model: onnx.ModelProto) -> None:
    """Drops what exporters note about the machine and the source lines: no paths, and the same bytes everywhere."""
    model.producer_name, model.producer_version, model.doc_string = "reelay_export", "", ""
    del model.metadata_props[:]
    graphs = [model.graph]
    while graphs:
        graph = graphs.pop()
        graph.doc_string = ""
        del graph.value_info[:], graph.metadata_props[:]
        for entry in [*graph.node, *graph.initializer, *graph.input, *graph.output]:
            entry.ClearField("doc_string")
            del entry.metadata_props[:]
        graphs += [a.g for node in graph.node for a in node.attribute if a.type == onnx.AttributeProto.GRAPH]
    for function in model.functions:
        function.doc_string = ""
        del function.value_info[:], function.metadata_props[:]
        for node in function.node:
            node.doc_string = ""
            del node.metadata_props[:]


def name_axes(model: onnx.ModelProto, free: dict[str, dict[int, str]]) -> None:
    """Gives free axes their names from `free`, and every other axis that is not fixed its tensor's name and number."""
    for value in [*model.graph.input, *model.graph.output]:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if not dim.HasField("dim_value"):
                dim.dim_param = free.get(value.name, {}).get(axis, f"{value.name}_{axis}")
            elif axis in free.get(value.name, {}) and value in model.graph.input:
                raise ExportError(f"{value.name}: axis {axis} ({free[value.name][axis]}) came out fixed at {dim.dim_value}.")


def _weight_axes(graph: onnx.GraphProto) -> dict[str, int]:
    """The axis of output channels, for each initializer that a matrix product, convolution or lookup uses directly."""
    axes = {}
    for node in graph.node:
        if node.op_type in ("Conv", "ConvTranspose") and len(node.input) > 1:
            axes[node.input[1]] = 0 if node.op_type == "Conv" else 1
        elif node.op_type == "MatMul":
            axes[node.input[1]] = 1
        elif node.op_type == "Gemm":
            axes[node.input[1]] = 0 if any(a.name == "transB" and a.i for a in node.attribute) else 1
        elif node.op_type == "Gather":
            axes[node.input[0]] = 0
    return axes


def store_weights(model: onnx.ModelProto, kind: str) -> None:
    """Stores float32 initializers as float16 (a Cast behind each) or as int8 with a scale per output channel (DequantizeLinear
    behind each; tables that are no weights become float16). Arithmetic stays float32.

    Tensors are changed where they are: to remove or append one, protobuf compares or copies it, which ends at 2 GB."""
    if kind == "fp32":
        return
    graph, axes, nodes, scales = model.graph, _weight_axes(model.graph), [], []
    for tensor in list(graph.initializer):
        if tensor.data_type != TensorProto.FLOAT or int(np.prod(tensor.dims)) < MIN_STORED_VALUES:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        if np.abs(values).max() > 65504:
            continue
        if kind == "int8" and values.ndim >= 2 and name in axes:
            axis = axes[name]
            others = tuple(a for a in range(values.ndim) if a != axis)
            scale = (np.maximum(np.abs(values).max(axis=others), 1e-12) / 127).astype(np.float32)
            shaped = scale.reshape([-1 if a == axis else 1 for a in range(values.ndim)])
            codes = np.clip(np.round(values / shaped), -127, 127).astype(np.int8)
            _replace(tensor, name + "_i8", codes)
            scales.append(numpy_helper.from_array(scale, name + "_scale"))
            nodes.append(helper.make_node("DequantizeLinear", [name + "_i8", name + "_scale"], [name], axis=axis, name=name + "_dequantize"))
        else:
            _replace(tensor, name + "_f16", values.astype(np.float16))
            nodes.append(helper.make_node("Cast", [name + "_f16"], [name], to=TensorProto.FLOAT, name=name + "_cast"))
    graph.initializer.extend(scales)
    for node in reversed(nodes):
        graph.node.insert(0, node)


def _replace(tensor: TensorProto, name: str, values: np.ndarray) -> None:
    for typed in ("float_data", "int32_data"):
        tensor.ClearField(typed)
    tensor.name, tensor.data_type = name, helper.np_dtype_to_tensor_dtype(values.dtype)
    tensor.raw_data = np.ascontiguousarray(values).tobytes()


def weight_bytes(model: onnx.ModelProto) -> int:
    """What the constants of the graph and of the bodies in it come to, by their dims and types: protobuf itself counts, as it
    writes, only up to 2 GB."""
    total, bodies = 0, [(model.graph.initializer, model.graph.node), *(((), function.node) for function in model.functions)]
    while bodies:
        initializers, nodes = bodies.pop()
        tensors = list(initializers)
        for attribute in (a for node in nodes for a in node.attribute):
            tensors += [attribute.t] if attribute.HasField("t") else []
            if attribute.HasField("g"):
                bodies.append((attribute.g.initializer, attribute.g.node))
        total += sum(math.prod(t.dims) * helper.tensor_dtype_to_np_dtype(t.data_type).itemsize for t in tensors)
    return total


def save(model: onnx.ModelProto, path: Path) -> None:
    """One file, or `<name>.onnx` with its weights in `<name>.onnx_data` beside it where one file would pass 2 GB. Takes the weights
    out of `model` then."""
    if weight_bytes(model) < MAX_INLINE_BYTES:
        onnx.save(model, str(path))
    else:
        onnx.save(model, str(path), save_as_external_data=True, all_tensors_to_one_file=True, location=path.name + "_data")
    onnx.checker.check_model(str(path))


def session(path: Path) -> onnxruntime.InferenceSession:
    """The graph in ONNX Runtime on the CPU."""
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])


def run_graph(graph: onnxruntime.InferenceSession, feeds: dict) -> list[np.ndarray]:
    """Feeds the inputs that the graph declares, in the type that it declares."""
    types = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(bool)": np.bool_}
    return graph.run(None, {i.name: np.asarray(feeds[i.name]).astype(types[i.type]) for i in graph.get_inputs()})


def compare(module: torch.nn.Module, path: Path, cases: list[dict]) -> list[tuple[str, str, float]]:
    """A row (folder/file, input shapes, greatest absolute difference) for each case."""
    graph, rows = session(path), []
    for inputs in cases:
        with torch.no_grad():
            want = module(**inputs)
        want = [want] if torch.is_tensor(want) else list(want)
        got = run_graph(graph, {k: v.numpy() for k, v in inputs.items()})
        difference = max(float(np.abs(g.astype(np.float64) - w.double().numpy()).max()) for g, w in zip(got, want, strict=True))
        shapes = " ".join("x".join(map(str, v.shape)) or "scalar" for v in list(inputs.values())[:2])
        rows.append((f"{path.parent.name}/{path.name}", shapes, difference))
    return rows
