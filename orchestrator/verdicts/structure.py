"""The judgement `structure`: H1a to H4, where sparse networks get their accuracy from.

The hypotheses follow the abstract of Van Gelder, Wortsman and Ehsani 2020 ("Deconstructing the
structure of sparse neural networks"); their tests and pass rules are this project's, fixed before
any of its studies ran.
"""

from orchestrator.answers.results import AnswerError
from orchestrator.verdicts.emergence import (
    EARLY,
    emergence,
    judge_emergence,
    judge_gradients,
    settings,
)
from orchestrator.verdicts.material import Material
from orchestrator.verdicts.robustness import AUCS, judge_robustness, robustness
from orchestrator.verdicts.structure_kept import (
    gains,
    judge_retrained,
    judge_zero_shot,
    places,
)
from orchestrator.verdicts.verdict import Judgement, Sheet


def judge_structure(material: Material) -> Judgement:
    """H1a, H1b, H2, H3 and H4, as far as the cells go; what is missing is said.

    Raises:
        AnswerError: When the grids have nothing that any of them is about.
    """
    found = places(material)
    variants = settings(material)
    measured = material.metric_names()
    if not found and not variants and not measured & {EARLY, *AUCS.values()}:
        raise AnswerError(
            f"nothing in {', '.join(material.grids)} is about structure; add cells of method "
            f"retrain (H1), the probe further_pruning (H2), or cells of method rigl with the probe "
            f"emergence (H3) and its variants by growth, update_stop and dense_until (H4)"
        )
    sheets: list[Sheet] = [gains(found)] if found else []
    return material.judgement(
        name="structure",
        verdicts=(
            judge_zero_shot(material, found),
            *judge_retrained(found),
            *judge_robustness(material),
            judge_emergence(variants),
            judge_gradients(variants),
        ),
        sheets=(*sheets, *robustness(material), *emergence(material)),
    )
