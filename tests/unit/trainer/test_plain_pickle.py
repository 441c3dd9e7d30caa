"""The reader of CIFAR's pickles: what they hold comes out, and nothing in a file is ever run."""

import builtins
import contextlib
import copyreg
import io
import os
import pickle
import struct

import numpy as np
import pytest

from tests.support.image_sets import array_pickle, cifar_batch, images_of
from trainer.data.formats.plain_pickle import read_plain_pickle


def as_value(pickled):
    """A dictionary pickled with protocol 2 whose value is what the given opcodes leave."""
    return b"\x80\x02}q\x01U\x04dataq\x02" + pickled + b"s."


def test_a_batch_is_what_python_s_own_unpickler_makes_of_it():
    images = images_of(1003, (3072,))
    labels = [number % 10 for number in range(1003)]
    content = cifar_batch("labels", labels, images)
    ours = read_plain_pickle(content, "batch")
    theirs = pickle.loads(content, encoding="latin1")
    assert ours.keys() == theirs.keys() == {"batch_label", "labels", "data", "filenames"}
    assert ours["labels"] == theirs["labels"] == labels
    assert ours["batch_label"] == theirs["batch_label"] == "testing batch 1 of 1"
    assert ours["filenames"] == theirs["filenames"]
    assert ours["data"].dtype == theirs["data"].dtype == np.uint8
    assert np.array_equal(ours["data"], theirs["data"])
    assert np.array_equal(ours["data"], images)


def test_arrays_that_were_written_by_columns_are_read_by_columns():
    content = as_value(array_pickle((2, 3), bytes(range(6)), by_column=True))
    read = read_plain_pickle(content, "batch")["data"]
    assert read.tolist() == [[0, 2, 4], [1, 3, 5]]
    assert np.array_equal(read, pickle.loads(content, encoding="latin1")["data"])


class Payload:
    """Pickles to a call that makes a file."""

    def __init__(self, call, *arguments):
        self.made = (call, arguments)

    def __reduce__(self):
        return self.made


class Persistent(pickle.Pickler):
    """Writes every text as a persistent id."""

    def persistent_id(self, value):
        return value if isinstance(value, str) and value.startswith("ran") else None


def with_persistent_id(protocol):
    file = io.BytesIO()
    Persistent(file, protocol).dump({"data": "ran"})
    return file.getvalue()


MAKE = "open({!r}, 'w').close()"

HOSTILE = {
    "os.system": lambda ran: Payload(os.system, f"touch {ran}"),
    "builtins.eval": lambda ran: Payload(builtins.eval, MAKE.format(ran)),
    "builtins.exec": lambda ran: {"data": Payload(builtins.exec, MAKE.format(ran))},
    "nested": lambda ran: [{"data": (1, [Payload(builtins.eval, MAKE.format(ran))])}],
    "argument": lambda ran: Payload(np.dtype, Payload(builtins.eval, MAKE.format(ran))),
    "in an array": lambda ran: np.array([Payload(os.system, f"touch {ran}")], dtype=object),
    "copyreg": lambda ran: Payload(
        copyreg._reconstructor, object, object, Payload(os.system, f"touch {ran}")
    ),
}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_runs_whatever_a_file_calls(name, protocol, tmp_path):
    ran = tmp_path / "ran"
    content = pickle.dumps(HOSTILE[name](str(ran)), protocol)
    with pytest.raises(ValueError, match="data_batch_1: not a plain pickle"):
        read_plain_pickle(content, "data_batch_1")
    assert not ran.exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_the_hostile_files_do_run_when_python_reads_them(name, tmp_path):
    ran = tmp_path / "ran"
    with contextlib.suppress(TypeError):
        pickle.loads(pickle.dumps(HOSTILE[name](str(ran)), 2))
    assert ran.exists()


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R"
CALL = b"(S'touch ran'\ntR"


@pytest.mark.parametrize(
    ("pickled", "found"),
    [
        (b"cposix\nsystem\n" + CALL, "the name 'posix system'"),
        (b"cnumpy\nload\n" + CALL, "the name 'numpy load'"),
        (b"(S'touch ran'\nios\nsystem\n", "opcode STRING"),
        (b"(U\x09touch ranios\nsystem\n", "opcode INST"),
        (b"(cnumpy\nndarray\nU\x01bo", "opcode OBJ"),
        (b"cnumpy\nndarray\n)\x81", "opcode NEWOBJ"),
        (b"\x8c\x02os\x8c\x06system\x93", "opcode SHORT_BINUNICODE"),
        (b"X\x02\x00\x00\x00osX\x06\x00\x00\x00system\x93", "opcode STACK_GLOBAL"),
        (b"\x82\x01", "opcode EXT1"),
        (b"\x83\x01\x00", "opcode EXT2"),
        (b"\x84\x01\x00\x00\x00", "opcode EXT4"),
        (b"Pran\n", "opcode PERSID"),
        (b"U\x03ranQ", "opcode BINPERSID"),
        (b"cnumpy\nndarray\nK\x05\x85R", "a call that builds no array"),
        (b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R", "a call that builds no array"),
        (b"U\x06systemK\x05\x85R", "a call that builds no array"),
        (b"cnumpy\nndarray\n", "an array that is not filled"),
        (ARRAY, "an array that is not filled"),
        (DTYPE, "an array that is not filled"),
        (b"}" + b"}b", "state for a dict"),
        (b"cnumpy\nndarray\n}b", "state for a _Name"),
        (ARRAY + b"(K\x01K\x04\x85U\x02u1\x89U\x04abcdtb", "an array that is not of unsigned"),
        (ARRAY + b"(K\x01K\x04\x85" + DTYPE + b"\x89]tb", "a list where a str belongs"),
        (ARRAY + b"(K\x01K\x05\x85" + DTYPE + b"\x89U\x04abcdtb", r"4 bytes for .* \(5,\)"),
        (ARRAY + b"(K\x01J\xff\xff\xff\xff\x85" + DTYPE + b"\x89U\x04abcdtb", "not of unsigned"),
    ],
)
def test_every_opcode_but_those_of_plain_data_is_refused(pickled, found):
    with pytest.raises(ValueError, match=found) as caught:
        read_plain_pickle(as_value(pickled), "batch")
    assert str(caught.value).startswith("batch: not a plain pickle")


@pytest.mark.parametrize("protocol", [0, 1, 2, 4])
def test_persistent_ids_are_refused(protocol):
    with pytest.raises(ValueError, match="not a plain pickle"):
        read_plain_pickle(with_persistent_id(protocol), "batch")


def test_extension_codes_are_not_looked_up(tmp_path):
    ran = tmp_path / "ran"
    copyreg.add_extension("posix", "system", 200)
    try:
        hostile = as_value(
            b"\x82\xc8U" + bytes([len(f"touch {ran}")]) + f"touch {ran}".encode() + b"\x85R"
        )
        with pytest.raises(ValueError, match="opcode EXT1"):
            read_plain_pickle(hostile, "batch")
        assert not ran.exists()
    finally:
        copyreg.remove_extension("posix", "system", 200)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n",
        b"\x80\x02",
        b"\x80\x02.",
        b"\x80\x03}.",
        b"\x80\x02]q\x01.",
        b"\x80\x02}]K\x01s.",
        b"\x80\x02}K\x01K\x01s.",
        b"\x80\x02})" + b"\x85" * 100_000 + b"K\x01s.",
        b"\x80\x02}(U\x01au.",
        b"\x80\x02u.",
        b"\x80\x02}U\x01as.",
        b"\x80\x02h\x05.",
        b"\x80\x02}T" + struct.pack("<i", -1) + b".",
        b"\x80\x02}T" + struct.pack("<i", 1 << 30) + b"abc.",
        b"\x80\x02}q\x01}.",
    ],
)
def test_what_is_no_batch_is_an_error_that_names_the_file(content):
    with pytest.raises(
        ValueError, match=r"^test_batch: not a plain pickle as CIFAR is published in"
    ):
        read_plain_pickle(content, "test_batch")
