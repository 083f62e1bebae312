"""The answer to a study's question as a person would say it: a verdict, its caveat, what is left.

Worded here once, for the terminal, pages, tables and documents. May use: the rest of analysis and
what is below it.

- `verdict`: yes, no or open, in one sentence, with its caveat. Begin reading here.
- `answer`: what an answer is, of trained networks and of tables alike; `listing`: lists in words.
- `clauses`: what became of each prediction, as a clause of a sentence.
- `names`: what arms and axes are called in it.
- `agreement`: whether several runs agree.
- `caveats`: what speaks most against it; `settling`: what would settle what is open.
"""
