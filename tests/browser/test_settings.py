"""Settings in the browser: where snapshots go, when they are taken, how long they are kept."""

from playwright.sync_api import expect

from tests.browser.living import Place
from tests.browser.newcomer import configures_storage
from tests.browser.people import Person

SETTINGS = "/snapshots/settings"


def test_the_destination_is_tried_and_stored_again(anybody: Person, place: Place) -> None:
    configures_storage(anybody, place)
    anybody.reads("Last check")


def test_a_destination_that_does_not_work_is_not_stored_and_the_page_says_why(anybody: Person) -> None:
    anybody.opens(SETTINGS)
    card = "snapshots-storage-settings-card"
    anybody.types("Bucket", "nobodys-bucket", within=card)
    anybody.at("update-storage-settings-button").click()
    anybody.sees(card, "Failed")
    anybody.finds_no_fault("settings-refused")
    anybody.opens(SETTINGS)
    expect(anybody.at("aws-bucket")).not_to_have_value("nobodys-bucket")


def test_a_schedule_is_set_and_read_back_in_words(anybody: Person) -> None:
    anybody.opens(SETTINGS)
    anybody.at("enable-scheduled-snapshots-checkbox").set_checked(True)
    anybody.at("snapshots-schedule-interval").locator("select").select_option("custom")
    anybody.at("snapshots-schedule-cron-expression").fill("0 0 * * SUN")
    anybody.presses("Update schedule")
    anybody.sees("snapshots-schedule-update-confirmation", "Schedule updated")
    anybody.sees("snapshots-schedule-human-readable-cron-expression", "At 12:00 AM, only on Sunday")
    anybody.at("enable-scheduled-snapshots-checkbox").set_checked(False)
    anybody.presses("Update schedule")
    anybody.sees("snapshots-schedule-update-confirmation", "Schedule updated")


def test_a_retention_policy_shows_what_it_would_delete_before_it_is_stored(anybody: Person, full: str) -> None:
    anybody.opens(SETTINGS)
    anybody.at("snapshots-retention-value").fill("4")
    anybody.at("snapshots-retention-unit").select_option("weeks")
    anybody.sees("snapshots-retention-policy-card", "With this policy nothing is deleted now")
    anybody.finds_no_fault("settings-retention-preview")
    anybody.presses("Update retention policy")
    anybody.sees("snapshots-retention-policy-update-confirmation", "Retention updated")
    expect(anybody.at("snapshots-retention-value")).to_have_value("4")


def test_a_registration_is_changed_after_a_look_at_what_the_vendor_says(anybody: Person, place: Place) -> None:
    app = place.new
    anybody.opens(f"/app/{app}/registration")
    license_ = place.line.stack.root / "packages" / app / "license.yaml"
    anybody.at("registration-form").locator('input[name="license_file"]').set_input_files(license_)
    anybody.at("register-application-button").click()
    anybody.sees("registration-preview", "Allow Snapshots")
    anybody.reads("Nothing was stored")
    anybody.at("register-application-button").click()
    anybody.sees("registered", "Changed")
