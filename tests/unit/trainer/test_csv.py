"""CSV files as people write them, and as they get them wrong."""

import gzip
import re

import pytest

from sparse.options import build_options
from trainer.data.csv_file import CsvOptions, csv

PLAIN = "1,2,a\n3,4,b\n5,6,a\n"
NAMED = "x,y,kind\n" + PLAIN


@pytest.fixture
def load(tmp_path):
    def loaded(text, name="table.csv", **options):
        content = text.encode() if isinstance(text, str) else text
        (tmp_path / name).write_bytes(content)
        return csv(build_options(CsvOptions, {"file": name, **options}, "dataset csv"), tmp_path)

    return loaded


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (PLAIN, {}),
        (NAMED, {}),
        (NAMED, {"header": "yes"}),
        (PLAIN, {"header": "no"}),
        (NAMED, {"label": "kind"}),
        ("kind,x,y\na,1,2\nb,3,4\na,5,6\n", {"label": "kind"}),
        ("kind,x,y\na,1,2\nb,3,4\na,5,6\n", {"label_column": 1}),
        ("x,kind,y\n1,a,2\n3,b,4\n5,a,6\n", {"label_column": 2}),
        (PLAIN.replace(",", ";"), {"delimiter": "semicolon"}),
        (PLAIN.replace(",", "\t"), {"delimiter": "tab"}),
        (PLAIN.replace(",", "   "), {"delimiter": "space"}),
        (PLAIN.replace("\n", "\r\n"), {}),
        ("\ufeff" + NAMED, {"label": "kind"}),
        ('"x","y","kind"\n1,2,"a"\n3 , 4, b\n\n5,+6.0,a', {}),
        ("x,y,kind\n1,2e0,a\n3,.4e1,b\n5,6.,a\n\n\n", {}),
        ("0,1,2\n1,2,a\n3,4,b\n5,6,a\n", {"label": "2"}),
    ],
)
def test_one_table_in_many_spellings(text, options, load):
    raw = load(text, **options)
    assert raw.train.inputs.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert raw.train.targets.tolist() == [0, 1, 0]
    assert (raw.classes, raw.scaling, raw.pixel_max, raw.test) == (2, "feature", None, None)


def test_a_gzipped_file_is_read(load):
    raw = load(gzip.compress(PLAIN.encode()), name="table.csv.gz")
    assert raw.train.targets.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("labels", "targets"),
    [
        (["10", "9", "9", "10"], [1, 0, 0, 1]),
        (["1.", "2.", "1", "2.0"], [0, 1, 0, 1]),
        (["-1", "+1", "1", "-1"], [0, 1, 1, 0]),
        (["10", "9", "9", "ten"], [0, 1, 1, 2]),
        (["no", "yes", "No", "no"], [1, 2, 0, 1]),
    ],
)
def test_classes_are_numbered_in_the_order_of_numbers_or_of_texts(labels, targets, load):
    raw = load("x,label\n" + "".join(f"{at},{label}\n" for at, label in enumerate(labels)))
    assert raw.train.targets.tolist() == targets


def test_all_features_together_may_be_standardised(load):
    assert load(PLAIN, standardise="global").scaling == "global"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("1,2,a\n3,,b\n5,6,a\n", {}, ":2: column 2: the value is missing"),
        ("x,y,kind\n1,2,a\n3,NA,b\n", {}, ":3: column y: the value is missing"),
        ("x,y,kind\n1,2,a\nnan,4,b\n", {}, ":3: column x: the value is missing"),
        ("x,y,kind\n1,2,a\n3,?,b\n", {}, ":3: column y: the value is missing"),
        ("x,y,kind\n1,2,a\n3,4,\n", {}, ":3: the label (column kind) is missing"),
        ("x,y,kind\n1,2,a\n3,red,b\n", {}, ":3: column y: 'red' is no finite number"),
        ("x,y,kind\n1,2,a\n3,1_000,b\n", {}, ":3: column y: '1_000' is no finite number"),
        ("x,y,kind\n1,2,a\n3,inf,b\n", {}, ":3: column y: 'inf' is no finite number"),
        ("x,y,kind\n1,2,a\n3,4,5,b\n", {}, ":3: 4 columns, where the first line has 3"),
        ("x,y,kind\n1,2,a\n3,b\n", {}, ":3: 2 columns, where the first line has 3"),
        ("x,2,kind\n1,2,a\n3,4,b\n", {}, ":1: neither all names nor all numbers"),
        ("1,2,kind\n1,2,0\n3,4,1\n5,6,0\n", {}, "the first line has numbers and the label 'kind'"),
        ("x,x,kind\n1,2,a\n3,4,b\n", {}, ":1: two columns are called 'x'"),
        (",x,kind\n1,2,a\n3,4,b\n", {}, ":1: a column has no name"),
        (NAMED, {"label": "kin"}, ":1: no column is called 'kin'; there are x, y, kind"),
        (NAMED, {"label": "kind", "header": "no"}, "header: no says there are none"),
        (NAMED, {"label_column": 4}, "label_column is 4; allowed: 1 to 3, or -1 for the last"),
        (NAMED, {"label_column": 0}, "label_column is 0; allowed: 1 to 3"),
        (PLAIN, {"delimiter": "semicolon"}, "one column only; see the option delimiter"),
        ("x,y,kind\n", {}, "there is a header and nothing below it"),
        ("", {}, "there is nothing in the file"),
        ("1,2,a\n3,4,a\n", {}, "1 different labels in 2 rows are no classes"),
        ("1,2,a\n3,4,b\n", {}, "2 different labels in 2 rows are no classes"),
        ('1,2,"a\n3,4,b\n', {}, "not a table of text after line"),
        (b"1,2,\xff\n", {}, "not a table of text after line 0"),
        ("1,2,a\n1e300,4,b\n5,6,a\n", {}, "row 2, column 1 is 1e+300"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, options, said, load, tmp_path):
    with pytest.raises(ValueError, match=re.escape(said)) as caught:
        load(text, **options)
    assert "label is the name" in str(caught.value) or str(tmp_path / "table.csv") in str(
        caught.value
    )


@pytest.mark.parametrize("content", [b"not gzip", gzip.compress(PLAIN.encode())[:-9]])
def test_a_broken_gzip_is_told(content, load):
    with pytest.raises(ValueError, match=r"table.csv.gz: not a table of text"):
        load(content, name="table.csv.gz")


def test_where_the_file_must_be(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        csv(CsvOptions(), tmp_path)
    with pytest.raises(FileNotFoundError, match="--data-root"):
        csv(CsvOptions(), None)
    with pytest.raises(ValueError, match="leaves the data root"):
        csv(CsvOptions(file="/etc/passwd"), tmp_path)


def test_a_number_of_the_label_s_column_is_idle_beside_its_name():
    with pytest.raises(ValueError, match="label_column has no effect with label: kind"):
        build_options(CsvOptions, {"label": "kind", "label_column": 2}, "dataset csv")
