// Each of these tests loads the machine and watches how it copes: together they would only see each other.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
