"""How often a part is asked whether it works."""

from emulators.stack.readiness import poll


async def test_what_is_not_ready_soon_is_asked_seldom():
    slept = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def ready() -> bool:
        return sum(slept) > 60

    await poll(ready, sleep)

    assert slept[:100] == [0.03] * 100
    assert len(slept) < 250
