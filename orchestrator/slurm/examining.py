"""doctor for a site: all looks at it in turn, and the notes that runs read later."""

import time
from dataclasses import dataclass, replace

from orchestrator.health.findings import Finding
from orchestrator.health.store_probe import look_at_clock, look_at_sharing
from orchestrator.slurm.commands import Runner, run_command
from orchestrator.slurm.limits import Limits
from orchestrator.slurm.node_look import look_at_node
from orchestrator.slurm.notes import SiteNotes, keep_notes, read_notes
from orchestrator.slurm.profiles import Profile
from orchestrator.slurm.site import (
    look_at_accounting,
    look_at_commands,
    look_at_controller,
    look_at_partitions,
)
from orchestrator.slurm.toml_places import Places
from orchestrator.slurm.trial import look_at_arrays, look_at_profile
from orchestrator.store.layout import Store
from orchestrator.store.records import timestamp


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteQuestion:
    """What is asked about a site.

    Attributes:
        profile: How to ask it for resources.
        places: Where the keys of the profile stand in its file.
        store: Where its jobs would leave their results.
        submit_seconds: How long to wait for a tiny job there; None to submit none.
    """

    profile: Profile
    places: Places
    store: Store
    submit_seconds: float | None = None


def examine_site(asked: SiteQuestion, run: Runner = run_command) -> list[Finding]:
    """Look at a site, and keep what was found in the store for the runs to come.

    Args:
        asked: The site.
        run: Runs commands.
    """
    profile, store = asked.profile, asked.store
    before = read_notes(store, profile.name)
    findings = [look_at_sharing(store.root), look_at_clock(store.root), *look_at_commands(run)]
    found, limits = look_at_controller(run)
    findings.append(found)
    notes = before
    if limits is not None:  # else nothing further would answer
        further, notes = _look_further(asked, before, limits, run)
        findings += further
    if asked.submit_seconds is not None:
        findings += _send_job(asked, findings, run)
    return [*findings, _kept(store, profile.name, replace(notes, findings=tuple(findings)))]


def _kept(store: Store, profile: str, notes: SiteNotes) -> Finding:
    path = store.site_path(profile)
    try:
        keep_notes(store, profile, notes)
    except OSError as error:
        fix = "give a folder that you may write with --store"
        return Finding(subject="notes", verdict="broken", found=f"{path}: {error}", fix=fix)
    return Finding(subject="notes", verdict="ok", found=f"kept for runs in {path}")


def _send_job(asked: SiteQuestion, findings: list[Finding], run: Runner) -> list[Finding]:
    """What a node says, unless what was found so far keeps all jobs from running."""
    broken = [finding.subject for finding in findings if finding.verdict == "broken"]
    if not broken:
        seconds = asked.submit_seconds or 0.0
        return look_at_node(asked.profile, asked.store, run, seconds=seconds)
    found = f"none was submitted, because of {', '.join(broken)}"
    fix = "repair that first"
    return [Finding(subject="job", verdict="warning", found=found, fix=fix)]


def _look_further(
    asked: SiteQuestion, before: SiteNotes, limits: Limits, run: Runner
) -> tuple[list[Finding], SiteNotes]:
    """What a controller that answers can be asked, and the notes after that."""
    profile, store = asked.profile, asked.store
    accounts, usable = look_at_accounting(limits, profile, run)
    known = replace(limits, accounting=usable)
    notes = replace(before, probed_at=timestamp(time.time()), limits=known)
    trial = look_at_profile(profile, asked.places, store, run)
    findings = [accounts, *look_at_partitions(profile, asked.places, run), trial]
    if trial.verdict != "ok":
        return findings, notes
    largest = limits.max_array if profile.max_array is None else profile.max_array
    arrays = look_at_arrays(profile, largest, store, run)
    # What was refused before was tried anew: those lessons are over.
    learned = replace(notes, max_array=arrays.max_array, room=None, refusal=arrays.refusal)
    return [*findings, arrays.finding], learned
