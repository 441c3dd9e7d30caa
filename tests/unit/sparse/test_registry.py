"""Registries: names are unique, unknown ones are told, broken plug-ins do not stop anything."""

import dataclasses
import json
import sys
from types import SimpleNamespace

import pytest

from sparse.options import NoOptions, option
from sparse.registry import Registry, import_modules


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class Sweetness:
    sugar: float = option(0.2, ge=0, help="share of sugar")


@dataclasses.dataclass(frozen=True, kw_only=True, slots=True)
class CakeTraits:
    layers: int = 0
    glaze: str | None = None


@pytest.fixture
def cakes():
    registry = Registry("cake", "sparsesweep.tests.cakes", traits=CakeTraits)

    @registry.register("sponge", summary="light", options=Sweetness, semantics=2, layers=1)
    def sponge():
        return "sponge"

    @registry.register("apple", summary="moist")
    class Apple:
        pass

    return registry


def test_registering_leaves_the_target_as_it_is_and_keeps_the_facts(cakes):
    entry = cakes.get("sponge")
    assert entry.target() == "sponge"
    assert (entry.semantics, dict(entry.traits)) == (2, {"layers": 1})
    assert cakes.names() == ("apple", "sponge")


def test_an_entry_builds_what_it_stands_for_from_checked_options(cakes):
    cakes.register("tower", summary="tall", options=Sweetness)(
        lambda options, floors: (options.sugar, floors)
    )
    assert cakes.get("tower").build({"sugar": 0.5}, 3) == (0.5, 3)
    with pytest.raises(ValueError, match="cake tower: unknown option 'suger'"):
        cakes.get("tower").build({"suger": 0.5}, 3)


def test_what_has_no_options_is_built_without_any(cakes):
    cakes.register("plain", summary="dry")(lambda options, floors: (options, floors))
    assert cakes.get("plain").build({}, 2) == (NoOptions(), 2)
    with pytest.raises(ValueError, match="cake plain: unknown option 'sugar'"):
        cakes.get("plain").build({"sugar": 0.5}, 2)
    assert next(item for item in cakes.describe() if item["name"] == "plain")["options"] == []


def test_traits_have_defaults_and_what_is_none_is_left_out(cakes):
    assert dict(cakes.get("apple").traits) == {"layers": 0}


def test_an_unknown_trait_is_refused_with_the_known_ones(cakes):
    message = r"cake mud: unknown trait 'layer'; allowed: layers, glaze \(did you mean 'layers'\?\)"
    with pytest.raises(ValueError, match=message):
        cakes.register("mud", summary="dark", layer=2)(object)
    assert "mud" not in cakes.names()


def test_what_follows_from_options_and_traits_is_derived_and_cannot_be_declared():
    def derived(options, traits):
        return {"sweet": options is Sweetness and traits["layers"] > 1}

    registry = Registry("cake", traits=CakeTraits, derived=derived)
    registry.register("tower", summary="tall", options=Sweetness, layers=3)(object)
    registry.register("plain", summary="dry", layers=3)(object)
    assert dict(registry.get("tower").traits) == {"layers": 3, "sweet": True}
    assert registry.get("plain").traits["sweet"] is False
    with pytest.raises(ValueError, match="cake mud: unknown trait 'sweet'"):
        registry.register("mud", summary="dark", sweet=True)


def test_description_is_json_and_sorted(cakes):
    described = json.loads(json.dumps(cakes.describe()))
    assert [item["name"] for item in described] == ["apple", "sponge"]
    assert described[1] == {
        "name": "sponge",
        "summary": "light",
        "semantics": 2,
        "options": [
            {
                "name": "sugar",
                "type": "float",
                "nullable": False,
                "default": 0.2,
                "help": "share of sugar",
                "ge": 0,
            }
        ],
        "traits": {"layers": 1},
    }


def test_an_unknown_name_is_told_with_the_allowed_ones(cakes):
    with pytest.raises(ValueError, match="unknown cake 'aple'") as problem:
        cakes.get("aple")
    assert str(problem.value).endswith("allowed: apple, sponge (did you mean 'apple'?)")


def test_a_name_registered_twice_names_both_places(cakes):
    with pytest.raises(ValueError, match="registered twice") as problem:
        cakes.register("apple", summary="dry")(Sweetness)
    assert "Apple" in str(problem.value)
    assert "Sweetness" in str(problem.value)


def test_a_broken_plug_in_is_a_warning_with_its_distribution(cakes, monkeypatch):
    def load_broken():
        raise ImportError("no oven")

    points = [
        SimpleNamespace(name="a", dist=SimpleNamespace(name="good-cakes"), load=lambda: None),
        SimpleNamespace(name="b", dist=SimpleNamespace(name="bad-cakes"), load=load_broken),
    ]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points)
    with pytest.warns(UserWarning, match=r"cake plug-in 'b' of bad-cakes failed.*no oven"):
        assert cakes.load_plugins() == ["good-cakes"]


def test_a_registry_without_a_plug_in_group_loads_nothing():
    assert Registry("cake", traits=CakeTraits).load_plugins() == []


def test_a_package_s_modules_are_imported_and_packages_in_it_are_not(tmp_path, monkeypatch):
    (tmp_path / "bakery" / "tools").mkdir(parents=True)
    for name in ("__init__", "cake", "tools/__init__"):
        (tmp_path / "bakery" / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    import_modules("bakery", [str(tmp_path / "bakery")])
    imported = [name for name in sys.modules if name.startswith("bakery")]
    for name in imported:
        monkeypatch.delitem(sys.modules, name)
    assert sorted(imported) == ["bakery", "bakery.cake"]
