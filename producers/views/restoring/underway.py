"""One restore: its volumes with how far each has come, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from producers.session import Session
from producers.views import jobs
from producers.views.job_views import RestoreDetails
from producers.views.restoring.heard import Heard, volumes
from schemas import keys
from schemas.errors import Code, SnaplineError
from schemas.job import Job, safety_snapshot
from schemas.job import restore as restore_called
from schemas.messages import Message
from schemas.records import RestorePlan, RestoreRequest, VolumeRestore, VolumeResult
from workers.jobs import ledger
from workers.ports import ObjectStore

BarState = Literal["Waiting", "In progress", "Complete", "Failed", "Not written"]


@dataclass(frozen=True)
class Bar:
    """One volume: bytes written of how many, and how many seconds it may still take, None while nobody can tell.
    `problems` says what is wrong with it."""

    volume: str
    state: BarState
    done: int
    total: int
    seconds_left: float | None = None
    problems: tuple[Message, ...] = ()

    @property
    def percent(self) -> int:
        """Whole ones; 100 only when all is written."""
        if self.state == "Complete":
            return 100
        return min(99, self.done * 100 // self.total) if self.total else 0


@dataclass(frozen=True)
class RestoringView:
    """One restore. `asked` is None for a request that was rejected. `put_back` says of which owners what had been
    deleted was created again as it was; `errors` has the rest. While its safety snapshot is taken, `secured` are the
    volumes of that, as far as was heard of them."""

    details: RestoreDetails
    asked: RestoreRequest | None
    bars: tuple[Bar, ...]
    secured: tuple[Bar, ...]
    put_back: tuple[Message, ...]
    errors: tuple[Message, ...]

    @property
    def ended(self) -> bool:
        """Whether it has come to its end, also by being rejected."""
        return self.details.view.completed_at is not None or self.details.view.status == "Rejected"

    @property
    def written(self) -> int:
        """How many volumes have their content back."""
        return sum(bar.state == "Complete" for bar in self.bars)

    @property
    def securing(self) -> bool:
        """Whether its safety snapshot is being taken."""
        return self.details.standing is not None and self.details.standing.phase == "securing"


def restoring(session: Session, name: str, destination: str) -> RestoringView:
    """The restore called `name`. Raises NotFound, Damaged, and as the store."""
    store = session.store(destination)
    details = jobs.restore(store, name)
    job = restore_called(name)
    asked = ledger.find(store, keys.request(job), RestoreRequest)
    plan = ledger.find(store, keys.plan(job), RestorePlan)
    ended = details.view.completed_at is not None
    news = {} if ended or asked is None else _news(session, name, asked.requested_at)
    securing = asked is not None and details.standing is not None and details.standing.phase == "securing"
    return RestoringView(
        details=details,
        asked=asked,
        bars=tuple(_bars(store, job, plan, news, ended=ended)) if plan else (),
        secured=tuple(_secured(session, job, asked.requested_at)) if securing and asked else (),
        put_back=tuple(each for each in details.errors if each.code == Code.PUT_BACK),
        errors=tuple(each for each in details.errors if each.code != Code.PUT_BACK),
    )


def _secured(session: Session, restore: Job, since: datetime) -> list[Bar]:
    """The volumes of the safety snapshot that are being copied, or are done."""
    return [
        Bar(
            volume,
            "Complete" if heard.done >= heard.total else "In progress",
            heard.done,
            heard.total,
            heard.pace.left(heard.total),
        )
        for volume, heard in sorted(_news(session, safety_snapshot(restore).name, since).items())
    ]


def _news(session: Session, name: str, since: datetime) -> Mapping[str, Heard]:
    """Nothing, where the event log cannot be read: the bars then know what the store knows."""
    try:
        return volumes(session, name, since)
    except SnaplineError:
        return {}


def _bars(store: ObjectStore, job: Job, plan: RestorePlan, news: Mapping[str, Heard], *, ended: bool) -> list[Bar]:
    found = (ledger.find(store, each.key, VolumeResult) for each in store.list(keys.volume_results(job)))
    results = {each.volume: each for each in found if each is not None}
    return [_bar(volume, results.get(volume.key), news.get(volume.key), ended=ended) for volume in plan.volumes]


def _bar(volume: VolumeRestore, result: VolumeResult | None, heard: Heard | None, *, ended: bool) -> Bar:
    if result is not None:
        state: BarState = "Failed" if result.errors else "Complete"
        return Bar(volume.key, state, result.bytes, volume.bytes, problems=tuple(result.errors))
    if ended:
        return Bar(volume.key, "Not written", 0, volume.bytes)
    if heard is None:
        return Bar(volume.key, "Waiting", 0, volume.bytes)
    return Bar(volume.key, "In progress", heard.done, volume.bytes, heard.pace.left(volume.bytes))
