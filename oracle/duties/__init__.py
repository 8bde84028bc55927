"""What a node does, each duty a machine of its own, over one shared context.

    closing      a window from its end to its proposal: the close, the notices, the observations
    late_run     late data, from what is held of it to the time of a run (A8)
    judging      what this node proposes, and what it votes for (A1, A3)
    applying     what is decided takes effect, in the order of the log (U1)
    succession   who the committee is: ceremonies, the change to the next, its acceptance (K1-K4)
    signature    the group's signature on what was decided (T1, T2)
    fetching     parts of decided heights, from peers
    hearing      who said what, for `explain`

`oracle.node` composes them and says whose turn it is; `context` is what they share.
"""
