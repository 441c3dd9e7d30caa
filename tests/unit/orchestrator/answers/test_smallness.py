"""What few pairs can never say, computed and told in words."""

from orchestrator.answers.smallness import family_notes, smallness_of, warnings_of
from tests.support.answers import answers_of, contrasts_of

DENSE = (0.97, 0.98, 0.96, 0.97, 0.98, 0.97, 0.99, 0.96, 0.95, 0.97)
SET = (0.95, 0.955, 0.93, 0.95, 0.965, 0.94, 0.95, 0.94, 0.93, 0.91)


def told(seeds: int, rows: int = 1, confidence: float = 0.95) -> tuple[str, ...]:
    sparse = {(f"set{row}", "0.1"): SET[:seeds] for row in range(rows)}
    answers = answers_of({("dense", "1"): DENSE[:seeds], **sparse})
    return smallness_of(contrasts_of(answers, confidence=confidence))


def test_five_pairs_never_reach_one_in_twenty_by_ranks() -> None:
    wilcoxon, bootstrap = told(5)
    assert wilcoxon == (
        "with 5 pairs the signed-rank test can give no p below 0.0625; 0.05 takes 6 pairs"
    )
    assert bootstrap.startswith("with fewer than 10 pairs (here 5) the bootstrap interval is too")


def test_many_contrasts_need_more_pairs() -> None:
    assert told(5, rows=25)[0] == (
        "with 5 pairs the signed-rank test can give no p below 0.0625, after Holm's correction "
        "over 25 contrasts none below 1; 0.05 takes 10 pairs"
    )
    assert told(10, rows=25) == ()


def test_the_level_is_that_of_the_intervals() -> None:
    assert told(6)[0].startswith("with fewer than 10 pairs (here 6)")
    assert told(6, confidence=0.99)[0].endswith("0.01 takes 8 pairs")


def test_a_single_pair_says_nothing_of_noise() -> None:
    assert told(1) == (
        "with 1 pair the signed-rank test can give no p below 1; 0.05 takes 6 pairs",
        "one pair says nothing of noise: 1 contrast without interval and test",
    )


def test_pairs_that_are_equal_do_not_count_for_ranks() -> None:
    tied = (*DENSE[:2], *SET[2:7])  # 7 seeds, two of them equal
    answers = answers_of({("dense", "1"): DENSE[:7], ("set", "0.1"): tied})
    assert smallness_of(contrasts_of(answers))[0].startswith("with 5 pairs the signed-rank test")


def test_every_contrast_is_judged_by_its_own_pairs() -> None:
    rows = {(f"set{row}", "0.1"): SET[:4] for row in range(6)}
    answers = answers_of({("dense", "1"): DENSE, ("rigl", "0.1"): SET, **rows})
    assert smallness_of(contrasts_of(answers))[0] == (
        # rigl: 7 / 512; the others are 6 once it is found: 6 / 8
        "with 4 pairs (set0 at 0.1, set1 at 0.1, set2 at 0.1, set3 at 0.1, 2 more) the signed-rank "
        "test can give no p below 0.125, after Holm's correction over 7 contrasts none below 0.75; "
        "0.05 takes 9 pairs"
    )


def test_contrasts_without_a_p_stay_in_the_family_and_are_counted() -> None:
    answers = answers_of(
        {("dense", "1"): DENSE, ("set", "0.1"): SET, ("rigl", "0.1"): (None,), ("gmp", "0.1"): SET}
    )
    assert family_notes(contrasts_of(answers)) == (
        "1 of 3 contrasts has no p and counts as 1 in the corrections",
    )
    assert (
        family_notes(contrasts_of(answers_of({("dense", "1"): DENSE, ("set", "0.1"): SET}))) == ()
    )


def test_warnings_are_told_with_the_contrasts_they_are_of() -> None:
    answers = answers_of(
        {("dense", "1"): DENSE, ("set", "0.1"): (*SET[:9], None), ("set", "0.2"): (*SET[:9], None),
         ("rigl", "0.1"): SET}
    )  # fmt: skip
    assert warnings_of(contrasts_of(answers)) == ("set at 0.1, set at 0.2: 1 seed unpaired",)


def test_a_warning_of_many_contrasts_says_how_many() -> None:
    densities = ("0.1", "0.2", "0.3", "0.4", "0.5")
    short = {("set", density): (*SET[:9], None) for density in densities}
    answers = answers_of({("dense", "1"): DENSE, ("rigl", "0.1"): SET, **short})
    assert warnings_of(contrasts_of(answers)) == ("5 of 6 entries: 1 seed unpaired",)


def test_where_nothing_is_compared_nothing_is_told() -> None:
    nothing = (None,) * 3
    answers = answers_of({("dense", "1"): nothing, ("set", "0.1"): nothing})
    assert smallness_of(contrasts_of(answers)) == ()
