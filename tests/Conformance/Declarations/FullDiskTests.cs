using System.Diagnostics;
using System.Net;
using MeshDns.Conformance.Harness;
using MeshDns.Tests.Shared;
using Xunit.Abstractions;

namespace MeshDns.Conformance.Declarations;

/// <summary>A node whose data directory has no room left: a file system of a few megabytes, made and filled by the test.</summary>
public sealed class FullDiskTests(ITestOutputHelper output) : IAsyncLifetime
{
    private readonly ScratchFolder _folder = new();
    private readonly ScriptedUpstream _upstream = new();
    private NodeProcess? _node;

    private string Data => _folder["data"];

    public async Task InitializeAsync()
    {
        Directory.CreateDirectory(Data);
        await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m,mode=0700", "meshdns-full-disk", Data);
    }

    public async Task DisposeAsync()
    {
        output.WriteLine("The node's log:\n" + _node?.Log);
        if (_node is not null) await _node.DisposeAsync();
        await RunAsync("umount", "-l", Data);
        _upstream.Dispose();
        _folder.Dispose();
    }

    [MountFact]
    public async Task Names_and_reads_are_answered_changes_say_why_not_and_all_resumes_when_there_is_room()
    {
        var node = _node = await NodeProcess.StartAsync(Data, $"upstream.servers={_upstream.Address}");
        _ = (await node.ApplyAsync(Manifest.Vip("known", "known.test"))).Done;
        var vip = await node.AddressesAsync("known.test");
        var export = (await node.GetAsync("/v1/export")).Text;
        Fill();

        // Until the first append fails there may be room left in pages that are there.
        var refused = await node.ApplyAsync(Manifest.Vip("n0", "n0.test"));
        for (var i = 1; i < 200 && refused.Status == HttpStatusCode.OK; i++) refused = await node.ApplyAsync(Manifest.Vip($"n{i}", $"n{i}.test"));
        Assert.Contains(refused.Status, (HttpStatusCode[])[HttpStatusCode.ServiceUnavailable, HttpStatusCode.GatewayTimeout]);
        Assert.Contains("full", refused.Text, StringComparison.Ordinal);
        var lines = node.Log.Split('\n').Length;
        var again = await node.ApplyAsync(Manifest.Vip("another", "another.test"));
        again.Refused(HttpStatusCode.ServiceUnavailable);
        Assert.Contains("full", again.Text, StringComparison.Ordinal);

        Assert.Equal(vip, await node.AddressesAsync("known.test"));
        Assert.Equal("known.test", (string?)(await node.GetAsync("/v1/hosts/known.test")).Done["host"]);
        Assert.StartsWith(export[..export.IndexOf("known.test", StringComparison.Ordinal)], (await node.GetAsync("/v1/export")).Text, StringComparison.Ordinal);
        var ready = await node.GetAsync("/readyz");
        Assert.Equal("ready, not writable", (string?)ready.Done["status"]);
        Assert.Contains("full", (string?)ready.Done["reason"], StringComparison.Ordinal);
        // One line a state, not one a try.
        await Task.Delay(TimeSpan.FromSeconds(3));
        Assert.InRange(node.Log.Split('\n').Length, lines, lines + 6);

        File.Delete(Path.Combine(Data, "lost+found", "ballast"));
        await node.PollAsync(async () => (await node.ApplyAsync(Manifest.Vip("after", "after.test"))).Status == HttpStatusCode.OK, "changes are possible again");
        await node.PollAsync(async () => (string?)(await node.GetAsync("/readyz")).Done["status"] == "ready", "it is writable");
        Assert.Equal(vip, await node.AddressesAsync("known.test"));
        Assert.Equal(0, await node.StopAsync());
        await Verify.CleanAsync(Data);
    }

    private void Fill()
    {
        Directory.CreateDirectory(Path.Combine(Data, "lost+found"));
        using var ballast = new FileStream(Path.Combine(Data, "lost+found", "ballast"), FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            var page = new byte[4096];
            while (true) ballast.Write(page);
        }
        catch (IOException)
        {
            // That is full.
        }
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        if (MountFactAttribute.WhyNot is not null) return;
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{program}: {error}");
    }
}

/// <summary>A test that mounts a file system, where that may be done: not everywhere by root, as in a container that is not privileged.</summary>
public sealed class MountFactAttribute : FactAttribute
{
    private static readonly Lazy<string?> _whyNot = new(Try);

    public MountFactAttribute() => Skip = WhyNot;

    public static string? WhyNot => _whyNot.Value;

    private static string? Try()
    {
        // In a mount namespace of its own: nothing of it stays.
        using var process = Process.Start(new ProcessStartInfo("unshare", ["-m", "mount", "-t", "tmpfs", "meshdns-try", Path.GetTempPath()]) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : "no file system can be mounted here: " + error;
    }
}
