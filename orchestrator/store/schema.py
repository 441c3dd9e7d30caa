"""The typed tables that records are folded into: every column, its unit and its meaning.

A column says where its value comes from in a record, so that folding a record into a row, and
reading a row back, follow this list and nothing else. docs/columns.md repeats the list for people.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from orchestrator.store.layout import SCHEMA_VERSION, StoreError

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["text", "integer", "real", "boolean", "time", "json", "texts", "integers"]
Origin = Literal["record", "field", "options", "metric", "error", "provenance", "folding"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        name: Its name.
        kind: What it holds; "json" is text that holds JSON, "texts" and "integers" are lists.
        unit: The unit of its values; "" where there is none.
        meaning: One line for people.
        origin: Which part of the record it comes from; "folding" when it is made while folding.
        key: Its name in that part of the record.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    origin: Origin
    key: str


def _columns(origin: Origin, *columns: tuple[str, ...]) -> tuple[Column, ...]:
    """Columns of one origin from (name, kind, unit, meaning[, key where it is not the name])."""
    return tuple(
        Column(
            name=name,
            kind=cast(Kind, kind),
            unit=unit,
            meaning=meaning,
            origin=origin,
            key=key[0] if key else name,
        )
        for name, kind, unit, meaning, *key in columns
    )


def _options(component: str, meaning: str) -> tuple[Column, ...]:
    return _columns("options", (f"{component}_options", "json", "", meaning, component))


_IDENTITY = (
    *_columns(
        "record",
        ("cell", "text", "", "Id of the cell: 16 hex digits."),
        ("attempt", "text", "", "Id of the attempt at the cell."),
    ),
    *_columns(
        "folding",
        ("answers", "boolean", "", "Whether this attempt is the one that answers for the cell."),
    ),
    *_columns("record", ("state", "text", "", "How the attempt ended: COMPLETED, FAILED, ...")),
)

_FIELDS = (
    *_columns("field", ("method", "text", "", "How the network was made sparse.")),
    *_options("method", "Options of the method, with defaults."),
    *_columns(
        "field",
        ("density", "real", "fraction", "Kept fraction of the maskable weights, as asked for."),
        ("density_text", "text", "", "The same as exact decimal text, for grouping.", "density"),
        ("allocation", "text", "", "How the density was spread over the layers."),
    ),
    *_options("allocation", "Options of the allocation, with defaults."),
    *_columns("field", ("scenario", "text", "", "What the training data went through.")),
    *_options("scenario", "Options of the scenario, with defaults."),
    *_columns("field", ("dataset", "text", "", "The data set.")),
    *_options("dataset", "Options of the data set, with defaults."),
    *_columns(
        "field",
        ("data_ratio", "real", "fraction", "Used fraction of the training split."),
        ("data_ratio_text", "text", "", "The same as exact decimal text.", "data_ratio"),
        ("model", "text", "", "The network."),
    ),
    *_options("model", "Options of the network, with defaults."),
    *_columns("options", ("recipe", "json", "", "All training settings, with defaults.")),
    *_columns(
        "field",
        ("epochs", "integer", "epochs", "Passes over the training split.", "recipe.epochs"),
        ("batch", "integer", "samples", "Batch size.", "recipe.batch"),
        ("optimizer", "text", "", "The optimizer.", "recipe.optimizer"),
        ("lr", "real", "", "Initial learning rate.", "recipe.lr"),
        ("precision", "text", "", "Number format of the training steps.", "recipe.precision"),
        ("seed", "integer", "", "The seed that every random draw is named by."),
    ),
)

_METRICS = _columns(
    "metric",
    ("test_accuracy", "real", "fraction", "Accuracy on the test split after training."),
    ("test_loss", "real", "nats", "Mean loss on the test split after training."),
    ("val_accuracy", "real", "fraction", "Accuracy on the validation split after training."),
    ("val_loss", "real", "nats", "Mean loss on the validation split after training."),
    ("train_accuracy", "real", "fraction", "Accuracy on the training split after training."),
    ("train_loss", "real", "nats", "Mean loss on the training split after training."),
    ("best_val_accuracy", "real", "fraction", "Best validation accuracy of any evaluated epoch."),
    ("best_val_epoch", "real", "epochs", "The epoch of the best validation accuracy."),
    ("test_accuracy_at_best_val", "real", "fraction", "Test accuracy of the best epoch's weights."),
    ("best_final_difference", "real", "fraction", "The same minus test_accuracy."),
    ("test_calibration_error", "real", "fraction", "Expected calibration error, 15 bins."),
    ("generalisation_gap", "real", "fraction", "Training accuracy minus test accuracy."),
    ("realised_density", "real", "fraction", "Active over maskable weights, counted.", "density"),
    ("train_flops", "real", "FLOPs", "Operations of the whole training; producers not included."),
    ("train_flops_ratio", "real", "fraction", "The same over those of training the dense network."),
    ("inference_flops", "real", "FLOPs", "Operations of the final network for one sample."),
    ("inference_flops_ratio", "real", "fraction", "The same over those of the dense network."),
    (
        "peak_weight_gradients",
        "real",
        "weights",
        "Most gradients of maskable weights that a step, or scoring before training, needs.",
    ),
    (
        "peak_training_mb",
        "real",
        "MiB",
        "Computed peak of weights, gradients and optimizer slots, were active ones alone stored.",
    ),
    ("explored_rate", "real", "fraction", "Weights ever active over all; dynamic methods only."),
    ("collapsed_layers", "real", "layers", "Maskable layers without a single active weight."),
    ("alive_neurons", "real", "fraction", "Hidden units not pruned over all; srigl and set_np."),
    ("extra_params", "real", "parameters", "Parameters that no mask covers; same_capacity only."),
)

_ERROR = _columns(
    "error",
    ("error_type", "text", "", "Class of the failure; null for a completed attempt.", "type"),
    ("error_message", "text", "", "What the failure said.", "message"),
    ("error_signature", "text", "", "Equal for failures of one cause.", "signature"),
    ("error_phase", "text", "", "What the worker was doing when it failed.", "phase"),
    ("error_traceback", "text", "", "Where in the code it failed.", "traceback"),
)

_TIMES = _columns(
    "record",
    ("started_at", "time", "UTC", "When the attempt began."),
    ("finished_at", "time", "UTC", "When the attempt ended."),
)

_PROVENANCE = _columns(
    "provenance",
    ("seconds", "real", "seconds", "Wall time charged to the cell."),
    (
        "device_seconds",
        "real",
        "seconds",
        "Time of the device charged to the cell; on a CPU, processor time of the worker process.",
    ),
    (
        "samples_per_second",
        "real",
        "1/s",
        "Training samples, repeats included, over the seconds charged to the cell.",
    ),
    (
        "memory_mb",
        "real",
        "MiB",
        "Peak memory of the device; on a CPU, peak resident size of the worker process so far.",
    ),
    ("gpus", "real", "GPUs", "GPUs its pack held, or the fraction of one; 0 on a CPU."),
    ("energy_j", "real", "J", "Energy charged to the cell; null where the device does not tell."),
    ("tier", "text", "", "What was promised about bits: exact or fast."),
    ("engine", "text", "", "The engine that trained the cell."),
    ("stack_width", "integer", "cells", "Cells in the batched program; 1 for a cell alone."),
    ("threads", "integer", "threads", "Threads of one training step."),
    ("cbwr", "text", "", "Branch of the mathematics library that was asked for."),
    ("device", "text", "", "Kind of device that trained the cell."),
    ("driver", "text", "", "Version of the device's driver."),
    ("cpu", "text", "", "Model of the processor."),
    ("machine", "text", "", "Machine type: in the exact tier, equal types give equal bits."),
    ("host", "text", "", "Name of the host."),
    ("code", "text", "", "Hash of the package tree that ran."),
    ("plugins", "json", "", "Plug-in distributions and their versions."),
    ("environment", "text", "", "Hash of the installed distributions."),
    ("torch", "text", "", "Version of PyTorch."),
    ("python", "text", "", "Version of Python."),
    ("backend", "text", "", "The backend that carried the pack."),
    ("job", "text", "", "The backend's name for the job."),
    ("grid", "text", "", "The grid whose submission asked for the cell."),
    ("pack", "text", "", "Id of the pack it ran in."),
    ("pack_size", "integer", "cells", "Cells in that pack."),
    ("resumed_step", "integer", "steps", "Step of the last resumption; 0 when uninterrupted."),
    ("topology_updates", "integer", "updates", "How often the masks moved."),
    ("inputs", "json", "", "Artifacts it began with: name to the cell and attempt that left it."),
    ("artifacts", "json", "", "Artifacts it left: name to bytes and SHA-256."),
    ("probes", "json", "", "Probes it measured, each with its options and its metrics' names."),
)

_REST = (
    *_columns(
        "record",
        ("curve", "boolean", "", "Whether the attempt left a curve."),
        ("supersedes", "texts", "", "Attempts at the cell that this one replaces."),
        ("canonical", "json", "", "The cell as its id was computed from it, defaults elided."),
    ),
    *_columns(
        "folding",
        ("other", "json", "", "What the record holds beyond these columns, by its part."),
        ("schema", "integer", "", "Schema version of the record."),
    ),
)

_LONG = (
    ("cell", "text", "", "Id of the cell: 16 hex digits."),
    ("attempt", "text", "", "Id of the attempt at the cell."),
    ("answers", "boolean", "", "Whether the attempt answers for the cell in this respect."),
)

TABLES: dict[str, tuple[Column, ...]] = {
    "results": (*_IDENTITY, *_FIELDS, *_METRICS, *_ERROR, *_TIMES, *_PROVENANCE, *_REST),
    "metrics": _columns(
        "folding",
        *_LONG,
        ("metric", "text", "", "Name of a measurement that has no column in results."),
        ("probe", "text", "", "The probe that gave it, as JSON with its options; null for others."),
        ("value", "real", "", "Its value."),
    ),
    "curves": _columns(
        "folding",
        *_LONG,
        ("point", "integer", "", "Position in the curve, from 0."),
        ("epoch", "real", "epochs", "Epochs completed."),
        ("step", "integer", "steps", "Optimizer steps completed."),
        ("train_loss", "real", "nats", "Mean loss over the epoch's training steps."),
        ("train_accuracy", "real", "fraction", "Accuracy over the epoch's training steps."),
        ("val_loss", "real", "nats", "Mean loss on the validation split."),
        ("val_accuracy", "real", "fraction", "Accuracy on the validation split."),
        ("density", "real", "fraction", "Active over maskable weights."),
        ("lr", "real", "", "Learning rate of the epoch's last step."),
        ("other", "json", "", "What the curve holds beyond these columns."),
    ),
    "layers": _columns(
        "folding",
        *_LONG,
        ("position", "integer", "", "Position of the layer in the network, from 0."),
        ("layer", "text", "", "Name of the weight."),
        ("shape", "integers", "", "Shape of the weight."),
        ("total", "integer", "weights", "Weights in the layer."),
        ("active", "integer", "weights", "Weights active after training."),
        ("density", "real", "fraction", "Active over all weights of the layer."),
        ("other", "json", "", "What the record holds of the layer beyond these columns."),
    ),
}
"""Table name to its columns, in order. `results` has one row per attempt."""

SORT_KEYS: dict[str, tuple[str, ...]] = {
    "results": (
        "dataset", "model", "method", "density", "scenario", "seed", "cell", "finished_at",
        "attempt",
    ),
    "metrics": ("cell", "attempt", "metric"),
    "curves": ("cell", "attempt", "point"),
    "layers": ("cell", "attempt", "position"),
}  # fmt: skip
"""The order of the rows of each table; the keys of a row are never all equal to another's."""


def arrow_schema(table: str) -> "pa.Schema":
    """The Arrow schema of a table, with the schema version in its metadata."""
    version = {"sparsesweep.schema_version": str(SCHEMA_VERSION), "sparsesweep.table": table}
    return schema_of(TABLES[table]).with_metadata(version)


def schema_of(columns: Iterable[Column]) -> "pa.Schema":
    """The Arrow schema of these columns."""
    import pyarrow as pa

    types = {
        "text": pa.string(),
        "json": pa.string(),
        "integer": pa.int64(),
        "real": pa.float64(),
        "boolean": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
        "texts": pa.list_(pa.string()),
        "integers": pa.list_(pa.int64()),
    }
    return pa.schema([pa.field(column.name, types[column.kind]) for column in columns])


def conformed(table: "pa.Table", schema: "pa.Schema") -> "pa.Table":
    """A table in the columns of a schema, with nulls for those that its writer did not know."""
    import pyarrow as pa

    columns = [
        table[field.name].cast(field.type)
        if field.name in table.column_names
        else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def check_known(table: str, columns: Collection[str]) -> None:
    """Refuse a table with columns that this program does not know.

    Raises:
        StoreError: With the names of these columns.
    """
    unknown = sorted(set(columns) - {column.name for column in TABLES[table]})
    if unknown:
        raise StoreError(
            f"table {table} was folded by a newer program: it has unknown columns "
            f"{', '.join(unknown)}"
        )
