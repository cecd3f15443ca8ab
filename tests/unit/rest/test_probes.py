"""`/health` says that the process lives, `/ready` that it can work, and what is missing if not."""


async def test_a_process_that_can_work_is_ready(http):
    answer = await http.get("/ready")

    assert (answer.status_code, answer.json()) == (200, {"ready": True, "problems": {}})


async def test_what_is_not_ready_is_named(http, memory):
    memory.publisher.reachable = False
    answer = await http.get("/ready")

    assert answer.status_code == 503
    assert answer.json()["ready"] is False
    assert list(answer.json()["problems"]) == ["pubsub"]


async def test_a_process_that_cannot_work_is_alive_all_the_same(http, memory):
    memory.publisher.reachable = False

    assert (await http.get("/health")).status_code == 200
