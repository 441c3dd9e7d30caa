"""A CSV file of one's own: numbers, and a column that says the class."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch

from sparse.options import option
from trainer.data import DATASETS
from trainer.data.brought import STRATIFIED, TableOptions, below, class_numbers, single_precision
from trainer.data.bundle import Cut, RawData, Split
from trainer.data.formats.csv_table import DELIMITERS, Layout, as_values, read_csv


@dataclass(frozen=True, kw_only=True, slots=True)
class CsvOptions(TableOptions):
    """Which file, how it is written, and where its label is."""

    file: str = option("table.csv", help="the file below the data root, plain or .gz")
    label: str | None = option(None, help="name of the label's column, where there is a header")
    label_column: int = option(
        -1, help="number of the label's column, from 1; -1 is the last", ge=-1,
        only_with={"label": None},
    )  # fmt: skip
    header: str = option(
        "auto", help="whether the first line names the columns", choices=("auto", "yes", "no")
    )
    delimiter: str = option(
        "comma", help="what stands between two columns", choices=(*DELIMITERS, "space")
    )
    standardise: str = option(
        "feature",
        help="what shares a mean and a deviation: each feature, or all together",
        choices=("feature", "global"),
        only_with=STRATIFIED,
    )


@DATASETS.register(
    "csv",
    summary="a CSV file of numbers with a label column, of your own",
    options=CsvOptions,
    needs_root=True,
)
def csv(options: CsvOptions, data_root: Path | None) -> RawData:
    """The rows of one file, cut into three splits.

    Classes are numbered in the order of their labels: that of numbers, or of texts.

    Raises:
        FileNotFoundError: when the file is not there.
        ValueError: for what is not a table of numbers with labels, naming line and column.
    """
    path = below("csv", data_root, options.file)
    if not path.is_file():
        raise FileNotFoundError(f"dataset csv: there is no file {path}")
    layout = Layout(
        delimiter=options.delimiter,
        header=options.header,
        label=options.label,
        label_column=options.label_column,
    )
    table = read_csv(path, layout)
    remedy = "; see the options label and label_column"
    targets = class_numbers(as_values(table.labels), str(path), remedy)
    inputs = single_precision(table.features, str(path))
    return RawData(
        train=Split(inputs=torch.from_numpy(inputs), targets=torch.from_numpy(targets)),
        test=None,
        classes=int(targets.max()) + 1,
        scaling=cast(Literal["feature", "global"], options.standardise),
        split=cast(Cut, options.split),
        split_seed=options.split_seed,
        val_fraction=options.val_fraction,
        test_fraction=options.test_fraction,
    )
