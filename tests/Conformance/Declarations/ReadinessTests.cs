using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>Whoever is told that the node is ready can use it.</summary>
public sealed class ReadinessTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly MeshNode _mesh = new DefaultNode();

    private NodeProcess Node => _mesh.Node;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        output.WriteLine("The last node's log:\n" + _mesh.Node?.Log);
        await _mesh.DisposeAsync();
    }

    [Fact]
    public async Task The_first_readyz_that_says_so_comes_when_the_api_answers()
    {
        // A first start; one with a saved directory, which answers queries at once; one after a kill.
        for (var start = 0; start < 3; start++)
        {
            await _mesh.StartUnreadyAsync();
            while ((await Node.GetAsync("/readyz")).Status != HttpStatusCode.OK) await Task.Yield();
            // At once, and in this order: nothing gives it more time.
            _ = (await Node.GetAsync("/v1/vips")).Done;
            _ = (await Node.ApplyAsync(string.Concat(Enumerable.Range(0, 200).Select(i => Manifest.Vip($"ready-{start}-{i}", $"ready-{start}-{i}.test"))))).Done;
            _ = (await Node.GetAsync("/v1/service-entries")).Done;
            await Node.PollAsync(() => Task.FromResult(File.Exists(Path.Combine(_mesh.DataDirectory, "directory.bin"))), "the directory is saved");
            if (start == 0) Assert.Equal(0, await Node.StopAsync());
            if (start == 1) await Node.KillAsync();
        }
    }
}
