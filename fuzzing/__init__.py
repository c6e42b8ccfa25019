"""Fuzzers: inputs of strangers, made by grammar and by damage, for every reader of the package.

    python -m fuzzing                          # 60 seconds, all kinds in turn
    python -m fuzzing --cases 20               # 20 inputs of every kind, however long they take
    python -m fuzzing --seconds 600 --seed 7   # other inputs
    python -m fuzzing --kind runs --case 123   # one input again, with its folder kept

The same seed gives the same inputs. A case fails if it ends in an exception that is no sentence for the user, takes
longer than `fuzzing.watching.LIMIT_S`, prints a message that is too long, or changes a file outside its folder.
"""
