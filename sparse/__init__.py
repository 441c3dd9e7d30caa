"""Sparse training for any nn.Module in any loop: masks, methods and how they are allocated.

One line makes a loop sparse: `attach(model, optimizer, RigL(density=0.1), total_steps=10_000)`.
Masks simulate sparsity: inactive weights are zeros in dense tensors, and nothing becomes faster.
`SparseLinear` stores the active weights alone, and is faster where few are active.
"""

from sparse.attach import Attached as Attached
from sparse.attach import attach as attach
from sparse.controls.capacity import dense_widths as dense_widths
from sparse.controls.narrow import narrowed_widths as narrowed_widths
from sparse.csr.evolution import evolve as evolve
from sparse.csr.linear import SparseLinear as SparseLinear
from sparse.csr.mlp import SparseMLP as SparseMLP
from sparse.cutting.compact import Compacted as Compacted
from sparse.cutting.compact import compact as compact
from sparse.methods import METHODS as METHODS
from sparse.methods.acdc import ACDC as ACDC
from sparse.methods.dense import Dense as Dense
from sparse.methods.force import FORCE as FORCE
from sparse.methods.gmp import GMP as GMP
from sparse.methods.granet import GraNet as GraNet
from sparse.methods.grasp import GraSP as GraSP
from sparse.methods.imp import IMP as IMP
from sparse.methods.iter_snip import IterSNIP as IterSNIP
from sparse.methods.lth import LTH as LTH
from sparse.methods.magnitude import Magnitude as Magnitude
from sparse.methods.n_m import NM as NM
from sparse.methods.omp import OMP as OMP
from sparse.methods.pretrained import Pretrained as Pretrained
from sparse.methods.retrain import Retrain as Retrain
from sparse.methods.rigl import RigL as RigL
from sparse.methods.same_capacity import SameCapacity as SameCapacity
from sparse.methods.set import SET as SET
from sparse.methods.set_np import SetNP as SetNP
from sparse.methods.small_dense import SmallDense as SmallDense
from sparse.methods.snfs import SNFS as SNFS
from sparse.methods.snip import SNIP as SNIP
from sparse.methods.srigl import SRigL as SRigL
from sparse.methods.static import Static as Static
from sparse.methods.str import STR as STR
from sparse.methods.synflow import SynFlow as SynFlow
from sparse.methods.top_kast import TopKAST as TopKAST
from sparse.sparsifier import Sparsifier as Sparsifier
from sparse.targets import find_targets as find_targets
