"""Tasks go out in order, lost ones alone; only losses alone confirm a suspicion."""

from densewalk.datasets.loading.schedule import Schedule, Task


def _schedule(*tickets: int) -> Schedule:
    schedule = Schedule()
    for ticket in tickets:
        schedule.add(Task(ticket=ticket, numbers=(ticket,)))
    return schedule


def test_tasks_go_out_by_ticket_whatever_order_they_come_in() -> None:
    schedule = _schedule(3, 1, 2)
    assert [schedule.next(9).ticket for _ in range(3)] == [1, 2, 3]
    assert schedule.next(0) is None


def test_a_task_alone_goes_first_and_waits_until_nothing_is_in_hand() -> None:
    schedule = _schedule(1, 2)
    schedule.add(Task(ticket=5, numbers=(5,), alone=True))
    assert schedule.next(1) is None
    assert schedule.next(0).ticket == 5
    assert schedule.next(0).ticket == 1


def test_losses_beside_other_tasks_count_once() -> None:
    schedule = Schedule()
    beside, alone = Task(ticket=1, numbers=(1,)), Task(ticket=2, numbers=(2,), alone=True)
    assert [schedule.blame(beside, "clip") for _ in range(3)] == [1, 1, 1]
    assert schedule.blame(alone, "clip") == 2
    assert schedule.blame(alone, "other") == 1
    assert schedule.blame(beside, None) == 1


def test_success_clears_the_clips_of_the_task_only() -> None:
    schedule = Schedule()
    one, other = Task(ticket=1, numbers=(1,), alone=True), Task(ticket=2, numbers=(2,), alone=True)
    schedule.blame(one, "a")
    schedule.blame(other, "b")
    schedule.clear(one)
    assert schedule.blame(one, "a") == 1
    assert schedule.blame(other, "b") == 2


def test_forgetting_drops_tasks_and_suspicions() -> None:
    schedule = _schedule(1)
    task = Task(ticket=2, numbers=(2,), alone=True)
    schedule.blame(task, "a")
    schedule.forget()
    assert schedule.next(0) is None
    assert schedule.blame(task, "a") == 1
