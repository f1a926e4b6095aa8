namespace MeshDns.Actors.Tests.Directory;

/// <summary>Tests that measure memory run alone: what others allocate meanwhile would be counted.</summary>
[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;
