"""At how many seeds a rule is looked at: fixed beforehand, because every look costs certainty."""

from grids.seed_rules import SeedRule


def looks_of(rule: SeedRule) -> tuple[int, ...]:
    """The numbers of seeds at which a rule is evaluated, ascending; the last one is its most.

    From one look to the next a half is added, at least one seed. So there are few waves and few
    looks, and at most half of the seeds that were needed are trained in vain. The last step is at
    least as long as the one before it: looking twice at nearly the same costs certainty for
    nothing. 3 to 20 seeds are looked at with 3, 4, 6, 9, 13 and 20.
    """
    looks = [rule.least]
    while looks[-1] < rule.most:
        looks.append(min(looks[-1] + max(1, looks[-1] // 2), rule.most))
    if len(looks) > 2 and looks[-1] - looks[-2] < looks[-2] - looks[-3]:
        del looks[-2]
    return tuple(looks)
