"""The acts: a disaster, one application of several, two in one namespace, and the way back."""

from deploy.local import looking, samples
from deploy.local.demo.report import DemoFailed, Report
from deploy.local.demo.stage import CONSOLE_NAMESPACE, Stage, compare, files_in
from deploy.local.stack import BESIDE, Stack
from schemas.job import Job
from schemas.kubernetes import CONFIG_MAPS
from workers.adapters.cluster import connect

APP = "shop-floor"
OTHER = "print-works"


def play(stack: Stack, report: Report) -> None:
    """All of it. Raises DemoFailed."""
    stage = Stage(stack, connect(stack.environment["SNAPLINE_KUBECONFIG"]))
    everything = [CONSOLE_NAMESPACE, APP, OTHER]
    with report.step("Start the workers, install two applications and a console") as told:
        stack.start_workers(beside=BESIDE)
        stack.start_scheduler()
        stage.install_console()
        for app in samples.applications():
            stage.install(app)
        before = stage.look(*everything)
        told(f"{len(before.objects)} objects, {files_in(before)} files in {len(before.volumes)} volumes")
    _everything_is_lost(stage, report, everything, before)
    _one_application_is_lost(stage, report, everything, before)
    _a_neighbour_and_a_way_back(stage, report, stage.look(APP))


def _everything_is_lost(stage: Stage, report: Report, everything: list[str], before: looking.Picture) -> None:
    with report.step("Take a full snapshot") as told:
        full = stage.snapline("backup", "--wait")
        told(f"{full['name']}: {full['status']}")
        stage.show_hooks(Job("backup", full["name"]))
    with report.step("Destroy the applications, the console and all volume data") as told:
        stage.destroy(*everything)
        told("all gone")
    with report.step("Restore the full snapshot") as told:
        restored = stage.snapline("restore", "--from-backup", full["name"], "--wait")
        told(f"{restored['name']}: {restored['status']}")
        stage.show_hooks(Job("restore", restored["name"]))
    with report.step("Compare every object and every byte") as told:
        told(compare(before, stage.look(*everything)))


def _one_application_is_lost(stage: Stage, report: Report, everything: list[str], before: looking.Picture) -> None:
    with report.step(f"Take a partial snapshot of {APP}") as told:
        partial = stage.snapline("backup", "--app", APP, "--wait")
        told(f"{partial['name']}: {partial['status']}")
    untouched = stage.look(CONSOLE_NAMESPACE, OTHER)
    with report.step(f"Destroy {APP}, and restore that application alone") as told:
        stage.destroy(APP)
        again = stage.snapline("restore", "--from-backup", partial["name"], "--wait")
        told(f"{again['name']}: {again['status']}")
    with report.step("Compare again; nothing else was touched") as told:
        told(compare(before, stage.look(*everything)))
        if stage.look(CONSOLE_NAMESPACE, OTHER).uids != untouched.uids:
            raise DemoFailed("the application-only restore replaced objects of others")


def _a_neighbour_and_a_way_back(stage: Stage, report: Report, before: looking.Picture) -> None:
    neighbour = samples.neighbour()
    with report.step(f"Install {neighbour.slug} in the namespace of {APP}, snapshot {APP}, spoil both") as told:
        stage.install(neighbour)
        partial = stage.snapline("backup", "--app", APP, "--wait")
        _spoil(stage)
        spoilt = stage.look(APP)
        told(f"{partial['name']}: {partial['status']}")
    with report.step(f"Restore {APP} over itself") as told:
        restored = stage.snapline("restore", "--from-backup", partial["name"], "--wait")
        told(f"{restored['name']}: {restored['status']}, after the safety snapshot {restored['snapshot']}")
    with report.step(f"Compare: {APP} is back, {neighbour.slug} is as it was") as told:
        now = stage.look(APP)
        theirs = looking.Picture({**spoilt.objects, **before.objects}, {}, {**spoilt.volumes, **before.volumes})
        told(compare(_without(theirs, NEWER), now))
        if any(now.uids[key] != spoilt.uids[key] for key in now.uids.keys() - before.uids.keys()):
            raise DemoFailed(f"the restore of {APP} replaced objects of {neighbour.slug}")
    with report.step("Go back to what was there before that restore") as told:
        back = stage.snapline("restore", "--rollback", restored["name"], "--wait")
        told(f"{back['name']}: {back['status']}; {compare(spoilt, stage.look(APP))}")


NEWER = ("ConfigMap", APP, "night-shift")


def _spoil(stage: Stage) -> None:
    """Changes objects and files of both applications, and adds an object to the one that will be restored."""
    stage.cluster.patch(CONFIG_MAPS, APP, "db", {"data": {"max_connections": "1"}})
    stage.cluster.patch(CONFIG_MAPS, APP, "crib", {"data": {"drawers": "13"}})
    kind, namespace, name = NEWER
    labels = {"kots.io/app-slug": APP, "kots.io/backup": "velero"}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    samples.create(stage.cluster, [{"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"from": "22:00"}}])
    for directory in stage.volumes(APP):
        (directory / "spoilt.txt").write_text("overwritten\n")


def _without(picture: looking.Picture, key: looking.Key) -> looking.Picture:
    objects = {each: obj for each, obj in picture.objects.items() if each != key}
    return looking.Picture(objects, picture.uids, picture.volumes)
