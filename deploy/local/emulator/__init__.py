"""An emulated Kubernetes for a machine without a cluster: kmock's API server over the in-memory cluster,
with just enough controllers, scheduler and kubelet for applications whose volumes are directories.

Containers never run: a pod is "Running" as soon as its volumes are there, and commands in it run on this machine.
Nothing leaves 127.0.0.1.
"""

from deploy.local.emulator.running import Emulator, start

__all__ = ["Emulator", "start"]
