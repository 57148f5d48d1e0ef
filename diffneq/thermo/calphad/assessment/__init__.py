"""Assessment: fitting the parameters of a CALPHAD database to data, by exact gradients."""

from diffneq.thermo.calphad.assessment.data import Dataset, dataset, read_data
from diffneq.thermo.calphad.assessment.fit import fit
from diffneq.thermo.calphad.assessment.parameters import Parameter, choose, parameter_names
from diffneq.thermo.calphad.assessment.problem import Problem, problem
from diffneq.thermo.calphad.assessment.result import Assessment

__all__ = [
    "Assessment",
    "Dataset",
    "Parameter",
    "Problem",
    "choose",
    "dataset",
    "fit",
    "parameter_names",
    "problem",
    "read_data",
]
