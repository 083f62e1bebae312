"""Images a second on a device that one does not have: predicted, never measured.

`operators` knows torch; the others do not. May use: the networks, and what is below them.

- `prediction`: the terms of a device, and what they tell of a network.
- `fits`: the devices whose terms come with the package, or lie in a file.
- `operators`: what the operators of a built network do, from which its time is predicted.
"""
