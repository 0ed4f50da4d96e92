"""The first minute of somebody who has just started the console: a password of one's own, where backups go, and an
application."""

from playwright.sync_api import Browser

from schemas.destination import S3Destination
from tests.browser.living import Place
from tests.browser.people import Person


def settles_in(browser: Browser, place: Place) -> None:
    """From the printed password to a destination that works, and the application that is not registered yet."""
    with Person(browser, place.url) as person:
        person.opens("/")
        person.finds_no_fault("sign-in")
        person.logs_in(place.first)
        person.types("The password that you were given", place.first)
        person.types("New password", place.password)
        person.types("New password again", place.password)
        person.finds_no_fault("new-password")
        person.presses("Set the password and log in")
        person.sees("navbar-dropdown-button", "admin")
        person.finds_no_fault("home-before-anything-is-set-up")
        configures_storage(person, place)
        if place.new:
            registers(person, place, place.new)


def configures_storage(person: Person, place: Place) -> None:
    """The bucket of the stack, as a user of another S3 server would name it."""
    bucket = place.line.stack.destination
    assert isinstance(bucket, S3Destination)
    person.opens("/snapshots/settings")
    person.at("storage-destination").locator("select").select_option("other")
    for label, text in {
        "Bucket": bucket.bucket,
        "Region": bucket.region,
        "Endpoint": bucket.endpoint or "",
        "Access Key ID": bucket.access_key_id,
        "Access Key Secret": bucket.secret_access_key.get_secret_value(),
        "Repository passphrase": place.line.stack.environment["SNAPLINE_PASSPHRASE"],
    }.items():
        person.types(label, text, within="snapshots-storage-settings-card")
    person.at("update-storage-settings-button").click()
    person.sees("storage-settings-updated-confirmation", "Settings updated")
    person.finds_no_fault("settings-with-a-destination")


def registers(person: Person, place: Place, app: str) -> None:
    """With the files of its vendor; what they say is seen before it is stored."""
    files = place.line.stack.root / "packages" / app
    person.opens("/apps")
    person.at("register-application-link").click()
    person.finds_no_fault("application-new")
    form = person.at("registration-form")
    form.locator('input[name="license_file"]').set_input_files(files / "license.yaml")
    form.locator('input[name="backup_file"]').set_input_files(files / "backup.yaml")
    person.types("Namespaces", app)
    person.at("register-application-button").click()
    person.sees("registration-preview", "Allow Snapshots")
    person.finds_no_fault("application-seen")
    person.at("register-application-button").click()
    person.sees("registered", "Registered")
    person.finds_no_fault("application-registered")
    person.opens("/apps")
    person.sees("applications", app)
