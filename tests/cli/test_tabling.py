"""table on the command line: what a paper needs, and options that would have no effect."""

from pathlib import Path

import pytest

from tests.support.console import sparsesweep

GRID = """\
name: pair
base:
  dataset: digits
  model: {name: mlp, hidden: [8]}
  recipe: {epochs: 1, batch: 256}
axes:
  method: [dense, static, set]
  density: [0.1, 0.5]
  recipe.lr: [0.1, 0.2]
seeds: 2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of a small grid that was run."""
    folder = tmp_path_factory.mktemp("tabling")
    (folder / "pair.yaml").write_text(GRID)
    done = sparsesweep(
        "run", folder / "pair.yaml", "--backend", "inline", "--store", folder / "results"
    )
    assert done.code == 0, done.err
    return folder / "results"


def test_a_latex_table_of_several_fields_with_label_caption_marks_and_best(
    store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "pair.tex"
    asked = ("--rows", "method", "--columns", "recipe.lr,density", "--against", "dense", "--best")
    paper = ("--format", "latex", "--label", "tab:pair", "--caption", "Two rates.", "--wide")
    done = sparsesweep("table", *asked, *paper, "--store", store, "--output", path)
    assert (done.code, done.err) == (0, f"wrote {path}\n")
    text = path.read_text()
    for part in (
        r"\begin{table*}",
        r"\caption{Two rates. Test accuracy in percent, mean",
        r"\label{tab:pair}",
        r"\multicolumn{3}{c}{0.2}",
        r"\cmidrule(lr){5-7}",
        r"\textbf{",
        "n = 2 pairs",
    ):
        assert part in text


def test_a_mean_over_a_field_is_asked_for_by_its_name(store: Path) -> None:
    refused = sparsesweep("table", "--store", store)
    assert refused.code == 2
    assert "ask for the mean over it with --average recipe.lr, or fix it with" in refused.err
    done = sparsesweep("table", "--store", store, "--average", "recipe.lr", "--spread", "none")
    assert done.code == 0, done.err
    assert done.out.startswith(
        "Test accuracy in percent, mean over recipe.lr (2) within each seed, then mean over n = 2"
    )
    assert [line.split()[0] for line in done.out.splitlines()[4:]] == ["dense", "static", "set"]


def test_html_is_one_table_of_several_measurements(store: Path) -> None:
    done = sparsesweep(
        "table", "--store", store, "--where", "recipe.lr=0.1", "--format", "html",
        "--value", "test_accuracy,realised_density", "--spread", "ci", "--confidence", "0.9",
    )  # fmt: skip
    assert done.out.startswith(
        '<table class="measurements">\n<caption>Test accuracy in percent and'
    )
    assert "half width of the 90 % confidence interval" in done.out


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("--confidence", "0.9"), "--confidence has an effect with --spread ci or --against only"),
        (("--test", "t"), "--test has an effect with --against only"),
        (("--label", "tab:x"), "label has no effect in text; formats that take it: latex"),
        (("--against", "dens"), "did you mean 'dense'?"),
        (("--spread", "sd"), "no spread 'sd'; spreads: std, ci, none"),
        (("--average", "recipe.rl"), "did you mean 'recipe.lr'?"),
        (("--format", "tex"), "no format 'tex'; formats: text, markdown, csv, latex, html"),
    ],
)
def test_a_mistake_is_one_message(store: Path, asked: tuple[str, ...], message: str) -> None:
    told = sparsesweep("table", "--store", store, "--where", "recipe.lr=0.1", *asked)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert len(told.err.splitlines()) == 1
