"""Restores in the browser: the plan before anything is touched, the way there and the way back."""

from tests.browser import acts
from tests.browser.living import Place
from tests.browser.people import Person

APP = "shop-floor"


def test_a_restore_is_planned_confirmed_followed_and_rolled_back(anybody: Person, place: Place, partial: str) -> None:
    acts.spoil(place.line, APP)
    acts.plans(anybody, APP, partial)
    anybody.finds_no_fault("restore-plan")
    acts.confirms(anybody, APP)
    anybody.sees("restore-completed-view", "Restore completed")
    anybody.finds_no_fault("restore-completed")
    assert not acts.is_spoilt(place.line, APP)
    anybody.presses("Roll back")
    anybody.sees("restore-plan", "Nothing has happened yet")
    acts.confirms(anybody)
    anybody.sees("restore-completed-view", "Restore completed")
    assert acts.is_spoilt(place.line, APP)


def test_a_restore_is_cancelled_in_its_midst(anybody: Person, place: Place, partial: str) -> None:
    acts.plans(anybody, APP, partial)
    with acts.held_up(place.line.stack):
        acts.confirms(anybody, APP)
        anybody.sees("restore-in-progress-view", "in progress")
        anybody.finds_no_fault("restore-in-progress")
        cancel = anybody.page.get_by_role("link", name="Cancel snapshot restore")
        anybody.waits(lambda: cancel.count() > 0, "it has been taken up, and can be cancelled")
        anybody.presses("Cancel snapshot restore")
        anybody.reads("What is written so far stays as it is")
        anybody.page.get_by_role("dialog").get_by_role("button", name="Cancel snapshot restore").click()
        anybody.sees("restore-in-progress-view", "is being cancelled")
    anybody.sees("restore-failed-view", "Restore cancelled")
    anybody.finds_no_fault("restore-cancelled")


def test_the_dialog_of_a_full_snapshot_has_the_command_and_refuses_the_wrong_slug(anybody: Person, full: str) -> None:
    anybody.opens(f"/snapshots/details/{full}")
    anybody.at("snapshot-restore-button").click()
    anybody.sees("backup-restore-modal", "Full restore")
    assert f"--from-backup {full}" in (anybody.at("restore-command").locator("code").text_content() or "")
    anybody.finds_no_fault("restore-dialog")
    anybody.page.get_by_label("Partial restore").check()
    anybody.at("app-slug-input").fill("another")
    anybody.presses("Confirm and restore")
    anybody.reads("The app slug you entered does not match the current app slug")
