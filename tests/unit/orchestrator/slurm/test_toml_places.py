"""The places of tables and keys in a TOML file, for the messages about mistakes in it."""

import tomllib

import pytest

from orchestrator.slurm.toml_places import Places, not_toml

TEXT = """\
# cpus = 0
["my cluster"]
setup = [
  \"\"\"
cpus = 0
[beta]
\"\"\",
  "gpus = 3",
]
cpus = 1  # or 2
"gpus" = 2

[beta.extra]
nice = 5
mail.type = "END"
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (("my cluster",), "p.toml:2"),
        (("my cluster", "setup"), "p.toml:3"),
        (("my cluster", "cpus"), "p.toml:10"),
        (("my cluster", "gpus"), "p.toml:11"),
        (("beta",), "p.toml:13"),
        (("beta", "extra"), "p.toml:13"),
        (("beta", "extra", "nice"), "p.toml:14"),
        (("beta", "extra", "mail", "type"), "p.toml:15"),
    ],
)
def test_a_key_stands_where_it_is_written_not_where_a_text_looks_like_it(
    path: tuple[str, ...], place: str
) -> None:
    assert tomllib.loads(TEXT)["beta"]["extra"] == {"nice": 5, "mail": {"type": "END"}}
    assert str(Places(TEXT, "p.toml").of(*path)) == place


def test_what_is_not_written_has_the_place_of_its_table() -> None:
    places = Places(TEXT, "p.toml")
    assert str(places.of("beta", "extra", "nothing")) == "p.toml:13"
    assert str(places.of("gamma", "cpus")) == "p.toml"


def test_a_text_that_is_not_toml_is_told_with_its_line() -> None:
    with pytest.raises(tomllib.TOMLDecodeError) as raised:
        tomllib.loads("[alpha]\npartition = gpu\n")
    assert not_toml(raised.value, "p.toml") == "p.toml:2: not TOML: Invalid value"
