"""The planted mistakes, each with the clause that finds it, or the reason that no clause can."""

from typing import NamedTuple

from bench import MethodSpec

HERE = "tests.methods.planted"


class Planted(NamedTuple):
    """A method with one mistake; ``code`` is empty where no clause finds it, and ``why`` says why not."""

    target: str
    code: str
    needs: tuple[str, ...] = ("volumes",)
    own_process: bool = False
    why: str = ""

    @property
    def spec(self) -> MethodSpec:
        """What its plugin would announce."""
        name = self.target.partition(":")[2]
        return MethodSpec(name, f"{HERE}.{self.target}", "a planted mistake", needs=self.needs)


COVARIATES = ("clinical", "acquisition")
PLANTED = (
    Planted("careless_predictions:Column", "BC01"),
    Planted("careless_predictions:Logits", "BC01"),
    Planted("careless_predictions:TaskForgotten", "BC01"),
    Planted("careless_predictions:NotANumber", "BC01"),
    Planted("careless_predictions:Words", "BC01"),
    Planted("careless_predictions:NoSelf", "BC01"),
    Planted("careless_predictions:Unseeded", "BC02"),
    Planted("careless_predictions:FixedSeed", "BC03"),
    Planted("careless_predictions:FixedTorchSeed", "BC03"),
    Planted("careless_predictions:TestStatistics", "BC04"),
    Planted("careless_predictions:Ranked", "BC04"),
    Planted("careless_predictions:BatchNormInTraining", "BC04"),
    Planted("careless_predictions:SortedCases", "BC04"),
    Planted("careless_predictions:Drifting", "BC05"),
    Planted("careless_predictions:DropoutOn", "BC05"),
    Planted("careless_predictions:Collapsed", "BC06"),
    Planted("careless_predictions:NameAsFeature", "BC07"),
    Planted("careless_learning:ClassState", "BC08", own_process=True),
    Planted("careless_learning:ModuleCache", "BC08", own_process=True),
    Planted("cheating:ReadsCasesFile", "BC09"),
    Planted("cheating:ReadsMemory", "BC09"),
    Planted("cheating:ReadsTestImages", "BC10"),
    Planted("cheating:SwapsFiles", "BC11"),
    Planted("cheating:FillsTable", "BC11"),
    Planted("cheating:WritesBesideImages", "BC12"),
    Planted("careless_learning:NeedsEveryLabel", "BC13"),
    Planted("careless_learning:NeedsTwoClasses", "BC14"),
    Planted("careless_learning:KnowsErByName", "BC15"),
    Planted("careless_learning:WeightsByName", "BC15"),
    Planted("careless_learning:FourTasks", "BC16"),
    Planted("careless_learning:LastIsContinuous", "BC16"),
    Planted("careless_learning:UndeclaredAge", "BC17"),
    Planted("careless_learning:UndeclaredImages", "BC17", needs=("clinical",)),
    Planted("careless_learning:NeedsEveryAge", "BC18", needs=COVARIATES),
    Planted("careless_learning:KnownVendors", "BC18", needs=COVARIATES),
    Planted("careless_learning:ShrinkingRidge", "BC19"),
    Planted("careless_learning:RoundedInConstructor", "BC19"),
    Planted("careless_learning:NarrowSpace", "BC20"),
    Planted("careless_learning:SpaceOfAnother", "BC20"),
    Planted("careless_saving:ForgetsScale", "BC21"),
    Planted("careless_saving:ForgetsParameters", "BC22"),
    Planted("careless_saving:TorchSave", "BC23"),
    Planted("careless_saving:JoblibCompressed", "BC23"),
    Planted("careless_saving:PickleInJson", "BC23"),
    Planted("careless_saving:EncryptedPickle", "BC23"),
    Planted("careless_saving:ObjectArray", "BC23"),
    Planted("careless_saving:FlatExplanation", "BC24"),
    Planted("careless_saving:HalfExplanation", "BC24"),
    Planted("careless_saving:EmptyExplanation", "BC24"),
    Planted("careless_saving:AllCores", "BC25"),
    Planted("careless_saving:ForestOfFourJobs", "BC25"),
    Planted("careless_saving:BusyProcesses", "BC25"),
    Planted("careless_saving:Exits", "BC01"),
    Planted("careless_saving:Endless", "BC01", own_process=True),
    Planted("cheating:EndsTheProcess", "BC01", own_process=True),
    Planted(
        "cheating:ReadsOracle", "", why="no oracle lies beside the cohort of the check: the run fences it"
    ),
    Planted("cheating:KnowsTheCheck", "", why="honest on the cohort of the check: the run fences labels"),
    Planted("cheating:ShipsAnswers", "", why="no case of the check has a name of a public collection"),
)
