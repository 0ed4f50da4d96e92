"""What a seed lets go wrong in one part of a history, and when all is well again."""

import random
from datetime import timedelta

from tests.simulation.machinery.line import Line
from tests.simulation.machinery.network import EVERYBODY, SERVICES
from tests.support.simulated_store import NONE, Faults

RARE, OFTEN = (0.0, 0.0, 0.005), (0.0, 0.01, 0.03)
MOST_KILLS = 6
"""Of one part: fewer than the deliveries that a message has."""
STALLS = (timedelta(seconds=5), timedelta(seconds=50), timedelta(minutes=10))
SHIFTS = (timedelta(0), timedelta(0), timedelta(0), timedelta(minutes=-7), timedelta(hours=3), timedelta(days=-2))
LATEST = timedelta(seconds=30)
"""A request that timed out has its effect within this time, or never."""


def begin(line: Line, chance: random.Random) -> None:
    """Storms, of a strength that is drawn; now and then none."""
    if chance.random() < 0.1:
        return
    machines = line.machines
    machines.kills, machines.kill_chance = chance.randint(0, MOST_KILLS), chance.choice([0.002, 0.005, 0.02])
    _set(line.faults, _store_faults(chance))
    _set(line.cluster.faults, Faults(refused=chance.choice(OFTEN), lost=chance.choice(OFTEN)))
    _set(line.bus_faults, Faults(refused=chance.choice(OFTEN), lost=chance.choice(OFTEN), doubled=chance.choice(OFTEN)))
    line.bus.shuffled = chance.choice([0.0, 0.3])
    line.stops = chance.choice([0.0, 0.1, 0.3])


def end(line: Line) -> None:
    """Nothing more goes wrong; what was already sent may still arrive."""
    line.machines.kills = 0
    for faults in (line.faults, line.cluster.faults, line.bus_faults):
        _set(faults, NONE)
    line.bus.shuffled = 0.0
    line.network.mend_all()


def set_clocks(line: Line, chance: random.Random) -> None:
    """Some machines have the wrong time from the beginning."""
    if chance.random() < 0.4:
        for host in line.hosts:
            line.apart[host.name] = chance.choice(SHIFTS)


def strike(line: Line, chance: random.Random) -> None:
    """One blow. Returns when it is over; what is down may stay so for a while."""
    match chance.choice(["swizzle", "swizzle", "drop", "drop", "kill", "clock", "wipe", "nothing"]):
        case "swizzle":
            _swizzle(line, chance)
        case "drop":
            for host in chance.sample(line.hosts, 3):
                if host.process:
                    line.machines.note(f"*** {host.name} loses its channel")
                    line.bus.close(host.process)
        case "kill":
            for host in chance.sample(line.hosts, 2):
                if host.process:
                    line.machines.kill(host.process)
        case "clock":
            _jump(line, chance)
        case "wipe":
            line.wipe()


def _swizzle(line: Line, chance: random.Random) -> None:
    """Connections go, one after the other, and come back in another order."""
    names = [EVERYBODY, *(host.name for host in line.hosts)]
    cut = [(chance.choice(SERVICES), chance.choice(names)) for _ in range(chance.randint(1, 5))]
    for each in cut:
        line.network.cut(*each)
        line.machines.step("", timedelta(seconds=chance.choice([0.1, 1, 10])))
    chance.shuffle(cut)
    for each in cut:
        line.machines.step("", timedelta(seconds=chance.choice([0.1, 1, 30, 200])))
        line.network.mend(*each)


def _jump(line: Line, chance: random.Random) -> None:
    host = chance.choice(line.hosts)
    line.apart[host.name] = chance.choice(SHIFTS)
    if host.process:
        host.process.ahead = line.apart[host.name]
        line.machines.note(f"*** the clock of {host.name} is {host.process.ahead} ahead from now on")


def _store_faults(chance: random.Random) -> Faults:
    return Faults(
        refused=chance.choice(OFTEN),
        lost=chance.choice(OFTEN),
        belated=chance.choice(RARE),
        doubled=chance.choice(RARE),
        stalled=chance.choice((0.0, 0.002, 0.01)),
        latest=LATEST,
        stalls=STALLS[: chance.randint(1, 3)],
    )


def _set(faults: Faults, to: Faults) -> None:
    vars(faults).update(vars(to))
