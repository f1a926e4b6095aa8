using BenchmarkDotNet.Attributes;
using MeshDns.Actors.Directory;
using MeshDns.Contracts.Names;
using MeshDns.Tests.Shared;

namespace MeshDns.Bench.Micro;

/// <summary>The directory: finding a name, alone and in a batch that waits for memory together, and replacing one.</summary>
public class TableBenchmarks
{
    private const int Batch = 64;
    private readonly int[] _hashes = new int[Batch];
    private MeshDirectory _directory = null!;
    private byte[][] _names = [];
    private int _at;

    [Params(10_000, 1_000_000)]
    public int Names { get; set; }

    [GlobalSetup]
    public void Fill()
    {
        _directory = Edge.Names.Directory(Names);
        _names = [.. Enumerable.Range(0, Names).Select(i => HostName.Parse(Edge.Names.Host(i)).ToWire())];
        new Random(1).Shuffle(_names);
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public int Find()
    {
        var found = 0;
        foreach (var name in Next()) if (_directory.FindExact(name, ClientView.Default).Entry is not null) found++;
        return found;
    }

    [Benchmark(OperationsPerInvoke = Batch)]
    public int FindTogether()
    {
        var names = Next();
        for (var i = 0; i < Batch; i++) _hashes[i] = _directory.HashOf(names[i]);
        _directory.PrefetchExact(_hashes);
        var found = 0;
        for (var i = 0; i < Batch; i++) if (_directory.FindExact(names[i], _hashes[i], ClientView.Default).Entry is not null) found++;
        return found;
    }

    /// <summary>One name gets another declaration, as the feed does it: this allocates.</summary>
    [Benchmark]
    public void Replace()
    {
        _at = (_at + 7919) % Names;
        _directory.Apply(DirectoryFacts.Batch(Edge.Names.Now, Edge.Names.Fact(_at)));
    }

    private ReadOnlySpan<byte[]> Next()
    {
        _at = _at + (2 * Batch) > Names ? 0 : _at + Batch;
        return _names.AsSpan(_at, Batch);
    }
}
