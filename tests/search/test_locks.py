"""Readers share the lock, a writer has it alone."""

import threading

from stylefacet.search.locks import ReadWriteLock


def test_readers_run_together():
    lock, meeting = ReadWriteLock(), threading.Barrier(2, timeout=10)

    def read() -> None:
        with lock.reading():
            meeting.wait()  # passes only while both readers hold the lock

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not meeting.broken


def test_a_writer_waits_for_readers_and_goes_before_new_ones():
    lock, order = ReadWriteLock(), list[str]()
    writer_waits = threading.Event()

    def write() -> None:
        writer_waits.set()
        with lock.writing():
            order.append("writer")

    def read_late() -> None:
        with lock.reading():
            order.append("late reader")

    writer, late = threading.Thread(target=write), threading.Thread(target=read_late)
    with lock.reading():
        writer.start()
        writer_waits.wait(10)
        while not lock._waiting_writer_count:
            pass
        late.start()
        order.append("early reader")
    writer.join(10)
    late.join(10)
    assert order == ["early reader", "writer", "late reader"]
