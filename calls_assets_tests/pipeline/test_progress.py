from calls_assets.pipeline.progress import Progress


def test_the_line_says_how_far_it_is_how_fast_and_how_long_it_takes():
    now = [100.0]
    progress = Progress(10, clock=lambda: now[0])
    now[0] += 2
    assert progress.after(4, 6000) == " 4 of 10 days, 6,000 calls, 3,000 calls/s, 0:00:03 left."
    now[0] += 3
    assert progress.after(6, 1500) == " 10 of 10 days, 7,500 calls, 1,500 calls/s, 0:00:00 left."


def test_a_single_stretch_of_days_needs_no_line():
    assert Progress(3).after(3, 100) == ""
