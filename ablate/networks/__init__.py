"""What a network is and costs, from its spec alone or built.

Nothing here trains. `model`, `parts`, `attention`, `built`, `fvcore_cost` and `weights` know torch;
the others do not, so that a plan can be made and a table checked without it. May use: spec, files,
errors.

- `widths`: rules that make widths, such as doubling from stage to stage.
- `layout`: the operators of a network in order, which `model` builds and `cost` counts.
- `cost`: parameters, MACs, activations and receptive fields, counted exactly from the spec;
  `totals`: what is counted; `built`: the same of a network with modules of one's own.
- `budget`: the solver: the network of a given shape that costs as much as another; `promising`:
  which of very many whole numbers it counts.
- `canonical`: one way to write a network that several specs describe.
- `presets`: published networks by name.
- `model`: the spec becomes a `torch.nn.Module`; `parts`, `attention`: what it is put together
  from; `own`: modules of one's own, found and made.
- `fvcore_cost`: the same costs measured by fvcore on the built network, as the tables record them.
- `elsewhere/`: images a second on a device that one does not have, predicted.
- `weights/`: of trained networks, into files of several formats and from torchvision's.
"""
