"""The one model of runs: what is in a run's folder, who trains it, how it stands, what it was at any step.

    layout     paths, create, rename, delete           lock       who trains it
    log        write, read and follow its events       commands   what a front end asks of its trainer
    job        all that starts a trainer, and the start find       a run or a checkpoint by what a user types
    series     one figure over a run                   history    the events, folded; `at(step)` gives a moment
    status     how a run stands                        best       which of its checkpoints is the best
    resume     from which it goes on                   metadata   what a checkpoint's header says, verified
    images     where the images it was trained on are
    feed       all of the above, live: what a front end holds
    summary    one line about a run, from bounded reads

Nothing here imports torch or Textual.
"""
