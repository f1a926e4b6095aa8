using System.Text;
using MeshDns.Tests.Shared;

namespace MeshDns.Conformance.Harness;

/// <summary>A node of a test class: its data directory, and an upstream for what is not ours. At the end the journal must be sound.</summary>
public class MeshNode(params string[] settings) : IAsyncLifetime
{
    private readonly ScratchFolder _folder = new();

    public NodeProcess Node { get; private set; } = null!;

    public ScriptedUpstream Upstream { get; } = new();

    public string DataDirectory => _folder["data"];

    private string SavedDirectory => Path.Combine(DataDirectory, "directory.bin");

    /// <summary>A file for the test.</summary>
    public string this[string file] => _folder[file];

    private IEnumerable<string> Settings => [$"upstream.servers={Upstream.Address}", .. settings];

    public virtual Task InitializeAsync() => StartAsync();

    public async Task StartAsync(params IEnumerable<string> more) => Node = await NodeProcess.StartAsync(DataDirectory, [.. Settings, .. more]);

    /// <summary>Starts a node that cannot become ready.</summary>
    public async Task StartUnreadyAsync(params IEnumerable<string> more) => Node = await NodeProcess.StartUnreadyAsync(DataDirectory, [.. Settings, .. more]);

    /// <summary>Puts the journal out of reach of the next start: where the file should be is a folder.</summary>
    public void HideJournal()
    {
        Directory.CreateDirectory(this["hidden"]);
        Directory.CreateDirectory(DataDirectory);
        foreach (var file in Directory.GetFiles(DataDirectory, "journal.db*")) File.Move(file, Path.Combine(this["hidden"], Path.GetFileName(file)));
        Directory.CreateDirectory(Path.Combine(DataDirectory, "journal.db"));
    }

    /// <summary>Undoes <see cref="HideJournal"/>.</summary>
    public void RestoreJournal()
    {
        Directory.Delete(Path.Combine(DataDirectory, "journal.db"));
        foreach (var file in Directory.GetFiles(this["hidden"])) File.Move(file, Path.Combine(DataDirectory, Path.GetFileName(file)));
    }

    /// <summary>Until the directory on disk knows the host: when it was last written says nothing, it may have been while the test looked elsewhere.</summary>
    public Task WaitForSavedAsync(string host)
    {
        byte[] wire = [.. host.Split('.').SelectMany(label => (byte[])[(byte)label.Length, .. Encoding.ASCII.GetBytes(label)])];
        return Node.PollAsync(
            () => Task.FromResult(File.Exists(SavedDirectory) && File.ReadAllBytes(SavedDirectory).AsSpan().IndexOf(wire) >= 0), $"the saved directory knows {host}");
    }

    public async Task DisposeAsync()
    {
        if (Node is { HasExited: false }) Assert.Equal(0, await Node.StopAsync());
        if (File.Exists(Path.Combine(DataDirectory, "journal.db"))) await Verify.CleanAsync(DataDirectory);
        if (Node is not null) await Node.DisposeAsync();
        Upstream.Dispose();
        _folder.Dispose();
    }
}

/// <summary>A node with the default settings, for the tests of one class.</summary>
public sealed class DefaultNode() : MeshNode([]);

/// <summary>A test of a <see cref="MeshNode"/>; shows what the node logged when it fails.</summary>
public abstract class MeshTest(MeshNode fixture, Xunit.Abstractions.ITestOutputHelper output) : IDisposable
{
    protected NodeProcess Node => fixture.Node;

    protected ScriptedUpstream Upstream => fixture.Upstream;

    /// <summary>A host's VIP, or the last one that it had: IPv4, IPv6 and state; null when it never had one.</summary>
    protected async Task<(string IPv4, string IPv6, string State)?> VipOfAsync(string host)
    {
        var items = (await Node.GetAsync($"/v1/vips?q={host}")).Done["items"]!.AsArray();
        return items.Where(vip => (string?)vip!["host"] == host).OrderBy(vip => (string?)vip!["state"] != "leased").FirstOrDefault() is { } found ? ((string)found["ipv4"]!, (string)found["ipv6"]!, (string)found["state"]!) : null;
    }

    /// <summary>A number of the pool: capacity, leased, quarantined, reserved, excluded or free.</summary>
    protected async Task<int> PoolAsync(string state) => (int)(await Node.GetAsync("/v1/cluster")).Done["vips"]![state]!;

    public void Dispose()
    {
        output.WriteLine("The node's log:\n" + fixture.Node?.Log);
        GC.SuppressFinalize(this);
    }
}
