"""Trained weights: into files that others read, and out of those that others trained.

May use: spec, files, errors, and the modules of networks.

- `formats`: a trained network as safetensors, ONNX or a program of torch.export, and back.
- `pretrained`: torchvision's weights under our names; `torchvision`: its networks, stage by stage.
"""
