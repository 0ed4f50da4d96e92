"""What goes and what stays, against a plain model: never the last good one, held, used or under way."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import Invalid
from schemas.retention import PRESETS, Rules, from_config_map, scope_of, to_config_map
from workers.retention.choose import CONSOLE, Candidate, Verdict, choose

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)
DAY = timedelta(days=1)
APPS = ("shop", "blog", "wiki")
STATUSES = ("Completed", "Completed", "Completed", "PartiallyFailed", "Failed", "Cancelled", None)
SCOPES = ("instance", "app/shop", "app/blog", "schedule/nightly", "safety-snapshots")


def _backup(name: str, days: float, status: str | None = "Completed", **more: object) -> Candidate:
    return Candidate(name=name, at=NOW - days * DAY, status=status, **more)  # type: ignore[arg-type]


def _said(verdicts: list[Verdict]) -> dict[str, tuple[bool, str]]:
    return {each.backup.name: (each.goes, "; ".join(each.reasons)) for each in verdicts}


def _going(verdicts: list[Verdict]) -> set[str]:
    return {each.backup.name for each in verdicts if each.goes}


def test_without_rules_and_ttl_nothing_goes() -> None:
    verdicts = choose([_backup(str(days), days) for days in (1, 400, 4000)], {}, NOW)
    assert _going(verdicts) == set()
    assert _said(verdicts)["400"] == (False, "nothing says that it goes")


def test_an_expired_one_goes_unless_a_rule_keeps_it() -> None:
    old = [_backup(f"b{days}", days, expires_at=NOW - DAY) for days in (40, 50, 60)]
    newest = _backup("b1", 1, expires_at=NOW + DAY)
    assert _going(choose([*old, newest], {}, NOW)) == {"b40", "b50", "b60"}
    verdicts = choose([*old, newest], {"instance": Rules(keep_last=2)}, NOW)
    assert _said(verdicts)["b40"] == (False, "last")
    assert _said(verdicts)["b50"] == (True, "expired 2026-11-25 12:00 UTC; no rule keeps it")
    assert _said(verdicts)["b1"] == (False, "last good one of the console; kept until 2026-11-27 12:00 UTC; last")


def test_the_last_good_one_stays_though_newer_ones_failed() -> None:
    good = _backup("good", 100, expires_at=NOW - 70 * DAY, app="shop", apps=("shop",))
    bad = [_backup(f"bad{days}", days, "Failed", app="shop", apps=("shop",)) for days in range(3)]
    assert _said(choose([good, *bad], {}, NOW))["good"] == (False, "last good one of shop")


def test_a_full_backup_that_has_the_application_counts_and_a_safety_snapshot_does_not() -> None:
    own = _backup("own", 10, expires_at=NOW - DAY, app="shop", apps=("shop",))
    full = _backup("full", 5, apps=("shop", "blog"))
    snapshot = _backup("r-before", 1, apps=("shop",))
    assert _going(choose([own, full, snapshot], {}, NOW)) == {"own"}
    without = _backup("full", 5, apps=("blog",))
    assert _going(choose([own, without, snapshot], {}, NOW)) == set()


def test_where_none_is_whole_the_newest_that_has_something_stays() -> None:
    poor = [_backup(f"p{days}", days, "PartiallyFailed", app="shop", expires_at=NOW - DAY) for days in (5, 9)]
    assert _said(choose(poor, {}, NOW)) == {
        "p5": (False, "last one of shop, none of which is whole"),
        "p9": (True, "expired 2026-11-25 12:00 UTC"),
    }


def test_what_is_not_whole_takes_no_place_of_one_that_is() -> None:
    failed = [_backup(f"f{days}", days, "Failed") for days in range(5)]
    whole = [_backup(f"w{days}", days) for days in range(10, 15)]
    assert _going(choose([*failed, *whole], {"instance": Rules(keep_last=3)}, NOW)) == {"f3", "f4", "w13", "w14"}


def test_a_schedule_may_have_rules_of_its_own() -> None:
    nightly = [_backup(f"n{days}", days, schedule="nightly") for days in range(1, 5)]
    other = [_backup(f"o{days}", days + 0.5, schedule="other") for days in range(1, 5)]
    rules = {"instance": Rules(keep_last=1), scope_of(schedule="nightly"): Rules(keep_last=3)}
    assert _going(choose([*nightly, *other], rules, NOW)) == {"n4", "o2", "o3", "o4"}


def test_nothing_younger_than_the_minimum_age_goes() -> None:
    young = [_backup(f"b{hours}", hours / 24) for hours in range(1, 49, 12)]
    assert _going(choose(young, {"instance": Rules(keep_last=1, min_age="24h")}, NOW)) == {"b25", "b37"}


def test_safety_snapshots_stay_unless_there_are_rules_for_them() -> None:
    snapshots = [_backup(f"r{days}-before", days) for days in (1, 2, 3)]
    assert _going(choose(snapshots, {"instance": Rules(keep_last=1)}, NOW)) == set()
    assert _going(choose(snapshots, {"safety-snapshots": Rules(keep_last=1)}, NOW)) == {"r2-before", "r3-before"}


@pytest.mark.parametrize("unreadable", [["instance"], [""]])
def test_rules_that_cannot_be_read_let_nothing_go(unreadable: list[str]) -> None:
    backups = [_backup("new", 1), _backup("old", 40, expires_at=NOW - DAY)]
    assert _said(choose(backups, {}, NOW, unreadable))["old"] == (False, "its rules cannot be read")
    assert _going(choose(backups, {}, NOW, ["app/shop"])) == {"old"}


def test_of_a_schedule_whose_rules_cannot_be_read_nothing_goes_by_others() -> None:
    backups = [_backup(f"n{days}", days, schedule="nightly") for days in (1, 2)]
    assert _going(choose(backups, {"instance": Rules(keep_last=1)}, NOW, ["schedule/nightly"])) == set()


# --- against a plain model

numbers = st.sampled_from((0, 0, 0, 1, 2, 5, -1))
lengths = st.sampled_from((None, None, "1h", "24h", "720h"))
rules_ = st.builds(
    Rules,
    keep_last=numbers,
    keep_hourly=numbers,
    keep_daily=numbers,
    keep_weekly=numbers,
    keep_monthly=numbers,
    keep_yearly=numbers,
    keep_within=lengths,
    min_age=lengths,
    time_zone=st.sampled_from(("UTC", "Europe/Berlin", "Pacific/Auckland")),
)
moments = st.integers(-30, 24 * 800).map(lambda hours: NOW - timedelta(hours=hours))


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    made = []
    for number in range(draw(st.integers(0, 14))):
        app = draw(st.sampled_from((None, *APPS)))
        apps = tuple(draw(st.lists(st.sampled_from(APPS), unique=True))) if app is None else (app,)
        made.append(
            Candidate(
                name=f"b{number}" + draw(st.sampled_from(("", "", "", "-before"))),
                at=draw(moments),
                status=draw(st.sampled_from(STATUSES)),
                app=app,
                apps=apps,
                schedule=draw(st.sampled_from((None, "nightly", "other"))),
                expires_at=draw(st.none() | moments),
                hold=draw(st.sampled_from((None, None, None, " by ada"))),
                user=draw(st.sampled_from((None, None, None, "restore r"))),
            )
        )
    return made


@given(candidates(), st.dictionaries(st.sampled_from(SCOPES), rules_))
def test_whatever_the_rules_what_must_stay_stays_and_everything_has_its_reason(
    backups: list[Candidate], rules: dict[str, Rules]
) -> None:
    verdicts = choose(backups, rules, NOW)
    going = _going(verdicts)
    assert sorted(each.backup.name for each in verdicts) == sorted(each.name for each in backups)
    assert all(each.reasons for each in verdicts)
    for each in backups:
        untouchable = each.hold is not None or each.user is not None or each.status is None
        not_yet = each.expires_at is not None and each.expires_at > NOW
        unasked = each.expires_at is None and not any(own.keeps for own in rules.values())
        assert not (each.name in going and (untouchable or not_yet or unasked))
    for whose in (CONSOLE, *APPS):
        mine = [each for each in backups if whose in each.holds and not each.name.endswith("-before")]
        whole = sorted((each.at, each.name) for each in mine if each.status == "Completed")
        some = sorted((each.at, each.name) for each in mine if each.status == "PartiallyFailed")
        if last := whole[-1:] or some[-1:]:
            assert last[0][1] not in going, f"the last good one of {whose} goes"


@given(candidates(), rules_)
def test_rules_only_keep_what_has_a_ttl(backups: list[Candidate], rules: Rules) -> None:
    """Without rules it goes when that has passed; with rules no earlier, nor more of it."""
    mortal = [each for each in backups if each.expires_at is not None]
    assert _going(choose(mortal, dict.fromkeys(SCOPES, rules), NOW)) <= _going(choose(mortal, {}, NOW))


# --- as they are kept


@given(st.sampled_from(SCOPES), rules_)
def test_a_config_map_gives_back_what_was_put_in(scope: str, rules: Rules) -> None:
    obj = to_config_map(scope, rules, "console")
    assert all(isinstance(value, str) for value in obj["data"].values())
    assert from_config_map(obj) == rules


@pytest.mark.parametrize(
    "data",
    [{"keep_last": "many"}, {"keep_last": "-2"}, {"ttl": "0s"}, {"keep_dayly": "7"}, {"time_zone": "Nowhere"}],
)
def test_a_config_map_that_is_wrong_is_told(data: dict[str, str]) -> None:
    with pytest.raises(Invalid, match="retention of 'instance'"):
        from_config_map({"data": {"scope": "instance", **data}})


def test_presets_are_rules() -> None:
    assert PRESETS["month"].ttl == "720h"
    assert PRESETS["ladder"].keeps
